"""From workers' signed bundles to a batch that keeps every rule: leaves, payouts, roots, header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.batch.wire import (
    NOBODY,
    Bundle,
    Header,
    Payout,
    SignedBundle,
    bundle_leaves,
    bundles_tree,
    payouts_tree,
)
from edgebounty.protocol.types import Address


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch with all its data. `payouts`: the whole tree's leaves after it, `payouts_before` before it."""

    header: Header
    leaves: tuple[Bundle, ...]
    bundles: tuple[SignedBundle, ...]
    payouts_before: tuple[Payout, ...]
    payouts: tuple[Payout, ...]

    @cached_property
    def tree(self) -> PositionTree:
        return bundles_tree(self.leaves)

    @cached_property
    def payouts_tree(self) -> PositionTree:
        return payouts_tree(self.payouts)

    @cached_property
    def payouts_tree_before(self) -> PositionTree:
        return payouts_tree(self.payouts_before)


def build(
    *,
    orchestrator: Address,
    number: int,
    job: int,
    tasks: tuple[int, int],
    bundles: Sequence[SignedBundle],
    prices: Prices,
    payouts: Sequence[Payout] = (),
    previous: bytes = bytes(32),
    data_digest: bytes = bytes(32),
) -> Batch:
    """The batch of tasks [first, end). `bundles` in any order, one per payout index; `payouts` as before it."""
    ordered = tuple(sorted(bundles, key=lambda bundle: bundle.payout_index))
    leaves = bundle_leaves(ordered)
    after = next_payouts(payouts, leaves, orchestrator=orchestrator, prices=prices)
    header = Header(
        orchestrator=orchestrator,
        number=number,
        job=job,
        first_task=tasks[0],
        end_task=tasks[1],
        bundle_count=len(leaves),
        receipt_count=sum(leaf.count for leaf in leaves),
        payout_count=len(after),
        bundles_root=bundles_tree(leaves).root,
        payouts_root=payouts_tree(after).root,
        data_digest=data_digest,
        previous=previous,
    )
    return Batch(header=header, leaves=leaves, bundles=ordered, payouts_before=tuple(payouts), payouts=after)


def next_payouts(
    payouts: Sequence[Payout],
    leaves: Sequence[Bundle],
    *,
    orchestrator: Address,
    prices: Prices,
    struck: frozenset[int] = frozenset(),
    voided: bool = False,
) -> tuple[Payout, ...]:
    """The only right payouts after these bundles: old + price x unstruck count, fee at index 0, owners as before."""
    paid = () if voided else tuple(leaves)
    size = max([len(payouts), 1, *(leaf.payout_index + 1 for leaf in paid)])
    after = [*payouts, *[NOBODY] * (size - len(payouts))]
    receipts = 0
    for position, leaf in enumerate(paid):
        if position in struck:
            continue
        receipts += leaf.count
        before = after[leaf.payout_index]
        if not before.owned or before.account == leaf.account:
            earned = before.cumulative + leaf.count * prices.price
            after[leaf.payout_index] = Payout(account=leaf.account, cumulative=earned)
    fee = after[0]
    owner = fee.account if fee.owned else orchestrator
    after[0] = Payout(account=owner, cumulative=fee.cumulative + receipts * prices.fee)
    return tuple(after)


def restated(
    batch: Batch,
    *,
    prices: Prices,
    payouts: Sequence[Payout],
    previous: bytes,
    struck: frozenset[int],
    voided: bool,
) -> Batch:
    """The same batch with the payouts that are right now, on top of `payouts` of the batch before (hash `previous`)."""
    after = next_payouts(
        payouts,
        batch.leaves,
        orchestrator=batch.header.orchestrator,
        prices=prices,
        struck=struck,
        voided=voided,
    )
    header = replace(batch.header, payouts_root=payouts_tree(after).root, payout_count=len(after), previous=previous)
    return Batch(
        header=header,
        leaves=batch.leaves,
        bundles=batch.bundles,
        payouts_before=tuple(payouts),
        payouts=after,
    )
