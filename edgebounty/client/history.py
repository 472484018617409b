"""What happened in the market, folded from the contracts' events: jobs, tasks, and who was paid or slashed why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from edgebounty.chain import events as e
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import JobTerms
from edgebounty.protocol.failure import explain, failure_of_digest
from edgebounty.protocol.types import Address

BLOCKS_AT_ONCE: Final = 2_000


@dataclass(slots=True, kw_only=True)
class TaskHistory:
    """One task so far."""

    index: int
    state: str = "waiting"  # waiting, claimed, revealing, settled, refunded
    claims: dict[Address, str] = field(
        default_factory=dict
    )  # worker: claimed, committed, revealed, paid, slashed, expired
    result: bytes | None = None


@dataclass(slots=True, kw_only=True)
class JobHistory:
    """One job so far. Amounts in token base units."""

    id: int
    requester: Address
    terms: JobTerms
    escrowed: int
    posted_block: int
    tasks: dict[int, TaskHistory] = field(default_factory=dict)
    stopped: bool = False
    failed_task: int | None = None
    paid: int = 0
    fee: int = 0
    refunded: int = 0
    given_up: int = 0  # batch lane: tasks that ended without a result, which are not told one by one

    @property
    def finished(self) -> int:
        return sum(task.state in ("settled", "refunded") for task in self.tasks.values()) + self.given_up

    @property
    def done(self) -> bool:
        return self.finished == self.terms.total_tasks

    def state(self, now: int) -> str:
        """open, finished, incomplete, failed, stopped or expired, at the chain's time `now`."""
        if self.failed_task is not None:
            return "failed"
        if self.done:
            complete = not self.given_up and all(task.state == "settled" for task in self.tasks.values())
            return "finished" if complete else "incomplete"
        if any(task.state in ("claimed", "revealing") for task in self.tasks.values()):
            return "open"
        if self.stopped:
            return "stopped"
        return "open" if now < self.terms.deadline else "expired"


@dataclass(slots=True, kw_only=True)
class WorkerHistory:
    """One worker so far. `earned` and `slashed` in token base units; no-show fees are part of `slashed`."""

    address: Address
    tasks_paid: int = 0
    earned: int = 0
    slashed: int = 0
    no_show_fees: int = 0
    staked: int = 0
    reasons: list[str] = field(default_factory=list)


class History:
    """Reads events once each, in chain order. Call `update` to catch up with the chain."""

    def __init__(self, contracts: MarketContracts) -> None:
        self._contracts = contracts
        self._next_block = contracts.deployment.block
        self.jobs: dict[int, JobHistory] = {}
        self.workers: dict[Address, WorkerHistory] = {}
        self._reveals: dict[tuple[int, int, Address], bytes] = {}
        self._settled_in: dict[bytes, tuple[int, int, bytes]] = {}

    def update(self) -> list[e.Event]:
        """Folds in every new block; returns its events. Raises `ChainError`."""
        head = self._contracts.block().number
        fresh: list[e.Event] = []
        while self._next_block <= head:
            last = min(head, self._next_block + BLOCKS_AT_ONCE - 1)
            found = self._contracts.events.fetch(self._contracts.web3, from_block=self._next_block, to_block=last)
            self.apply(found)
            fresh += found
            self._next_block = last + 1
        return fresh

    def apply(self, events: Iterable[e.Event]) -> None:
        """Folds in events in chain order. Those of one transaction belong together: its settlement names the task."""
        ordered = list(events)
        for event in ordered:
            if isinstance(event, e.TaskSettled):
                self._settled_in[event.ref.tx_hash] = (event.job_id, event.task_index, event.result_digest)
        for event in ordered:
            self._apply(event)

    def worker(self, address: Address) -> WorkerHistory:
        return self.workers.setdefault(address, WorkerHistory(address=address))

    def _apply(self, event: e.Event) -> None:
        match event:
            case e.JobPosted():
                self.jobs[event.job_id] = JobHistory(
                    id=event.job_id,
                    requester=event.requester,
                    terms=event.terms,
                    escrowed=event.escrowed,
                    posted_block=event.ref.block_number,
                )
            case e.JobStopped():
                self.jobs[event.job_id].stopped = True
            case e.JobFailed():
                self.jobs[event.job_id].failed_task = event.task_index
            case e.BountyRefunded():
                self.jobs[event.job_id].refunded += event.amount
            case e.Staked():
                self.worker(event.worker).staked += event.amount
            case e.TaskClaimed():
                task = self._task(event)
                task.state = "claimed"
                task.claims[event.worker] = "claimed"
            case e.ResultCommitted():
                self._task(event).claims[event.worker] = "committed"
            case e.RevealsOpened():
                self._task(event).state = "revealing"
            case e.ResultRevealed():
                self._task(event).claims[event.worker] = "revealed"
                self._reveals[event.job_id, event.task_index, event.worker] = event.result_digest
            case e.TaskReopened():
                self._task(event).state = "claimed" if self._task(event).claims else "waiting"
            case e.TaskSettled():
                task = self._task(event)
                task.state, task.result = "settled", event.result_digest
            case e.TaskRefunded() | e.TaskExpired():
                self._task(event).state = "refunded"
            case e.ClaimExpired():
                self._expired(event)
            case e.ClaimLeft():
                self._task(event).claims[event.worker] = "left"
            case e.CreditAdded():
                self._credited(event)
            case e.StakeSlashed():
                self._slashed(event)

    def _task(self, event: e.TaskEvent) -> TaskHistory:
        tasks = self.jobs[event.job_id].tasks
        return tasks.setdefault(event.task_index, TaskHistory(index=event.task_index))

    def _expired(self, event: e.ClaimExpired) -> None:
        self._task(event).claims[event.worker] = "expired"
        worker = self.worker(event.worker)
        worker.no_show_fees += event.fee
        worker.reasons.append(
            f"job {event.job_id} task {event.task_index}: no commit in time: no-show fee of {event.fee} base units"
        )

    def _credited(self, event: e.CreditAdded) -> None:
        settled = self._settled_in.get(event.ref.tx_hash)
        if settled is None:  # a refund
            return
        job = self.jobs[event.job_id]
        if event.account == job.terms.orchestrator:
            job.fee += event.amount
            return
        job.paid += event.amount
        job.tasks[settled[1]].claims[event.account] = "paid"
        worker = self.worker(event.account)
        worker.tasks_paid += 1
        worker.earned += event.amount

    def _slashed(self, event: e.StakeSlashed) -> None:
        worker = self.worker(event.worker)
        worker.slashed += event.amount
        settled = self._settled_in.get(event.ref.tx_hash)
        if settled is None:  # a no-show fee: its own event tells why
            return
        job_id, index, accepted = settled
        self.jobs[job_id].tasks[index].claims[event.worker] = "slashed"
        revealed = self._reveals.get((job_id, index, event.worker))
        if revealed is None:
            why = "committed and did not reveal"
        else:
            why = f"revealed {_named(revealed)}, the quorum's result is {_named(accepted)}"
        worker.reasons.append(f"job {job_id} task {index}: {why}: slashed {event.amount} base units")


def _named(digest: bytes) -> str:
    code = failure_of_digest(digest)
    return f"a failure ({explain(code)})" if code is not None else f"0x{digest.hex()[:12]}…"
