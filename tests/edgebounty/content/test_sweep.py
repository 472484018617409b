"""A store within its bound: what goes, what stays, and what is on disk after a power cut."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from edgebounty.content.store import ContentCorrupt, LocalStore, MemoryStore, file_blocks, get_file, put_file
from edgebounty.content.verify import FileChecker
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import RAW, Cid

pytestmark = pytest.mark.unit
CHUNK = 1 << 20


def filled(folder: Path, count: int) -> tuple[LocalStore, list[Cid]]:
    """Blocks of 1000 bytes, used in this order a minute apart, the last one a minute ago."""
    store = LocalStore(folder)
    cids = []
    for number in range(count):
        block = number.to_bytes(4, "big") * 250
        cids.append(Cid.of(block))
        store.put_block(cids[-1], block)
        used = time.time() - 60 * (count - number)
        os.utime(store._path(cids[-1]), (used, used))
    return store, cids


def test_sweep__above_its_bound__longest_unused_go_first(tmp_path: Path) -> None:
    store, cids = filled(tmp_path, 10)
    store.get_block(cids[0])  # used again just now

    freed = store.sweep(4000)

    assert (freed.blocks, freed.bytes, freed.left_bytes) == (6, 6000, 4000)
    assert [cid for cid in cids if store.has(cid)] == [cids[0], *cids[7:]]
    assert str(freed) == "6 blocks of 0.0 MB freed, 0.0 MB left"


def test_sweep__within_its_bound__nothing_goes(tmp_path: Path) -> None:
    store, cids = filled(tmp_path, 10)
    assert store.sweep(10_000).blocks == 0
    assert all(map(store.has, cids))


def test_sweep__pinned_or_in_use__stays_even_above_the_bound(tmp_path: Path) -> None:
    store, cids = filled(tmp_path, 5)
    store.pin(cids[0])
    assert store.sweep(0, idle_seconds=150).blocks == 2
    assert [cid for cid in cids if store.has(cid)] == [cids[0], *cids[3:]]


def test_sweep__pinned_tree_is_damaged__the_rest_is_swept_all_the_same(tmp_path: Path) -> None:
    store, cids = filled(tmp_path, 2)
    root = put_file(store, bytes(2 * CHUNK + 1))
    store.pin(root)
    store._path(root).write_bytes(b"damaged")
    assert store.sweep(0).blocks >= len(cids)
    assert store.has(root)


def test_newest__some_used_again__those_first(tmp_path: Path) -> None:
    store, cids = filled(tmp_path, 4)
    store.put_block(cids[1], (1).to_bytes(4, "big") * 250)
    assert store.newest(2) == [cids[1], cids[3]]


def test_put_block__before_it_returns__file_and_folder_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a power cut would show a missing fsync, so this watches for the calls: of the whole file while it still has
    its temporary name, and of the folder once it has its own."""
    store = LocalStore(tmp_path)
    block = b"to be kept" * 1000
    cid = Cid.of(block)
    seen: list[str] = []
    real = os.fsync

    def spy(descriptor: int) -> None:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            seen.append("folder with the block" if store.has(cid) else "folder")
        else:
            seen.append(f"file of {found.st_size}, " + ("named" if store.has(cid) else "not named yet"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    store.put_block(cid, block)
    assert seen == ["folder", f"file of {len(block)}, not named yet", "folder with the block"]


# --- trees that would keep us busy ---


def node(children: list[tuple[Cid, int]]) -> tuple[Cid, bytes]:
    """A dag-pb node that says whatever one likes of its children's lengths."""
    block, link = unixfs._node([unixfs._Link(cid, size, size) for cid, size in children])
    return link.cid, block


def bomb(store: MemoryStore, leaf: bytes, *, wide: int, deep: int) -> tuple[Cid, int]:
    """A file of very many bytes from a handful of blocks."""
    cid, size = Cid.of(leaf), len(leaf)
    store.put_block(cid, leaf)
    for _ in range(deep):
        cid, block = node([(cid, size)] * wide)
        store.put_block(cid, block)
        size *= wide
    return cid, size


def test_length__a_petabyte_from_nine_blocks__known_at_once() -> None:
    store = MemoryStore()
    root, size = bomb(store, bytes(4096), wide=100, deep=6)
    assert size > 1 << 50
    assert FileChecker(store).length(root) == size
    assert len(list(file_blocks(store, root))) == 7


def test_read__pieces_of_no_bytes__refused_and_not_walked() -> None:
    store = MemoryStore()
    for leaf in (b"", b"x"):
        root, _ = bomb(store, leaf, wide=100, deep=8)
        for read in (lambda: get_file(store, root, 1 << 60), lambda: FileChecker(store).length(root)):  # noqa: B023
            with pytest.raises(ContentCorrupt, match="pieces below 4096 bytes"):
                read()


def test_length__deeper_than_any_file__refused() -> None:
    store = MemoryStore()
    root, _ = bomb(store, bytes(4096), wide=1, deep=9)
    with pytest.raises(ContentCorrupt, match="deeper than any file"):
        FileChecker(store).length(root)


@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3])
def test_length__honest_file__its_length_and_each_block_read_once(length: int) -> None:
    reads: list[Cid] = []

    class Counting(MemoryStore):
        def get_block(self, cid: Cid) -> bytes:
            reads.append(cid)
            return super().get_block(cid)

    store = Counting()
    root = put_file(store, bytes(length))
    checker = FileChecker(store)
    assert checker.length(root) == checker.length(root) == length
    leaves = [cid for cid in reads if cid.codec == RAW]
    assert len(leaves) == len(set(leaves))


def test_length__one_leaf_is_not_what_the_tree_says__corrupt() -> None:
    store = MemoryStore()
    leaf = bytes(5000)
    store.put_block(Cid.of(leaf), leaf)
    root, block = node([(Cid.of(leaf), 5000), (Cid.of(leaf), 4999)])
    store.put_block(root, block)
    with pytest.raises(ContentCorrupt, match="5000 bytes where the file's tree says 4999"):
        FileChecker(store).length(root)
