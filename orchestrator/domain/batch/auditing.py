"""Audits: one more worker of record runs a task that a secret draw chose, once all its copies are committed.

Only where the job pays for more runs than copies. If nobody comes in time, the orchestrator runs the task instead.
"""

from __future__ import annotations

from edgebounty.protocol.types import Address
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, Stage


def auditor_of(terms: BatchTerms, task: BatchTask) -> Slot | None:
    """Who audits the task: the place behind those of its copies."""
    return task.slots[terms.copies] if task.audited and len(task.slots) > terms.copies else None


def awaits_auditor(terms: BatchTerms, task: BatchTask) -> bool:
    """Whether all copies are committed and the place of the auditor is free."""
    taken = task.taken
    return (
        task.stage is Stage.OPEN
        and task.audited
        and len(taken) == terms.copies
        and all(slot.commitment is not None for slot in taken)
    )


def audited_by_another(terms: BatchTerms, task: BatchTask) -> tuple[Address, ...]:
    """Who passes a check by an audit that decided: the copies. The auditor does not: nobody looked at it before."""
    auditor = auditor_of(terms, task)
    return () if auditor is None else tuple(slot.worker for slot in task.taken if slot.digest and slot is not auditor)
