"""How a batch-lane job's results are checked, as its requester chooses it: how many workers, all of one result.

The numbers are those of `orchestrator.domain.policy` for workers without a record (a test holds the two together).
Every task goes to that many workers; the orchestrator runs a share itself, and all that their copies do not decide
(ADR 19). The figures count on copies alone, the part that does not depend on who has lied before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgebounty.client.pricing import ALL_BPS, price_of

LIARS: Final = 0.2  # the share of workers, all of one mind, that the figures of safety are for


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`copies` workers run each task, all must give one result; else the orchestrator runs it itself, which decides."""

    name: str
    copies: int
    audits: int = 1  # further runs a task that it can use for audits by other workers

    @property
    def wrong_share(self) -> float:
        """Of the results, how many may be wrong if `LIARS` of the workers lie alike: those whose copies all lie."""
        return LIARS**self.copies


POLICIES: Final[Mapping[str, Policy]] = {
    name: Policy(name=name, copies=copies, audits=audits)
    for name, copies, audits in (("standard", 2, 1), ("insured", 3, 1), ("strict", 9, 0))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPrice:
    """What one policy costs. Base units: what a worker gets for a run if the bounty is fixed, and what the whole job
    takes if the pay is."""

    policy: Policy
    slot_price: int
    escrow_for_same_pay: int


def policy_prices(*, bounty: int, tasks: int, fee_bps: int, chosen: Policy, audits: bool = False) -> list[PolicyPrice]:
    """Every policy's price, beside the chosen one's pay. Raises `Rejected` for a bounty that is too small for it.

    `audits`: with the further run a task that pays for audits, most of which comes back.
    """

    def slots(policy: Policy) -> int:
        return policy.copies + policy.audits * audits

    pay = price_of(bounty=bounty, tasks=tasks, slots_per_task=slots(chosen), fee_bps=fee_bps)
    per_run = pay.slot_price + pay.fee_per_slot
    return [
        PolicyPrice(
            policy=policy,
            slot_price=bounty // (tasks * slots(policy)) * ALL_BPS // (ALL_BPS + fee_bps),
            escrow_for_same_pay=per_run * slots(policy) * tasks,
        )
        for policy in POLICIES.values()
    ]
