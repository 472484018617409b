"""The content loops: check jobs' inputs before anything is offered, and see that settled outputs do not vanish."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from edgebounty.protocol.types import Digest
from orchestrator.app.books import Books
from orchestrator.app.failpoint import Step, failpoint
from orchestrator.domain.decide import decide
from orchestrator.domain.due import is_in_our_batches
from orchestrator.domain.effects import LoadManifest, Recompute, Unpin
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.values import Job, JobId, ManifestStatus, Task, TaskStatus
from orchestrator.ports.content import ContentKeeper
from orchestrator.ports.store import MarketStore, Order, OrderStatus, Outbox

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_SECONDS = 5.0
_SWEEP_SECONDS = 600.0


class Contents:
    """Steps of the content loops. Nothing here costs money, so unfinal jobs are prepared too."""

    def __init__(
        self,
        *,
        keeper: ContentKeeper,
        store: MarketStore,
        outbox: Outbox,
        books: Books,
        recompute_after_blocks: int,
        batch_results: Callable[[JobId], dict[int, Digest]] = lambda job: {},
    ) -> None:
        """`batch_results`: the accepted digests of a batch-lane job."""
        self._keeper = keeper
        self._store = store
        self._outbox = outbox
        self._books = books
        self._recompute_after = recompute_after_blocks
        self._batch_results = batch_results
        self._next_look: dict[Digest, tuple[float, float]] = {}
        self._missing_since: dict[str, int] = {}
        self._next_check: dict[str, float] = {}
        self._next_sweep = time.monotonic() + _SWEEP_SECONDS
        self.recomputed = 0
        self.disputed: list[str] = []

    async def load_step(self) -> None:
        """Look at every open job of ours whose content is not complete."""
        for job in list(self._books.soft.open_jobs()):
            if self._is_due(job):
                await self._load(job)

    def wake(self) -> None:
        """Somebody brought bytes: look again at once."""
        self._next_look.clear()

    async def output_step(self) -> None:
        """Check settled outputs; compute one that nobody brought."""
        late: list[tuple[Order, Job, Task]] = []
        for order in await asyncio.to_thread(self._outbox.orders, OrderStatus.OPEN):
            match order.effect:
                case Recompute():
                    late += await self._check_output(order, order.effect)
                case Unpin():
                    await self._unpin(order, order.effect)
                case LoadManifest():
                    await self._done(order, "taken up")  # the job's own status is followed from here on
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + _SWEEP_SECONDS
            if freed := await self._keeper.sweep():
                _log.info("content that nothing needs was deleted", extra={"freed": freed})
        for order, job, task in late[:1]:  # one a time: checking the others must not wait for a long computation
            await self._recompute(order, job, task)

    def _is_due(self, job: Job) -> bool:
        digest = job.terms.manifest_digest
        known = self._books.soft.manifests.get(digest)
        if job.terms.orchestrator != self._books.policy.me or job.ended(self._books.soft.block.time):
            return False
        if known is not None and known.status is not ManifestStatus.WAITING:
            return False
        return time.monotonic() >= self._next_look.get(digest, (0.0, 0.0))[0]

    async def _load(self, job: Job) -> None:
        digest = job.terms.manifest_digest
        fact = await self._keeper.load(job)
        pause = min(_LONGEST_PAUSE_SECONDS, max(0.2, self._next_look.get(digest, (0.0, 0.0))[1] * 2))
        self._next_look[digest] = (time.monotonic() + pause, pause)
        decision = decide(self._books.final, fact)
        if all(self._books.final.manifests.get(each.digest) == each for each in decision.manifests):
            return
        failpoint(Step.CONTENT_CHECKED)
        await asyncio.to_thread(self._store.save_local, decision)
        failpoint(Step.CONTENT_SAVED)
        self._books.final.apply(decision)
        self._books.local_changes += 1
        status = decision.manifests[0]
        _log.info("content", extra={"job": job.id, "status": status.status.value, "detail": status.detail})

    async def _check_output(self, order: Order, effect: Recompute) -> list[tuple[Order, Job, Task]]:
        job = self._books.final.jobs[effect.task.job_id]
        task = self._books.final.tasks[effect.task]
        if time.monotonic() < self._next_check.get(order.key, 0.0):
            return []
        try:
            found = await self._ensure_output(job, task)
        except Unavailable as error:  # not even the job's manifest is here
            if order.key not in self._next_check:
                _log.info("output not checked", extra={"task": str(task.id), "reason": error.reason})
            self._next_check[order.key] = time.monotonic() + _LONGEST_PAUSE_SECONDS
            return []
        if found:
            self._missing_since.pop(order.key, None)
            await self._done(order, "stored")
            failpoint(Step.OUTPUT_CLOSED)
            return []
        now = self._books.final.block.number
        since = self._missing_since.setdefault(order.key, now)
        return [(order, job, task)] if now - since >= self._recompute_after else []

    async def _ensure_output(self, job: Job, task: Task, results: dict[int, Digest] | None = None) -> bool:
        manifest = await self._keeper.manifest(job.terms.manifest_digest)
        return await self._keeper.ensure_output(manifest, int(task.id.index), task.result, results)

    async def _recompute(self, order: Order, job: Job, task: Task) -> None:
        try:
            await self._ensure_output(job, task, self._results(job))
        except Unavailable as error:
            self._missing_since[order.key] = self._books.final.block.number  # its inputs may come meanwhile
            _log.warning("withheld output not computed", extra={"task": str(task.id), "reason": error.reason})
            return
        except Rejected as refused:
            self.disputed.append(f"job {job.id}: {refused.reason}")
            _log.error("settled result is wrong", extra={"task": str(task.id), "reason": refused.reason})
            await self._done(order, f"disputed: {refused.reason}")
            return
        failpoint(Step.OUTPUT_COMPUTED)
        self.recomputed += 1
        _log.info("withheld output computed here", extra={"job": job.id, "task": str(task.id)})
        await self._done(order, "computed here")

    async def _unpin(self, order: Order, effect: Unpin) -> None:
        job = self._books.final.jobs[effect.job_id]
        me = self._books.policy.me
        others = [o for o in self._books.final.open_jobs() if o.id != job.id and o.terms.orchestrator == me]
        results = self._batch_results(job.id) if is_in_our_batches(self._books.final, job) else self._results(job)
        released = await self._keeper.unpin(job, results, others)
        failpoint(Step.UNPINNED)
        _log.info("content of an ended job is no longer kept", extra={"job": job.id, "files": released})
        await self._done(order, f"{released} files released")

    def _results(self, job: Job) -> dict[int, Digest]:
        """The settled digest of every task of the job so far."""
        tasks = self._books.final.tasks_of(job.id)
        return {int(task.id.index): task.result for task in tasks if task.status is TaskStatus.SETTLED}

    async def _done(self, order: Order, detail: str) -> None:
        await asyncio.to_thread(self._outbox.update, replace(order, status=OrderStatus.DONE, detail=detail))
