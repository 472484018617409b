"""CIDv1: the name of a block is the hash of its bytes. Only what we make: base32, SHA-256, raw or dag-pb."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from edgebounty.protocol.types import Digest, to_digest

RAW: Final = 0x55
DAG_PB: Final = 0x70
CHUNK_BYTES: Final = 1 << 20
"""Files are cut into leaves of this many bytes (`--chunker=size-1048576`)."""
FANOUT: Final = 174
"""Links of one dag-pb node, as in Kubo's balanced layout."""

_PREFIX = {RAW: b"\x01\x55\x12\x20", DAG_PB: b"\x01\x70\x12\x20"}
_TEXT_LENGTH = 59


class CidError(ValueError):
    """Text or bytes that are no CID of ours; says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Cid:
    """An IPFS content id: `str(cid)` is the text, `cid.digest` what the contracts hold."""

    codec: int
    digest: Digest = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Cid:
        """Raises `CidError` unless `text` is a canonical CIDv1 (base32, SHA-256, raw or dag-pb)."""
        shown = text[:80]
        if text.startswith("Qm"):
            raise CidError(f"{shown!r} is a CIDv0; add the file with --cid-version=1 --raw-leaves")
        if len(text) != _TEXT_LENGTH or not text.startswith("b"):
            raise CidError(f"{shown!r} is no CIDv1 in base32 ('b' and {_TEXT_LENGTH - 1} more characters)")
        try:
            raw = base64.b32decode(text[1:].upper() + "======")
        except ValueError as error:
            raise CidError(f"{shown!r} is not base32") from error
        cid = cls.from_bytes(raw)
        if str(cid) != text:
            raise CidError(f"{shown!r} is not written in canonical base32; the same id is {cid}")
        return cid

    @classmethod
    def from_bytes(cls, raw: bytes) -> Cid:
        """The CID in its binary form (36 bytes), as dag-pb links hold it. Raises `CidError`."""
        for codec, prefix in _PREFIX.items():
            if len(raw) == 36 and raw.startswith(prefix):
                return cls(codec, Digest(raw[4:]))
        raise CidError(f"{len(raw)} bytes beginning {raw[:4].hex()} are no CIDv1 with SHA-256, raw or dag-pb")

    @classmethod
    def of(cls, block: bytes | memoryview, codec: int = RAW) -> Cid:
        """The CID of one block."""
        return cls(codec, Digest(hashlib.sha256(block).digest()))

    def __post_init__(self) -> None:
        if self.codec not in _PREFIX:
            raise CidError(f"codec 0x{self.codec:x} is neither raw (0x55) nor dag-pb (0x70)")
        if len(self.digest) != 32:
            raise CidError(f"the digest of a CID is 32 bytes long, this is {len(self.digest)}")

    def __bytes__(self) -> bytes:
        return _PREFIX[self.codec] + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode().lower().rstrip("=")

    def __repr__(self) -> str:
        return f"Cid({self})"

    def matches(self, block: bytes | memoryview) -> bool:
        """Whether `block` is what this CID names."""
        return hashlib.sha256(block).digest() == self.digest


def raw_cid(digest: bytes) -> Cid:
    """The CID of a raw block with this digest: manifests and result lists are named so on chain."""
    return Cid(RAW, to_digest(digest))
