"""The watchtower's rounds: read final blocks, draw, fetch, run again, compare, remember. The rules are in `rules`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edgebounty.chain.batches import BatchContracts
from edgebounty.chain.errors import ChainError
from edgebounty.chain.events import JobPosted, TaskSettled
from edgebounty.chain.following import Followed
from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.sender import Sender
from edgebounty.client.errors import Rejected
from edgebounty.client.market import Market
from edgebounty.client.verification import check_terms, rerun
from edgebounty.content.store import ContentError
from edgebounty.execution import JobFailed, fetcher
from edgebounty.jobs.check import JobError
from edgebounty.jobs.shape import describe
from edgebounty.programs.errors import ProgramRejected, RuntimeUnavailable
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.batch.known import Known
from edgebounty.protocol.batch.wire import DIGEST_BYTES
from edgebounty.protocol.cid import Cid, raw_cid
from edgebounty.protocol.manifest import Manifest, ManifestError
from edgebounty.protocol.types import Digest
from edgebounty.watchtower import journal as states
from edgebounty.watchtower import rules
from edgebounty.watchtower.batch.tower import BatchTower
from edgebounty.watchtower.journal import Journal
from edgebounty.watchtower.rules import Finding, Kind, Settled

BLOCKS_AT_ONCE: Final = 2_000
LEDGER_SECONDS: Final = 3600.0

Tell = Callable[[Finding], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How far a watchtower is. `behind` are final blocks that it has not read."""

    final_block: int
    behind: int
    right: int
    wrong: int
    skipped: int
    waiting: int
    missing: int
    alarms: int
    batches: int = 0
    challenged: int = 0


class InputsUnknown(Exception):
    """A receipt keeps a part of its digest only, so outputs of the batch lane cannot be fetched by what is on chain."""


class Tower:
    """Watches one market. `share` of the settled tasks are run again, 1 for all of them."""

    def __init__(
        self, market: Market, journal: Journal, *, share: float, tell: Tell, sender: Sender | None = None
    ) -> None:
        self._market = market
        self._journal = journal
        self._share = share
        self._tell = tell
        self._final = 0
        self._books_at = float("-inf")
        self._batches_seen = 0
        self._sender = sender
        self._batches: BatchTower | None = None

    def round(self, *, once: bool = False) -> None:
        """Judges and challenges what batches are open, reads what else is final and new, then looks at every drawn task
        that is due (at all of them with `once`).

        Raises `ChainError` when the node does not answer; nothing is lost then.
        """
        problem: ChainError | None = None
        try:
            self._batches = self._batches or self._lane_tower()
            self._batches_seen = self._batches.round(once=once)
        except ChainError as error:  # an account without coin, say, is no reason not to look at the rest
            problem = error
        self._read()
        for settled, tries, lacked in self._journal.waiting(None if once else time.time()):
            self._look(settled, tries, lacked)
            self._tell_all()
        if once or time.monotonic() - self._books_at >= LEDGER_SECONDS:
            self._check_books()
        self._tell_all()
        if problem is not None:
            raise problem

    def health(self) -> Health:
        counts = self._journal.counts()
        return Health(
            final_block=self._final,
            behind=max(self._final + 1 - self._journal.next_block, 0),
            right=counts[states.RIGHT],
            wrong=counts[states.WRONG] + counts[states.UNRUNNABLE],
            skipped=counts[states.SKIPPED],
            waiting=counts[states.WAITING] - counts["missing"],
            missing=counts["missing"] + (len(self._batches.unjudged) if self._batches else 0),
            alarms=self._journal.alarms(),
            batches=self._batches_seen,
            challenged=self._journal.count(Kind.CHALLENGED),
        )

    def _read(self) -> None:
        contracts = self._market.contracts
        self._final = contracts.final_block().number
        while (first := self._journal.next_block) <= self._final:
            last = min(self._final, first + BLOCKS_AT_ONCE - 1)
            settled: list[tuple[Settled, bool]] = []
            findings: list[Finding] = []
            for event in contracts.events.fetch_halving(contracts.web3, from_block=first, to_block=last):
                if isinstance(event, JobPosted):
                    findings += self._check_job(event.job_id)
                elif isinstance(event, TaskSettled):
                    one = Settled(
                        job_id=event.job_id,
                        task=event.task_index,
                        digest=Digest(event.result_digest),
                        tx_hash=event.ref.tx_hash,
                        block=event.ref.block_number,
                    )
                    drawn = rules.is_drawn(self._journal.secret, one.job_id, one.task, self._share)
                    settled.append((one, drawn))
            self._journal.passed(last + 1, settled, findings)
            self._tell_all()

    def _lane_tower(self) -> BatchTower:
        return BatchTower(
            BatchContracts(self._market.contracts),
            self._market.content,
            self._journal,
            sender=self._sender,
            tell=self._tell_all,
            on_judged=self._draw_receipts,
        )

    def _check_job(self, job_id: int) -> list[Finding]:
        """Terms against manifest. A job whose manifest is not served yet is checked again with its first drawn task."""
        job = self._market.job(job_id)
        manifest_cid = raw_cid(job.terms.manifest_digest)
        try:
            check_terms(job, self._market.manifest(job))
        except ContentError as error:
            return [rules.missing(job_id, error.cid, error.detail, manifest=None, since=_now())]
        except ManifestError as error:
            return [rules.bad_terms(job_id, f"its manifest is no manifest: {error}", manifest_cid)]
        except Rejected as error:
            return [rules.bad_terms(job_id, error.what, manifest_cid)]
        return []

    def _look(self, settled: Settled, tries: int, lacked: str | None) -> None:
        job = self._market.job(settled.job_id)
        manifest_cid = raw_cid(job.terms.manifest_digest)
        manifest: Manifest | None = None
        try:
            manifest = self._market.manifest(job)
            check_terms(job, manifest)
            computed = self._run(settled, manifest)
        except InputsUnknown:
            self._journal.looked(settled, states.SKIPPED, [])
            return
        except ContentError as error:
            found = rules.missing(settled.job_id, error.cid, error.detail, manifest=manifest, since=_now())
            self._journal.in_vain(settled, str(error.cid), time.time() + rules.retry_after(tries + 1), [found])
            return
        except RuntimeUnavailable as error:
            found = rules.not_run(settled, str(error))
            self._journal.in_vain(settled, None, time.time() + rules.retry_after(tries + 1), [found])
            return
        except ManifestError as error:
            found = rules.bad_terms(settled.job_id, f"its manifest is no manifest: {error}", manifest_cid)
            self._journal.looked(settled, states.UNRUNNABLE, [found])
            return
        except Rejected as error:
            found = rules.bad_terms(settled.job_id, error.what, manifest_cid)
            self._journal.looked(settled, states.UNRUNNABLE, [found])
            return
        except (JobError, JobFailed, ProgramRejected) as error:
            self._journal.looked(settled, states.UNRUNNABLE, [rules.unrunnable(settled, str(error))])
            return
        findings = [] if lacked is None else [rules.back(settled.job_id, Cid.parse(lacked), _now())]
        right = computed[: len(settled.digest)] == settled.digest  # a receipt keeps 27 bytes of it
        if not right:
            findings.append(rules.wrong_result(settled, computed, manifest, manifest_cid))
        self._journal.looked(settled, states.RIGHT if right else states.WRONG, findings)

    def _run(self, settled: Settled, manifest: Manifest) -> Digest:
        """The digest that the task gives here, from what the chain says its inputs' digests are."""
        spec = describe(manifest, settled.task)
        needed = [*spec.input_tasks, *([] if spec.state_task is None else [spec.state_task])]
        if needed and len(settled.digest) == DIGEST_BYTES:
            raise InputsUnknown
        digests = self._market.contracts.results(settled.job_id, needed) if needed else []
        paid: dict[int, Digest] = {
            task: digest for task, digest in zip(needed, digests, strict=True) if digest is not None
        }
        lost = sorted(set(needed) - paid.keys())
        if lost:
            raise JobError(f"it was settled before its input tasks {lost}")
        runtime = Runtime(memory_bytes=manifest.limits.memory_bytes)
        (check,) = rerun(
            manifest,
            {**paid, settled.task: settled.digest},
            fetcher(self._market.content, manifest),
            runtime,
            only=(settled.task,),
        )
        return check.computed

    def _draw_receipts(self, batch: Followed, known: Known) -> None:
        """Of a batch that keeps every rule all receipts of a task have one digest: each task is drawn once."""
        paid: dict[int, Settled] = {}
        for bundle in known.bundles:
            for receipt in bundle.receipts:
                paid[receipt.task] = Settled(
                    job_id=batch.header.job,
                    task=receipt.task,
                    digest=Digest(receipt.digest),
                    tx_hash=bytes.fromhex(batch.tx_hash[2:]),
                    block=batch.block,
                )
        secret, share = self._journal.secret, self._share
        self._journal.paid((one, rules.is_drawn(secret, one.job_id, one.task, share)) for one in paid.values())

    def _check_books(self) -> None:
        books = read_ledger(self._market.contracts, block_number=self._final)
        found = rules.insolvent(books.block_number, books.difference, books.surplus)
        self._journal.note([] if found is None else [found])
        self._books_at = time.monotonic()

    def _tell_all(self) -> None:
        """At least once: what was told and not yet noted as told when we were killed is told again."""
        for number, finding in self._journal.untold():
            self._tell(finding)
            self._journal.told(number)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
