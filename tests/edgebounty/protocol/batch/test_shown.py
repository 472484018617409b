"""Trees that are shown on demand, five levels at a time, and the tree that they should have been."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.calls import LEVELS_PER_ANSWER
from edgebounty.protocol.batch.shown import Padded, Shown
from edgebounty.protocol.batch.tree import PositionTree, verify

FILLER = hashlib.sha256(b"filler").digest()
COUNTS = st.integers(1, 1_200)


def leaves_of(count: int, name: bytes = b"leaf") -> list[bytes]:
    return [hashlib.sha256(name + b"%d" % at).digest() for at in range(count)]


def answers_of(tree: PositionTree) -> Callable[[int, int], bytes]:
    def answer(level: int, position: int) -> bytes:
        if level == 0:
            return b"preimage %d" % position
        below = max(level - LEVELS_PER_ANSWER, 0)
        first = position << (level - below)
        return b"".join(tree.levels[below][first : first + (1 << (level - below))])

    return answer


@pytest.mark.property
@given(COUNTS, st.data())
@settings(deadline=None, max_examples=60)
def test_first_other__one_leaf_is_another__is_reached_in_as_many_demands_as_there_are_answers(
    count: int, data: st.DataObject
) -> None:
    wrong_at = data.draw(st.integers(0, count - 1))
    right = leaves_of(count)
    wrong = PositionTree([*right[:wrong_at], b"\7" * 32, *right[wrong_at + 1 :]])
    shown, padded, answer = Shown(wrong.root, count), Padded(right, count, FILLER), answers_of(wrong)
    for _ in range(-(-shown.height // LEVELS_PER_ANSWER)):
        level, position = shown.first_other(padded) or (-1, -1)
        node = shown.node(level, position)
        assert level > 0
        assert node is not None
        assert verify(wrong.root, node, position, count, shown.proof(level, position), level)
        shown.answered(level, position, answer(level, position))
    assert shown.first_other(padded) == (0, wrong_at)
    assert verify(wrong.root, wrong.levels[0][wrong_at], wrong_at, count, shown.proof(0, wrong_at))


@pytest.mark.property
@given(COUNTS)
@settings(deadline=None, max_examples=30)
def test_frontier__all_of_it_demanded_again_and_again__every_leaf_is_known(count: int) -> None:
    tree = PositionTree(leaves_of(count))
    shown, answer = Shown(tree.root, count), answers_of(tree)
    while wanted := list(shown.frontier()):
        for level, position in wanted:
            node = shown.node(level, position)
            assert node is not None
            assert verify(tree.root, node, position, count, shown.proof(level, position), level)
            assert Shown.root_from(level, position, node, shown.proof(level, position)) == tree.root
            shown.answered(level, position, answer(level, position))
    assert shown.leaves == {at: b"preimage %d" % at for at in range(count)}


@pytest.mark.property
@given(COUNTS, st.integers(0, 300))
@settings(deadline=None, max_examples=60)
def test_padded__small_enough_to_build__is_the_position_tree(known: int, more: int) -> None:
    leaves = leaves_of(known)
    whole = PositionTree([*leaves, *[FILLER] * more])
    padded = Padded(leaves, known + more, FILLER)
    assert padded.root == whole.root
    for level, nodes in enumerate(whole.levels):
        assert [padded.node(level, at) for at in range(len(nodes))] == nodes


@pytest.mark.unit
def test_padded__as_many_leaves_as_a_hostile_header_can_claim__no_tree_is_built() -> None:
    count = (1 << 32) - 1
    right = Padded(leaves_of(5), count, FILLER)
    assert right.node(0, count - 1) == FILLER
    assert Shown(right.root, count).first_other(right) is None
    assert Shown(b"\7" * 32, count).first_other(right) == (32, 0)
