"""Runs tasks of a job from their content alone: the one way, for `run-local`, the worker and `verify`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from edgebounty.content.store import ContentStore, get_file
from edgebounty.jobs.check import JobError, check_layouts, pack_params
from edgebounty.jobs.shape import TaskSpec, describe, output_bytes, output_cid, result_list, result_tasks
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import explain, failure_of_digest
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest

MAX_MODULE_BYTES: Final = 4 << 20

Fetch = Callable[[Cid], bytes]
"""A file by CID, already verified. May raise `ContentError`."""
ResultOf = Callable[[int], Digest]
"""The settled digest of an earlier task."""
Progress = Callable[[TaskSpec, Execution], None]
"""Called after each task of a local run."""


class JobFailed(Exception):
    """A task failed the same way for everybody, so the job has no result. `code` as in `protocol.failure`."""

    def __init__(self, task: int, code: str) -> None:
        super().__init__(f"task {task} failed: {explain(code)}")
        self.task = task
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun:
    """A job run on this machine. `blocks` holds the outputs and the result, `outputs` every task's digest."""

    result_cid: Cid
    result: bytes
    outputs: tuple[Digest, ...]
    blocks: dict[Cid, bytes]
    work_units: int
    seconds: float


def run_task(manifest: Manifest, spec: TaskSpec, *, fetch: Fetch, result_of: ResultOf, runtime: Runtime) -> Execution:
    """One task. A failure of the program is an `Execution` with `failure`; what is raised instead is no result:

    `JobError` (manifest, program and content contradict each other: the requester's fault), `JobFailed` (an input task
    failed), `ContentError` (from `fetch`), and what the runtime raises (`ProgramRejected`, `RuntimeUnavailable`, ...).
    """
    program = fetch(manifest.program)
    reducer = None if manifest.reducer is None else fetch(manifest.reducer)
    combiner = None if manifest.combiner is None else fetch(manifest.combiner)
    layout = runtime.layout(program)
    reducer_layout = None if reducer is None else runtime.layout(reducer)
    check_layouts(manifest, layout, reducer_layout, None if combiner is None else runtime.layout(combiner))
    state = _state(manifest, spec, fetch, result_of)
    if spec.is_reduce:
        module = reducer if spec.is_last else combiner
        assert module is not None  # only a manifest that names it has such tasks
        return runtime.run_reducer(
            module,
            state=state,
            inputs=_inputs(manifest, spec, fetch, result_of),
            params=pack_params(manifest, runtime.layout(module)),
            work_limit=manifest.limits.work_units,
            output_limit=output_bytes(manifest, spec.index),
        )
    assert spec.shard is not None  # every map task has one
    return runtime.run_program(
        program,
        state=state,
        shard=_sized(fetch(spec.shard.cid), spec.shard.bytes, f"shard of task {spec.index}"),
        params=pack_params(manifest, layout),
        work_limit=manifest.limits.work_units,
        output_limit=manifest.limits.output_bytes,
    )


def run_local(manifest: Manifest, fetch: Fetch, runtime: Runtime, on_progress: Progress | None = None) -> LocalRun:
    """The whole job, task after task. Raises `JobFailed` if a task fails, and what `run_task` raises."""
    started = time.perf_counter()
    digests: list[Digest] = []
    contents: dict[Cid, bytes] = {}
    blocks: dict[Cid, bytes] = {}
    units = 0

    def fetch_any(cid: Cid) -> bytes:
        return contents[cid] if cid in contents else fetch(cid)

    for index in range(manifest.total_tasks):
        spec = describe(manifest, index)
        done = run_task(manifest, spec, fetch=fetch_any, result_of=digests.__getitem__, runtime=runtime)
        if done.failure is not None:
            raise JobFailed(index, done.failure)
        built = unixfs.build(done.output)
        contents[built.cid] = done.output
        blocks |= built.blocks
        digests.append(built.cid.digest)
        units += done.work_units
        if on_progress is not None:
            on_progress(spec, done)
    cids = [output_cid(manifest, task, digests[task]) for task in result_tasks(manifest)]
    result = contents[cids[0]] if manifest.reducer is not None else result_list(cids)
    built = unixfs.build(result)
    return LocalRun(
        result_cid=built.cid,
        result=result,
        outputs=tuple(digests),
        blocks=blocks | built.blocks,
        work_units=units,
        seconds=time.perf_counter() - started,
    )


def fetcher(store: ContentStore, manifest: Manifest) -> Fetch:
    """Reads this job's files from a store, none longer than the manifest allows."""
    sizes = [MAX_MODULE_BYTES, manifest.state_bytes, manifest.limits.output_bytes, *(s.bytes for s in manifest.shards)]
    limit = max(sizes)
    return lambda cid: get_file(store, cid, limit)


def _state(manifest: Manifest, spec: TaskSpec, fetch: Fetch, result_of: ResultOf) -> bytes:
    if spec.state_task is not None:
        return _output(manifest, spec.state_task, fetch, result_of)
    if manifest.state is None:
        return bytes(manifest.state_bytes)
    return _sized(fetch(manifest.state), manifest.state_bytes, "state")


def _inputs(manifest: Manifest, spec: TaskSpec, fetch: Fetch, result_of: ResultOf) -> Iterator[bytes]:
    for task in spec.input_tasks:
        yield _output(manifest, task, fetch, result_of)


def _output(manifest: Manifest, task: int, fetch: Fetch, result_of: ResultOf) -> bytes:
    digest = result_of(task)
    code = failure_of_digest(digest)
    if code is not None:
        raise JobFailed(task, code)
    expected = output_bytes(manifest, task)
    return _sized(fetch(output_cid(manifest, task, digest)), expected, f"output of task {task}")


def _sized(content: bytes, expected: int, what: str) -> bytes:
    if len(content) != expected:
        raise JobError(f"{what} has {len(content)} bytes, the manifest says {expected}")
    return content
