"""Merkle trees in which a position has a meaning: receipts, bundles, payouts.

A node is keccak256(left + right); where there is no right node, 32 zero bytes stand. The number of leaves fixes its
height, so a proof of another length is no proof, and a leaf is shown at one position only. Leaves are hashes of 32
bytes or of more than 64, never of 64: no inner node passes for a leaf. Twin of contracts/batch/PositionTree.sol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sha3 import keccak_256

from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.merkle import MerkleError

MAX_HEIGHT: Final = 32
EMPTY_ROOT: Final = bytes(32)
_NONE: Final = bytes(32)


def height_of(count: int) -> int:
    """Levels above the leaves: 0 for one leaf (or none)."""
    return max(count - 1, 0).bit_length()


class PositionTree:
    """All nodes over n >= 0 leaves of 32 bytes, bottom up. Raises `MerkleError` for a leaf of another size."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not set(map(len, leaves)) <= {32}:
            raise MerkleError("leaves are 32-byte hashes")
        self.levels: list[list[bytes]] = [list(leaves)]
        while len(self.levels[-1]) > 1:
            self.levels.append(_parents(self.levels[-1]))

    @property
    def count(self) -> int:
        return len(self.levels[0])

    @property
    def root(self) -> bytes:
        """32 zero bytes for a tree of nothing."""
        return self.levels[-1][0] if self.count else EMPTY_ROOT

    def proof(self, position: int, level: int = 0) -> tuple[bytes, ...]:
        """The siblings on the way up from the node at `position` of `level`. Raises `MerkleError`."""
        if not 0 <= level < len(self.levels) or not 0 <= position < len(self.levels[level]):
            raise MerkleError(f"no node {position} at level {level} of a tree of {self.count} leaves")
        siblings = []
        for nodes in self.levels[level:-1]:
            beside = position ^ 1
            siblings.append(nodes[beside] if beside < len(nodes) else _NONE)
            position >>= 1
        return tuple(siblings)


def verify(root: bytes, node: bytes, position: int, count: int, proof: Sequence[bytes], level: int = 0) -> bool:
    """Whether `node` stands at `position` of `level` in the tree of `count` leaves with this root."""
    height = height_of(count)
    if not 0 <= level <= height or len(proof) != height - level:
        return False
    if not 0 <= position < -(-count >> level) or count == 0:
        return False
    for sibling in proof:
        node = keccak256(sibling + node) if position & 1 else keccak256(node + sibling)
        position >>= 1
    return node == root


def _parents(nodes: list[bytes]) -> list[bytes]:
    padded = nodes if len(nodes) % 2 == 0 else [*nodes, _NONE]
    pairs = iter(padded)
    parents: list[bytes] = [keccak_256(left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return parents
