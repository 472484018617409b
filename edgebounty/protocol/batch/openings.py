"""Pieces of a batch shown with their place in a committed tree: what every proof of a fault is made of.

Shapes are those of contracts/types/Batch.sol, so `as_abi` is what a transaction carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgebounty.protocol.batch.tree import PositionTree, verify
from edgebounty.protocol.batch.wire import Bundle, Header, Payout, Receipt
from edgebounty.protocol.hashing import keccak256

Proof = tuple[bytes, ...]


class NotProven(Exception):
    """These openings prove no fault: a leaf that is not in the tree, or a rule that was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleOpening:
    position: int
    bundle: Bundle
    proof: Proof

    def check(self, header: Header) -> Bundle:
        """The bundle, if it is in the batch. Raises `NotProven`."""
        if not verify(header.bundles_root, self.bundle.leaf, self.position, header.bundle_count, self.proof):
            raise NotProven(f"bundle {self.position} is not in the batch")
        return self.bundle

    def as_abi(self) -> tuple[Any, ...]:
        b = self.bundle
        words = (b.receipts_root, b.sets_root, b.signature[:32], b.signature[32:])
        return (self.position, (b.payout_index, b.account, b.start, b.count, *words), self.proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptOpening:
    position: int
    word: bytes
    proof: Proof

    def check(self, bundle: Bundle) -> Receipt:
        """The receipt, if it is in the bundle. Raises `NotProven`."""
        if not verify(bundle.receipts_root, keccak256(self.word), self.position, bundle.count, self.proof):
            raise NotProven(f"receipt {self.position} is not in the bundle")
        return Receipt.parse(self.word)

    def as_abi(self) -> tuple[Any, ...]:
        return (self.position, self.word, self.proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOpening:
    """The commit set's hash beside the receipt at the same position."""

    commit_set: bytes
    proof: Proof

    def check(self, bundle: Bundle, position: int) -> bytes:
        """The hash, if it stands beside that receipt. Raises `NotProven`."""
        if not verify(bundle.sets_root, keccak256(self.commit_set), position, bundle.count, self.proof):
            raise NotProven(f"the commit set does not stand beside receipt {position}")
        return self.commit_set

    def as_abi(self) -> tuple[Any, ...]:
        return (self.commit_set, self.proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOpening:
    payout: Payout
    proof: Proof

    def check(self, header: Header, index: int) -> Payout:
        """The payout, if it stands at `index` after that batch. Raises `NotProven`."""
        if not verify(header.payouts_root, self.payout.leaf, index, header.payout_count, self.proof):
            raise NotProven(f"payout {index} is not in the tree")
        return self.payout

    def as_abi(self) -> tuple[Any, ...]:
        return (self.payout.account, self.payout.cumulative, self.proof)


def open_bundle(leaves: tuple[Bundle, ...], tree: PositionTree, position: int) -> BundleOpening:
    return BundleOpening(position=position, bundle=leaves[position], proof=tree.proof(position))


def open_payout(payouts: tuple[Payout, ...], tree: PositionTree, index: int) -> PayoutOpening:
    return PayoutOpening(payout=payouts[index], proof=tree.proof(index))
