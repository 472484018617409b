"""What answers a demand for data of a batch: the nodes under the one asked for, or what a leaf is the hash of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.batch.wire import Bundle, Payout, SignedBundle, bundles_tree, payouts_tree
from edgebounty.protocol.hashing import abi_words

LEVELS_PER_ANSWER: Final = 5


class Tree(IntEnum):
    """Which of a batch's trees a demand is about, as the contract numbers them."""

    BUNDLES = 0
    PAYOUTS = 1
    RECEIPTS = 2  # of one bundle
    COMMIT_SETS = 3  # of one bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A node of one of a batch's trees; `bundle`: of which, where that matters."""

    tree: Tree
    level: int
    position: int
    node: bytes
    bundle: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`nodes` for an inner node, `leaf` for a leaf."""

    nodes: tuple[bytes, ...] = ()
    leaf: bytes = b""


def answer(
    asked: Asked, leaves: tuple[Bundle, ...], bundles: tuple[SignedBundle, ...], payouts: tuple[Payout, ...]
) -> Answer | None:
    """The answer, from all data of the batch; None if the node is not in this tree."""
    tree = _tree(asked, leaves, bundles, payouts)
    if tree is None or not 0 <= asked.level < len(tree.levels):
        return None
    nodes = tree.levels[asked.level]
    if not 0 <= asked.position < len(nodes) or nodes[asked.position] != asked.node:
        return None
    if asked.level == 0:
        return Answer(leaf=_preimage(asked, leaves, bundles, payouts))
    levels = min(asked.level, LEVELS_PER_ANSWER)
    start = asked.position << levels
    return Answer(nodes=tuple(tree.levels[asked.level - levels][start : start + (1 << levels)]))


def _tree(
    asked: Asked, leaves: tuple[Bundle, ...], bundles: tuple[SignedBundle, ...], payouts: tuple[Payout, ...]
) -> PositionTree | None:
    match asked.tree:
        case Tree.BUNDLES:
            return bundles_tree(leaves)
        case Tree.PAYOUTS:
            return payouts_tree(payouts)
        case Tree.RECEIPTS if asked.bundle < len(bundles):
            return bundles[asked.bundle].receipts_tree
        case Tree.COMMIT_SETS if asked.bundle < len(bundles):
            return bundles[asked.bundle].sets_tree
        case _:
            return None


def _preimage(
    asked: Asked, leaves: tuple[Bundle, ...], bundles: tuple[SignedBundle, ...], payouts: tuple[Payout, ...]
) -> bytes:
    match asked.tree:
        case Tree.BUNDLES:
            one = leaves[asked.position]
            numbers = abi_words(one.payout_index, one.account, one.start, one.count)
            return numbers + one.receipts_root + one.sets_root + one.signature
        case Tree.PAYOUTS:
            return payouts[asked.position].word
        case Tree.RECEIPTS:
            return bundles[asked.bundle].receipts[asked.position].word
        case Tree.COMMIT_SETS:
            return bundles[asked.bundle].commit_sets[asked.position]
