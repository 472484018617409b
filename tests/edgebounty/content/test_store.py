"""One suite for every store: what `ContentStore` promises, on the real thing."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgebounty.content.http import HttpGateway
from edgebounty.content.permission import UploadSigner, signed_by
from edgebounty.content.store import (
    MAX_BLOCK_BYTES,
    ContentCorrupt,
    ContentMissing,
    ContentStore,
    ContentUnavailable,
    FallbackStore,
    LocalStore,
    MemoryStore,
    file_blocks,
    get_file,
    put_file,
)
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import DAG_PB, Cid
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import to_address
from tests.edgebounty.content.serving import serve_store

DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x22" * 20))
KEY = bytes(range(1, 33))
CHUNK = 1 << 20


@contextlib.contextmanager
def gateway() -> Iterator[ContentStore]:
    with serve_store(MemoryStore(), signed_by(DOMAIN, lambda *_: True)) as url:
        yield HttpGateway(url, UploadSigner(DOMAIN, KEY))


@pytest.fixture(params=["memory", "local", "fallback", "gateway"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContentStore]:
    plain: dict[str, Callable[[], ContentStore]] = {
        "memory": MemoryStore,
        "local": lambda: LocalStore(tmp_path),
        "fallback": lambda: FallbackStore([MemoryStore(), LocalStore(tmp_path)]),
    }
    if request.param in plain:
        yield plain[request.param]()
        return
    with gateway() as made:
        yield made


@pytest.mark.integration
class TestEveryStore:
    @pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
    def test_put_file__then_get_file__gives_the_bytes(self, store: ContentStore, length: int) -> None:
        data = os.urandom(length)

        cid = put_file(store, data)

        assert cid == unixfs.root_cid(data)
        assert get_file(store, cid, length) == data
        assert all(store.has(block) for block in file_blocks(store, cid))

    def test_put_block__twice__is_once(self, store: ContentStore) -> None:
        for _ in range(2):
            store.put_block(Cid.of(b"x"), b"x")
        assert store.get_block(Cid.of(b"x")) == b"x"

    def test_get_block__never_put__is_missing(self, store: ContentStore) -> None:
        assert not store.has(Cid.of(b"never"))
        with pytest.raises(ContentMissing) as caught:
            store.get_block(Cid.of(b"never"))
        assert caught.value.cid == Cid.of(b"never")

    def test_put_block__bytes_of_another_cid__is_corrupt_and_keeps_nothing(self, store: ContentStore) -> None:
        with pytest.raises(ContentCorrupt):
            store.put_block(Cid.of(b"a"), b"b")
        assert not store.has(Cid.of(b"a"))

    def test_put_block__longer_than_a_block__is_refused(self, store: ContentStore) -> None:
        big = bytes(MAX_BLOCK_BYTES + 1)
        with pytest.raises(ContentCorrupt, match="at most"):
            store.put_block(Cid.of(big), big)

    def test_pin__absent_then_present__is_missing_then_fine(self, store: ContentStore) -> None:
        with pytest.raises(ContentMissing):
            store.pin(Cid.of(b"p"))
        store.put_block(Cid.of(b"p"), b"p")
        store.pin(Cid.of(b"p"))
        store.unpin(Cid.of(b"p"))
        store.unpin(Cid.of(b"p"))
        assert store.get_block(Cid.of(b"p")) == b"p"

    def test_get_file__one_block_missing__is_missing(self, store: ContentStore) -> None:
        built = unixfs.build(os.urandom(2 * CHUNK))
        store.put_block(built.cid, built.blocks[built.cid])
        with pytest.raises(ContentMissing):
            get_file(store, built.cid, 2 * CHUNK)

    def test_get_file__longer_than_the_limit__is_refused_before_its_chunks_are_read(self, store: ContentStore) -> None:
        built = unixfs.build(bytes(2 * CHUNK))
        store.put_block(built.cid, built.blocks[built.cid])  # the chunks are not even there
        with pytest.raises(ContentCorrupt, match=f"at most {CHUNK}"):
            get_file(store, built.cid, CHUNK)


@pytest.mark.unit
@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param((CHUNK + 1, CHUNK - 1), id="children swapped in size"),
        pytest.param((CHUNK, CHUNK + 1), id="claims more than there is"),
    ],
)
def test_get_file__tree_whose_sizes_lie__is_corrupt(sizes: tuple[int, int]) -> None:
    leaf = Cid.of(bytes(CHUNK))
    children = [unixfs._Link(leaf, size, CHUNK) for size in sizes]
    block, link = unixfs._node(children)
    store = MemoryStore({leaf: bytes(CHUNK), link.cid: block})
    with pytest.raises(ContentCorrupt, match="tree says"):
        get_file(store, link.cid, 4 * CHUNK)


@pytest.mark.unit
def test_get_file__tree_of_absurd_depth__is_corrupt() -> None:
    block, link = unixfs._node([unixfs._Link(Cid.of(b"x"), 1, 1)])
    store = MemoryStore({Cid.of(b"x"): b"x", link.cid: block})
    for _ in range(20):
        block, link = unixfs._node([link])
        store.put_block(link.cid, block)
    with pytest.raises(ContentCorrupt, match="deeper"):
        get_file(store, link.cid, 100)


@pytest.mark.unit
def test_get_file__dag_pb_that_is_no_file__is_corrupt() -> None:
    store = MemoryStore({Cid.of(b"\x0a\x02\x08\x01", DAG_PB): b"\x0a\x02\x08\x01"})
    with pytest.raises(ContentCorrupt, match="not a file of ours"):
        get_file(store, Cid.of(b"\x0a\x02\x08\x01", DAG_PB), 100)


@pytest.mark.property
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, CHUNK + 99), st.integers(0, 7))
def test_local_store__any_bit_flipped_on_disk__is_corrupt_and_heals_by_putting_again(
    tmp_path: Path, at: int, bit: int
) -> None:
    store = LocalStore(tmp_path)
    data = bytes(CHUNK + 100)
    root = put_file(store, data)
    leaf = list(file_blocks(store, root))[1 if at < CHUNK else 2]
    path = next(tmp_path.glob(f"blocks/*/{leaf}"))
    damaged = bytearray(path.read_bytes())
    damaged[at % CHUNK] ^= 1 << bit
    path.write_bytes(damaged)

    with pytest.raises(ContentCorrupt):
        get_file(store, root, 2 * CHUNK)

    put_file(store, data)
    assert get_file(store, root, 2 * CHUNK) == data


@pytest.mark.unit
def test_fallback__first_lies_second_has_it__gives_the_right_bytes() -> None:
    cid = Cid.of(b"right")
    liar = MemoryStore()
    liar.blocks[cid] = b"wrong"
    assert FallbackStore([liar, MemoryStore({cid: b"right"})]).get_block(cid) == b"right"
    with pytest.raises(ContentCorrupt):
        FallbackStore([liar, MemoryStore()]).get_block(cid)
    with pytest.raises(ValueError, match="at least one"):
        FallbackStore([])


@pytest.mark.unit
def test_sweep__pinned_and_not__keeps_the_pinned_trees_only(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    kept, gone = put_file(store, bytes(2 * CHUNK + 1)), put_file(store, b"gone")
    store.pin(kept)

    assert store.sweep().blocks == 1
    assert get_file(store, kept, 3 * CHUNK) == bytes(2 * CHUNK + 1)
    assert not store.has(gone)
    assert list(store.pins()) == [kept]

    store.unpin(kept)
    store.sweep()
    assert list(store.cids()) == []


def put_many(directory: str, seed: int, count: int) -> None:
    store = LocalStore(directory)
    for i in range(count):
        block = bytes([seed]) + i.to_bytes(4, "big") * 50_000
        store.put_block(Cid.of(block), block)
        shared = i.to_bytes(4, "big") * 1000
        store.put_block(Cid.of(shared), shared)


@pytest.mark.integration
def test_local_store__killed_while_it_writes__has_only_whole_blocks(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for delay_blocks in (1, 5, 20):
        child = context.Process(target=put_many, args=(str(tmp_path), delay_blocks, 10_000))
        child.start()
        while len(list(tmp_path.glob("blocks/*/b*"))) < delay_blocks:
            assert child.is_alive()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()

        store = LocalStore(tmp_path)
        for cid in store.cids():
            store.get_block(cid)
        put_many(str(tmp_path), 0, 1)


@pytest.mark.integration
def test_local_store__two_processes_put_the_same_at_once__both_succeed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=put_many, args=(str(tmp_path), seed, 40)) for seed in (1, 2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)

    assert [child.exitcode for child in children] == [0, 0]
    store = LocalStore(tmp_path)
    assert len([store.get_block(cid) for cid in store.cids()]) == 120
    assert not list(tmp_path.glob("blocks/*/.writing-*"))


@pytest.mark.unit
def test_local_store__disk_that_refuses__says_so_and_leaves_no_half_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ContentUnavailable, match="No space left"):
        store.put_block(Cid.of(b"x"), b"x")
    monkeypatch.undo()
    assert not store.has(Cid.of(b"x"))
    assert not list(tmp_path.glob("blocks/*/.writing-*"))
