"""Where a batch's data comes from: calldata, the CID, or what demands brought to light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from eth_abi.abi import decode

from edgebounty.chain.batches import BatchContracts
from edgebounty.content.store import ContentCorrupt, ContentError, ContentMissing, ContentStore, get_file
from edgebounty.protocol.batch.calls import (
    BUNDLES,
    COMMIT_SETS,
    LEVELS_PER_ANSWER,
    PAYOUTS,
    RECEIPTS,
    bundle_words,
)
from edgebounty.protocol.batch.openings import BundleOpening, open_bundle
from edgebounty.protocol.batch.publishing import data_cid, parse_data
from edgebounty.protocol.batch.wire import (
    NOBODY,
    BatchDataError,
    Bundle,
    Header,
    Payout,
    Receipt,
    SignedBundle,
    bundles_tree,
    parse_bundles,
    receipts_tree,
)
from edgebounty.protocol.cid import DAG_PB, RAW, Cid
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Digest, to_address
from edgebounty.watchtower.batch.follow import Demanded, Followed, Lane, TreeKey
from edgebounty.watchtower.batch.shown import Padded, Shown

_WORDS = ("uint32", "address", "uint32", "uint32", "bytes32", "bytes32", "bytes32", "bytes32")
_MOST_BYTES = 1 << 28
MOST_WANTED = 64
"""Nodes of one tree to demand at a time."""


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
        bundles.append(_signed(leaves[-1], posted.receipts, ()))
        start += len(posted.receipts)
    if bundles_tree(leaves).root != header.bundles_root:
        raise BatchDataError("the node's calldata do not have the root that was posted")
    return Known(leaves=tuple(leaves), bundles=tuple(bundles))


def of_content(header: Header, content: ContentStore) -> Known:
    """Raises `ContentError`, also for a file that is not the batch's data."""
    cid = data_cid(header)
    try:
        file = get_file(content, cid, _MOST_BYTES)
    except (ContentMissing, ContentCorrupt):
        # A wrong total gives a wrong length, and by it the other of the two forms that the digest may name.
        cid = Cid(DAG_PB if cid.codec == RAW else RAW, Digest(header.data_digest))
        try:
            file = get_file(content, cid, _MOST_BYTES)
        except ContentError as error:
            raise ContentMissing(data_cid(header), error.detail) from error
    try:
        leaves, signed = parse_data(header, file)
    except BatchDataError as error:
        raise ContentCorrupt(cid, f"it is not the batch's data: {error}") from error
    bundles = (each or _signed(leaf, (), ()) for leaf, each in zip(leaves, signed, strict=True))
    return Known(leaves=leaves, bundles=tuple(bundles))


def of_demands(lane: Lane, batch: Followed, known: Known | None = None) -> tuple[Known | None, list[Wanted]]:
    """What demands have shown of a batch whose data nobody serves, and what to demand next.

    `known`: what somebody serves, where it is not all of it.
    """
    header = batch.header
    if known is None:
        key: TreeKey = (BUNDLES, 0, header.bundles_root)
        shown = lane.shown_of(batch, key, header.bundle_count)
        wanted = [_wanted(key, shown, node, None) for node in islice(shown.frontier(), MOST_WANTED)]
        if wanted:
            return None, wanted
        leaves = tuple(_bundle(shown.leaves[at]) for at in range(header.bundle_count))
        known = Known(leaves=leaves, bundles=tuple(_signed(leaf, (), ()) for leaf in leaves))
    tree = bundles_tree(known.leaves)
    bundles, wanted = [], []
    for at, (leaf, bundle) in enumerate(zip(known.leaves, known.bundles, strict=True)):
        if len(bundle.receipts) != leaf.count:
            opening = open_bundle(known.leaves, tree, at)
            receipts, more = _words_of(lane, batch, (RECEIPTS, at, leaf.receipts_root), opening)
            sets, yet_more = _words_of(lane, batch, (COMMIT_SETS, at, leaf.sets_root), opening)
            bundle = _signed(leaf, tuple(map(Receipt.parse, receipts)), sets)
            wanted += more + yet_more
        bundles.append(bundle)
    return Known(leaves=known.leaves, bundles=tuple(bundles)), wanted


def _words_of(
    lane: Lane, batch: Followed, key: TreeKey, opening: BundleOpening
) -> tuple[tuple[bytes, ...], list[Wanted]]:
    """The words behind one of a bundle's roots, if all were shown, and what to demand of them."""
    shown = lane.shown_of(batch, key, opening.bundle.count)
    wanted = [_wanted(key, shown, node, opening) for node in islice(shown.frontier(), MOST_WANTED)]
    return () if wanted else tuple(shown.leaves[i] for i in range(opening.bundle.count)), wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A node to demand."""

    tree: TreeKey
    level: int
    position: int
    node: bytes
    proof: tuple[bytes, ...]
    of_bundle: BundleOpening | None


def _wanted(key: TreeKey, shown: Shown, at: tuple[int, int], opening: BundleOpening | None) -> Wanted:
    level, position = at
    node = shown.node(level, position)
    assert node is not None
    return Wanted(
        tree=key, level=level, position=position, node=node, proof=shown.proof(level, position), of_bundle=opening
    )


def wanted_of(tree: TreeKey, shown: Shown, at: tuple[int, int]) -> Wanted:
    return _wanted(tree, shown, at, None)


def answer_to(
    batch: Followed, known: Known | None, payouts: Sequence[Payout] | None, asked: Demanded
) -> bytes | list[bytes] | None:
    """What answers this demand: nodes, or what is behind a leaf; None if it is not known. `payouts`: the right ones."""
    kind, at, root = asked.tree
    found = _behind(batch.header, known, payouts, kind, at)
    if found is None:
        return None
    words, count = found
    tree = Padded([keccak256(word) for word in words], count, NOBODY.leaf)
    if tree.root != root:
        return None
    if asked.level == 0:
        return words[asked.position] if asked.position < len(words) else NOBODY.word
    below = max(asked.level - LEVELS_PER_ANSWER, 0)
    first = asked.position << (asked.level - below)
    width = -(-count >> below)
    return [tree.node(below, i) for i in range(first, min(first + (1 << (asked.level - below)), width))]


def _behind(
    header: Header, known: Known | None, payouts: Sequence[Payout] | None, kind: int, at: int
) -> tuple[list[bytes], int] | None:
    """What is behind the leaves of a tree, and how many leaves it has; payouts may go on with nobody's."""
    if kind == PAYOUTS:
        if payouts is None or len(payouts) > header.payout_count:
            return None
        return [payout.word for payout in payouts], header.payout_count
    if known is None:
        return None
    if kind == BUNDLES:
        words = [bundle_words(leaf) for leaf in known.leaves]
    elif kind == RECEIPTS:
        words = [receipt.word for receipt in known.bundles[at].receipts]
    else:
        words = list(known.bundles[at].commit_sets)
    return (words, len(words)) if words else None


def load(contracts: BatchContracts, content: ContentStore, batch: Followed) -> Known | None:
    """The data that was posted or published; None if it is in the calls of a contract. Raises `ContentError`."""
    if any(batch.header.data_digest):
        return of_content(batch.header, content)
    data = contracts.calldata_of(batch.tx_hash)
    return None if data is None else of_calldata(batch.header, data)


def encode_leaves(leaves: Sequence[Bundle]) -> bytes:
    return b"".join(map(bundle_words, leaves))


def decode_leaves(data: bytes) -> tuple[Bundle, ...]:
    return tuple(_bundle(data[i : i + 256]) for i in range(0, len(data), 256))


def _bundle(words: bytes) -> Bundle:
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


def _signed(leaf: Bundle, receipts: tuple[Receipt, ...], sets: tuple[bytes, ...]) -> SignedBundle:
    return SignedBundle(
        payout_index=leaf.payout_index,
        account=leaf.account,
        receipts=receipts,
        commit_sets=sets,
        signature=leaf.signature,
    )
