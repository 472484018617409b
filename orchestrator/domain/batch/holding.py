"""What is held back, and for how long: a result that copies alone decided is not accepted at once.

Until its hold is over nobody is owed anything for it, nobody is told it and it is in no batch. If one of its workers is
caught meanwhile, the copies decide it no longer: the orchestrator runs the task, and that decides. The hold is the
window of docs/adr/0015; what it gives here: docs/adr/0021.
"""

from __future__ import annotations

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage
from orchestrator.domain.policy import RULES


def hold_until(terms: BatchTerms, now: int) -> int:
    """Until when a result that copies decide now is held back. There is always the time left to sign for it.

    Where a policy makes no checks, as nine equal copies need none, there is nothing to wait for.
    """
    rules = RULES[terms.policy] if terms.policy is not None else None
    if rules is None or rules.ringer_share + rules.audit_share == 0:
        return now
    return min(now + terms.hold, terms.closes - terms.task_seconds)


class HeldBack:
    """Which results are held back, by each of their workers."""

    def __init__(self) -> None:
        self._of: dict[Address, dict[Place, None]] = {}
        self.places: dict[Place, None] = {}  # the longest held first

    def of(self, worker: Address) -> tuple[Place, ...]:
        """Oldest first."""
        return tuple(self._of.get(worker, ()))

    def moved(self, job: JobId, before: BatchTask, after: BatchTask) -> None:
        """The task was `before` and is `after`."""
        place = (job, after.index)
        if before.stage is Stage.HELD:
            del self.places[place]
            for slot in before.taken:
                self._drop(slot.worker, place)
        if after.stage is Stage.HELD:
            self.places[place] = None
            for slot in after.taken:
                self._of.setdefault(slot.worker, {})[place] = None

    def _drop(self, worker: Address, place: Place) -> None:
        places = self._of[worker]
        del places[place]
        if not places:
            del self._of[worker]
