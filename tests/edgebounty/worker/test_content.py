"""The worker's folder of content: bounded, and told to who gives out tasks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from worker_kit import table_job

from edgebounty.content.store import MemoryStore
from edgebounty.jobs.shape import describe
from edgebounty.protocol.cid import Cid
from edgebounty.worker.content import TaskContent
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
