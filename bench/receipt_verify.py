"""How fast are workers' signatures checked, hashing included? Beside the bare recovery of a public key, on one core."""

from __future__ import annotations

import os
from typing import Final

from coincurve import PublicKey

from bench.figure import Figure, interleave
from edgebounty.protocol.batch.messages import Receipts, is_signed_by, sign_compact
from edgebounty.protocol.messages import Domain, address_of_key, sign, signing_digest
from edgebounty.protocol.types import to_address

RECEIPTS: Final = 1_000
RUNS: Final = 9
DOMAIN: Final = Domain(chain_id=31337, verifying_contract=to_address(b"\xba" * 20))


def run() -> list[Figure]:
    key = os.urandom(32)
    worker = address_of_key(key)
    messages = [
        Receipts(
            worker=worker,
            job=7,
            first_task=0,
            count=count + 1,
            receipts=os.urandom(32),
            commit_sets=os.urandom(32),
        )
        for count in range(RECEIPTS)
    ]
    signed = [(message, sign_compact(DOMAIN, message, key)) for message in messages]
    raw = []
    for message in messages:
        signature = sign(DOMAIN, message, key)
        raw.append((signature[:64] + bytes([signature[64] - 27]), signing_digest(DOMAIN, message)))

    def ours() -> None:
        for message, signature in signed:
            assert is_signed_by(DOMAIN, message, signature)

    def bare() -> None:
        for signature, digest in raw:
            PublicKey.from_signature_and_message(signature, digest, hasher=None)

    checked, recovered = interleave(RUNS, ours, bare)
    figure = Figure(
        name="receipt_verify",
        value=RECEIPTS / checked,
        unit="signatures/s",
        peer="bare coincurve recover",
        peer_value=RECEIPTS / recovered,
        ratio=recovered / checked,
        target=0.8,
        better="higher",
    )
    return [figure.save()]
