"""The one port for content, with the two stores that need no network. Every block is re-hashed when it is read."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import RAW, Cid, CidError

MAX_BLOCK_BYTES: Final = 2 << 20
"""No block of ours is longer than a chunk; IPFS nodes refuse to exchange blocks above 2 MiB."""


LEAST_CHILD_BYTES: Final = 4096
"""What every piece of a file but the last one holds at least; `ipfs add` makes chunks of 256 KiB."""


class ContentError(Exception):
    """Content that could not be had; `cid` says which."""

    def __init__(self, cid: Cid, detail: str) -> None:
        super().__init__(f"{cid}: {detail}")
        self.cid = cid
        self.detail = detail


class ContentMissing(ContentError):
    """Nobody asked has the block."""


class ContentCorrupt(ContentError):
    """What was served is not what the CID names: the one who served it is at fault."""


class ContentUnavailable(ContentError):
    """The store itself cannot be reached or refused us: try again, or another one."""


class ContentStore(Protocol):
    """Blocks by CID. Safe to call from several threads."""

    def put_block(self, cid: Cid, block: bytes) -> None:
        """Keep a block; twice is once. Raises `ContentCorrupt` if it is not what `cid` names."""

    def get_block(self, cid: Cid) -> bytes:
        """The block, re-hashed. Raises `ContentMissing`, `ContentCorrupt`, `ContentUnavailable`."""

    def has(self, cid: Cid) -> bool:
        """Whether the block is here; does not ask other nodes."""

    def pin(self, cid: Cid) -> None:
        """Keep this block, and all below it, until `unpin`. Raises `ContentMissing` if it is not here."""

    def unpin(self, cid: Cid) -> None:
        """The block need not be kept any more."""


def check_block(cid: Cid, block: bytes | memoryview) -> None:
    """Raises `ContentCorrupt` unless `block` is what `cid` names and short enough to be a block."""
    if len(block) > MAX_BLOCK_BYTES:
        raise ContentCorrupt(cid, f"a block of {len(block)} bytes; at most {MAX_BLOCK_BYTES} are a block")
    if not cid.matches(block):
        raise ContentCorrupt(cid, "the bytes do not hash to this CID")


def put_file(store: ContentStore, data: bytes | memoryview) -> Cid:
    """Keep a file as blocks; returns its root."""
    root = None
    for root, block in unixfs.iter_blocks(data):
        store.put_block(root, bytes(block))
    assert root is not None
    return root


def get_file(store: ContentStore, cid: Cid, limit_bytes: int) -> bytes:
    """The whole file under `cid`, every block re-hashed.

    Raises `ContentCorrupt` if the tree contradicts itself or the file is longer than `limit_bytes`, and what
    `ContentStore.get_block` raises.
    """
    return b"".join(iter_file(store, cid, limit_bytes))


def iter_file(store: ContentStore, cid: Cid, limit_bytes: int) -> Iterator[bytes]:
    """The chunks of a file in order; see `get_file`."""
    yield from _walk(store, cid, None, limit_bytes, 0)


def file_blocks(store: ContentStore, cid: Cid) -> Iterator[Cid]:
    """Every CID of a file's tree once, the root first; reads the inner nodes only. Raises like `get_file`.

    A tree may name one block very often; it is looked at once, so a few blocks cannot keep us busy for long.
    """
    told: set[Cid] = set()
    waiting = [cid]
    while waiting:
        cid = waiting.pop()
        if cid in told:
            continue
        told.add(cid)
        yield cid
        if cid.codec != RAW:
            waiting += [child for child, _ in reversed(node_links(store, cid))]


def _walk(store: ContentStore, cid: Cid, expected: int | None, limit: int, depth: int) -> Iterator[bytes]:
    if cid.codec == RAW:
        block = store.get_block(cid)
        if expected is not None and len(block) != expected:
            raise ContentCorrupt(cid, f"{len(block)} bytes where the file's tree says {expected}")
        if len(block) > limit:
            raise ContentCorrupt(cid, f"{len(block)} bytes; at most {limit} are expected here")
        yield block
        return
    if depth > 8:  # 174^8 chunks: nothing honest is deeper
        raise ContentCorrupt(cid, "a tree deeper than any file")
    children = node_links(store, cid)
    total = sum(size for _, size in children)
    if expected is not None and total != expected:
        raise ContentCorrupt(cid, f"{total} bytes below it where the node above says {expected}")
    if total > limit:
        raise ContentCorrupt(cid, f"a file of {total} bytes; at most {limit} are expected here")
    for child, size in children:
        yield from _walk(store, child, size, size, depth + 1)


def node_links(store: ContentStore, cid: Cid) -> list[tuple[Cid, int]]:
    """The children of an inner node, and how many bytes of the file each holds.

    Raises `ContentCorrupt` for what is no node of a file, and for children of next to nothing: no chunker makes them,
    and a tree of them could be walked for years.
    """
    try:
        children = unixfs.links(store.get_block(cid))
    except unixfs.UnixfsError as error:
        raise ContentCorrupt(cid, f"not a file of ours: {error}") from error
    if any(size < LEAST_CHILD_BYTES for _, size in children[:-1]) or children[-1][1] < 1:
        raise ContentCorrupt(cid, f"a tree with pieces below {LEAST_CHILD_BYTES} bytes: add the file in larger chunks")
    return children


class MemoryStore:
    """Blocks in a dict: for tests and for jobs that run in one process."""

    def __init__(self, blocks: dict[Cid, bytes] | None = None) -> None:
        self.blocks: dict[Cid, bytes] = {}
        self.pins: set[Cid] = set()
        for cid, block in (blocks or {}).items():
            self.put_block(cid, block)

    def put_block(self, cid: Cid, block: bytes) -> None:
        check_block(cid, block)
        self.blocks[cid] = bytes(block)

    def get_block(self, cid: Cid) -> bytes:
        try:
            block = self.blocks[cid]
        except KeyError:
            raise ContentMissing(cid, "not in this store") from None
        check_block(cid, block)
        return block

    def has(self, cid: Cid) -> bool:
        return cid in self.blocks

    def pin(self, cid: Cid) -> None:
        self.get_block(cid)
        self.pins.add(cid)

    def unpin(self, cid: Cid) -> None:
        self.pins.discard(cid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What a sweep deleted, and how many bytes of blocks are left."""

    blocks: int
    bytes: int
    left_bytes: int

    def __str__(self) -> str:
        return f"{self.blocks} blocks of {self.bytes / 1e6:.1f} MB freed, {self.left_bytes / 1e6:.1f} MB left"


class LocalStore:
    """One file per block under `directory`; a file appears whole or not at all, even when the process is killed.

    `blocks/xy/CID` holds a block (xy: the CID's last letters but one), `pins/CID` is an empty mark. A block's time of
    change is when it was last used. Several processes may share a directory.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._blocks = self.directory / "blocks"
        self._pins = self.directory / "pins"
        self._known: set[Path] = set()
        self._lock = threading.Lock()
        self._blocks.mkdir(parents=True, exist_ok=True)
        self._pins.mkdir(parents=True, exist_ok=True)

    def put_block(self, cid: Cid, block: bytes) -> None:
        check_block(cid, block)
        path = self._path(cid)
        if self._is_whole(path, cid, block):
            _touch(path)
            return
        try:
            self._make(path.parent)
            _write_whole(path, block)
        except OSError as error:
            raise ContentUnavailable(cid, f"{self.directory} cannot be written: {error.strerror}") from error

    def get_block(self, cid: Cid) -> bytes:
        path = self._path(cid)
        try:
            block = path.read_bytes()
            _touch(path)
        except FileNotFoundError:
            raise ContentMissing(cid, f"not in {self.directory}") from None
        except OSError as error:
            raise ContentUnavailable(cid, f"{self.directory} cannot be read: {error.strerror}") from error
        check_block(cid, block)
        return block

    def has(self, cid: Cid) -> bool:
        return self._path(cid).exists()

    def pin(self, cid: Cid) -> None:
        if not self.has(cid):
            raise ContentMissing(cid, f"not in {self.directory}, so it cannot be pinned")
        _write_whole(self._pins / str(cid), b"")

    def unpin(self, cid: Cid) -> None:
        (self._pins / str(cid)).unlink(missing_ok=True)

    def pins(self) -> Iterator[Cid]:
        """What is pinned now."""
        for path in sorted(self._pins.iterdir()):
            with contextlib.suppress(CidError):  # a temporary file of a killed process
                yield Cid.parse(path.name)

    def cids(self) -> Iterator[Cid]:
        """Every block here."""
        for path in sorted(self._blocks.glob("??/*")):
            with contextlib.suppress(CidError):
                yield Cid.parse(path.name)

    def newest(self, count: int) -> list[Cid]:
        """The blocks that were used last, the newest first."""
        found: list[tuple[int, str]] = []
        for path in self._blocks.glob("??/b*"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime_ns, path.name))
        return [Cid.parse(name) for _, name in sorted(found, reverse=True)[:count]]

    def sweep(self, most_bytes: int = 0, *, idle_seconds: float = 0) -> Freed:
        """Delete blocks that no pin reaches, the longest unused first, until at most `most_bytes` are left.

        Blocks used within `idle_seconds` stay, so that a file which is just being written or read is not cut up.
        """
        kept: set[Path] = set()
        for root in self.pins():
            kept.update(self._path(cid) for cid in self._reached(root))
        found: list[tuple[Path, os.stat_result]] = []
        for path in self._blocks.glob("??/*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                found.append((path, path.stat()))
        total = sum(stat.st_size for _, stat in found)
        limit = time.time() - idle_seconds
        blocks = freed = 0
        for path, stat in sorted(found, key=lambda each: each[1].st_mtime_ns):
            if total - freed <= most_bytes or (idle_seconds and stat.st_mtime > limit):
                break
            if path not in kept:
                path.unlink(missing_ok=True)
                blocks, freed = blocks + 1, freed + stat.st_size
        return Freed(blocks=blocks, bytes=freed, left_bytes=total - freed)

    def _reached(self, root: Cid) -> Iterator[Cid]:
        """What a pin keeps; of a damaged tree as much as can be read."""
        with contextlib.suppress(ContentError):
            yield from file_blocks(self, root)

    def _path(self, cid: Cid) -> Path:
        text = str(cid)
        return self._blocks / text[-3:-1] / text

    def _is_whole(self, path: Path, cid: Cid, block: bytes) -> bool:
        """A block that a failing disk has changed is written again."""
        try:
            return path.stat().st_size == len(block) and cid.matches(path.read_bytes())
        except OSError:
            return False

    def _make(self, folder: Path) -> None:
        with self._lock:
            if folder not in self._known:
                folder.mkdir(parents=True, exist_ok=True)
                _sync_folder(folder.parent)
                self._known.add(folder)


class FallbackStore:
    """Several stores as one: reads ask in order until one serves the right bytes, writes go to the first."""

    def __init__(self, stores: Sequence[ContentStore]) -> None:
        if not stores:
            raise ValueError("at least one store is needed")
        self._stores = tuple(stores)

    def put_block(self, cid: Cid, block: bytes) -> None:
        self._stores[0].put_block(cid, block)

    def get_block(self, cid: Cid) -> bytes:
        errors: list[ContentError] = []
        for store in self._stores:
            try:
                return store.get_block(cid)
            except ContentError as error:
                errors.append(error)
        # what is worth another try, or shows a liar, must not be hidden behind a plain "missing"
        for kind in (ContentUnavailable, ContentCorrupt):
            for found in errors:
                if isinstance(found, kind):
                    raise found
        raise errors[-1]

    def has(self, cid: Cid) -> bool:
        return any(store.has(cid) for store in self._stores)

    def pin(self, cid: Cid) -> None:
        self._stores[0].pin(cid)

    def unpin(self, cid: Cid) -> None:
        self._stores[0].unpin(cid)


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside, flush to disk, rename: readers and restarts see the old file or the new, never half of one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _touch(path: Path) -> None:
    """Note that a block was used now."""
    with contextlib.suppress(OSError):  # gone, or a folder that is only read
        os.utime(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
