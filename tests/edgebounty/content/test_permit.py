"""A permit as permission to upload: branch by branch, with real signatures and no chain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from coincurve import PrivateKey

from edgebounty.content.permission import MAX_LIFE_SECONDS, UploadRefused
from edgebounty.content.permit import SCHEME, Permit, PermitRules, is_permit, who_permits
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import address_of_key
from edgebounty.protocol.types import Address, to_address

pytestmark = pytest.mark.unit
KEY = bytes(range(1, 33))
OWNER = address_of_key(KEY)
ESCROW = to_address(b"\x22" * 20)
SEPARATOR = keccak256(b"the token's domain")
NOW = 1_000_000
PERMIT = Permit(owner=OWNER, spender=ESCROW, value=5, nonce=3, deadline=NOW + 600)


def rules(*, spender: Address = ESCROW, separator: bytes | None = SEPARATOR, used: int = 3) -> PermitRules:
    return PermitRules(spender=spender, separator=lambda: separator, nonce_of=lambda _: used)


def header(permit: Permit, *, key: bytes = KEY, separator: bytes = SEPARATOR) -> str:
    digest = keccak256(b"\x19\x01" + separator + permit.struct_hash())
    raw = PrivateKey(key).sign_recoverable(digest, hasher=None)
    signature = (raw[:64] + bytes([raw[64] + 27])).hex()
    return f"{SCHEME} {permit.owner}:{permit.value}:{permit.nonce}:{permit.deadline}:{signature}"


def test_who_permits__unused_permit_of_the_owner__is_its_owner() -> None:
    assert is_permit(header(PERMIT))
    assert who_permits(header(PERMIT), rules(), NOW) == OWNER


@pytest.mark.parametrize(
    ("shown", "against", "words"),
    [
        (header(PERMIT), rules(used=4), "used already"),
        (header(replace(PERMIT, nonce=4)), rules(), "used already"),
        (header(replace(PERMIT, deadline=NOW)), rules(), "ended"),
        (header(replace(PERMIT, deadline=NOW + MAX_LIFE_SECONDS + 1)), rules(), "longer"),
        (header(replace(PERMIT, value=0)), rules(), "for nothing"),
        (header(PERMIT), rules(spender=to_address(b"\x23" * 20)), "not signed by"),
        (header(PERMIT, separator=keccak256(b"another token")), rules(), "not signed by"),
        (header(PERMIT, key=b"\x07" * 32), rules(), "not signed by"),
        (header(PERMIT), rules(separator=None), "knows no permits"),
        (header(PERMIT)[:-2] + "05", rules(), "signature"),
        (header(PERMIT).replace(":5:", ":6:"), rules(), "not signed by"),
        (header(PERMIT).replace(":5:", f":{1 << 256}:"), rules(), "2^256"),
        (header(PERMIT).replace(":5:", ":-5:"), rules(), "whole numbers"),
        (header(PERMIT).replace(":5:", ":²:"), rules(), "whole numbers"),
        (header(PERMIT).replace(":5:", ":"), rules(), "not of the form"),
        (header(PERMIT) + "zz", rules(), "cannot be read"),
        (header(PERMIT).replace(OWNER, "0x12"), rules(), "cannot be read"),
        (f"{SCHEME} {'1' * 600}", rules(), "not of the form"),
    ],
)
def test_who_permits__anything_else__is_refused_and_says_why(shown: str, against: PermitRules, words: str) -> None:
    with pytest.raises(UploadRefused, match=words.replace("^", r"\^")) as refused:
        who_permits(shown, against, NOW)
    assert refused.value.status == 401


def test_is_permit__other_schemes_and_none__are_not() -> None:
    assert not any(map(is_permit, (None, "", "Edgebounty 0x:1:2", SCHEME)))
