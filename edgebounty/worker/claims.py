"""The claims that are open: each is committed, uploaded, revealed and closed when the chain says that it is time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from edgebounty.chain.errors import ChainError, ContractRejected, NodeUnreachable
from edgebounty.chain.events import TaskEvent
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import BlockRef, ClaimLook, ClaimStatus
from edgebounty.content.store import ContentError
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.types import Address, JobId, TaskIndex
from edgebounty.worker.checks import Checker
from edgebounty.worker.content import TaskContent
from edgebounty.worker.decide import NextStep, Step, next_step
from edgebounty.worker.explain import Refused
from edgebounty.worker.failpoint import Step as Failpoint
from edgebounty.worker.failpoint import failpoint
from edgebounty.worker.journal import Entry, Journal, Outcome
from edgebounty.worker.transactions import Transactions

LOGGER = logging.getLogger(__name__)
UPLOAD_PATIENCE_SECONDS = 5.0
"""An upload that takes longer does not hold up the reveal: silence would cost the stake."""
JOB_PATIENCE_SECONDS = 600.0
LOOK_AT_ALL_SECONDS = 5.0
FINAL_LOOK_SECONDS = 1.0
LOG_SPAN_BLOCKS = 1_000

Key = tuple[JobId, TaskIndex]


@dataclass(slots=True, kw_only=True)
class _Upload:
    future: Future[bool]
    started_at: float
    worked: bool = False
    next_try_at: float = 0.0


@dataclass(slots=True, kw_only=True)
class OpenClaims:
    """All of one worker's open claims. One thread; uploads run beside it."""

    market: MarketContracts
    journal: Journal
    transactions: Transactions
    content: TaskContent
    checker: Checker
    worker: Address
    uploads: ThreadPoolExecutor
    on_closed: Callable[[Entry], None]
    is_leaving: Callable[[], bool] = lambda: False  # this worker is to end once its claims are over
    clock: Callable[[], float] = time.monotonic
    steps: dict[Key, NextStep] = field(default_factory=dict)  # the latest look at each
    given_up: dict[Key, str] = field(default_factory=dict)  # cannot be run or committed here, and why
    _ended: dict[Key, tuple[Outcome | None, BlockRef]] = field(
        default_factory=dict
    )  # seen to have ended, at which block
    _uploads: dict[Key, _Upload] = field(default_factory=dict)
    _has_looked: bool = False
    _seen: BlockRef | None = None
    _looked_at_all: float = float("-inf")
    _next_final_look: float = float("-inf")

    def advance(self, block: BlockRef, *, in_hand: Key | None) -> Entry | None:
        """Do what is due as at `block`. Returns a claim that still has to be run, if there is one.

        `in_hand` is the task that the sandbox has now. Raises `ChainError` when the node fails, `JournalError`.
        """
        entries = self.journal.open_entries()
        touched = self._touched(block) if entries else set()
        looked = self._look([entry for entry in entries if touched is None or self._is_due(entry, touched)], block)
        self.steps = {entry.key: looked.get(entry.key) or self.steps[entry.key] for entry in entries}
        self._ended = {key: seen for key, seen in self._ended.items() if self.steps[key].step is Step.CLOSE}
        to_run = None
        ended = []
        for entry in entries:
            step = self.steps[entry.key]
            if step.step is Step.CLOSE:
                ended.append(entry)
            elif step.step is not Step.RUN:
                self._act(entry, step, block)
            elif to_run is None and entry.key != in_hand and entry.key not in self.given_up:
                to_run = entry
        if ended:
            self._close_what_is_final(ended, block)
        self._has_looked = True
        return to_run

    def details(self) -> list[dict[str, object]]:
        """The open claims, for the status file."""
        return [
            {
                "job_id": job_id,
                "task_index": index,
                "detail": self.given_up.get((job_id, index), step.detail),
                "deadline": step.deadline,
            }
            for (job_id, index), step in sorted(self.steps.items())
        ]

    @property
    def count(self) -> int:
        """Claims that have no outcome yet."""
        return sum(step.step is not Step.CLOSE for step in self.steps.values())

    @property
    def has_none_to_run(self) -> bool:
        """Whether, at the latest look, no claim stood without a result; False before the first."""
        waiting = (key for key, step in self.steps.items() if step.step is Step.RUN and key not in self.given_up)
        return self._has_looked and next(waiting, None) is None

    @property
    def only_outcomes_missing(self) -> bool:
        """Whether nothing here is urgent: all that is open has been revealed, or has ended."""
        return all(step.is_revealed or step.step is Step.CLOSE for step in self.steps.values())

    def is_taken(self, key: Key) -> bool:
        """Whether we have a part in this task already; a claim that did not get in may be made again."""
        step = self.steps.get(key)
        return step is not None and step.outcome is not Outcome.GONE

    def _touched(self, block: BlockRef) -> set[Key] | None:
        """The tasks that the chain has said something about since the last look; None when all must be looked at.

        One query instead of two for each claim. Everything is looked at anew now and then all the same: deadlines
        pass without an event, and after a reorganisation nothing that was seen before counts.
        """
        seen, now = self._seen, self.clock()
        if seen is None or now - self._looked_at_all > LOOK_AT_ALL_SECONDS:
            self._looked_at_all = now
            self._seen = block
            return None
        if block.hash == seen.hash:
            return set()
        if not 0 < block.number - seen.number <= LOG_SPAN_BLOCKS:
            self._seen = block
            return None
        events = self.market.events.fetch(self.market.web3, from_block=seen.number + 1, to_block=block.number)
        self._seen = block
        return {(event.job_id, event.task_index) for event in events if isinstance(event, TaskEvent)}

    def _is_due(self, entry: Entry, touched: set[Key]) -> bool:
        known = self.steps.get(entry.key)
        return known is None or known.step is not Step.WAIT or entry.key in touched

    def _look(self, entries: list[Entry], block: BlockRef) -> dict[Key, NextStep]:
        """What is next for each of these, as the chain has it at `block`."""
        if not entries:
            return {}
        looks = self.market.claims_look([entry.key for entry in entries], self.worker, block.number)
        in_flight = False
        if any(isinstance(look, ClaimLook) and look.claim is None for look in looks):
            in_flight = self.transactions.sender.in_flight(block.number) > 0
        return {
            entry.key: self._next(entry, look, block, in_flight) for entry, look in zip(entries, looks, strict=True)
        }

    def _next(self, entry: Entry, look: ClaimLook | ContractRejected, block: BlockRef, in_flight: bool) -> NextStep:
        if isinstance(look, ContractRejected):  # a reorganisation has undone the job itself; it may come back
            if 0 <= time.time() - entry.opened_at < JOB_PATIENCE_SECONDS:  # below 0: the clock was put back since
                return NextStep(step=Step.WAIT, detail="the chain no longer has this job")
            return NextStep(step=Step.CLOSE, detail="the chain has undone this job", outcome=Outcome.GONE)
        if look.claim is not None and look.claim.status >= ClaimStatus.COMMITTED and not entry.committed:
            entry = self.journal.note_committed(entry)
        return next_step(
            entry,
            look.claim,
            look.task,
            now=block.time,
            in_flight=in_flight,
            barred=look.barred,
            leaving=self.is_leaving(),
        )

    def _act(self, entry: Entry, step: NextStep, block: BlockRef) -> None:
        if step.step is Step.COMMIT:
            self._commit(entry, block)
        elif step.step is Step.REVEAL:
            self._reveal(entry, step, block)
        elif step.step is Step.LEAVE:
            if not self.transactions.is_pending((*entry.key, "leave")):
                self._post(entry, "leave", lambda: self.market.leave_task(*entry.key))
        elif entry.key in self._uploads:
            self._upload(entry)

    def _close_what_is_final(self, entries: list[Entry], block: BlockRef) -> None:
        """Forget a claim only when no reorganisation can bring it back: it might want a commit or a reveal again.

        An outcome is final once the block at which we saw it is; that needs no old state, which few nodes keep.
        """
        for entry in entries:
            outcome, seen = self.steps[entry.key].outcome, self._ended.get(entry.key)
            if seen is None or seen[0] is not outcome:
                self._ended[entry.key] = (outcome, block)
        if self.clock() < self._next_final_look:
            return
        self._next_final_look = self.clock() + FINAL_LOOK_SECONDS
        final = self.market.final_block()
        for entry in entries:
            outcome, at = self._ended[entry.key]
            if at.number > final.number:
                continue
            if self.market.block(at.number).hash != at.hash:  # undone, and come about again since
                self._ended[entry.key] = (outcome, block)
                continue
            step = self.steps.pop(entry.key)
            assert step.outcome is not None
            self._close(entry, step.outcome, step.detail)

    def _commit(self, entry: Entry, block: BlockRef) -> None:
        if entry.key in self.given_up or self.transactions.is_pending((*entry.key, "commit")):
            return
        assert entry.digest is not None
        assert entry.salt is not None
        try:
            basis = self.checker.basis_now(*entry.key, block.number)
        except Refused as error:
            LOGGER.info("job %s task %s: cannot commit yet: %s", *entry.key, error)
            return
        if basis != entry.basis:
            # Only a reorganisation that put another job or another earlier result in this place can do this.
            self.given_up[entry.key] = (
                "the chain was reorganised and this task now reads other data than we ran; not committing a result "
                "that would be wrong: the claim will expire, which costs the no-show fee"
            )
            return
        hidden = commitment(
            chain_id=self.market.deployment.chain_id,
            lane=self.market.deployment.direct_lane,
            job_id=entry.job_id,
            task_index=entry.task_index,
            worker=self.worker,
            digest=entry.digest,
            salt=entry.salt,
        )
        if self._post(entry, "commit", lambda: self.market.commit(*entry.key, hidden)):
            failpoint(Failpoint.COMMIT_SENT)

    def _reveal(self, entry: Entry, step: NextStep, block: BlockRef) -> None:
        """Give the output away first, so that whoever needs it next finds it; but never miss the reveal for that."""
        assert entry.digest is not None
        assert entry.salt is not None
        if self.transactions.is_pending((*entry.key, "reveal")):
            return
        left = (step.deadline or block.time) - block.time
        if not self._upload(entry) and left > 2 * UPLOAD_PATIENCE_SECONDS:
            upload = self._uploads[entry.key]
            if not upload.future.done() and self.clock() - upload.started_at < UPLOAD_PATIENCE_SECONDS:
                return
        failpoint(Failpoint.BEFORE_REVEAL)
        digest, salt = entry.digest, entry.salt
        if self._post(entry, "reveal", lambda: self.market.reveal(*entry.key, digest, salt)):
            failpoint(Failpoint.REVEAL_SENT)

    def _post(self, entry: Entry, what: str, call: Callable[[], object]) -> bool:
        """Whether it was sent."""
        try:
            self.transactions.post((*entry.key, what), call())  # type: ignore[arg-type]
        except NodeUnreachable:
            raise
        except ChainError as error:
            LOGGER.warning("job %s task %s: %s was refused: %s", *entry.key, what, error)
            return False
        LOGGER.info("job %s task %s: %s sent", *entry.key, what)
        return True

    def _upload(self, entry: Entry) -> bool:
        """Begin or go on with the upload of a result; True once it is done."""
        now = self.clock()
        upload = self._uploads.get(entry.key)
        if upload is None:
            self._uploads[entry.key] = _Upload(future=self._start_upload(entry), started_at=now)
            return False
        if upload.worked or not upload.future.done():
            return upload.worked
        error = upload.future.exception()
        if error is None:
            upload.worked = True
            return True
        if now >= upload.next_try_at:
            LOGGER.warning("job %s task %s: the output could not be uploaded: %s", *entry.key, error)
            upload.next_try_at = now + UPLOAD_PATIENCE_SECONDS
            upload.future = self._start_upload(entry)
        return False

    def _start_upload(self, entry: Entry) -> Future[bool]:
        assert entry.output_cid is not None
        return self.uploads.submit(self.content.upload, Cid.parse(entry.output_cid))

    def _close(self, entry: Entry, outcome: Outcome, detail: str) -> None:
        closed = self.journal.close_entry(entry, outcome, detail)
        if entry.output_cid is not None:
            try:
                self.content.release(Cid.parse(entry.output_cid))
            except (ContentError, OSError) as error:
                LOGGER.info("output %s stays pinned: %s", entry.output_cid, error)
        self._uploads.pop(entry.key, None)
        self._ended.pop(entry.key, None)
        self.given_up.pop(entry.key, None)
        self.on_closed(closed)
