"""A job of the escrow as the batch lane's desk takes it on."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address
from orchestrator.domain.batch.checking import policy_of
from orchestrator.domain.batch.values import BatchTerms
from orchestrator.domain.errors import Unavailable
from orchestrator.domain.values import Job

STEPS = 4  # of one attempt, each within the task time: commit, show, our own run where it decides, sign the receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRules:
    """What the deployment fixed (`domain`, `grace`, `most_receipts`) and what the operator chose."""

    domain: Domain  # of the batch lane
    grace: int  # seconds after a job's deadline in which batches may follow
    most_receipts: int  # of one batch
    waves: int
    span: int
    hold: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneJob:
    """A job as the lane's contract has it: its word counts where the escrow's events say the same."""

    orchestrator: Address
    deadline: int  # earlier than the escrow's once the job was stopped
    tasks: int
    slots: int
    price: int
    fee: int


def batch_terms(job: Job, told: LaneJob, rules: LaneRules, known: BatchTerms | None = None) -> BatchTerms:
    """The terms under which the job is served; of a job that is `known`, with what it began with: waves, span, hold
    and policy.

    Raises `Unavailable` if the node's view of the lane contradicts the job's events.
    """
    terms = job.terms
    price = terms.slot_price_wei
    expected = LaneJob(
        orchestrator=terms.orchestrator,
        deadline=min(told.deadline, terms.deadline),
        tasks=terms.total_tasks,
        slots=terms.work_slots + terms.audit_slots,
        price=price,
        fee=price * terms.fee_bps // 10_000,  # rounded down, as the lane does
    )
    if told != expected:
        raise Unavailable(what=f"job {job.id} of the batch lane", reason=f"its events say {expected}, the node {told}")
    # The last quarter of the grace is for posting what was accepted. Nobody is given a task that it could not hand in.
    closes = told.deadline + rules.grace - rules.grace // 4
    return BatchTerms(
        job=job.id,
        orchestrator=terms.orchestrator,
        domain=rules.domain,
        tasks=told.tasks,
        slots=told.slots,
        copies=terms.work_slots,
        quorum=terms.quorum,
        waves=rules.waves if known is None else known.waves,
        price=told.price,
        fee=told.fee,
        deadline=min(told.deadline, closes - STEPS * terms.task_time),
        closes=closes,
        policy=policy_of(terms.quorum) if known is None else known.policy,
        task_seconds=terms.task_time,
        hold=rules.hold if known is None else known.hold,
        span=min(rules.span, rules.most_receipts // told.slots) if known is None else known.span,
    )
