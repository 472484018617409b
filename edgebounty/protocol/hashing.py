"""Keccak-256 and the ABI encoding of static words: all that commitments, draws, leaves and messages are made of."""

from __future__ import annotations

import hashlib

from sha3 import keccak_256

_WORD_MAX = (1 << 256) - 1


def keccak256(data: bytes) -> bytes:
    """Ethereum's hash (not NIST SHA3-256)."""
    digest: bytes = keccak_256(data).digest()
    return digest


def sha256(data: bytes | memoryview) -> bytes:
    """The hash inside CIDs."""
    return hashlib.sha256(data).digest()


def abi_word(value: int | bytes | str) -> bytes:
    """One 32-byte word as `abi.encode` writes it: a uint, a bytes32, or an address given as 20 bytes or text.

    Raises `ValueError` for a negative or too large number and for bytes of another length.
    """
    if isinstance(value, int):
        if not 0 <= value <= _WORD_MAX:
            raise ValueError(f"{value} is no uint256")
        return value.to_bytes(32, "big")
    raw = bytes.fromhex(value[2:]) if isinstance(value, str) else value
    if len(raw) == 20:
        return bytes(12) + raw
    if len(raw) != 32:
        raise ValueError(f"a word is 32 bytes, an address 20, this is {len(raw)}")
    return raw


def abi_words(*values: int | bytes | str) -> bytes:
    """`abi.encode` of static values."""
    return b"".join(map(abi_word, values))
