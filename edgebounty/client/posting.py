"""Posting a job: what it will cost, then content first, money last."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from edgebounty.chain.events import JobPosted
from edgebounty.chain.views import JobTerms
from edgebounty.client.errors import Broken
from edgebounty.client.orchestrator_api import OrchestratorTerms
from edgebounty.client.permits import sign_permit
from edgebounty.client.plans import Plan
from edgebounty.client.pricing import Price, price_of
from edgebounty.client.terms import check_terms, last_batch_tasks
from edgebounty.jobs.plan import PlannedJob
from edgebounty.protocol.types import JobId, to_address

if TYPE_CHECKING:
    from edgebounty.client.market import Market

QUORUM: Final = 2
WORK_SLOTS: Final = 3
TASK_SECONDS: Final = 60
DEADLINE_SECONDS: Final = 3600
STAKE_FACTOR: Final = 2
PERMIT_SECONDS: Final = 600

OnUpload = Callable[[int, int], None]
"""Called with (blocks uploaded, blocks in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the requester wants its job treated. Times in seconds."""

    bounty: int
    """All that posting may take, in base units."""
    lane: Literal["direct", "batch"] = "direct"
    quorum: int = QUORUM
    """Equal results that make a task's result final."""
    work_slots: int = WORK_SLOTS
    """Replicas that may be drawn for a task at most; all are priced, unused ones come back."""
    audit_slots: int = 0
    task_seconds: int = TASK_SECONDS
    deadline_seconds: int = DEADLINE_SECONDS
    stake_factor: int = STAKE_FACTOR
    """Stake locked by each claim, in slot prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A job with its price, ready to be posted."""

    planned: PlannedJob
    price: Price
    terms: JobTerms
    idle_seconds: int = 0
    """Batch lane: so long before the deadline no task is given out any more, as it could not be handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A job that stands on chain."""

    job_id: JobId
    tx_hash: bytes
    escrowed: int


def quote(market: Market, planned: PlannedJob, wishes: Wishes, orchestrator: OrchestratorTerms) -> Offer:
    """What posting would take. Raises `Rejected` for a bounty that is too small, and whatever the contract refuses."""
    manifest = planned.manifest
    price = price_of(
        bounty=wishes.bounty,
        tasks=manifest.total_tasks,
        slots_per_task=wishes.work_slots + wishes.audit_slots,
        fee_bps=orchestrator.fee_bps,
    )
    now = market.contracts.block().time
    deployment = market.contracts.deployment
    in_batches = wishes.lane == "batch"
    terms = JobTerms(
        lane=to_address(deployment.batch_lane if in_batches else deployment.direct_lane),
        orchestrator=to_address(orchestrator.address),
        deadline=now + wishes.deadline_seconds,
        task_time=wishes.task_seconds,
        map_tasks=manifest.map_tasks,
        reduce_tasks=manifest.reduce_tasks,
        rounds=manifest.rounds,
        quorum=wishes.quorum,
        work_slots=wishes.work_slots,
        audit_slots=wishes.audit_slots,
        fee_bps=orchestrator.fee_bps,
        slot_price=price.slot_price,
        stake_per_claim=price.slot_price * (1 if in_batches else wishes.stake_factor),  # nobody stakes in batches
        manifest_digest=manifest.digest,
    )
    if terms.bounty != price.escrow:
        raise Broken(f"the price {price.escrow} and the terms' bounty {terms.bounty} differ", remedy="report it")
    check_terms(
        terms,
        lanes=(terms.lane,),
        direct_lane=to_address(market.contracts.deployment.direct_lane),
        min_slot_price=market.min_slot_price,
        min_task_time=market.min_task_time,
        now=now,
    )
    if not in_batches:
        return Offer(planned=planned, price=price, terms=terms)
    idle = terms.deadline - last_batch_tasks(terms, grace=market.contracts.batch_grace(), now=now)
    return Offer(planned=planned, price=price, terms=terms, idle_seconds=idle)


def quote_all(market: Market, plan: Plan, wishes: Wishes, orchestrator: OrchestratorTerms) -> list[Offer]:
    """The offers of all jobs of a plan, the bounty shared by their tasks. Raises as `quote`."""
    shares = [wishes.bounty * part.manifest.total_tasks // plan.total_tasks for part in plan.parts]
    return [
        quote(market, part, replace(wishes, bounty=share), orchestrator)
        for part, share in zip(plan.parts, shares, strict=True)
    ]


def post(market: Market, offer: Offer, on_upload: OnUpload | None = None) -> Posted:
    """Uploads the content, then escrows the bounty. When anything fails before the last step, no money has moved.

    Raises `Rejected` for too few tokens, `ContentError` when the gateway does not take the content, and what
    `Sender.send` raises.
    """
    market.need_tokens(offer.terms.bounty, "for the bounty")
    upload(market, offer.planned, on_upload)
    contracts = market.contracts
    permit = sign_permit(market, spender=contracts.deployment.escrow, amount=offer.terms.bounty, seconds=PERMIT_SECONDS)
    if permit is None:
        market.allow(contracts.deployment.escrow, offer.terms.bounty)
        receipt = market.sender.send(contracts.post_job(offer.terms))
    else:
        function = contracts.escrow.functions.postJobWithPermit(offer.terms.as_tuple(), *permit)
        receipt = market.sender.send(function)
    for event in contracts.events.decode_all(receipt["logs"]):
        if isinstance(event, JobPosted):
            return Posted(job_id=event.job_id, tx_hash=event.ref.tx_hash, escrowed=event.escrowed)
    raise Broken("the job was posted but its event is missing", remedy="look at `edgebounty job list`, then report it")


def upload(market: Market, planned: PlannedJob, on_upload: OnUpload | None = None) -> None:
    """Puts every block that the gateway does not have yet. Raises `ContentError`."""
    total = len(planned.blocks)
    for done, (cid, block) in enumerate(planned.blocks.items(), start=1):
        if not market.content.has(cid):
            market.content.put_block(cid, block)
        if on_upload is not None:
            on_upload(done, total)


def wait_for_change(market: Market, *, seconds: float) -> None:
    """Sleeps until the chain has a new block, at most `seconds`."""
    number, until = market.contracts.block().number, time.monotonic() + seconds
    while time.monotonic() < until and market.contracts.block().number == number:
        time.sleep(0.2)
