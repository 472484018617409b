"""Which task reads what: the numbering of a job's tasks, shared by `run-local`, the market and `verify`.

With T = map tasks + reduce tasks of one round, task `round * T + i` maps shard i. Where there is a reducer, the last
task of a round folds the round's outputs in task order; with a fan-in, the tasks before it fold parts of them (see
`protocol.tree`). The state of round 0 is the manifest's, later that of the last reduce before.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol import canonical, tree, unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import failure_of_digest
from edgebounty.protocol.manifest import Manifest, Shard
from edgebounty.protocol.types import Digest, TaskIndex


class NoSuchTask(ValueError):
    """A task index beyond the job's last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """What one task is to do."""

    index: TaskIndex
    round: int
    is_reduce: bool
    is_last: bool  # of its round: a reduce whose output is the next state
    shard: Shard | None  # of a map task
    state_task: TaskIndex | None  # whose output is the state; None: the manifest's state
    input_tasks: tuple[TaskIndex, ...]  # whose outputs a reduce folds, in this order


def describe(manifest: Manifest, index: int) -> TaskSpec:
    """The task of this number. Raises `NoSuchTask`."""
    if not 0 <= index < manifest.total_tasks:
        raise NoSuchTask(f"task {index} of a job with {manifest.total_tasks} tasks")
    size = manifest.tasks_per_round
    number, place = divmod(index, size)
    first = number * size
    is_reduce = place >= manifest.map_tasks
    inputs = tree.inputs_of(place - manifest.map_tasks, manifest.map_tasks, manifest.fan_in) if is_reduce else range(0)
    return TaskSpec(
        index=TaskIndex(index),
        round=number,
        is_reduce=is_reduce,
        is_last=is_reduce and place == size - 1,
        shard=None if is_reduce else manifest.shards[place],
        state_task=None if number == 0 else TaskIndex(first - 1),
        input_tasks=tuple(TaskIndex(first + i) for i in inputs),
    )


def needed_tasks(spec: TaskSpec) -> tuple[TaskIndex, ...]:
    """The tasks that must be settled before this one can run."""
    return spec.input_tasks if spec.state_task is None else (spec.state_task, *spec.input_tasks)


def output_bytes(manifest: Manifest, index: int) -> int:
    """How long the output of a task is, if it does not fail: the last reduce of a round makes the next state."""
    return manifest.state_bytes if describe(manifest, index).is_last else manifest.limits.output_bytes


def output_cid(manifest: Manifest, index: int, digest: bytes) -> Cid:
    """The CID of a task's result, known from its digest on chain alone; that of a failure is a raw block."""
    length = 0 if failure_of_digest(digest) is not None else output_bytes(manifest, index)
    return unixfs.cid_of_digest(digest, length)


def result_tasks(manifest: Manifest) -> tuple[TaskIndex, ...]:
    """The tasks whose outputs make the job's result: the last reduce, or all of them."""
    last = manifest.total_tasks
    return (TaskIndex(last - 1),) if manifest.reducer is not None else tuple(TaskIndex(i) for i in range(last))


def result_list(cids: list[Cid]) -> bytes:
    """The result of a job without a reducer: the CIDs of its outputs in task order, as canonical JSON."""
    return canonical.encode({"version": 1, "outputs": [str(cid) for cid in cids]})


def parse_result_list(data: bytes) -> list[Cid]:
    """Raises `ValueError` unless `data` is a result list."""
    value = canonical.decode(data)
    if not isinstance(value, dict) or value.keys() != {"version", "outputs"} or value["version"] != 1:
        raise ValueError("not a result list of version 1")
    outputs = value["outputs"]
    if not isinstance(outputs, list) or not all(isinstance(text, str) for text in outputs):
        raise ValueError("a result list's outputs are CIDs")
    return [Cid.parse(text) for text in outputs]


def result_cid(manifest: Manifest, digests: list[Digest]) -> Cid:
    """The CID of a job's result from its tasks' digests (of `result_tasks`, in that order)."""
    tasks = result_tasks(manifest)
    if len(digests) != len(tasks):
        raise ValueError(f"{len(tasks)} digests make the result, these are {len(digests)}")
    cids = [output_cid(manifest, task, digest) for task, digest in zip(tasks, digests, strict=True)]
    return cids[0] if manifest.reducer is not None else unixfs.root_cid(result_list(cids))
