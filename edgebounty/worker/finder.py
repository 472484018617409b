"""Finds the next task: asks the orchestrator, or the chain itself when there is none or it does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import BlockRef
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.types import Address, JobId, TaskIndex
from edgebounty.worker.checks import Checker, Work
from edgebounty.worker.content import TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.link import Backoff, Offer, OrchestratorLink, OrchestratorUnreachable
from edgebounty.worker.sandbox import Sandbox, SandboxCrashed, SandboxTimeout, TaskRefused
from edgebounty.worker.scan import ChainScan

EXAMINE_SECONDS = 30.0
_LOOKED_AT = 16
_SAID_SECONDS = 30.0

Key = tuple[JobId, TaskIndex]


class Finder:
    """Used from one thread at a time; its reasons may be read from others."""

    def __init__(
        self,
        *,
        market: MarketContracts,
        checker: Checker,
        content: TaskContent,
        sandbox: Sandbox,
        link: OrchestratorLink | None,
        worker: Address,
        is_taken: Callable[[Key], bool],
    ) -> None:
        self._market = market
        self._checker = checker
        self._content = content
        self._sandbox = sandbox
        self._link = link
        self._worker = worker
        self._is_taken = is_taken
        self._scan = ChainScan(market)
        self._backoff = Backoff()
        self._not_before: dict[Key, float] = {}
        self._said: dict[str, tuple[float, str]] = {}
        self._given_up: dict[JobId, Refused] = {}
        self._examined: set[Cid] = set()  # manifests whose programs passed; what passes once always does
        self.orchestrator_error: str | None = None
        self.orchestrator_reason: str | None = None
        self.open_jobs: int | None = None

    def find(self, block: BlockRef) -> Work | None:
        """A task that may be claimed as at `block`, the latest, with all its content here, or None.

        Raises `ChainError`, `SandboxStopped`.
        """
        now = time.monotonic()
        offers = self._offers(block)
        refused = 0
        for offer in offers:
            given_up = self._given_up.get(offer.job_id)
            if given_up is not None:
                self._said[given_up.code] = (now, given_up.text)
                continue
            if self._is_taken(offer.key) or self._not_before.get(offer.key, 0.0) > now:
                continue
            try:
                return self._prepared(self._checker.claimable(offer, block))
            except Refused as refusal:
                self.note(offer.key, refusal)
            except ContractRejected as error:  # undone between two reads
                self.note(offer.key, Refused("job_unknown", str(error)))
            refused += 1
            if refused >= _LOOKED_AT:
                break
        return None

    def prepare(self, job_id: JobId, index: TaskIndex) -> Work:
        """The work of a task that this worker has claimed already. Raises `Refused` and like `find`."""
        block = self._market.block()
        return self._prepared(self._checker.work(job_id, index, self._market.terms(job_id, block.number), block.number))

    def note(self, key: Key, refusal: Refused) -> None:
        """Leave a task alone for a while, and remember why."""
        now = time.monotonic()
        self._said[refusal.code] = (now, refusal.text)
        pause = refusal.for_seconds
        self._not_before[key] = float("inf") if pause is None else now + pause
        if len(self._not_before) > 10_000:
            self._not_before = {k: t for k, t in self._not_before.items() if t > now}

    def give_up_job(self, job_id: JobId, refusal: Refused) -> None:
        """Take no more tasks of a job whose task failed here: each would cost another no-show fee."""
        self._given_up[job_id] = refusal

    @property
    def refusals(self) -> dict[str, str]:
        """Why tasks were not taken lately: the latest text for each code."""
        now = time.monotonic()
        return {code: text for code, (at, text) in list(self._said.items()) if now - at < _SAID_SECONDS}

    def forget_refusals(self) -> None:
        """A task was taken: what stood in the way before is past."""
        self._said.clear()

    def _prepared(self, work: Work) -> Work:
        self._content.prefetch(work.manifest, work.spec, work.results)
        if work.manifest.cid in self._examined:
            return work
        try:
            self._sandbox.examine(work.sandbox_task, seconds=EXAMINE_SECONDS)
        except TaskRefused as error:
            text = f"job {work.job_id}: {error}; the requester has to change it"
            raise Refused("program_rejected", text, for_seconds=None) from error
        except (SandboxTimeout, SandboxCrashed) as error:
            text = f"job {work.job_id}: its program could not be prepared: {error}"
            raise Refused("program_rejected", text, for_seconds=60.0) from error
        if len(self._examined) > 1_000:
            self._examined.clear()
        self._examined.add(work.manifest.cid)
        return work

    def _offers(self, block: BlockRef) -> tuple[Offer, ...]:
        if self._link is not None and self._backoff.ready:
            try:
                answer = self._link.work(self._worker)
            except OrchestratorUnreachable as error:
                self.orchestrator_error = str(error)
                self._backoff.failed()
            else:
                self.orchestrator_error = None
                self.orchestrator_reason = answer.reason
                self._backoff.worked()
                return answer.offers
        if self._link is not None and self.orchestrator_error is None:
            return ()
        picture = self._scan.look(block)
        self.open_jobs = picture.open_jobs(block.time)
        return picture.offers(self._worker, now=block.time, limit=4 * _LOOKED_AT)
