"""The worker's folder of content: bounded, and told to who gives out tasks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from worker_kit import table_job

from edgebounty.content.store import MemoryStore, put_file
from edgebounty.jobs.shape import describe
from edgebounty.protocol.batch.court import NoJury, jury_digest, jury_document, parse_jury_document
from edgebounty.protocol.cid import Cid, raw_cid
from edgebounty.protocol.types import Digest
from edgebounty.worker.content import Named, TaskContent
from edgebounty.worker.explain import Refused

pytestmark = pytest.mark.unit


def test_held__after_a_task_was_fetched__names_its_shard(tmp_path: Path) -> None:
    planned = table_job(shards=2)
    content = TaskContent(tmp_path, MemoryStore(planned.blocks))
    assert content.held() == []
    content.prefetch(planned.manifest, describe(planned.manifest, 1), {})
    shards = [str(shard.cid) for shard in planned.manifest.shards]
    assert shards[1] in content.held()
    assert shards[0] not in content.held()


def test_sweep__above_the_bound__earlier_shards_go_and_results_stay(tmp_path: Path) -> None:
    planned = table_job(shards=2)
    content = TaskContent(tmp_path, MemoryStore(planned.blocks), most_bytes=16 << 20)
    for index in (0, 1):
        content.prefetch(planned.manifest, describe(planned.manifest, index), {})
    result = content.keep_output(b"a result that waits for its reveal")
    content._most_bytes = 0
    assert content.sweep().blocks == 0  # all of it was used a moment ago
    for path in (tmp_path / "blocks").glob("??/*"):
        os.utime(path, (0, 0))
    assert content.sweep().blocks >= 3
    assert content.local.get_block(result) == b"a result that waits for its reveal"
    assert content.held() == []
    content.release(result)
    os.utime(content.local._path(result), (0, 0))
    assert content.sweep().left_bytes == 0


def test_held__after_a_restart__still_known(tmp_path: Path) -> None:
    planned = table_job(shards=1)
    TaskContent(tmp_path, MemoryStore(planned.blocks)).prefetch(planned.manifest, describe(planned.manifest, 0), {})
    assert str(planned.manifest.shards[0].cid) in TaskContent(tmp_path, None).held()


def test_prefetch__gateway_that_dribbles__left_after_a_while(tmp_path: Path) -> None:
    planned = table_job(shards=1)
    now = [0.0]

    class Dribbling(MemoryStore):
        def get_block(self, cid: Cid) -> bytes:
            now[0] += 10_000  # each block within its own limit, so to say
            return super().get_block(cid)

    content = TaskContent(tmp_path, Dribbling(planned.blocks), clock=lambda: now[0])
    with pytest.raises(Refused, match="bytes a second") as refused:
        content.prefetch(planned.manifest, describe(planned.manifest, 0), {})
    assert refused.value.code == "content_missing"


def test_prefetch__task_larger_than_the_bound__refused_before_a_byte_is_fetched(tmp_path: Path) -> None:
    planned = table_job(shards=1)
    content = TaskContent(tmp_path, MemoryStore(planned.blocks), most_bytes=1000)
    with pytest.raises(Refused, match="max_cache_bytes") as refused:
        content.prefetch(planned.manifest, describe(planned.manifest, 0), {})
    assert refused.value.code == "over_limits"
    assert content.held() == []


def jury_content(tmp_path: Path, document: bytes, *, with_job: bool = True) -> tuple[TaskContent, Digest]:
    store = MemoryStore(table_job(shards=2).blocks if with_job else {})
    put_file(store, document)
    return TaskContent(tmp_path, store), Digest(hashlib.sha256(document).digest())


def test_named__jurys_document__is_the_tried_task_of_the_whole_manifest(tmp_path: Path) -> None:
    manifest = table_job(shards=2).manifest
    content, digest = jury_content(tmp_path, jury_document(manifest.digest, 1))
    assert digest == jury_digest(manifest.digest, 1)
    named = content.named(digest)
    assert named == Named(manifest, 1)
    assert named.shape == (1, 0, 1)
    assert named.spec(0) == describe(manifest, 1)
    assert content.local.has(manifest.cid)  # where the sandbox reads it
    with pytest.raises(Refused, match="only the direct lane"):
        content.manifest(digest)


def test_named__manifest__is_itself(tmp_path: Path) -> None:
    manifest = table_job(shards=2).manifest
    named = TaskContent(tmp_path, MemoryStore(table_job(shards=2).blocks)).named(manifest.digest)
    assert named.shape == (2, 1, 2)
    assert [named.spec(i) for i in range(6)] == [describe(manifest, i) for i in range(6)]


@pytest.mark.parametrize("task", [2, 3, 65_535])
def test_named__jury_of_a_task_that_is_no_map_task_of_the_first_round__refused(tmp_path: Path, task: int) -> None:
    content, digest = jury_content(tmp_path, jury_document(table_job(shards=2).manifest.digest, task))
    with pytest.raises(Refused, match=f"try task {task}") as refused:
        content.named(digest)
    assert refused.value.code == "manifest_bad"


def test_named__jury_of_a_jury__refused(tmp_path: Path) -> None:
    inner = jury_document(table_job(shards=2).manifest.digest, 0)
    content, digest = jury_content(tmp_path, jury_document(Digest(hashlib.sha256(inner).digest()), 0))
    content._store.put_block(raw_cid(hashlib.sha256(inner).digest()), inner)
    with pytest.raises(Refused, match="unusable") as refused:
        content.named(digest)
    assert refused.value.code == "manifest_bad"


def test_named__manifest_on_trial_is_nowhere__nothing_is_claimed(tmp_path: Path) -> None:
    content, digest = jury_content(tmp_path, jury_document(table_job(shards=2).manifest.digest, 0), with_job=False)
    with pytest.raises(Refused, match="job on trial is nowhere") as refused:
        content.named(digest)
    assert refused.value.code == "content_missing"


@pytest.mark.parametrize(
    "change",
    [
        (b'"jury":1', b'"jury":2'),
        (b'"task":1', b'"task":01'),
        (b'"task":1', b'"task":-1'),
        (b'"task":1', b'"task":1.0'),
        (b'"task":1', b'"task":100000'),
        (b'"task":1', b'"task":1,"x":1'),
        (b'{"jury', b' {"jury'),
        (b"}", b"}\n"),
        (b'"0x', b'"0X'),
        (b'"0x0', b'"0xA'),
        (b'"0x0', b'"0x'),
    ],
)
def test_named__document_that_is_not_as_the_court_writes_it__refused(
    tmp_path: Path, change: tuple[bytes, bytes]
) -> None:
    document = jury_document(Digest(bytes(32)), 1)
    spoiled = document.replace(*change)
    assert spoiled != document
    with pytest.raises(NoJury):
        parse_jury_document(spoiled)
    content, digest = jury_content(tmp_path, spoiled)
    with pytest.raises(Refused) as refused:
        content.named(digest)
    assert refused.value.code == "manifest_bad"
