"""What a batch is made of, to the byte: receipts, bundles, payouts, the header that is hashed on chain, its calldata.

Strict: whatever `parse_bundles` takes, `encode_bundles` gives back. Twin of contracts/types/Batch.sol.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sha3 import keccak_256

from edgebounty.protocol.batch.tree import PositionTree
from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.types import Address, address_bytes, to_address

DIGEST_BYTES: Final = 27
"""What a receipt keeps of a 32-byte result digest: the first 216 bits."""
SIGNATURE_BYTES: Final = 64
"""r and vs, the compact form of EIP-2098: one form only, so data has one meaning."""
MAX_RECEIPTS: Final = 1 << 20
"""Receipts of one batch at most; every proof is as short as this tree is low."""
_FIXED: Final = struct.Struct(">I20sI32s64s")
_WORD: Final = struct.Struct(">IB27s")
_U32: Final = 1 << 32
_U96: Final = 1 << 96


class BatchDataError(ValueError):
    """Bytes or values that are no batch: says which part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One worker's signed result for one slot of one task. `digest`: the first 27 bytes of the result's digest."""

    task: int
    slot: int
    digest: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.task < _U32 or not 0 <= self.slot < 256 or len(self.digest) != DIGEST_BYTES:
            raise BatchDataError(f"no receipt: task {self.task}, slot {self.slot}, {len(self.digest)} bytes of digest")

    @property
    def word(self) -> bytes:
        """The 32 bytes that are posted: task (4), slot (1), digest (27)."""
        return _WORD.pack(self.task, self.slot, self.digest)

    @property
    def leaf(self) -> bytes:
        return keccak256(self.word)

    @classmethod
    def parse(cls, word: bytes) -> Receipt:
        """Raises `BatchDataError` unless `word` is 32 bytes long."""
        if len(word) != 32:
            raise BatchDataError(f"a receipt is 32 bytes long, this is {len(word)}")
        return cls(task=int.from_bytes(word[:4], "big"), slot=word[4], digest=bytes(word[5:]))


def receipts_tree(receipts: Sequence[Receipt]) -> PositionTree:
    """The tree whose root a worker signs, in the order in which it accepted tasks."""
    return PositionTree([keccak_256(_WORD.pack(r.task, r.slot, r.digest)).digest() for r in receipts])


def sets_tree(commit_sets: Sequence[bytes]) -> PositionTree:
    """Beside each receipt the hash of the closed commit set that it answers, same positions."""
    return PositionTree([keccak_256(commit_set).digest() for commit_set in commit_sets])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One worker's part of a batch: a leaf of its tree. `start`: receipts of all bundles before this one."""

    payout_index: int
    account: Address
    start: int
    count: int
    receipts_root: bytes
    sets_root: bytes
    signature: bytes  # r, vs

    def __post_init__(self) -> None:
        numbers = (self.payout_index, self.start, self.count)
        if any(not 0 <= number < _U32 for number in numbers):
            raise BatchDataError(f"a bundle's numbers have 32 bits: {numbers}")
        if (len(self.receipts_root), len(self.sets_root), len(self.signature)) != (32, 32, SIGNATURE_BYTES):
            raise BatchDataError("a bundle has two roots of 32 bytes and a signature of 64")

    @property
    def leaf(self) -> bytes:
        """keccak256(abi.encode(the fields in order, the signature as two words))."""
        return keccak256(
            abi_words(self.payout_index, self.account, self.start, self.count)
            + self.receipts_root
            + self.sets_root
            + self.signature
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """A leaf of the payout tree: what an account has earned so far, in token base units. All zero: nobody's yet."""

    account: Address
    cumulative: int

    def __post_init__(self) -> None:
        if not 0 <= self.cumulative < _U96:
            raise BatchDataError(f"{self.cumulative} base units do not fit 96 bits")

    @property
    def word(self) -> bytes:
        return address_bytes(self.account) + self.cumulative.to_bytes(12, "big")

    @property
    def leaf(self) -> bytes:
        return keccak256(self.word)

    @property
    def owned(self) -> bool:
        return any(address_bytes(self.account))


NOBODY: Final = Payout(account=to_address(bytes(20)), cumulative=0)


def payouts_tree(payouts: Sequence[Payout]) -> PositionTree:
    """The append-only tree: an index keeps its owner for ever, index 0 is the fee's."""
    return PositionTree([payout.leaf for payout in payouts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Everything about a batch that the chain keeps as one hash. Tasks [first_task, end_task) of one job."""

    orchestrator: Address
    number: int  # of this orchestrator's batches, from 0
    job: int
    first_task: int
    end_task: int
    bundle_count: int
    receipt_count: int
    payout_count: int  # leaves of the payout tree after this batch
    bundles_root: bytes
    payouts_root: bytes
    data_digest: bytes  # sha2-256 inside the CID of the data; zero: the data was calldata
    previous: bytes  # hash of the header before, on whose payouts these build; zero for the first

    @property
    def hash(self) -> bytes:
        """keccak256(abi.encode(fields in order))."""
        return keccak256(
            abi_words(
                *(self.orchestrator, self.number, self.job, self.first_task, self.end_task, self.bundle_count),
                *(self.receipt_count, self.payout_count, self.bundles_root, self.payouts_root, self.data_digest),
                self.previous,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBundle:
    """A bundle with all that stands behind its roots. `commit_sets` lie beside the receipts, one each."""

    payout_index: int
    account: Address
    receipts: tuple[Receipt, ...]
    commit_sets: tuple[bytes, ...]
    signature: bytes
    _trees: list[PositionTree] = field(default_factory=list, repr=False, compare=False)

    @property
    def receipts_tree(self) -> PositionTree:
        return self._both()[0]

    @property
    def sets_tree(self) -> PositionTree:
        return self._both()[1]

    def at(self, start: int) -> Bundle:
        """The leaf that this bundle is after `start` receipts of others."""
        return Bundle(
            payout_index=self.payout_index,
            account=self.account,
            start=start,
            count=len(self.receipts),
            receipts_root=self.receipts_tree.root,
            sets_root=self.sets_tree.root,
            signature=self.signature,
        )

    def _both(self) -> list[PositionTree]:
        if not self._trees:
            self._trees.extend((receipts_tree(self.receipts), sets_tree(self.commit_sets)))
        return self._trees


def bundle_leaves(bundles: Sequence[SignedBundle]) -> tuple[Bundle, ...]:
    """The leaves of a batch, each starting where the one before it ends."""
    leaves, start = [], 0
    for bundle in bundles:
        leaves.append(bundle.at(start))
        start += len(bundle.receipts)
    return tuple(leaves)


def bundles_tree(leaves: Sequence[Bundle]) -> PositionTree:
    return PositionTree([leaf.leaf for leaf in leaves])


def encode_bundles(bundles: Sequence[SignedBundle]) -> bytes:
    """The calldata form, from which the contract computes every root itself. Commit sets stay outside: their root only.

    Per bundle: payout index (4), account (20), count (4), sets root (32), r and vs (64), then 32 bytes a receipt.
    """
    parts = []
    for bundle in bundles:
        fixed = (bundle.payout_index, address_bytes(bundle.account), len(bundle.receipts), bundle.sets_tree.root)
        parts.append(_FIXED.pack(*fixed, bundle.signature))
        parts.extend([_WORD.pack(r.task, r.slot, r.digest) for r in bundle.receipts])
    return b"".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedBundle:
    """A bundle as calldata tells it: its receipts in full, of its commit sets the root."""

    payout_index: int
    account: Address
    receipts: tuple[Receipt, ...]
    sets_root: bytes
    signature: bytes


def parse_bundles(data: bytes) -> tuple[PostedBundle, ...]:
    """What `encode_bundles` wrote.

    Raises `BatchDataError`: cut short, empty, too many receipts, payout indices that do not ascend from 1.
    """
    bundles: list[PostedBundle] = []
    at, total, last_index = 0, 0, 0
    while at < len(data):
        if len(data) - at < _FIXED.size:
            raise BatchDataError(f"bundle {len(bundles)} is cut short at byte {len(data)}")
        index, account, count, sets_root, signature = _FIXED.unpack_from(data, at)
        at += _FIXED.size
        if index <= last_index:
            raise BatchDataError(f"bundle {len(bundles)}: payout index {index} does not come after {last_index}")
        total += count
        if count == 0 or total > MAX_RECEIPTS:
            raise BatchDataError(f"bundle {len(bundles)} has {count} receipts; a batch has 1 to {MAX_RECEIPTS}")
        if len(data) - at < 32 * count:
            raise BatchDataError(f"bundle {len(bundles)} is cut short at byte {len(data)}")
        words = (data[i : i + 32] for i in range(at, at + 32 * count, 32))
        bundles.append(
            PostedBundle(
                payout_index=index,
                account=to_address(account),
                receipts=tuple(map(Receipt.parse, words)),
                sets_root=sets_root,
                signature=signature,
            )
        )
        at, last_index = at + 32 * count, index
    if not bundles:
        raise BatchDataError("a batch has at least one bundle")
    return tuple(bundles)
