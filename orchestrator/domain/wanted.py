"""Whether an order still makes sense: others may have carried it out while it waited."""

from __future__ import annotations

from orchestrator.domain.batch.effects import BatchEffect
from orchestrator.domain.effects import (
    ChainEffect,
    ExpireClaim,
    ExpireTask,
    FillNonce,
    RecordSeed,
    Refund,
    Reopen,
    Settle,
)
from orchestrator.domain.market import Market
from orchestrator.domain.values import ClaimStatus, TaskStatus


def still_wanted(market: Market, effect: ChainEffect) -> bool:
    """False once the state shows that the order was carried out, or can never be again."""
    if isinstance(effect, BatchEffect):
        return True  # given one at a time; what somebody else did meanwhile the contract refuses before it is sent
    match effect:
        case FillNonce():
            return False  # given where it is needed, and never again: another transaction has filled it
        case RecordSeed():
            return effect.epoch not in market.seeds
        case Refund():
            job = market.jobs.get(effect.job_id)
            return job is not None and job.finished == effect.finished
    task = market.tasks.get(effect.task)
    if task is None:
        return False
    match effect:
        case Settle():
            return task.status is TaskStatus.REVEALING and task.wave == effect.wave
        case ExpireClaim():
            claim = task.claim_of(effect.worker)
            return claim is not None and claim.status is ClaimStatus.CLAIMED
        case Reopen():
            return task.status is TaskStatus.FILLING and task.reopens == effect.reopens and task.free_slots > 0
        case ExpireTask():
            return task.status is TaskStatus.FILLING
