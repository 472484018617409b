"""Which tasks a worker has in hand, found without looking at all tasks."""

from __future__ import annotations

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.values import BatchTask, Stage


def has_in_hand(task: BatchTask, worker: Address) -> bool:
    """Whether the worker's place in the task may still bring it something."""
    number = task.slot_of(worker)
    slot = task.slots[number] if number is not None else None
    if slot is None or task.stage is Stage.GIVEN_UP or worker in task.barred:
        return False
    return not slot.accepted


class Places:
    """Changed on one thread; `of` may be asked from any: what it returns is never changed."""

    def __init__(self) -> None:
        self._of: dict[Address, tuple[Place, ...]] = {}

    def of(self, worker: Address) -> tuple[Place, ...]:
        """Oldest first."""
        return self._of.get(worker, ())

    def moved(self, job: JobId, before: BatchTask, after: BatchTask) -> None:
        """The task was `before` and is `after`."""
        place = (job, after.index)
        for worker in {slot.worker for slot in (*before.taken, *after.taken)}:
            had, has = place in self.of(worker), has_in_hand(after, worker)
            if has and not had:
                self._of[worker] = (*self.of(worker), place)
            elif had and not has:
                left = tuple(each for each in self.of(worker) if each != place)
                if left:
                    self._of[worker] = left
                else:
                    del self._of[worker]
