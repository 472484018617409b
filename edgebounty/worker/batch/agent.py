"""The edge worker in the batch lane: one loop that does what `machine` says, one thread for the sandbox.

Whatever an answer of the orchestrator changes is on disk before the next question, so a kill loses at most an answer,
and every question may be asked twice.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from edgebounty.content.http import HttpGateway
from edgebounty.content.store import ContentError
from edgebounty.programs.runtime import Execution
from edgebounty.protocol.batch.running import RunningRoot
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, TaskIndex, to_address
from edgebounty.worker.batch import facts as f
from edgebounty.worker.batch import machine as m
from edgebounty.worker.batch.ask import Busy, Forged, OrchestratorRefuses, TicketOver
from edgebounty.worker.batch.checks import BatchChecker
from edgebounty.worker.batch.earnings import Earnings
from edgebounty.worker.batch.joining import Joined, Joining, contracts_of
from edgebounty.worker.batch.journal import BatchJournal
from edgebounty.worker.batch.machine import Do, Order
from edgebounty.worker.batch.pipeline import BatchPipeline
from edgebounty.worker.batch.report import BatchReporter
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.batch.values import Bundle, Look, Outcome, Result, Task
from edgebounty.worker.batch_link import BatchLink, BatchOffer, Owed, TaskNow
from edgebounty.worker.content import TaskContent
from edgebounty.worker.device import DeviceGuard
from edgebounty.worker.explain import Reason
from edgebounty.worker.failpoint import Step, failpoint
from edgebounty.worker.link import OrchestratorUnreachable
from edgebounty.worker.sandbox import Sandbox, SandboxStopped, SandboxTask
from edgebounty.worker.status import is_paused

LOGGER = logging.getLogger(__name__)
SWEEP_SECONDS = 60.0
LEAST_PAUSE_SECONDS = 0.02
DISTRUST_SECONDS = 15.0
MARGIN_SECONDS = 1.0


class BatchAgent:
    """One worker. `run()` blocks until `stop()`; `execute` is the one place where a task becomes a result."""

    def __init__(self, settings: BatchSettings, *, account: LocalAccount) -> None:
        """Takes the data folder; the orchestrator may be away yet. Raises `ChainError` (node), `JournalError`."""
        self.settings = settings
        self.address: Address = to_address(account.address)
        contracts = contracts_of(settings.rpc_url, settings.deployment)
        self.journal = BatchJournal(settings.data_dir)
        self.state = self.journal.load()
        self._joining = Joining(
            url=settings.orchestrator_url,
            key=bytes(account.key),
            worker=self.address,
            payout=self.address if settings.payout is None else to_address(settings.payout),
            contracts=contracts,
            belong_to=self.journal.belong_to,
        )
        gateway_url = settings.gateway_url or settings.orchestrator_url
        gateway = HttpGateway(gateway_url, self._joining.upload_header, timeout_seconds=20, attempts=2)
        self.content = TaskContent(settings.data_dir / "content", gateway, most_bytes=settings.max_cache_bytes)
        self.sandbox = Sandbox(
            store_dir=self.content.folder,
            cache_dir=settings.data_dir / "modules",
            max_memory_bytes=settings.max_memory_bytes,
            cpu_share=settings.cpu_share,
            niceness=settings.niceness,
        )
        self._checker = BatchChecker(content=self.content, sandbox=self.sandbox, settings=settings, contracts=contracts)
        self._reporter = BatchReporter(
            settings=settings, worker=self.address, journal=self.journal, checks_bounties=contracts is not None
        )
        self._stopping, self._draining, self._wake = threading.Event(), threading.Event(), threading.Event()
        self._earnings = Earnings(payout=self._joining.payout, threshold=settings.withdraw_threshold)
        self._pipeline = BatchPipeline(
            content=self.content,
            execute=lambda task, seconds: self.execute(task, seconds),
            refuse=self._reporter.refuse,
            wake=self._wake.set,
        )
        self.guard = DeviceGuard(settings)
        self._paused = self._rests = False
        self._next_sweep_at = 0.0

    # --- what others may call, from any thread ---

    def run(self) -> None:
        """Work until `stop` (or `drain`, once what was begun is over). Raises `JournalError` when the disk refuses."""
        LOGGER.info("worker %s in the batch lane of %s", self.address, self.settings.orchestrator_url)
        self._save_status("starting")
        try:
            with contextlib.suppress(SandboxStopped):
                self.sandbox.start()
            self.work_until(lambda: self._draining.is_set() and not self.state.tasks and self._pipeline.is_free)
        finally:
            self.close()

    def work_until(self, done: Callable[[], bool]) -> None:
        """The loop alone, until `done()` or `stop`."""
        while not self._stopping.is_set():
            moved = self._tick()
            if done():
                return
            if not moved:
                self._wake.wait(self._pause_seconds())
                self._wake.clear()

    def stop(self) -> None:
        """End at once: what runs is killed. What was begun waits in the journal for the next start."""
        self._stopping.set()
        self.sandbox.close()
        self._wake.set()

    def drain(self) -> None:
        """Take no new task, finish what is open, then end."""
        self._draining.set()
        self._wake.set()

    def execute(self, task: SandboxTask, seconds: float) -> Execution:
        """The result of one task; called in a thread of its own. Raises `SandboxError`, which is no result."""
        return self.sandbox.run(task, seconds=seconds)

    def reasons(self) -> tuple[Reason, ...]:
        """Why this worker is not earning, the most important first."""
        working = not self._pipeline.is_free
        return self._reporter.reasons(self.state, working=working, paused=self._paused, held=self.guard.reasons)

    def close(self) -> None:
        """Let go of the sandbox, the thread and the data folder; `run` does this by itself."""
        self.sandbox.close()
        open_results = sum(task.result is not None for task in self.state.tasks)
        if open_results:
            LOGGER.warning("%d results are not accepted yet; start again soon, or they are not paid", open_results)
        self._save_status("stopped")
        self._pipeline.close()
        self.journal.close()

    # --- the loop ---

    def _tick(self) -> bool:
        """One round; True when something moved, so that the next should follow at once."""
        self._mind_pause()
        fact = self._pipeline.done(self._now())
        if fact is not None:
            self._note(fact)
            failpoint(Step.SEALED if isinstance(fact, f.Computed) else Step.BATCH_WANTED)
        moved = fact is not None
        try:
            if self._joining.join():
                self._look_at_books()
                moved |= self._act()
        except TicketOver as error:
            LOGGER.info("the ticket is over: %s", error)
            self._joining.has_ticket = False
        except OrchestratorUnreachable as error:
            self._unavailable(error)
        except OrchestratorRefuses as error:  # not of one task, but of all that we ask
            self._distrust(error)
        self._sweep()
        if self._reporter.is_due:
            self._save_status()
        return moved

    def _act(self) -> bool:
        """Does the one thing that is due, if there is one. Raises what the link raises."""
        order = m.next_order(
            self.state,
            self._now(),
            may_run=not self._rests and self._pipeline.is_free,
            may_find=not self._draining.is_set(),
            most_open=self.settings.max_open,
        )
        if order is None:
            return False
        if order.task is None:
            self._find()
        else:
            self._obey(order, order.task)
        if order.do not in (Do.RUN, Do.EXPIRE):
            self._reporter.orchestrator_error = None
        return True

    def _obey(self, order: Order, task: Task) -> None:
        try:
            match order.do:
                case Do.TAKE:
                    self._take(task)
                case Do.RUN:
                    self._run(task)
                case Do.COMMIT:
                    told = self._link.commit(_offer(task), self._sealed(task))
                    failpoint(Step.BATCH_COMMITTED)
                    self._note(f.Committed(key=task.key))
                    self._heed(task, told)
                case Do.ASK:
                    self._heed(task, self._link.task(_offer(task), self._sealed(task)))
                case Do.SHOW:
                    self._show(task)
                case Do.HAND_IN:
                    self._hand_in(task)
                case _:
                    self._end(task, Outcome.FAILED, "its time to commit was over before it could be run")
        except TicketOver:
            raise
        except OrchestratorRefuses as error:
            outcome = Outcome.REFUSED if task.result is not None or isinstance(error, Forged) else Outcome.GONE
            self._end(task, outcome, str(error), error.evidence)
            if isinstance(error, Forged):
                self._distrust(error)

    # --- what the orders are ---

    def _find(self) -> None:
        now = self._now()
        offers = [offer for offer in self._link.work() if self._is_new(offer)]
        self._reporter.orchestrator_reason = self._link.idle_reason
        self._reporter.orchestrator_refusal = None
        if offers:
            self._pipeline.find(self._check, [_task(offer) for offer in offers])
        else:
            self._note(f.NothingFree(now=now, wait_seconds=self._link.idle_seconds or m.RETRY_SECONDS))

    def _is_new(self, offer: BatchOffer) -> bool:
        key, bundle = (offer.job, offer.task), self.state.bundle((offer.job, offer.first_task))
        if bundle is not None and not bundle.is_whole:
            text = (
                f"job {offer.job}: this folder's journal does not have the receipts that were accepted before, so no "
                "further one can be signed in the batch that they are in; what they are worth stays owed"
            )
            self._reporter.refuse("journal_lost", text)
            return False
        is_known = self.state.task(key) is not None or self.journal.has_result(key)
        return not is_known and not self._pipeline.is_left_alone(key)

    def _check(self, task: Task) -> SandboxTask:
        return self._checker.prepared(task, self._known.market.orchestrator)

    def _take(self, task: Task) -> None:
        assignment = self._link.claim(_offer(task), now=self._now())
        failpoint(Step.BATCH_TAKEN)
        self._note(f.Assigned(key=task.key, slot=assignment.slot, until=assignment.until))
        LOGGER.info("job %s task %s: slot %s", *task.key, assignment.slot)
        self._reporter.forget_refusals()

    def _run(self, task: Task) -> None:
        left = task.until - self._now() - MARGIN_SECONDS
        self._pipeline.run(self._check, task, max(min(left, self.settings.max_task_seconds), 0.1))

    def _show(self, task: Task) -> None:
        """The output's bytes first: a result that nobody can fetch is worth nothing to who reads it next."""
        result = _result(task)
        try:
            self.content.upload(Cid.parse(result.output_cid))
        except ContentError as error:
            raise OrchestratorUnreachable(f"the output cannot be uploaded: {error}") from error
        told = self._link.show(_offer(task), self._sealed(task), result.digest, result.salt)
        failpoint(Step.BATCH_SHOWN)
        self._note(f.Shown(key=task.key))
        self._heed(task, told)

    def _heed(self, task: Task, told: TaskNow) -> None:
        look = Look(
            stage=told.stage,
            until=told.until,
            wait_seconds=told.wait_seconds,
            commit_set=told.commit_set,
            digest=told.digest,
            evidence=told.evidence,
        )
        self._note(f.Looked(key=task.key, now=self._now(), look=look))

    def _hand_in(self, task: Task) -> None:
        result, bundle = _result(task), self.state.bundle(task.bundle_key)
        assert task.commit_set is not None  # it was closed before it was agreed
        if bundle is not None and not bundle.is_whole:
            self._end(task, Outcome.REFUSED, "this folder's journal lost the receipts before this one: it cannot sign")
            return
        before = Owed() if bundle is None else _owed(bundle)
        owed = self._link.hand_in(_offer(task), task.slot, result.digest, task.commit_set, before)
        failpoint(Step.BATCH_ACCEPTED)
        word = Receipt(task=task.index, slot=task.slot, digest=result.digest[:27]).word
        grown = Bundle(
            job=task.job,
            first_task=task.first_task,
            count=owed.count,
            receipts_root=owed.receipts.root,
            sets_root=owed.sets.root,
            acceptance=owed.acceptance,
            words=(*(() if bundle is None else bundle.words), word),
            commit_sets=(*(() if bundle is None else bundle.commit_sets), task.commit_set),
        )
        self._note(f.Accepted(key=task.key, bundle=grown))
        self._earnings.soon()

    # --- state ---

    def _note(self, fact: f.Fact) -> None:
        step = m.advance(self.state, fact)
        self.state = self.journal.save(self.state, step)
        closed = step.closed
        if closed is None:
            return
        LOGGER.info("job %s task %s: %s: %s", *closed.task.key, closed.outcome, closed.detail)
        if closed.task.result is not None:
            try:
                self.content.release(Cid.parse(closed.task.result.output_cid))
            except (ContentError, OSError) as error:
                LOGGER.info("output %s stays pinned: %s", closed.task.result.output_cid, error)
        self._reporter.soon()

    def _end(self, task: Task, outcome: Outcome, detail: str, evidence: str = "") -> None:
        self._note(f.Ended(key=task.key, outcome=outcome, detail=detail, evidence=evidence))

    def _unavailable(self, error: OrchestratorUnreachable) -> None:
        if self._reporter.orchestrator_error is None:
            LOGGER.warning("%s", error)
        self._reporter.orchestrator_error = str(error)
        wait = error.wait_seconds if isinstance(error, Busy) else None
        self._note(f.Unavailable(now=self._now(), wait_seconds=wait))

    def _distrust(self, error: OrchestratorRefuses) -> None:
        """Asks for no new task for a while; what was begun goes on."""
        LOGGER.warning("%s", error)
        self._reporter.orchestrator_refusal = str(error)
        self._note(f.NothingFree(now=self._now(), wait_seconds=DISTRUST_SECONDS))

    # --- beside the loop's main path ---

    def _look_at_books(self) -> None:
        for fact in self._earnings.look(self._link, self.state):
            self._note(fact)
        self._reporter.books = self._earnings.books

    def _mind_pause(self) -> None:
        """The owner's word, and the owner's limits: nothing is at stake, so what runs is held up by both."""
        self._paused = is_paused(self.settings.data_dir)
        rests = self._paused or not self.guard.may_work()
        if rests == self._rests:
            return
        self._rests = rests
        (self.sandbox.pause if rests else self.sandbox.resume)()
        why = ["paused by the owner"] if self._paused else [reason.text for reason in self.guard.reasons]
        LOGGER.info("; ".join(why) if rests else "going on")

    def _sweep(self) -> None:
        if not self._pipeline.is_free or time.monotonic() < self._next_sweep_at:
            return
        self._next_sweep_at = time.monotonic() + SWEEP_SECONDS
        with contextlib.suppress(OSError):
            self.content.sweep()

    def _save_status(self, state: str | None = None) -> None:
        self._reporter.clock_ahead_seconds = time.time() - self._now()
        self._reporter.save(
            self.state,
            doing=self._pipeline.doing,
            working=not self._pipeline.is_free,
            paused=self._paused,
            held=self.guard.reasons,
            state_name=state,
        )

    def _pause_seconds(self) -> float:
        most = self.settings.poll_seconds or 1.0
        return max(min(m.next_look(self.state, self._now()), most), LEAST_PAUSE_SECONDS)

    @property
    def _known(self) -> Joined:
        assert self._joining.joined is not None
        return self._joining.joined

    @property
    def _link(self) -> BatchLink:
        return self._known.link

    def _now(self) -> float:
        """The chain's time, as far as it is known."""
        joined = self._joining.joined
        return time.time() if joined is None else joined.link.chain_now()

    def _sealed(self, task: Task) -> bytes:
        result, lane = _result(task), self._known.market.lane
        return commitment(
            chain_id=lane.chain_id,
            lane=lane.verifying_contract,
            job_id=task.job,
            task_index=TaskIndex(task.index),
            worker=self.address,
            digest=result.digest,
            salt=result.salt,
        )


def _offer(task: Task) -> BatchOffer:
    return BatchOffer(
        job=task.job,
        task=task.index,
        first_task=task.first_task,
        price=task.price,
        manifest=Cid.parse(task.manifest),
        inputs=dict(task.inputs),
    )


def _task(offer: BatchOffer) -> Task:
    return Task(
        job=offer.job,
        index=offer.task,
        first_task=offer.first_task,
        price=offer.price,
        manifest=str(offer.manifest),
        inputs=offer.inputs,
    )


def _result(task: Task) -> Result:
    assert task.result is not None
    return task.result


def _owed(bundle: Bundle) -> Owed:
    receipts, sets = RunningRoot(), RunningRoot()
    for word, commit_set in zip(bundle.words, bundle.commit_sets, strict=True):
        receipts, sets = receipts.appended(keccak256(word)), sets.appended(keccak256(commit_set))
    return Owed(bundle.count, receipts, sets, bundle.acceptance)
