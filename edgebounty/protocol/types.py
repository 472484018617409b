"""Ids and digests: one name for each kind of value that crosses a border. Bytes inside, hex text only at the edge."""

from __future__ import annotations

import re
from typing import NewType

from edgebounty.protocol.hashing import keccak256

JobId = NewType("JobId", int)
"""Number of a job in the escrow contract; the first is 1."""
TaskIndex = NewType("TaskIndex", int)
"""Position of a task in its job, over all rounds: see `edgebounty.jobs.shape`."""
Address = NewType("Address", str)
"""An Ethereum account as EIP-55 text (`0x` and 40 digits with checksum capitals)."""
Digest = NewType("Digest", bytes)
"""32 bytes of SHA-256: what stands inside a CID and, for results and manifests, on chain."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def to_digest(value: bytes) -> Digest:
    """`value` as a digest. Raises `ValueError` unless it is 32 bytes long."""
    if len(value) != 32:
        raise ValueError(f"a digest is 32 bytes long, this is {len(value)}")
    return Digest(bytes(value))


def to_address(value: str | bytes) -> Address:
    """`value` (20 bytes, or 40 hex digits after `0x`) as EIP-55 text.

    Text with both capitals and small letters must carry the right checksum; raises `ValueError` otherwise.
    """
    if isinstance(value, bytes):
        if len(value) != 20:
            raise ValueError(f"an address is 20 bytes long, this is {len(value)}")
        return _with_checksum(value.hex())
    if _ADDRESS.fullmatch(value) is None:
        raise ValueError(f"not an address (0x and 40 hex digits): {value[:60]!r}")
    digits = value[2:]
    address = _with_checksum(digits.lower())
    if digits not in (digits.lower(), digits.upper()) and address != value:
        raise ValueError(f"address {value} has a wrong checksum: a digit was mistyped")
    return address


def address_bytes(address: Address) -> bytes:
    """The 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def _with_checksum(lower: str) -> Address:
    marks = keccak256(lower.encode()).hex()
    return Address("0x" + "".join(c.upper() if int(m, 16) >= 8 else c for c, m in zip(lower, marks, strict=False)))
