"""Running tasks from content alone: what is a result, what is somebody's fault, and that both ways of running agree."""

from dataclasses import replace

import numpy as np
import pytest

from edgebounty.content.store import ContentMissing, MemoryStore
from edgebounty.execution import JobFailed, LocalRun, fetcher, run_local, run_task
from edgebounty.jobs.analyze import plan_analyze
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.shape import TaskSpec, describe, result_cid, result_tasks
from edgebounty.programs.builtin import load
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import failure_digest
from edgebounty.protocol.manifest import Limits, Manifest, Shard

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime()


def planned(rows: int = 50, shards: int = 3) -> PlannedJob:
    table = np.random.default_rng(0).normal(0, 1, (rows, 2))
    pair = ProgramPair(load("table.stats"), load("table.stats.reduce"))
    return plan_analyze(table, ["a", "b"], pair, shards=shards)


def local(manifest: Manifest, store: MemoryStore, runtime: Runtime) -> LocalRun:
    return run_local(manifest, fetcher(store, manifest), runtime)


def test_run_local__then_each_task_alone__gives_the_same_digests(runtime: Runtime) -> None:
    job = planned()
    seen: list[tuple[TaskSpec, Execution]] = []
    store = MemoryStore(job.blocks)

    done = run_local(job.manifest, fetcher(store, job.manifest), runtime, lambda s, e: seen.append((s, e)))

    for cid, block in done.blocks.items():
        store.put_block(cid, block)
    for index in range(job.manifest.total_tasks):
        alone = run_task(
            job.manifest,
            describe(job.manifest, index),
            fetch=fetcher(store, job.manifest),
            result_of=done.outputs.__getitem__,
            runtime=runtime,
        )
        assert unixfs.root_cid(alone.output).digest == done.outputs[index]
        assert alone.work_units == seen[index][1].work_units > 0
    assert [spec.index for spec, _ in seen] == list(range(8))
    assert done.work_units == sum(execution.work_units for _, execution in seen)
    last = [done.outputs[i] for i in result_tasks(job.manifest)]
    assert done.result_cid == result_cid(job.manifest, last) == unixfs.root_cid(done.result)
    assert done.result_cid in done.blocks


def test_run_local__content_missing__is_missing_and_no_result(runtime: Runtime) -> None:
    job = planned()
    store = MemoryStore(job.blocks)
    del store.blocks[job.manifest.shards[1].cid]
    with pytest.raises(ContentMissing) as caught:
        local(job.manifest, store, runtime)
    assert caught.value.cid == job.manifest.shards[1].cid


def test_run_local__program_fails__is_the_job_failed_with_its_reason(runtime: Runtime) -> None:
    job = planned()
    limited = replace(job.manifest, limits=replace(job.manifest.limits, work_units=100))
    with pytest.raises(JobFailed, match="more work units") as caught:
        local(limited, MemoryStore(job.blocks), runtime)
    assert (caught.value.task, caught.value.code) == (0, "work_limit")


def test_run_task__an_input_task_failed__does_not_run(runtime: Runtime) -> None:
    job = planned()
    done = local(job.manifest, MemoryStore(job.blocks), runtime)
    with pytest.raises(JobFailed, match="task 1 failed"):
        run_task(
            job.manifest,
            describe(job.manifest, 3),
            fetch=fetcher(MemoryStore(job.blocks | done.blocks), job.manifest),
            result_of=lambda i: failure_digest("nan") if i == 1 else done.outputs[i],
            runtime=runtime,
        )


def test_run_task__shard_shorter_than_said__is_the_requesters_fault(runtime: Runtime) -> None:
    job = planned()
    store = MemoryStore(job.blocks)
    store.put_block(Cid.of(b"short"), b"short")
    first = job.manifest.shards[0]
    shards = (Shard(cid=Cid.of(b"short"), bytes=first.bytes, rows=first.rows), *job.manifest.shards[1:])
    with pytest.raises(JobError, match="shard of task 0 has 5 bytes"):
        local(replace(job.manifest, shards=shards), store, runtime)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state_bytes": 8}, "state_bytes"),
        ({"limits": Limits(work_units=1 << 30, memory_bytes=1 << 28, output_bytes=1)}, "output_bytes"),
        ({"params": {"x": 1}}, "parameters"),
    ],
)
def test_run_task__manifest_that_contradicts_its_program__is_refused_before_running(
    runtime: Runtime, change: dict[str, object], reason: str
) -> None:
    job = planned()
    with pytest.raises(JobError, match=reason):
        local(replace(job.manifest, **change), MemoryStore(job.blocks), runtime)  # type: ignore[arg-type]
