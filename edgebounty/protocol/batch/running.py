"""The root of a position tree that grows leaf by leaf: what a worker signs anew with each receipt, in log n hashes.

Equal to `PositionTree(leaves).root` after every leaf; kept by whoever follows many bundles at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.batch.tree import EMPTY_ROOT, height_of
from edgebounty.protocol.hashing import keccak256

_NONE = bytes(32)


@dataclass(frozen=True, slots=True)
class RunningRoot:
    """`whole[level]`: the last complete node of that level that is still a left child, else 32 zero bytes."""

    count: int = 0
    whole: tuple[bytes, ...] = ()

    def appended(self, leaf: bytes) -> RunningRoot:
        """With one more leaf of 32 bytes."""
        whole, node, level = list(self.whole), leaf, 0
        while self.count >> level & 1:  # two complete neighbours make a complete node above
            node = keccak256(whole[level] + node)
            whole[level] = _NONE
            level += 1
        if level == len(whole):
            whole.append(_NONE)
        whole[level] = node
        return RunningRoot(self.count + 1, tuple(whole))

    @property
    def root(self) -> bytes:
        """32 zero bytes while there is no leaf."""
        if self.count == 0:
            return EMPTY_ROOT
        node: bytes | None = None
        for level in range(height_of(self.count)):
            if self.count >> level & 1:
                node = keccak256(self.whole[level] + (node or _NONE))
            elif node is not None:
                node = keccak256(node + _NONE)
        return node if node is not None else self.whole[-1]
