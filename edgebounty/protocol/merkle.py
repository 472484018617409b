"""Merkle trees as OpenZeppelin's MerkleProof checks them: sorted pairs, leaves hashed twice, Keccak-256.

A leaf is keccak256(keccak256(abi.encode(values))), so no inner node (64 bytes, hashed once) can pass for one. The tree
is the complete binary tree of @openzeppelin/merkle-tree, but the leaves keep the order given: positions have a meaning.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgebounty.protocol.hashing import abi_words, keccak256


class MerkleError(ValueError):
    """A tree of nothing, or a leaf that is not in it."""


def leaf_hash(*values: int | bytes | str) -> bytes:
    """The leaf of these static values (uint, bytes32, address)."""
    return keccak256(keccak256(abi_words(*values)))


def pair_hash(a: bytes, b: bytes) -> bytes:
    """The node above two, whichever stands left."""
    return keccak256(a + b if a < b else b + a)


class MerkleTree:
    """All nodes of a tree of n leaves, n >= 1: node i has the children 2i + 1 and 2i + 2, leaf j is node 2n - 2 - j."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise MerkleError("a tree has at least one leaf")
        if any(len(leaf) != 32 for leaf in leaves):
            raise MerkleError("leaves are 32-byte hashes")
        self.leaves = tuple(leaves)
        count = len(leaves)
        self._nodes = [b""] * (count - 1) + list(reversed(leaves))
        for i in range(count - 2, -1, -1):
            self._nodes[i] = pair_hash(self._nodes[2 * i + 1], self._nodes[2 * i + 2])

    @property
    def root(self) -> bytes:
        return self._nodes[0]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The siblings on the way from leaf `index` up to the root. Raises `MerkleError`."""
        if not 0 <= index < len(self.leaves):
            raise MerkleError(f"leaf {index} of a tree of {len(self.leaves)}")
        at = 2 * len(self.leaves) - 2 - index
        siblings = []
        while at > 0:
            siblings.append(self._nodes[at + 1 if at % 2 else at - 1])
            at = (at - 1) // 2
        return tuple(siblings)


def verify(proof: Sequence[bytes], root: bytes, leaf: bytes) -> bool:
    """Whether `proof` leads from `leaf` to `root`."""
    node = leaf
    for sibling in proof:
        node = pair_hash(node, sibling)
    return node == root
