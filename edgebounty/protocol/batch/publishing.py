"""A batch's data as a file under the CID that its header names: all that stands behind its bundles' root.

Per bundle: payout index (4), account (20), start (4), count (4), receipts root (32), sets root (32), r and vs (64);
then its receipts, and then the commit sets beside them, 32 bytes each. The header says how many bundles there are.
Payouts are not part of it: they follow from this batch and those before.

Not only right batches can be written so: what is wrong with one is told by `watching`, not by the reader.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from edgebounty.protocol.batch.wire import (
    MAX_RECEIPTS,
    BatchDataError,
    Bundle,
    Header,
    Receipt,
    SignedBundle,
    bundles_tree,
)
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.types import address_bytes, to_address
from edgebounty.protocol.unixfs import cid_of_digest

_FIXED: Final = struct.Struct(">I20sII32s32s64s")


def data_cid(header: Header) -> Cid:
    """Where the data of a batch is that was not posted as calldata. The digest alone does not say raw or dag-pb."""
    length = _FIXED.size * header.bundle_count + 64 * header.receipt_count
    return cid_of_digest(header.data_digest, length)


def encode_data(leaves: Sequence[Bundle], bundles: Sequence[SignedBundle]) -> bytes:
    """The file of a batch."""
    parts = []
    for leaf, bundle in zip(leaves, bundles, strict=True):
        fixed = (leaf.payout_index, address_bytes(leaf.account), leaf.start, leaf.count)
        parts.append(_FIXED.pack(*fixed, leaf.receipts_root, leaf.sets_root, leaf.signature))
        parts.extend(receipt.word for receipt in bundle.receipts)
        parts.extend(bundle.commit_sets)
    return b"".join(parts)


def parse_data(header: Header, data: bytes) -> tuple[tuple[Bundle, ...], tuple[SignedBundle | None, ...]]:
    """What `encode_data` wrote for this header; None for a bundle whose receipts or sets are not those of its roots.

    Raises `BatchDataError`: cut short or too long, or not what the header's root stands for.
    """
    leaves: list[Bundle] = []
    bundles: list[SignedBundle | None] = []
    at, total = 0, 0
    for position in range(header.bundle_count):
        if len(data) - at < _FIXED.size:
            raise BatchDataError(f"bundle {position} is cut short at byte {len(data)}")
        index, account, start, count, receipts_root, sets_root, signature = _FIXED.unpack_from(data, at)
        at += _FIXED.size
        total += count
        if total > MAX_RECEIPTS or len(data) - at < 64 * count:
            raise BatchDataError(f"bundle {position} is cut short at byte {len(data)}, or has too many receipts")
        leaf = Bundle(
            payout_index=index,
            account=to_address(account),
            start=start,
            count=count,
            receipts_root=receipts_root,
            sets_root=sets_root,
            signature=signature,
        )
        words = [data[i : i + 32] for i in range(at, at + 64 * count, 32)]
        at += 64 * count
        signed = SignedBundle(
            payout_index=index,
            account=leaf.account,
            receipts=tuple(map(Receipt.parse, words[:count])),
            commit_sets=tuple(words[count:]),
            signature=signature,
        )
        leaves.append(leaf)
        bundles.append(signed if signed.at(start) == leaf else None)
    if at != len(data):
        raise BatchDataError(f"{len(data) - at} bytes follow the last bundle")
    if bundles_tree(leaves).root != header.bundles_root:
        raise BatchDataError("the bundles do not have the root that was posted")
    return tuple(leaves), tuple(bundles)
