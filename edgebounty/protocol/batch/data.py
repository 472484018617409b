"""A batch's data as it lies under a CID: its bundles as in calldata, then the commit set beside each receipt.

    bundles      payout index (4), account (20), count (4), sets root (32), r and vs (64), then 32 bytes a receipt
    commit sets  32 bytes a receipt, in the same order

The header's counts fix the length, so its `data_digest` names one CID. Whoever has the data of all of an orchestrator's
batches has its payout tree too.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgebounty.protocol.batch.wire import BatchDataError, Header, SignedBundle, encode_bundles, parse_bundles
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.unixfs import cid_of_digest, root_cid

_BUNDLE_BYTES = 124
_WORD_BYTES = 32


def encode_data(bundles: Sequence[SignedBundle]) -> bytes:
    return encode_bundles(bundles) + b"".join(word for bundle in bundles for word in bundle.commit_sets)


def data_digest(data: bytes) -> bytes:
    """What the header names: the sha2-256 inside the CID of these bytes as a file."""
    return bytes(root_cid(data).digest)


def data_bytes(header: Header) -> int:
    """How long the data of this batch is."""
    return _BUNDLE_BYTES * header.bundle_count + 2 * _WORD_BYTES * header.receipt_count


def data_cid(header: Header) -> Cid | None:
    """Where the data lies; None if it was calldata."""
    return cid_of_digest(header.data_digest, data_bytes(header)) if any(header.data_digest) else None


def parse_data(data: bytes) -> tuple[SignedBundle, ...]:
    """What `encode_data` wrote. Raises `BatchDataError` for anything else, also commit sets of another root."""
    end = _bundles_end(data)
    bundles = []
    sets = data[end:]
    for posted in parse_bundles(data[:end]):
        size = _WORD_BYTES * len(posted.receipts)
        beside = tuple(sets[at : at + _WORD_BYTES] for at in range(0, size, _WORD_BYTES))
        sets = sets[size:]
        bundle = SignedBundle(
            payout_index=posted.payout_index,
            account=posted.account,
            receipts=posted.receipts,
            commit_sets=beside,
            signature=posted.signature,
        )
        if bundle.sets_tree.root != posted.sets_root:
            raise BatchDataError(f"the commit sets of payout index {posted.payout_index} are not under its root")
        bundles.append(bundle)
    return tuple(bundles)


def _bundles_end(data: bytes) -> int:
    """Where the commit sets begin: as many words are left as there were receipts before."""
    at = receipts = 0
    while at + _WORD_BYTES * receipts < len(data):
        if len(data) - at < _BUNDLE_BYTES:
            raise BatchDataError(f"the data is cut short at byte {len(data)}")
        count = int.from_bytes(data[at + 24 : at + 28], "big")
        receipts += count
        at += _BUNDLE_BYTES + _WORD_BYTES * count
    if at + _WORD_BYTES * receipts != len(data):
        raise BatchDataError(f"{receipts} receipts need {at + _WORD_BYTES * receipts} bytes, these are {len(data)}")
    return at
