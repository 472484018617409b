"""One task from the first look to its sealed result: found, claimed, run. A worker has one such attempt at a time.

The slow steps run in one thread beside the worker's loop; the loop only looks whether they are done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from edgebounty.chain.errors import ChainError, NodeUnreachable
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import BlockRef
from edgebounty.programs.runtime import Execution
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import new_salt
from edgebounty.protocol.types import Address, JobId, TaskIndex
from edgebounty.worker.checks import Work
from edgebounty.worker.claims import OpenClaims
from edgebounty.worker.content import TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.failpoint import Step, failpoint
from edgebounty.worker.finder import Finder
from edgebounty.worker.journal import Entry, Journal, JournalError
from edgebounty.worker.sandbox import SandboxCrashed, SandboxError, SandboxStopped, SandboxTimeout
from edgebounty.worker.transactions import Landed, Transactions

LOGGER = logging.getLogger(__name__)
MAX_CRASHES = 3
JUST_SECONDS = 0.3
BEGIN_SECONDS = 0.01


class Phase(StrEnum):
    FINDING = "looking for a task"
    PREPARING = "preparing"  # a task claimed before this process began
    CLAIMING = "claiming"
    RUNNING = "running"


@dataclass(slots=True, kw_only=True)
class Attempt:
    """`entry` is None until a claim is noted down in the journal."""

    phase: Phase
    finding: Future[Work | None] | None = None
    running: Future[Execution] | None = None
    work: Work | None = None
    entry: Entry | None = None
    claimed_at: float = float("-inf")  # monotonic; while the claim is on its way
    begun_at: float = float("-inf")

    @property
    def key(self) -> tuple[JobId, TaskIndex] | None:
        if self.work is not None:
            return self.work.key
        return None if self.entry is None else self.entry.key

    @property
    def has_task(self) -> bool:
        return self.phase is not Phase.FINDING

    @property
    def name(self) -> str:
        key = self.key
        return self.phase.value if key is None else f"{self.phase.value} job {key[0]} task {key[1]}"


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """The attempt in hand. All methods are for the worker's loop; `execute` runs in the pipeline's thread."""

    market: MarketContracts
    journal: Journal
    transactions: Transactions
    content: TaskContent
    finder: Finder
    claims: OpenClaims
    worker: Address
    execute: Callable[[Work], Execution]
    wake: Callable[[], None]
    attempt: Attempt | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="task"))
    _crashes: dict[tuple[JobId, TaskIndex], int] = field(default_factory=dict)
    _next_look_at: float = 0.0

    @property
    def has_task(self) -> bool:
        """Whether a task is being claimed or run, and not only looked for."""
        return self.attempt is not None and self.attempt.has_task

    @property
    def has_just_claimed(self) -> bool:
        """Whether a claim was sent a moment ago: on a quick chain it is about to be in a block."""
        attempt = self.attempt
        return attempt is not None and time.monotonic() - attempt.claimed_at < JUST_SECONDS

    @property
    def has_just_begun(self) -> bool:
        """Whether a run was begun in this instant: the sandbox has yet to be told."""
        return self.attempt is not None and time.monotonic() - self.attempt.begun_at < BEGIN_SECONDS

    @property
    def is_running(self) -> bool:
        return self.attempt is not None and self.attempt.phase is Phase.RUNNING

    def look(self, block: BlockRef) -> None:
        """Begin to look for a task as at `block`, unless something is in hand or it is too early to look again."""
        if self.attempt is None and time.monotonic() >= self._next_look_at:
            future = self._thread.submit(self.finder.find, block)
            self.attempt = Attempt(phase=Phase.FINDING, finding=future)
            future.add_done_callback(self._woken)

    def resume(self, entry: Entry) -> bool:
        """Take up a claim that stands on chain and has no result: from before a restart, or after a crash."""
        if self.attempt is not None and (self.attempt.has_task or not self._cancelled(self.attempt)):
            return False
        LOGGER.info("job %s task %s: taking up the claim again", *entry.key)
        future: Future[Work | None] = self._thread.submit(self.finder.prepare, *entry.key)
        self.attempt = Attempt(phase=Phase.PREPARING, finding=future, entry=entry)
        future.add_done_callback(self._woken)
        return True

    def step(self, *, may_claim: bool, look_again_seconds: float) -> bool:
        """Carry the attempt one phase further if it is ready; True when it moved.

        Raises `ChainError` when the node fails and `JournalError` when the disk does; nothing is lost then.
        """
        attempt = self.attempt
        if attempt is None:
            return False
        if attempt.finding is not None and attempt.phase in (Phase.FINDING, Phase.PREPARING):
            return attempt.finding.done() and self._step_found(attempt, attempt.finding, may_claim, look_again_seconds)
        if attempt.phase is Phase.RUNNING and attempt.running is not None:
            return attempt.running.done() and self._step_ran(attempt, attempt.running)
        return False

    def note_landed(self, done: Landed) -> None:
        """The claim is in a block, or will never be."""
        attempt = self.attempt
        if attempt is None or attempt.key is None or done.key != (*attempt.key, "claim"):
            return
        if done.error is None:
            self._run(attempt)
        else:
            self._lost_claim(attempt, done.error)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _step_found(
        self, attempt: Attempt, future: Future[Work | None], may_claim: bool, look_again_seconds: float
    ) -> bool:
        self.attempt = None
        try:
            work = future.result()
        except SandboxStopped:
            return False
        except Refused as refusal:  # of a claim that was made before
            if attempt.entry is not None:
                self._leave(attempt.entry, refusal)
            return False
        if work is None:
            self._next_look_at = time.monotonic() + look_again_seconds
            return False
        attempt.work = work
        if attempt.phase is Phase.PREPARING:
            self._run(attempt)
            return True
        return may_claim and self._claim(attempt, work)

    def _claim(self, attempt: Attempt, work: Work) -> bool:
        call = self.market.claim(*work.key)
        try:
            gas = self.transactions.sender.gas_for(call)
        except NodeUnreachable:
            raise
        except ChainError as error:  # somebody was faster
            self.finder.note(work.key, Refused("wave_full", str(error)))
            return True
        attempt.entry = self.journal.open_entry(
            Entry(
                job_id=work.job_id,
                task_index=work.task_index,
                opened_at=time.time(),
                basis=work.basis,
                stake=work.terms.stake_per_claim,
                price=work.terms.slot_price,
            )
        )
        failpoint(Step.CLAIM_NOTED)
        attempt.phase = Phase.CLAIMING
        self.attempt = attempt
        try:
            self.transactions.post((*work.key, "claim"), call, gas=gas)
        except NodeUnreachable:
            raise
        except ChainError as error:
            self._lost_claim(attempt, error)
            return True
        failpoint(Step.CLAIM_SENT)
        attempt.claimed_at = time.monotonic()
        self.finder.forget_refusals()
        return True

    def _lost_claim(self, attempt: Attempt, error: ChainError) -> None:
        """Leave its entry to `OpenClaims`: it looks whether the claim is there after all."""
        assert attempt.entry is not None
        self.attempt = None
        self.finder.note(attempt.entry.key, Refused("wave_full", str(error)))

    def _run(self, attempt: Attempt) -> None:
        assert attempt.work is not None
        attempt.phase, attempt.claimed_at, attempt.begun_at = Phase.RUNNING, float("-inf"), time.monotonic()
        attempt.running = self._thread.submit(self.execute, attempt.work)
        self.attempt = attempt
        attempt.running.add_done_callback(self._woken)
        LOGGER.info("job %s task %s: running", *attempt.work.key)

    def _step_ran(self, attempt: Attempt, future: Future[Execution]) -> bool:
        entry, work = attempt.entry, attempt.work
        assert entry is not None
        assert work is not None
        self.attempt = None
        try:
            done = future.result()
        except SandboxStopped:
            return False
        except SandboxError as error:
            self._no_result(entry, error)
            return True
        failpoint(Step.RUN_DONE)
        cid = self._keep(done.output)
        self.journal.seal(
            entry,
            basis=work.basis,
            digest=cid.digest,
            salt=new_salt(),
            output_cid=str(cid),
            work_units=done.work_units,
            seconds=done.seconds,
        )
        failpoint(Step.SEALED)
        LOGGER.info("job %s task %s: result %s in %.2f s", *entry.key, cid, done.seconds)
        self._crashes.pop(entry.key, None)
        return True

    def _keep(self, output: bytes) -> Cid:
        try:
            return self.content.keep_output(output)
        except OSError as error:
            raise JournalError(
                f"the result cannot be written to {self.content.folder} ({error.strerror}); nothing was committed: "
                "free the disk and start again"
            ) from error

    def _no_result(self, entry: Entry, error: SandboxError) -> None:
        LOGGER.warning("job %s task %s: %s", *entry.key, error)
        self._crashes[entry.key] = self._crashes.get(entry.key, 0) + 1
        if isinstance(error, SandboxCrashed) and self._crashes[entry.key] < MAX_CRASHES:
            return
        code = "time_short" if isinstance(error, SandboxTimeout) else "task_failed_here"
        refusal = Refused(code, f"job {entry.job_id}: {error}", for_seconds=None)
        self.finder.give_up_job(entry.job_id, refusal)
        self._leave(entry, refusal)

    def _leave(self, entry: Entry, refusal: Refused) -> None:
        """Give a claim up; tried again later where waiting may help."""
        if refusal.for_seconds is None:
            self.claims.given_up[entry.key] = f"{refusal.text}; the claim will expire, which costs the no-show fee"
        self.finder.note(entry.key, refusal)

    def _cancelled(self, attempt: Attempt) -> bool:
        """Whether a search could be called off; one that has begun is done in a moment."""
        return attempt.finding is not None and attempt.finding.cancel()

    def _woken(self, _: object) -> None:
        self.wake()
