import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebounty.content.kubo import KuboStore
from edgebounty.content.store import ContentCorrupt, ContentMissing, ContentUnavailable, get_file, put_file
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import DAG_PB, Cid
from tests.edgebounty.content.kubo_kit import ROOT, Daemon
from tests.vectors.make import pattern

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:The .strict. parameter:FutureWarning")]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    running = Daemon(tmp_path_factory.mktemp("kubo"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def store(daemon: Daemon) -> KuboStore:
    return KuboStore(daemon.api, timeout_seconds=20)


def test_root_cid__any_size__is_what_ipfs_add_says(daemon: Daemon, tmp_path: Path) -> None:
    for case in json.loads((ROOT / "tests" / "vectors" / "cids.json").read_text()):
        path = tmp_path / "file"
        path.write_bytes(pattern(int(case["length"])))
        chunker = f"--chunker=size-{case['chunk']}"
        said = daemon.run("add", "-Q", "--only-hash", "--cid-version=1", "--raw-leaves", chunker, str(path))

        assert said == case["cid"]


def test_put_file__then_ipfs_cat__gives_the_bytes(daemon: Daemon, store: KuboStore, tmp_path: Path) -> None:
    data = pattern((2 << 20) + 17)

    cid = put_file(store, data)

    got = subprocess.run([daemon.ipfs, "cat", str(cid)], env=daemon.environment, capture_output=True, check=True).stdout
    assert got == data


def test_get_file__added_by_ipfs__gives_the_bytes(daemon: Daemon, store: KuboStore, tmp_path: Path) -> None:
    data = pattern((1 << 20) + 5)
    path = tmp_path / "file"
    path.write_bytes(data)

    text = daemon.run("add", "-Q", "--cid-version=1", "--raw-leaves", "--chunker=size-1048576", str(path))

    assert get_file(store, Cid.parse(text), 2 << 20) == data
    assert Cid.parse(text) == unixfs.root_cid(data)


def test_get_block__nobody_has_it__is_missing_in_time(daemon: Daemon) -> None:
    store = KuboStore(daemon.api, timeout_seconds=2)
    started = time.monotonic()

    with pytest.raises(ContentMissing):
        store.get_block(Cid.of(b"nobody has this"))

    assert time.monotonic() - started < 8
    assert not store.has(Cid.of(b"nobody has this"))


def test_pin__then_garbage_collection__keeps_the_tree_until_unpinned(daemon: Daemon, store: KuboStore) -> None:
    kept, lost = put_file(store, pattern((1 << 20) + 9)), put_file(store, b"not pinned")

    store.pin(kept)
    daemon.run("repo", "gc", "-q")
    assert get_file(store, kept, 2 << 20) == pattern((1 << 20) + 9)
    assert not store.has(lost)

    store.unpin(kept)
    store.unpin(kept)
    daemon.run("repo", "gc", "-q")
    assert not store.has(kept)


def test_pin__child_missing__is_missing_in_time(daemon: Daemon) -> None:
    store = KuboStore(daemon.api, timeout_seconds=2)
    built = unixfs.build(b"q" * ((1 << 20) + 3))
    store.put_block(built.cid, built.blocks[built.cid])

    with pytest.raises(ContentMissing):
        store.pin(built.cid)


def test_put_block__wrong_bytes__never_reach_the_node(store: KuboStore) -> None:
    with pytest.raises(ContentCorrupt):
        store.put_block(Cid.of(b"a"), b"b")
    assert not store.has(Cid.of(b"a"))


def test_pin__malformed_tree__is_refused_by_the_node(store: KuboStore) -> None:
    store.put_block(Cid.of(b"\xff\xff", DAG_PB), b"\xff\xff")
    with pytest.raises(ContentUnavailable, match="refuses"):
        store.pin(Cid.of(b"\xff\xff", DAG_PB))


def test_kubo_store__no_daemon_there__says_so() -> None:
    store = KuboStore("http://127.0.0.1:9", timeout_seconds=1)
    with pytest.raises(ContentUnavailable, match="ipfs daemon"):
        store.version()
    with pytest.raises(ValueError, match="multiaddr"):
        KuboStore("localhost")


def test_version__real_daemon__is_newer_than_the_library_knows(store: KuboStore) -> None:
    major, minor, *_ = store.version().split(".")
    assert (int(major), int(minor)) >= (0, 9)
