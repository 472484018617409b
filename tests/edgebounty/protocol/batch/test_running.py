"""A root kept leaf by leaf is the root of the whole tree."""

from __future__ import annotations

import pytest

from edgebounty.protocol.batch.running import RunningRoot
from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.hashing import keccak256

pytestmark = pytest.mark.unit


def test_running_root__after_every_leaf__is_the_whole_trees() -> None:
    leaves = [keccak256(bytes([i % 256, i // 256])) for i in range(300)]
    running = RunningRoot()
    assert running.root == PositionTree([]).root
    for count, leaf in enumerate(leaves, start=1):
        running = running.appended(leaf)
        assert (running.count, running.root) == (count, PositionTree(leaves[:count]).root)
