"""How fast does an orchestrator build a batch? Beside the bare hashes of its trees, which nothing can beat.

600,000 receipts in 1,000 bundles: from signed receipts to leaves, roots, payouts, header and calldata.
"""

from __future__ import annotations

import os
from typing import Final

from sha3 import keccak_256

from bench.figure import Figure, interleave
from edgebounty.protocol.batch.building import build
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.batch.wire import Receipt, SignedBundle, encode_bundles
from edgebounty.protocol.types import to_address

BUNDLES: Final = 1_000
RECEIPTS: Final = 600  # of each
RUNS: Final = 5


def run() -> list[Figure]:
    bundles = [_bundle(number) for number in range(BUNDLES)]
    # Each receipt and each commit set is a leaf, and a tree has as many nodes above its leaves as leaves, less one.
    hashes = 4 * BUNDLES * RECEIPTS + 2 * BUNDLES
    node = os.urandom(64)

    def bare() -> None:
        for _ in range(hashes):
            keccak_256(node).digest()

    ours, limit = interleave(RUNS, lambda: _build(bundles), bare)
    receipts = BUNDLES * RECEIPTS
    figure = Figure(
        name="batch_build",
        value=receipts / ours,
        unit="receipts/s",
        peer=f"{hashes:,} bare hashes",
        peer_value=receipts / limit,
        ratio=limit / ours,
        target=0.7,
        better="higher",
    )
    return [figure.save()]


def _build(bundles: list[SignedBundle]) -> None:
    fresh = [_without_trees(bundle) for bundle in bundles]
    batch = build(
        orchestrator=to_address(bytes(19) + b"\1"),
        number=0,
        job=1,
        tasks=(0, BUNDLES * RECEIPTS),
        bundles=fresh,
        prices=Prices(price=100, fee=1, slots=3),
    )
    assert batch.header.receipt_count == BUNDLES * RECEIPTS
    encode_bundles(batch.bundles)


def _bundle(number: int) -> SignedBundle:
    receipts = tuple(Receipt(task=number * RECEIPTS + i, slot=0, digest=os.urandom(27)) for i in range(RECEIPTS))
    return SignedBundle(
        payout_index=number + 1,
        account=to_address(number.to_bytes(20, "big")),
        receipts=receipts,
        commit_sets=tuple(os.urandom(32) for _ in receipts),
        signature=os.urandom(64),
    )


def _without_trees(bundle: SignedBundle) -> SignedBundle:
    """As it comes from the book: nothing is computed yet."""
    return SignedBundle(
        payout_index=bundle.payout_index,
        account=bundle.account,
        receipts=bundle.receipts,
        commit_sets=bundle.commit_sets,
        signature=bundle.signature,
    )
