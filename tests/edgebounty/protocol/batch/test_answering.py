"""Whatever is asked for of a batch is shown, and nothing else passes for it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.answering import LEVELS_PER_ANSWER, Asked, Tree, answer
from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.batch.wire import bundles_tree, payouts_tree
from edgebounty.protocol.hashing import keccak256
from tests.model.machine import ORC, Market

MARKET = Market()
BATCH = MARKET.plan(ORC, MARKET.jobs[0], Random(5)).built()
DATA = (BATCH.leaves, BATCH.bundles, BATCH.payouts)


def tree_of(tree: Tree, bundle: int) -> PositionTree:
    of_bundle = BATCH.bundles[bundle]
    return {
        Tree.BUNDLES: bundles_tree(BATCH.leaves),
        Tree.PAYOUTS: payouts_tree(BATCH.payouts),
        Tree.RECEIPTS: of_bundle.receipts_tree,
        Tree.COMMIT_SETS: of_bundle.sets_tree,
    }[tree]


@pytest.mark.property
@settings(max_examples=200)
@given(st.sampled_from(Tree), st.integers(0, len(BATCH.bundles) - 1), st.data())
def test_answer__any_node__leads_back_to_it(tree: Tree, bundle: int, pick: st.DataObject) -> None:
    levels = tree_of(tree, bundle).levels
    level = pick.draw(st.integers(0, len(levels) - 1))
    position = pick.draw(st.integers(0, len(levels[level]) - 1))
    node = levels[level][position]
    found = answer(Asked(tree=tree, level=level, position=position, node=node, bundle=bundle), *DATA)
    assert found is not None
    if level == 0:
        assert keccak256(found.leaf) == node
        assert len(found.leaf) == (256 if tree is Tree.BUNDLES else 32)
        return
    nodes = list(found.nodes)
    for _ in range(min(level, LEVELS_PER_ANSWER)):
        nodes = [
            keccak256(nodes[i] + (nodes[i + 1] if i + 1 < len(nodes) else bytes(32))) for i in range(0, len(nodes), 2)
        ]
    assert nodes == [node]


@pytest.mark.unit
@pytest.mark.parametrize("changes", [{"level": 9}, {"position": 99}, {"node": b"\1" * 32}, {"bundle": 99}])
def test_answer__no_such_node__none(changes: dict[str, object]) -> None:
    right: dict[str, object] = {"tree": Tree.RECEIPTS, "level": 0, "position": 0, "bundle": 0}
    right["node"] = BATCH.bundles[0].receipts_tree.levels[0][0]
    assert answer(Asked(**right), *DATA) is not None  # type: ignore[arg-type]
    assert answer(Asked(**(right | changes)), *DATA) is None  # type: ignore[arg-type]
