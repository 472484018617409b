"""Files as UnixFS trees of raw leaves: the same root CID as `ipfs add --cid-version=1 --raw-leaves`.

The chunk is 1 MiB (`--chunker=size-1048576`) and the tree balanced, 174 links wide. A file of at most one chunk is one
raw block, so its CID is plain SHA-256. Format: https://github.com/ipfs/specs/blob/main/UNIXFS.md and dag-pb.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edgebounty.protocol.cid import CHUNK_BYTES, DAG_PB, FANOUT, RAW, Cid, CidError
from edgebounty.protocol.types import Digest, to_digest

_RAW_LINK = b"\x0a\x24\x01\x55\x12\x20"  # field 1 (Hash), 36 bytes, CIDv1 raw sha2-256 32
_NODE_LINK = b"\x0a\x24\x01\x70\x12\x20"


class UnixfsError(ValueError):
    """A dag-pb block that is not an inner node of a file with raw leaves."""


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file cut into blocks; `cid` is its root."""

    cid: Cid
    blocks: dict[Cid, bytes]


@dataclass(frozen=True, slots=True)
class _Link:
    cid: Cid
    content_bytes: int  # of the file below this link
    tree_bytes: int  # of all blocks below this link: dag-pb's Tsize


def build(data: bytes | memoryview) -> BuiltFile:
    """All blocks of a file, by CID."""
    blocks: dict[Cid, bytes] = {}
    cid = None
    for cid, block in iter_blocks(data):
        blocks[cid] = bytes(block)
    assert cid is not None  # there is always a last block, the root
    return BuiltFile(cid, blocks)


def root_cid(data: bytes | memoryview, *, chunk_bytes: int = CHUNK_BYTES) -> Cid:
    """The CID of a file, keeping none of its blocks."""
    *_, (cid, _) = iter_blocks(data, chunk_bytes=chunk_bytes)
    return cid


def iter_blocks(
    source: bytes | memoryview | BinaryIO, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[tuple[Cid, bytes | memoryview]]:
    """Every block of a file, leaves before the nodes that link to them; the last is the root.

    A stream is read chunk by chunk: memory stays at one chunk and the open nodes. A memoryview is not copied.
    """
    levels: list[list[_Link]] = [[]]
    sha256 = hashlib.sha256
    for chunk in _chunks(source, chunk_bytes):
        leaf = _Link(Cid(RAW, Digest(sha256(chunk).digest())), len(chunk), len(chunk))
        yield leaf.cid, chunk
        yield from _push(levels, 0, leaf)
    depth = 0
    while depth < len(levels) - 1 or len(levels[depth]) > 1:
        yield from _close(levels, depth)
        depth += 1


def links(block: bytes) -> list[tuple[Cid, int]]:
    """The children of an inner node and how many bytes of the file each holds. Raises `UnixfsError`."""
    try:
        return _parse_node(block)
    except (CidError, IndexError) as error:
        raise UnixfsError(f"malformed dag-pb block: {error}") from error


def cid_of_digest(digest: bytes, length: int) -> Cid:
    """The CID of content whose digest is on chain and whose length is known: up to one chunk it is a raw block."""
    if length < 0:
        raise ValueError(f"a length is not negative: {length}")
    return Cid(RAW if length <= CHUNK_BYTES else DAG_PB, to_digest(digest))


def _chunks(source: bytes | memoryview | BinaryIO, size: int) -> Iterator[bytes | memoryview]:
    if isinstance(source, bytes | bytearray | memoryview):
        view = memoryview(source).cast("B")
        for start in range(0, max(1, len(view)), size):
            yield view[start : start + size]
        return
    first = True
    while (chunk := _read_exactly(source, size)) or first:
        first = False
        yield chunk


def _read_exactly(source: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _push(levels: list[list[_Link]], depth: int, link: _Link) -> Iterator[tuple[Cid, bytes]]:
    """Add a link at this depth; a node closes only when one more link is there to need it."""
    if depth == len(levels):
        levels.append([])
    if len(levels[depth]) == FANOUT:
        yield from _close(levels, depth)
    levels[depth].append(link)


def _close(levels: list[list[_Link]], depth: int) -> Iterator[tuple[Cid, bytes]]:
    block, link = _node(levels[depth])
    levels[depth] = []
    yield link.cid, block
    yield from _push(levels, depth + 1, link)


def _node(children: Iterable[_Link]) -> tuple[bytes, _Link]:
    """One dag-pb node: links (Hash, empty Name, Tsize), then the UnixFS record (type, size, sizes of the children)."""
    content = tree = 0
    link_fields: list[bytes] = []
    sizes: list[bytes] = []
    for child in children:
        head = _RAW_LINK if child.cid.codec == RAW else _NODE_LINK
        body = head + child.cid.digest + b"\x12\x00\x18" + _varint(child.tree_bytes)
        link_fields.append(b"\x12" + _varint(len(body)) + body)
        sizes.append(b"\x20" + _varint(child.content_bytes))
        content += child.content_bytes
        tree += child.tree_bytes
    record = b"\x08\x02\x18" + _varint(content) + b"".join(sizes)
    block = b"".join(link_fields) + b"\x0a" + _varint(len(record)) + record
    return block, _Link(Cid.of(block, DAG_PB), content, len(block) + tree)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _parse_node(block: bytes) -> list[tuple[Cid, int]]:
    hashes: list[Cid] = []
    sizes: list[int] | None = None
    for number, value in _fields(block):
        match number, value:
            case 2, bytes() if sizes is None:
                hashes.append(_link_hash(value))
            case 1, bytes() if sizes is None:
                sizes = _file_sizes(value)
            case _:
                raise UnixfsError(f"unexpected or misplaced field {number}")
    if sizes is None:
        raise UnixfsError("no UnixFS record")
    if not hashes or len(hashes) != len(sizes):
        raise UnixfsError(f"{len(hashes)} links but {len(sizes)} sizes: not a file with raw leaves")
    return list(zip(hashes, sizes, strict=True))


def _link_hash(link: bytes) -> Cid:
    for number, value in _fields(link):
        if number == 1 and isinstance(value, bytes):
            return Cid.from_bytes(value)
    raise UnixfsError("a link without a hash")


def _file_sizes(record: bytes) -> list[int]:
    total = kind = None
    sizes: list[int] = []
    for number, value in _fields(record):
        match number, value:
            case 1, int():
                kind = value
            case 3, int():
                total = value
            case 4, int():
                sizes.append(value)
            case _:
                raise UnixfsError("file bytes inside a dag-pb node: add the file with --raw-leaves")
    if kind != 2:
        raise UnixfsError(f"UnixFS type {kind} is not a file")
    if total != sum(sizes):
        raise UnixfsError(f"children hold {sum(sizes)} bytes, the node says {total}")
    return sizes


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message, in order: varints and byte strings only."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2:
            if at + value > len(data):
                raise UnixfsError("a field runs past the end of the block")
            yield key >> 3, data[at : at + value]
            at += value
        else:
            raise UnixfsError(f"protobuf wire type {key & 7}")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise UnixfsError("a number longer than 64 bits")
