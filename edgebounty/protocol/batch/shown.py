"""What demands have brought to light of one tree, and trees to compare it with: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edgebounty.protocol.batch.calls import LEVELS_PER_ANSWER
from edgebounty.protocol.batch.tree import PositionTree, height_of
from edgebounty.protocol.hashing import keccak256

_NONE: Final = bytes(32)
Node = tuple[int, int]
"""Level and position. Level 0 are the leaves."""


class Shown:
    """The known nodes of the tree of `count` leaves with this root."""

    def __init__(self, root: bytes, count: int) -> None:
        self.root, self.count, self.height = root, count, height_of(count)
        self._known: dict[Node, bytes] = {(self.height, 0): root}
        self.leaves: dict[int, bytes] = {}
        """Preimages by position."""

    @staticmethod
    def root_from(level: int, position: int, node: bytes, proof: Sequence[bytes]) -> bytes:
        """The root that this proof leads to."""
        for sibling in proof:
            node = keccak256(sibling + node) if position & 1 else keccak256(node + sibling)
            position >>= 1
        return node

    def node(self, level: int, position: int) -> bytes | None:
        if (position << level) >= self.count:
            return _NONE
        return self._known.get((level, position))

    def answered(self, level: int, position: int, answer: bytes) -> None:
        """The contract has checked that these are what stands below (or, of a leaf, behind) the node."""
        if level == 0:
            self.leaves[position] = answer
            return
        below = max(level - LEVELS_PER_ANSWER, 0)
        first = position << (level - below)
        words = [answer[i : i + 32] for i in range(0, len(answer), 32)]
        for up in range(below, level):
            for at, word in enumerate(words):
                self._known[up, first + at] = word
            words = words if len(words) % 2 == 0 else [*words, _NONE]
            words = [keccak256(words[i] + words[i + 1]) for i in range(0, len(words), 2)]
            first >>= 1

    def proof(self, level: int, position: int) -> tuple[bytes, ...]:
        """From a known node up to the root. Every node between is known: only what was shown is."""
        siblings = []
        while level < self.height:
            beside = self.node(level, position ^ 1)
            if beside is None:
                raise KeyError(f"no proof of node {position} at level {level} is known")
            siblings.append(beside)
            level, position = level + 1, position >> 1
        return tuple(siblings)

    def frontier(self) -> Iterator[Node]:
        """The nodes that are known while nothing below them is."""
        pending = [(self.height, 0)]
        while pending:
            level, position = pending.pop()
            if level == 0:
                if position not in self.leaves:
                    yield 0, position
                continue
            below = [(level - 1, 2 * position), (level - 1, 2 * position + 1)]
            below = [each for each in below if (each[1] << each[0]) < self.count]
            if any(each not in self._known for each in below):
                yield level, position
            else:
                pending += reversed(below)

    def first_other(self, right: Padded) -> Node | None:
        """Where to look for a leaf that differs from `right`, as far as it is shown: a leaf, or the node above it."""
        level, position = self.height, 0
        if right.node(level, position) == self.root:
            return None
        while level:
            below = [(level - 1, 2 * position), (level - 1, 2 * position + 1)]
            below = [each for each in below if (each[1] << each[0]) < self.count]
            if any(each not in self._known for each in below):
                return level, position
            level, position = next(each for each in below if self._known[each] != right.node(*each))
        return level, position


class Padded:
    """The tree of `count` leaves that begins with these and goes on with `filler`: never built where all are alike."""

    def __init__(self, leaves: Sequence[bytes], count: int, filler: bytes) -> None:
        self._tree, self._known, self._count = PositionTree(leaves), len(leaves), count
        self._alike = [filler]
        for _ in range(height_of(count)):
            self._alike.append(keccak256(self._alike[-1] * 2))
        self._nodes: dict[Node, bytes] = {}

    @property
    def root(self) -> bytes:
        return self.node(height_of(self._count), 0)

    def node(self, level: int, position: int) -> bytes:
        first, end = position << level, (position + 1) << level
        if first >= self._count:
            return _NONE
        if end <= self._known and level < len(self._tree.levels):
            return self._tree.levels[level][position]
        if first >= self._known and end <= self._count:
            return self._alike[level]
        if level == 0:
            return self._tree.levels[0][position]
        if (level, position) not in self._nodes:
            below = self.node(level - 1, 2 * position), self.node(level - 1, 2 * position + 1)
            self._nodes[level, position] = keccak256(b"".join(below))
        return self._nodes[level, position]
