"""Finds every fault of a batch from its data, with the openings that prove it to the chain."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
from edgebounty.protocol.batch.wire import SignedBundle
from edgebounty.protocol.types import Address

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


# --- in one pass: for batches of any size, and where something of them is not known ---


def bundle_fault(case: Case, batch: Batch) -> Fault | None:
    """A fault of the bundles, None if they keep every rule.

    As `find_faults`, in one pass: two receipts of a task agree if both agree with the first that was seen.
    `batch.bundles` may have no commit sets, or no receipts, behind a leaf: what cannot be shown is not looked at.
    `batch.payouts_before` may be empty if they are not known.
    """
    suspects = (*_suspicious_orders(case, batch), *_suspicious_bundles(case, batch))
    return next((fault for fault in suspects if _holds(case, fault)), None)


def payout_fault(case: Case, batch: Batch, index: int, shown: PayoutOpening) -> Fault | None:
    """The fault of this payout, if it is wrong. Of `batch` the leaves and the payouts before are read."""
    before = case.previous.payout_count if case.previous else 0
    old = open_payout(batch.payouts_before, batch.payouts_tree_before, index) if index < before else None
    at = bisect_left([leaf.payout_index for leaf in batch.leaves], index)
    near = range(at, at + 1) if _has_index(batch, at, index) else range(max(at - 1, 0), min(at + 1, len(batch.leaves)))
    around = tuple(open_bundle(batch.leaves, batch.tree, position) for position in near)
    fault = Fault(rule="rewindPayout", openings=(index, shown, old, around))
    return fault if _holds(case, fault) else None


def count_fault(case: Case, batch: Batch) -> Fault | None:
    """The payout tree is too small."""
    last = open_bundle(batch.leaves, batch.tree, len(batch.leaves) - 1)
    fault = Fault(rule="rewindCount", openings=(last,))
    return fault if _holds(case, fault) else None


def _has_index(batch: Batch, at: int, index: int) -> bool:
    return at < len(batch.leaves) and batch.leaves[at].payout_index == index


def _suspicious_orders(case: Case, batch: Batch) -> Iterator[Fault]:
    leaves, last = batch.leaves, len(batch.leaves) - 1
    for at, leaf in enumerate(leaves):
        edge = at == 0 and (leaf.start != 0 or leaf.payout_index == 0)
        edge = edge or (at == last and leaf.start + leaf.count != case.header.receipt_count)
        if edge or leaf.count == 0:
            yield Fault(rule="voidEdge", openings=(open_bundle(leaves, batch.tree, at),))
        if at == last:
            return
        after = leaves[at + 1]
        if leaf.payout_index >= after.payout_index or leaf.start + leaf.count != after.start:
            pair = (open_bundle(leaves, batch.tree, at), open_bundle(leaves, batch.tree, at + 1))
            yield Fault(rule="voidOrder", openings=pair)


def _suspicious_bundles(case: Case, batch: Batch) -> Iterator[Fault]:
    seen: dict[int, _Seen] = {}
    for at, (leaf, signed) in enumerate(zip(batch.leaves, batch.bundles, strict=True)):
        if at in case.struck:
            continue
        opening = open_bundle(batch.leaves, batch.tree, at)
        yield Fault(rule="strikeSignature", openings=(opening,))
        if leaf.payout_index < len(batch.payouts_before):
            owner = batch.payouts_before[leaf.payout_index]
            if owner.owned and owner.account != leaf.account:
                owned = open_payout(batch.payouts_before, batch.payouts_tree_before, leaf.payout_index)
                yield Fault(rule="strikeOwner", openings=(opening, owned))
        with_sets = len(signed.commit_sets) == len(signed.receipts)
        for i, receipt in enumerate(signed.receipts):
            in_range = case.header.first_task <= receipt.task < case.header.end_task
            if not in_range or receipt.slot >= case.prices.slots:
                yield Fault(rule="strikeReceipt", openings=(opening, _shown(signed, i)))
            task = seen.setdefault(receipt.task, _Seen())
            mine = _Place(at=at, i=i, digest=receipt.digest, commit_set=signed.commit_sets[i] if with_sets else None)
            for rule, other in task.conflicts(receipt.slot, leaf.account, mine):
                first = open_bundle(batch.leaves, batch.tree, other.at)
                beside = batch.bundles[other.at]
                one, two = _shown(beside, other.i), _shown(signed, i)
                if rule == "strikePair":
                    yield Fault(rule=rule, openings=(first, one, opening, two))
                else:
                    sets = _shown_set(beside, other.i), _shown_set(signed, i)
                    yield Fault(rule=rule, openings=(first, one, sets[0], opening, two, sets[1]))
            task.add(receipt.slot, leaf.account, mine)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A receipt in the batch: of bundle `at`, number `i`."""

    at: int
    i: int
    digest: bytes
    commit_set: bytes | None


@dataclass(slots=True)
class _Seen:
    """Receipts of one task so far."""

    first: _Place | None = None
    by_slot: dict[int, _Place] = field(default_factory=dict)
    by_account: dict[Address, _Place] = field(default_factory=dict)
    with_set: _Place | None = None

    def conflicts(self, slot: int, account: Address, mine: _Place) -> Iterator[tuple[str, _Place]]:
        for other in (self.by_slot.get(slot), self.by_account.get(account)):
            if other is not None:
                yield "strikePair", other
        if self.first is not None and self.first.digest != mine.digest:
            yield "strikePair", self.first
        if self.with_set is not None and mine.commit_set not in (None, self.with_set.commit_set):
            yield "strikeSets", self.with_set

    def add(self, slot: int, account: Address, mine: _Place) -> None:
        self.first = self.first or mine
        self.by_slot.setdefault(slot, mine)
        self.by_account.setdefault(account, mine)
        if mine.commit_set is not None:
            self.with_set = self.with_set or mine


def _shown(signed: SignedBundle, i: int) -> ReceiptOpening:
    return ReceiptOpening(position=i, word=signed.receipts[i].word, proof=signed.receipts_tree.proof(i))


def _shown_set(signed: SignedBundle, i: int) -> SetOpening:
    return SetOpening(commit_set=signed.commit_sets[i], proof=signed.sets_tree.proof(i))
