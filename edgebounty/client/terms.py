"""Says, before a transaction is sent, which terms of a job the contracts would refuse: twin of Terms.sol, and of what
the direct lane adds to it when a job is opened there.

The contract's own refusal costs gas where a wallet does not simulate, and names numbers; this names options.
"""

from __future__ import annotations

import datetime
from typing import Final

from edgebounty.chain.views import JobTerms
from edgebounty.client.errors import Rejected
from edgebounty.protocol.types import Address

MAX_TASKS: Final = 65_535
MAX_SLOTS: Final = 16
MAX_JOB_SECONDS: Final = 90 * 86_400
MAX_TASK_SECONDS: Final = 7 * 86_400
MAX_STAKE_FACTOR: Final = 100
ALL_BPS: Final = 10_000
MAX_AMOUNT: Final = (1 << 96) - 1
_NO_ADDRESS: Final = "0x" + "00" * 20


def check_terms(
    terms: JobTerms,
    *,
    lanes: tuple[Address, ...],
    direct_lane: Address,
    min_slot_price: int,
    min_task_time: int,
    now: int,
) -> None:
    """Raises `Rejected` with the first term that `BountyEscrow.postJob` would refuse.

    `lanes` are those that the escrow knows, `direct_lane` the one among them that has a rule of its own;
    `min_slot_price` and `min_task_time` are the escrow's, in base units and seconds; `now` the chain's time.
    """
    if terms.lane not in lanes:
        raise _refuse(f"this market's escrow does not know the lane {terms.lane}", "take the deployment's own lane")
    _check_times(terms, min_task_time, now)
    tasks = terms.total_tasks
    if not terms.map_tasks or not 1 <= tasks <= MAX_TASKS:
        raise _refuse(
            f"the job has {tasks:,} tasks; 1 to {MAX_TASKS:,} are allowed", "ask for fewer --shards or --rounds"
        )
    if not 1 <= terms.quorum <= terms.work_slots:
        raise _refuse(
            f"a quorum of {terms.quorum} cannot form in {terms.work_slots} work slots",
            "ask for at least as many --work-slots as --quorum",
        )
    for name, slots in (("work", terms.work_slots), ("audit", terms.audit_slots)):
        if slots > MAX_SLOTS:
            raise _refuse(
                f"{slots} {name} slots a task; at most {MAX_SLOTS} are allowed", f"ask for fewer {name} slots"
            )
    _check_money(terms, min_slot_price)
    if not any(terms.manifest_digest):
        raise _refuse("the job names no manifest", "plan the job first")
    if terms.lane == direct_lane and terms.quorum > 1 and terms.work_slots == terms.quorum:
        # SpareSlotMissing, of LaneStages: that lane's own rule, not the escrow's.
        raise _refuse(
            f"with a quorum of {terms.quorum} in {terms.work_slots} work slots nobody could decide a disagreement",
            "ask for more --work-slots than --quorum; what is not used comes back",
        )


BATCH_STEPS = 4
"""Of one attempt at a task of the batch lane, each within the task time: commit, show, orchestrator's own run, sign."""


def last_batch_tasks(terms: JobTerms, *, grace: int, now: int) -> int:
    """From which second on an orchestrator gives out no task of a batch-lane job: the deadline, or earlier where an
    attempt would not end within three quarters of the lane's grace. The last quarter is for posting.

    Raises `Rejected` if that is before `now`: then nobody would ever work on it.
    """
    end = min(terms.deadline, terms.deadline + grace - grace // 4 - BATCH_STEPS * terms.task_time)
    if end <= now:
        raise _refuse(
            f"with {terms.task_time:,} seconds for a task nobody could be given one: an attempt takes up to "
            f"{BATCH_STEPS} times that, and all has to be over {grace - grace // 4:,} seconds after the deadline",
            "choose a shorter --task-time or a later --deadline",
        )
    return end


def _check_times(terms: JobTerms, min_task_time: int, now: int) -> None:
    if not now < terms.deadline <= now + MAX_JOB_SECONDS:
        moment = datetime.datetime.fromtimestamp(min(terms.deadline, 1 << 36), datetime.UTC)
        raise _refuse(
            f"claims would close at {moment:%Y-%m-%d %H:%M:%S} UTC, {terms.deadline - now:,} seconds from the chain's "
            f"present; 1 to {MAX_JOB_SECONDS:,} seconds (90 days) are allowed",
            "choose another --deadline",
        )
    if not min_task_time <= terms.task_time <= MAX_TASK_SECONDS:
        raise _refuse(
            f"{terms.task_time:,} seconds for a task; {min_task_time:,} to {MAX_TASK_SECONDS:,} (7 days) are allowed",
            "choose another --task-time",
        )


def _check_money(terms: JobTerms, min_slot_price: int) -> None:
    if not 0 <= terms.fee_bps <= ALL_BPS:
        raise _refuse(
            f"the orchestrator asks for a fee of {terms.fee_bps} hundredths of a per cent; {ALL_BPS:,} is all",
            "choose another orchestrator",
            whose="the orchestrator's",
        )
    if terms.fee_bps and terms.orchestrator == _NO_ADDRESS:
        raise _refuse("a fee is asked for and nobody is named to get it", "choose another orchestrator")
    least = max(min_slot_price, 1)
    if not least <= terms.slot_price <= MAX_AMOUNT:
        side = "raise" if terms.slot_price < least else "lower"
        raise _refuse(
            f"a run of a task would be paid {terms.slot_price} base units; this market takes {least} to {MAX_AMOUNT}",
            f"{side} --bounty, or change --shards, --rounds or --work-slots",
            whose="yours (the bounty)",
        )
    most = min(MAX_STAKE_FACTOR * terms.slot_price, MAX_AMOUNT)
    if not terms.slot_price <= terms.stake_per_claim <= most:
        raise _refuse(
            f"each claim would lock {terms.stake_per_claim} base units; {terms.slot_price} (one price of a run) to "
            f"{most} (a hundred of them) are allowed",
            f"choose a stake factor of 1 to {MAX_STAKE_FACTOR}",
        )
    if terms.bounty > MAX_AMOUNT:
        raise _refuse(
            f"the bounty of {terms.bounty} base units is more than the escrow can hold ({MAX_AMOUNT})",
            "lower --bounty",
            whose="yours (the bounty)",
        )


def _refuse(what: str, remedy: str, *, whose: str = "yours (the job's terms)") -> Rejected:
    return Rejected(what, whose=whose, remedy=remedy)
