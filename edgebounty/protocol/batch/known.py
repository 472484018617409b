"""A batch as far as it is known, from whichever source: its leaves, and what stands behind them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import decode

from edgebounty.protocol.batch.calls import bundle_words
from edgebounty.protocol.batch.publishing import parse_data
from edgebounty.protocol.batch.wire import (
    BatchDataError,
    Bundle,
    Header,
    Receipt,
    SignedBundle,
    bundles_tree,
    parse_bundles,
    receipts_tree,
)
from edgebounty.protocol.types import to_address

_WORDS = ("uint32", "address", "uint32", "uint32", "bytes32", "bytes32", "bytes32", "bytes32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A batch as far as it is known: the leaves, and behind each what there is (nothing: empty)."""

    leaves: tuple[Bundle, ...]
    bundles: tuple[SignedBundle, ...]

    @property
    def whole(self) -> bool:
        pairs = zip(self.leaves, self.bundles, strict=True)
        return all(len(b.receipts) == len(b.commit_sets) == leaf.count for leaf, b in pairs)


def of_calldata(header: Header, data: bytes) -> Known:
    """Raises `BatchDataError`. The contract has computed the root itself, so a fault here is the node's."""
    leaves, bundles, start = [], [], 0
    for posted in parse_bundles(data):
        leaves.append(
            Bundle(
                payout_index=posted.payout_index,
                account=posted.account,
                start=start,
                count=len(posted.receipts),
                receipts_root=receipts_tree(posted.receipts).root,
                sets_root=posted.sets_root,
                signature=posted.signature,
            )
        )
        bundles.append(signed_bundle(leaves[-1], posted.receipts, ()))
        start += len(posted.receipts)
    if bundles_tree(leaves).root != header.bundles_root:
        raise BatchDataError("the node's calldata do not have the root that was posted")
    return Known(leaves=tuple(leaves), bundles=tuple(bundles))


def of_file(header: Header, file: bytes) -> Known:
    """Of what was published under the CID that the header names. Raises `BatchDataError`."""
    leaves, signed = parse_data(header, file)
    bundles = (each or signed_bundle(leaf, (), ()) for leaf, each in zip(leaves, signed, strict=True))
    return Known(leaves=leaves, bundles=tuple(bundles))


def encode_leaves(leaves: Sequence[Bundle]) -> bytes:
    return b"".join(map(bundle_words, leaves))


def decode_leaves(data: bytes) -> tuple[Bundle, ...]:
    return tuple(bundle_of_words(data[i : i + 256]) for i in range(0, len(data), 256))


def bundle_of_words(words: bytes) -> Bundle:
    index, account, start, count, receipts_root, sets_root, r, vs = decode(_WORDS, words)
    return Bundle(
        payout_index=index,
        account=to_address(account),
        start=start,
        count=count,
        receipts_root=receipts_root,
        sets_root=sets_root,
        signature=r + vs,
    )


def signed_bundle(leaf: Bundle, receipts: tuple[Receipt, ...], sets: tuple[bytes, ...]) -> SignedBundle:
    return SignedBundle(
        payout_index=leaf.payout_index,
        account=leaf.account,
        receipts=receipts,
        commit_sets=sets,
        signature=leaf.signature,
    )
