"""What demands have brought to light of a batch's data, what to demand next, and what answers a demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from edgebounty.chain.following import Demanded, Followed, Lane, TreeKey
from edgebounty.protocol.batch.calls import (
    BUNDLES,
    COMMIT_SETS,
    LEVELS_PER_ANSWER,
    PAYOUTS,
    RECEIPTS,
    bundle_words,
)
from edgebounty.protocol.batch.known import Known, bundle_of_words, signed_bundle
from edgebounty.protocol.batch.openings import BundleOpening, open_bundle
from edgebounty.protocol.batch.shown import Padded, Shown
from edgebounty.protocol.batch.wire import NOBODY, Header, Payout, Receipt, bundles_tree
from edgebounty.protocol.hashing import keccak256

MOST_WANTED = 64
"""Nodes of one tree to demand at a time."""


def of_demands(lane: Lane, batch: Followed, known: Known | None = None) -> tuple[Known | None, list[Wanted]]:
    """What demands have shown of a batch whose data nobody serves, and what to demand next.

    `known`: what somebody serves, where it is not all of it.
    """
    header = batch.header
    if known is None:
        key: TreeKey = (BUNDLES, 0, header.bundles_root)
        shown = lane.shown_of(batch, key, header.bundle_count)
        wanted = [_wanted(key, shown, node, None) for node in islice(shown.frontier(), MOST_WANTED)]
        if wanted:
            return None, wanted
        leaves = tuple(bundle_of_words(shown.leaves[at]) for at in range(header.bundle_count))
        known = Known(leaves=leaves, bundles=tuple(signed_bundle(leaf, (), ()) for leaf in leaves))
    tree = bundles_tree(known.leaves)
    bundles, wanted = [], []
    for at, (leaf, bundle) in enumerate(zip(known.leaves, known.bundles, strict=True)):
        if len(bundle.receipts) != leaf.count:
            opening = open_bundle(known.leaves, tree, at)
            receipts, more = _words_of(lane, batch, (RECEIPTS, at, leaf.receipts_root), opening)
            sets, yet_more = _words_of(lane, batch, (COMMIT_SETS, at, leaf.sets_root), opening)
            bundle = signed_bundle(leaf, tuple(map(Receipt.parse, receipts)), sets)
            wanted += more + yet_more
        bundles.append(bundle)
    return Known(leaves=known.leaves, bundles=tuple(bundles)), wanted


def _words_of(
    lane: Lane, batch: Followed, key: TreeKey, opening: BundleOpening
) -> tuple[tuple[bytes, ...], list[Wanted]]:
    """The words behind one of a bundle's roots, if all were shown, and what to demand of them."""
    shown = lane.shown_of(batch, key, opening.bundle.count)
    wanted = [_wanted(key, shown, node, opening) for node in islice(shown.frontier(), MOST_WANTED)]
    return () if wanted else tuple(shown.leaves[i] for i in range(opening.bundle.count)), wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A node to demand."""

    tree: TreeKey
    level: int
    position: int
    node: bytes
    proof: tuple[bytes, ...]
    of_bundle: BundleOpening | None


def _wanted(key: TreeKey, shown: Shown, at: tuple[int, int], opening: BundleOpening | None) -> Wanted:
    level, position = at
    node = shown.node(level, position)
    assert node is not None
    return Wanted(
        tree=key, level=level, position=position, node=node, proof=shown.proof(level, position), of_bundle=opening
    )


def wanted_of(tree: TreeKey, shown: Shown, at: tuple[int, int]) -> Wanted:
    return _wanted(tree, shown, at, None)


def answer_to(
    batch: Followed, known: Known | None, payouts: Sequence[Payout] | None, asked: Demanded
) -> bytes | list[bytes] | None:
    """What answers this demand: nodes, or what is behind a leaf; None if it is not known. `payouts`: the right ones."""
    kind, at, root = asked.tree
    found = _behind(batch.header, known, payouts, kind, at)
    if found is None:
        return None
    words, count = found
    tree = Padded([keccak256(word) for word in words], count, NOBODY.leaf)
    if tree.root != root:
        return None
    if asked.level == 0:
        return words[asked.position] if asked.position < len(words) else NOBODY.word
    below = max(asked.level - LEVELS_PER_ANSWER, 0)
    first = asked.position << (asked.level - below)
    width = -(-count >> below)
    return [tree.node(below, i) for i in range(first, min(first + (1 << (asked.level - below)), width))]


def _behind(
    header: Header, known: Known | None, payouts: Sequence[Payout] | None, kind: int, at: int
) -> tuple[list[bytes], int] | None:
    """What is behind the leaves of a tree, and how many leaves it has; payouts may go on with nobody's."""
    if kind == PAYOUTS:
        if payouts is None or len(payouts) > header.payout_count:
            return None
        return [payout.word for payout in payouts], header.payout_count
    if known is None:
        return None
    if kind == BUNDLES:
        words = [bundle_words(leaf) for leaf in known.leaves]
    elif kind == RECEIPTS:
        words = [receipt.word for receipt in known.bundles[at].receipts]
    else:
        words = list(known.bundles[at].commit_sets)
    return (words, len(words)) if words else None
