"""The keeper's second home for content: a real IPFS node."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebounty.content.kubo import KuboStore
from edgebounty.content.store import LocalStore, get_file
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import output_cid
from edgebounty.protocol.types import JobId
from orchestrator.adapters.content.keeper import StoreKeeper
from orchestrator.domain.facts import ManifestLoaded
from orchestrator.domain.values import Job
from tests.edgebounty.content.kubo_kit import Daemon
from tests.orchestrator.builders import block
from tests.orchestrator.devnet import run_here, small_job
from tests.orchestrator.model import REQUESTER, make_terms

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:The .strict. parameter:FutureWarning")]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    running = Daemon(tmp_path_factory.mktemp("kubo"))
    yield running
    running.stop()


def job_of(planned: PlannedJob) -> Job:
    terms = make_terms(manifest_digest=planned.manifest.digest)
    return Job(id=JobId(1), requester=REQUESTER, terms=terms, posted=block(1))


def pins_of(daemon: Daemon) -> set[str]:
    return set(daemon.run("pin", "ls", "--type=recursive", "--quiet").split())


def test_mirror__a_jobs_life__kept_by_the_node_until_it_is_let_go(daemon: Daemon, tmp_path: Path) -> None:
    planned = small_job(rows=8000)
    local = run_here(planned)
    store = LocalStore(tmp_path / "content")
    for cid, data in {**planned.blocks, **local.blocks}.items():
        store.put_block(cid, data)
    mirror = KuboStore(daemon.api, timeout_seconds=20)
    keeper = StoreKeeper(store, mirror=mirror)
    shard = planned.manifest.shards[0]
    assert isinstance(asyncio.run(keeper.load(job_of(planned))), ManifestLoaded)
    assert asyncio.run(keeper.ensure_output(planned.manifest, 0, local.outputs[0]))
    output = output_cid(planned.manifest, 0, local.outputs[0])

    assert {str(cid) for cid in (planned.cid, planned.manifest.program, shard.cid, output)} <= pins_of(daemon)
    daemon.run("repo", "gc")
    assert get_file(mirror, shard.cid, shard.bytes) == get_file(store, shard.cid, shard.bytes)
    assert mirror.get_block(output) == local.blocks[output]

    asyncio.run(keeper.unpin(job_of(planned), {0: local.outputs[0]}, []))
    assert not {str(planned.cid), str(shard.cid), str(output)} & pins_of(daemon)
    daemon.run("repo", "gc")
    assert not mirror.has(shard.cid)


def test_mirror__node_stopped__loaded_all_the_same_and_copied_once_it_is_back(tmp_path: Path) -> None:
    planned = small_job(seed=9)
    store = LocalStore(tmp_path / "content")
    for cid, data in planned.blocks.items():
        store.put_block(cid, data)
    running = Daemon(tmp_path / "kubo")
    try:
        running.stop()
        mirror = KuboStore(running.api, timeout_seconds=2)
        keeper = StoreKeeper(store, mirror=mirror)
        assert isinstance(asyncio.run(keeper.load(job_of(planned))), ManifestLoaded)
        running.start()
        mirror = keeper.mirror = KuboStore(running.api, timeout_seconds=20)  # it took another port
        asyncio.run(keeper.sweep())
        assert {str(shard.cid) for shard in planned.manifest.shards} <= pins_of(running)
        assert mirror.get_block(planned.cid) == planned.blocks[planned.cid]
    finally:
        running.stop()
