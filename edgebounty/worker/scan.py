"""Finding work without an orchestrator: a picture of all open tasks, drawn from the market's events alone.

The picture is a hint. What it offers is checked by calls before anything is claimed, so an event that a reorganisation
has undone costs a look and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgebounty.chain.events import (
    ClaimExpired,
    ClaimLeft,
    Event,
    JobFailed,
    JobPosted,
    JobStopped,
    RevealsOpened,
    StageOpened,
    TaskClaimed,
    TaskExpired,
    TaskRefunded,
    TaskReopened,
    TaskSettled,
)
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import BlockRef, JobTerms
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, JobId, TaskIndex
from edgebounty.worker.link import Offer

SPAN_BLOCKS = 2_000
SPANS_PER_LOOK = 10


@dataclass(slots=True, kw_only=True)
class TaskPicture:
    """One task that has had events."""

    slots: int
    workers: set[Address] = field(default_factory=set)
    revealing: bool = False
    final: bool = False


@dataclass(slots=True, kw_only=True)
class JobPicture:
    """One job. `stage` is the range of tasks that may run now."""

    terms: JobTerms
    stopped: bool = False
    failed: bool = False
    finished: int = 0
    stage: range = range(0)
    tasks: dict[TaskIndex, TaskPicture] = field(default_factory=dict)

    def task(self, index: TaskIndex) -> TaskPicture:
        return self.tasks.setdefault(index, TaskPicture(slots=self.terms.quorum))

    def is_open(self, now: float) -> bool:
        return not self.failed and now < self.terms.deadline and self.finished < self.terms.total_tasks


class MarketPicture:
    """All jobs, by folding events in chain order."""

    def __init__(self) -> None:
        self.jobs: dict[JobId, JobPicture] = {}

    def apply(self, events: Iterable[Event]) -> None:
        for event in events:
            self._apply(event)

    def open_jobs(self, now: float) -> int:
        """Jobs that still give out tasks, at the chain's time `now`."""
        return sum(job.is_open(now) and not job.stopped for job in self.jobs.values())

    def offers(self, worker: Address, *, now: float, limit: int = 16) -> tuple[Offer, ...]:
        """Tasks with a free slot: those that others wait in first, else in an order of this worker's own, so that
        workers who look at the same time do not all run for the same one."""
        found: list[tuple[int, bytes, Offer]] = []
        for job_id, job in self.jobs.items():
            if not job.is_open(now):
                continue
            for index in job.stage:
                task = job.tasks.get(TaskIndex(index))
                taken = 0 if task is None else len(task.workers)
                if task is not None and (task.final or task.revealing or taken >= task.slots or worker in task.workers):
                    continue
                if job.stopped and taken == 0:
                    continue
                order = keccak256(f"{worker} {job_id} {index}".encode())
                found.append((-taken, order, Offer(job_id=job_id, task_index=TaskIndex(index))))
        return tuple(offer for _, _, offer in sorted(found, key=lambda item: item[:2])[:limit])

    def _apply(self, event: Event) -> None:
        if isinstance(event, JobPosted):
            # The stage's own event comes before this one, in the same transaction.
            job = self.jobs.setdefault(event.job_id, JobPicture(terms=event.terms))
            job.terms = event.terms
            job.stage = _stage(event.terms, TaskIndex(0))
            return
        known = self.jobs.get(getattr(event, "job_id", JobId(0)))
        if known is None:
            return
        match event:
            case JobStopped():
                known.stopped = True
            case JobFailed():
                known.failed = True
            case StageOpened():
                known.stage = _stage(known.terms, event.first_task)
            case TaskClaimed():
                known.task(event.task_index).workers.add(event.worker)
            case ClaimExpired() | ClaimLeft():
                known.task(event.task_index).workers.discard(event.worker)
            case RevealsOpened():
                known.task(event.task_index).revealing = True
            case TaskReopened():
                task = known.task(event.task_index)
                task.slots, task.revealing = event.slots, False
            case TaskSettled() | TaskRefunded():
                task = known.task(event.task_index)
                known.finished += not task.final
                task.final = True
            case TaskExpired():
                pass  # a TaskRefunded follows
            case _:
                pass


def _stage(terms: JobTerms, first: TaskIndex) -> range:
    """The tasks that open together with `first`: the map tasks of a round, or its reduce."""
    place = first % terms.tasks_per_round
    return range(first, first + (terms.map_tasks if place == 0 else terms.reduce_tasks))


class ChainScan:
    """Keeps a `MarketPicture` up to date, some blocks at each look; begins again after a reorganisation."""

    def __init__(self, market: MarketContracts) -> None:
        self._market = market
        self.picture = MarketPicture()
        self._next = market.deployment.block
        self._seen: BlockRef | None = None

    def look(self, block: BlockRef) -> MarketPicture:
        """The picture as at `block`, or as far as one look gets. Raises `ChainError`."""
        if self._seen is not None and self._market.block(self._seen.number).hash != self._seen.hash:
            self._restart()
        for _ in range(SPANS_PER_LOOK):
            if self._next > block.number:
                break
            end = min(self._next + SPAN_BLOCKS - 1, block.number)
            self.picture.apply(self._market.events.fetch(self._market.web3, from_block=self._next, to_block=end))
            self._next = end + 1
            self._seen = block if end == block.number else self._market.block(end)
        return self.picture

    def _restart(self) -> None:
        self.picture = MarketPicture()
        self._next = self._market.deployment.block
        self._seen = None
