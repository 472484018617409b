"""Position trees far too large to build: all leaves are alike but for a few, and only the paths to those are hashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edgebounty.protocol.batch.tree import height_of
from edgebounty.protocol.hashing import keccak256

_NONE: Final = bytes(32)


class SparseTree:
    """The `PositionTree` of `count` leaves with `leaves` at their positions and `filler` everywhere else."""

    def __init__(self, count: int, leaves: Mapping[int, bytes], filler: bytes) -> None:
        self._count, self._leaves = count, dict(leaves)
        self._alike = [filler]
        for _ in range(height_of(count)):
            self._alike.append(keccak256(self._alike[-1] * 2))
        self._known: dict[tuple[int, int], bytes] = {}

    @property
    def root(self) -> bytes:
        return self._node(height_of(self._count), 0)

    def proof(self, position: int) -> tuple[bytes, ...]:
        return tuple(self._node(level, (position >> level) ^ 1) for level in range(height_of(self._count)))

    def _node(self, level: int, position: int) -> bytes:
        first, end = position << level, (position + 1) << level
        if first >= self._count:
            return _NONE
        if level == 0:
            return self._leaves.get(position, self._alike[0])
        if end <= self._count and not any(first <= leaf < end for leaf in self._leaves):
            return self._alike[level]
        if (level, position) not in self._known:
            below = self._node(level - 1, 2 * position), self._node(level - 1, 2 * position + 1)
            self._known[level, position] = keccak256(b"".join(below))
        return self._known[level, position]
