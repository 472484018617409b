"""When time alone moves a task on, and which tasks it moves on now, found without looking at all tasks."""

from __future__ import annotations

import heapq

from edgebounty.protocol.types import JobId
from orchestrator.domain.batch.auditing import awaits_auditor
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage

Place = tuple[JobId, int]


def due_at(terms: BatchTerms, task: BatchTask) -> int | None:
    """From when on `TimePassed` changes the task, if nothing else does before; None: never."""
    match task.stage:
        case Stage.OPEN:
            late = [slot.until for slot in task.taken if slot.commitment is None]
            if awaits_auditor(terms, task):
                late.append(min(task.until, terms.deadline))
            return min(min(late, default=terms.deadline), terms.closes)
        case Stage.CLOSED:
            return min(task.until, terms.closes)
        case Stage.SHOWN:
            return terms.closes
        case Stage.HELD:
            return held_until(terms, task)
        case _:
            return None


def held_until(terms: BatchTerms, task: BatchTask) -> int:
    """When the hold of a task is over: nearer if its job was stopped since. There is the time left to sign for it."""
    return min(task.until, terms.closes - terms.task_seconds)


class DueTimes:
    """Tasks by the time at which they are due. What was overtaken stays until its time, and is passed by."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, JobId, int]] = []
        self._at: dict[Place, int] = {}

    def moved(self, terms: BatchTerms, task: BatchTask) -> None:
        place, at = (terms.job, task.index), due_at(terms, task)
        if at is None:
            self._at.pop(place, None)
        elif self._at.get(place) != at:
            self._at[place] = at
            heapq.heappush(self._heap, (at, *place))

    def until(self, now: int) -> list[Place]:
        """Those that are due, the longest first. They stay due until they are moved."""
        found: dict[Place, int] = {}
        while self._heap and self._heap[0][0] <= now:
            at, job, index = heapq.heappop(self._heap)
            if self._at.get((job, index)) == at:
                found[job, index] = at
        for (job, index), at in found.items():
            heapq.heappush(self._heap, (at, job, index))
        return list(found)
