"""Whether this orchestrator can put up the bonds of a job's batches: asked before the job is taken on.

A batch without a bond is not posted, and its workers wait for pay that is owed to them. Each job that is taken has the
bond of one full batch reserved, beside what is put up already; bonds come free with their windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.domain.batch.posting import LaneLimits
from orchestrator.domain.batch.values import BatchTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class BondRules:
    """`most_bond`: what the operator lets be put up; batches of up to `calldata_receipts` go on chain whole."""

    limits: LaneLimits
    most_bond: int
    calldata_receipts: int

    def bond_of(self, terms: BatchTerms) -> int:
        """The largest bond that one batch of the job can take, in base units."""
        receipts = min(terms.span, terms.tasks) * terms.slots
        total = receipts * (terms.price + terms.fee)
        return self.limits.bond_for(total, in_cid=receipts > self.calldata_receipts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BondStanding:
    """Of one final block: `stake` that this account has allotted to itself or free, and what of it is put up now."""

    stake: int
    bonded: int


def bond_problem(terms: BatchTerms, others: Iterable[BatchTerms], standing: BondStanding, rules: BondRules) -> str:
    """Why the job is not taken now; empty if it is. `others`: those that were taken and are not over."""
    stake, needed = standing.stake, rules.bond_of(terms)
    have = min(stake, rules.most_bond)
    if needed > have:
        act = (
            f"the operator lets {rules.most_bond} be put up (batch_most_bond)"
            if rules.most_bond < stake
            else f"this orchestrator has staked {stake}: the operator stakes more"
        )
        return f"a batch of this job takes a bond of up to {needed} base units, and {act}"
    reserved = standing.bonded + sum(rules.bond_of(other) for other in others)
    if needed + reserved > have:
        return (
            f"a batch of this job takes a bond of up to {needed} base units, and {reserved} of {have} are put up or "
            "reserved for jobs that were taken before: it waits until bonds come free, or the operator stakes more"
        )
    return ""
