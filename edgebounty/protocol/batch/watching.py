"""Finds every fault of a batch from its data, with the openings that prove it to the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from edgebounty.protocol.batch import rules
from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.openings import (
    BundleOpening,
    NotProven,
    PayoutOpening,
    ReceiptOpening,
    SetOpening,
    open_bundle,
    open_payout,
)
from edgebounty.protocol.batch.rules import Case

RULES: Final[dict[str, Callable[..., int | None]]] = {
    "strikeSignature": rules.strike_signature,
    "strikeReceipt": rules.strike_receipt,
    "strikePair": rules.strike_pair,
    "strikeSets": rules.strike_sets,
    "strikeOwner": rules.strike_owner,
    "voidOrder": rules.void_order,
    "voidEdge": rules.void_edge,
    "rewindPayout": rules.rewind_payout,
    "rewindCount": rules.rewind_count,
}
"""By the name of the contract's function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A broken rule, by the contract's function that punishes it, and what to show."""

    rule: str
    openings: tuple[Any, ...]

    def check(self, case: Case) -> int | None:
        """The bundle to strike, or None if the fault is the whole batch's. Raises `NotProven`, as the chain reverts."""
        return RULES[self.rule](case, *self.openings)


def find_faults(case: Case, batch: Batch) -> Iterator[Fault]:
    """Every fault of this batch that can be proven now, the gravest first: void, strike, rewind.

    A batch without faults of its bundles may still have wrong payouts; after a strike those are to be restated anyway.
    """
    found = False
    for fault in (*_orders(batch), *_strikes(case, batch)):
        if _holds(case, fault):
            found = True
            yield fault
    if not found:
        yield from (fault for fault in _payouts(case, batch) if _holds(case, fault))


def all_openings(case: Case, batch: Batch) -> Iterator[Fault]:
    """Everything that could be shown of this batch for any rule, faulty or not."""
    yield from _orders(batch)
    yield from _strikes(case, batch)
    yield from _payouts(case, batch)


def _holds(case: Case, fault: Fault) -> bool:
    try:
        fault.check(case)
    except NotProven:
        return False
    return True


def _orders(batch: Batch) -> Iterator[Fault]:
    opened = _opened(batch)
    for opening in opened:
        yield Fault(rule="voidEdge", openings=(opening,))
    for pair in pairwise(opened):
        yield Fault(rule="voidOrder", openings=pair)


def _strikes(case: Case, batch: Batch) -> Iterator[Fault]:
    seen: dict[int, list[tuple[BundleOpening, ReceiptOpening, SetOpening]]] = {}
    for opening, signed in zip(_opened(batch), batch.bundles, strict=True):
        if opening.position in case.struck:
            continue
        yield Fault(rule="strikeSignature", openings=(opening,))
        index = opening.bundle.payout_index
        if index < len(batch.payouts_before):
            owned = open_payout(batch.payouts_before, batch.payouts_tree_before, index)
            yield Fault(rule="strikeOwner", openings=(opening, owned))
        for i, (receipt, commit_set) in enumerate(zip(signed.receipts, signed.commit_sets, strict=True)):
            shown = ReceiptOpening(position=i, word=receipt.word, proof=signed.receipts_tree.proof(i))
            beside = SetOpening(commit_set=commit_set, proof=signed.sets_tree.proof(i))
            yield Fault(rule="strikeReceipt", openings=(opening, shown))
            for other, of_other, other_set in seen.get(receipt.task, ()):
                yield Fault(rule="strikePair", openings=(other, of_other, opening, shown))
                yield Fault(rule="strikeSets", openings=(other, of_other, other_set, opening, shown, beside))
            seen.setdefault(receipt.task, []).append((opening, shown, beside))


def _payouts(case: Case, batch: Batch) -> Iterator[Fault]:
    opened = _opened(batch)
    yield Fault(rule="rewindCount", openings=(opened[-1],))
    before = case.previous.payout_count if case.previous else 0
    for index in range(batch.header.payout_count):
        new = open_payout(batch.payouts, batch.payouts_tree, index)
        old: PayoutOpening | None = None
        if index < before:
            old = open_payout(batch.payouts_before, batch.payouts_tree_before, index)
        yield Fault(rule="rewindPayout", openings=(index, new, old, _around(opened, index)))


def _around(opened: tuple[BundleOpening, ...], index: int) -> tuple[BundleOpening, ...]:
    """The bundle of that index, or the neighbours between which it is missing."""
    after = next((i for i, opening in enumerate(opened) if opening.bundle.payout_index >= index), len(opened))
    if after < len(opened) and opened[after].bundle.payout_index == index:
        return (opened[after],)
    return opened[max(after - 1, 0) : after + 1]


def _opened(batch: Batch) -> tuple[BundleOpening, ...]:
    return tuple(open_bundle(batch.leaves, batch.tree, position) for position in range(len(batch.leaves)))
