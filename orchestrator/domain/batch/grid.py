"""How far every task of a job is, in one letter each: what a requester watches."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.domain.batch.values import BatchTask, Stage


class Cell(StrEnum):
    """One task, as its requester sees it. Whether it was paid stands on chain, so it is not told here."""

    WAITING = "w"  # what it reads is not there yet
    OPEN = "o"
    CLAIMED = "c"  # a worker has it in hand
    COMMITTED = "m"  # a worker has committed to a result
    COMPARED = "v"  # the commit set is closed, results are shown or the orchestrator runs it too
    DISPUTED = "d"  # workers showed unequal results, or too few in an earlier wave
    AGREED = "a"
    REFUNDED = "r"  # given up


def cell_of(task: BatchTask, *, waits: bool) -> Cell:
    """`waits`: something that the task reads is not there."""
    match task.stage:
        case Stage.AGREED:
            return Cell.AGREED
        case Stage.GIVEN_UP:
            return Cell.REFUNDED
        case Stage.CLOSED | Stage.SHOWN | Stage.HELD:
            shown = {slot.digest for slot in task.taken if slot.digest is not None}
            return Cell.DISPUTED if len(shown) > 1 else Cell.COMPARED
        case Stage.OPEN:
            if task.wave:
                return Cell.DISPUTED
            if any(slot.commitment is not None for slot in task.taken):
                return Cell.COMMITTED
            if task.taken:
                return Cell.CLAIMED
            return Cell.WAITING if waits else Cell.OPEN
