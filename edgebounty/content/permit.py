"""A bounty's permit (EIP-2612) as permission to upload: so that posting a job takes one signature.

`Authorization: Edgebounty-Permit <owner>:<value>:<nonce>:<deadline>:<signature hex>`. A wallet cannot be asked to sign
the gateway's name into it, so it opens every gateway of this market, but only while it is unused and for at most an
hour. Whoever is shown it can use it up, which leaves the allowance in place: the escrow's posting call goes through
either way, and takes tokens from its caller only (`ExactTransfer.permit`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from edgebounty.content.permission import MAX_LIFE_SECONDS, UploadRefused
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Signable, SignatureError, recover_digest
from edgebounty.protocol.types import Address, to_address

SCHEME: Final = "Edgebounty-Permit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit(Signable):
    """Lets `spender` take up to `value` base units of the owner's tokens."""

    TYPE: ClassVar[str] = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    SIGNER: ClassVar[str] = "owner"
    owner: Address
    spender: Address
    value: int
    nonce: int
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitRules:
    """Whose permits open the gateway. `separator`: the token's EIP-712 domain; None for a token without permits.
    `nonce_of`: how many permits an account has used."""

    spender: Address
    separator: Callable[[], bytes | None]
    nonce_of: Callable[[Address], int]


def is_permit(header: str | None) -> bool:
    return header is not None and header.startswith(f"{SCHEME} ")


def who_permits(header: str, rules: PermitRules, now: float) -> Address:
    """The account whose unused permit this is. Raises `UploadRefused` (401) saying what is wrong with it."""
    separator = rules.separator()
    if separator is None:
        raise UploadRefused(401, "this market's token knows no permits: sign an Upload")
    permit, signature = _read(header, rules.spender)
    if permit.deadline <= now:
        raise UploadRefused(401, f"the permit ended at {permit.deadline} and it is {int(now)}: sign anew")
    if permit.deadline > now + MAX_LIFE_SECONDS:
        raise UploadRefused(401, f"the permit lasts longer than {MAX_LIFE_SECONDS} s: it does not open a gateway")
    try:
        signer = recover_digest(keccak256(b"\x19\x01" + separator + permit.struct_hash()), signature)
    except SignatureError as error:
        raise UploadRefused(401, f"the permit's signature {error}") from error
    if signer != permit.owner:
        raise UploadRefused(401, f"the permit is not signed by {permit.owner} for this token and {rules.spender}")
    if permit.nonce != rules.nonce_of(permit.owner):
        raise UploadRefused(401, "this permit is used already, or not the owner's next one: sign anew")
    return permit.owner


def _read(header: str, spender: Address) -> tuple[Permit, bytes]:
    parts = header.removeprefix(SCHEME).strip().split(":")
    if len(parts) != 5 or len(header) > 500:
        raise UploadRefused(401, f"the permission is not of the form {SCHEME} OWNER:VALUE:NONCE:DEADLINE:SIGNATURE")
    owner, *numbers, signature = parts
    if not all(number.isascii() and number.isdigit() and int(number) < 1 << 256 for number in numbers):
        raise UploadRefused(401, "value, nonce and deadline are whole numbers below 2^256")
    value, nonce, deadline = map(int, numbers)
    if not value:
        raise UploadRefused(401, "a permit for nothing opens no gateway")
    try:
        permit = Permit(owner=to_address(owner), spender=spender, value=value, nonce=nonce, deadline=deadline)
        return permit, bytes.fromhex(signature.removeprefix("0x"))
    except ValueError as error:
        raise UploadRefused(401, f"the permission cannot be read: {error}") from error
