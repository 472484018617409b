"""The keeper of bytes, on a folder: what it accepts, copies, lets go."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebounty.content.store import ContentUnavailable, LocalStore, MemoryStore
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import output_cid
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import failure_bytes, failure_digest
from edgebounty.protocol.types import JobId
from orchestrator.adapters.content.check import check_inputs
from orchestrator.adapters.content.keeper import StoreKeeper
from orchestrator.domain.facts import ManifestAwaited, ManifestLoaded, ManifestRefused
from orchestrator.domain.values import Job
from tests.orchestrator.builders import block
from tests.orchestrator.devnet import run_here, small_job
from tests.orchestrator.model import REQUESTER, make_terms

pytestmark = pytest.mark.unit


def filled(tmp_path: Path, planned: PlannedJob) -> LocalStore:
    store = LocalStore(tmp_path / "content")
    for cid, data in planned.blocks.items():
        store.put_block(cid, data)
    return store


def job_of(planned: PlannedJob) -> Job:
    terms = make_terms(manifest_digest=planned.manifest.digest)
    return Job(id=JobId(1), requester=REQUESTER, terms=terms, posted=block(1))


def test_check__all_there__loaded_with_its_shape(tmp_path: Path) -> None:
    planned = small_job()
    fact = check_inputs(filled(tmp_path, planned), planned.manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestLoaded)
    assert (fact.map_tasks, fact.reduce_tasks, fact.rounds, fact.kind) == (2, 1, 2, "analyze")


def test_check__nothing_there__awaits_the_manifest(tmp_path: Path) -> None:
    planned = small_job()
    fact = check_inputs(LocalStore(tmp_path), planned.manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestAwaited)
    assert fact.reason == f"waiting for content {planned.cid}, from the requester {REQUESTER}"


def test_check__several_missing__first_named_rest_counted(tmp_path: Path) -> None:
    planned = small_job()
    store = LocalStore(tmp_path)
    store.put_block(planned.cid, planned.blocks[planned.cid])
    fact = check_inputs(store, planned.manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestAwaited)
    assert f"{planned.manifest.program} (and 3 more)" in fact.reason


@pytest.mark.parametrize("change", [{"rows": 1}, {"bytes": 5}])
def test_check__shard_of_another_length__only_a_wrong_length_is_refused(tmp_path: Path, change: Any) -> None:
    planned = small_job()
    shards = (replace(planned.manifest.shards[0], **change), *planned.manifest.shards[1:])
    manifest = replace(planned.manifest, shards=shards)
    store = filled(tmp_path, planned)
    store.put_block(manifest.cid, manifest.encode())
    fact = check_inputs(store, manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestRefused if "bytes" in change else ManifestLoaded), fact


def test_check__parameters_that_no_program_takes__refused(tmp_path: Path) -> None:
    planned = small_job()
    manifest = replace(planned.manifest, params={"nonsense": 1})
    store = filled(tmp_path, planned)
    store.put_block(manifest.cid, manifest.encode())
    fact = check_inputs(store, manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestRefused)
    assert "nonsense" in fact.reason


def test_check__program_wants_more_memory_than_the_manifest_allows__refused(tmp_path: Path) -> None:
    planned = small_job()
    manifest = replace(planned.manifest, limits=replace(planned.manifest.limits, memory_bytes=1 << 16))
    store = filled(tmp_path, planned)
    store.put_block(manifest.cid, manifest.encode())
    fact = check_inputs(store, manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestRefused)
    assert "the program wants 196608 bytes of memory" in fact.reason


def test_load__complete__pinned_and_copied_to_the_mirror(tmp_path: Path) -> None:
    planned = small_job()
    store, mirror = filled(tmp_path, planned), MemoryStore()
    keeper = StoreKeeper(store, mirror=mirror)
    asyncio.run(keeper.load(job_of(planned)))
    assert set(mirror.blocks) == set(planned.blocks)
    assert set(store.pins()) == mirror.pins
    assert asyncio.run(keeper.unpin(job_of(planned), {}, [])) == len(planned.blocks)
    assert not list(store.pins())
    assert not mirror.pins


def test_unpin__another_job_needs_some_of_it__that_stays_and_outputs_go(tmp_path: Path) -> None:
    planned, other = small_job(seed=1), small_job(seed=2)
    store = filled(tmp_path, planned)
    filled(tmp_path, other)
    keeper = StoreKeeper(store, most_bytes=0)
    for each in (planned, other):
        asyncio.run(keeper.load(job_of(each)))
    local = run_here(planned)
    for cid, data in local.blocks.items():
        store.put_block(cid, data)
    assert asyncio.run(keeper.ensure_output(planned.manifest, 0, local.outputs[0]))
    output = output_cid(planned.manifest, 0, local.outputs[0])
    assert output in set(store.pins())

    asyncio.run(keeper.unpin(job_of(planned), {0: local.outputs[0]}, [job_of(other)]))

    pins = set(store.pins())
    assert {other.manifest.program, other.manifest.reducer, other.cid} <= pins
    assert not {planned.cid, output, *(shard.cid for shard in planned.manifest.shards)} & pins
    assert asyncio.run(keeper.sweep()) == ""  # all of it was used a moment ago
    for path in (tmp_path / "content" / "blocks").glob("??/*"):
        os.utime(path, (0, 0))
    assert "freed" in asyncio.run(keeper.sweep())
    assert not store.has(planned.cid)
    assert store.has(other.manifest.program)


def test_check__many_shards_of_one_block__hashed_once(tmp_path: Path) -> None:
    """A manifest may name one file thousands of times; that must not be thousands of times the work."""
    planned = small_job()
    shard = planned.manifest.shards[0]
    manifest = replace(planned.manifest, shards=(shard,) * 5000)
    store = filled(tmp_path, planned)
    store.put_block(manifest.cid, manifest.encode())
    reads: Counter[Cid] = Counter()

    class Counting(LocalStore):
        def get_block(self, cid: Cid) -> bytes:
            reads[cid] += 1
            return super().get_block(cid)

    fact = check_inputs(Counting(store.directory), manifest.digest, REQUESTER)
    assert isinstance(fact, ManifestLoaded)
    assert reads[shard.cid] == 1


def test_load__mirror_down__loaded_all_the_same(tmp_path: Path) -> None:
    class Down(MemoryStore):
        def put_block(self, cid: Cid, block: bytes) -> None:
            raise ContentUnavailable(cid, "no node")

    planned = small_job()
    keeper = StoreKeeper(filled(tmp_path, planned), mirror=Down())
    assert isinstance(asyncio.run(keeper.load(job_of(planned))), ManifestLoaded)


def test_output__of_a_failed_program__its_bytes_follow_from_the_digest(tmp_path: Path) -> None:
    planned = small_job()
    store = filled(tmp_path, planned)
    failed = failure_digest("nan")
    assert asyncio.run(StoreKeeper(store).ensure_output(planned.manifest, 0, failed))
    assert store.get_block(Cid.of(failure_bytes("nan"))) == failure_bytes("nan")
