"""The market's state: what the facts told so far add up to. `decide` reads it; only `apply` writes it."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TypeVar

from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex
from orchestrator.domain.codec import row_hash
from orchestrator.domain.effects import Effect
from orchestrator.domain.values import BlockRef, Job, Manifest, Policy, Seed, Task, TaskId, Worker

_ALL = 1 << 256
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What changes, and what to do about it. Entities replace their namesakes in the state."""

    jobs: tuple[Job, ...] = ()
    tasks: tuple[Task, ...] = ()
    workers: tuple[Worker, ...] = ()
    seeds: tuple[Seed, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    closed: tuple[JobId, ...] = ()
    block: BlockRef | None = None
    effects: tuple[Effect, ...] = ()


class Market:
    """Jobs, tasks, workers, seeds as of `block`. A fork reads through to its origin and writes to itself alone."""

    def __init__(self, *, policy: Policy, block: BlockRef) -> None:
        self.policy = policy
        self.block = block
        self.jobs: MutableMapping[JobId, Job] = {}
        self.tasks: MutableMapping[TaskId, Task] = {}
        self.workers: MutableMapping[Address, Worker] = {}
        self.seeds: MutableMapping[int, Seed] = {}
        self.manifests: MutableMapping[Digest, Manifest] = {}
        self._open: dict[TaskId, None] = {}
        self._open_jobs: dict[JobId, None] = {}
        self._sum = 0

    def fork(self) -> Market:
        """A copy for unfinal facts: dropped on a reorganisation, never saved. Costs nothing per entity."""
        copy = Market(policy=self.policy, block=self.block)
        copy.jobs = ChainMap({}, self.jobs)
        copy.tasks = ChainMap({}, self.tasks)
        copy.workers = ChainMap({}, self.workers)
        copy.seeds = ChainMap({}, self.seeds)
        copy.manifests = self.manifests  # local knowledge is one for both
        copy._open = dict(self._open)
        copy._open_jobs = dict(self._open_jobs)
        copy._sum = self._sum
        return copy

    def open_tasks(self) -> Iterator[Task]:
        """Tasks that may still change, oldest first."""
        return (self.tasks[key] for key in self._open)

    def open_jobs(self) -> Iterator[Job]:
        """Jobs that still hold escrow, or whose content is still kept."""
        return (self.jobs[key] for key in self._open_jobs)

    def tasks_of(self, job_id: JobId) -> list[Task]:
        """The job's known tasks, by index."""
        job = self.jobs[job_id]
        keys = (TaskId(job_id=job.id, index=TaskIndex(index)) for index in _indexes(job))
        return [self.tasks[key] for key in keys if key in self.tasks]

    def apply(self, decision: Decision) -> None:
        """Take over what `decide` returned."""
        for job in decision.jobs:
            self._replace(self.jobs, job.id, job)
            self._open_jobs[job.id] = None
        for task in decision.tasks:
            self._replace(self.tasks, task.id, task)
            if task.is_done:
                self._open.pop(task.id, None)
            else:
                self._open[task.id] = None
        for worker in decision.workers:
            self._replace(self.workers, worker.address, worker)
        for seed in decision.seeds:
            self._replace(self.seeds, seed.epoch, seed)
        for manifest in decision.manifests:
            self.manifests[manifest.digest] = manifest
        for job_id in decision.closed:
            self._open_jobs.pop(job_id, None)
        if decision.block is not None:
            self.block = decision.block

    @property
    def state_digest(self) -> str:
        """Hex text naming the state: equal for equal jobs, tasks, workers and seeds, in whatever order they came.

        The sum of the rows' SHA-256 modulo 2**256, so that one change costs one hash. It guards against our own
        mistakes, not against an attacker: it is never shown to anyone as a proof.
        """
        return hashlib.sha256(self._sum.to_bytes(32, "big")).hexdigest()

    def _replace(self, rows: MutableMapping[_K, _V], key: _K, value: _V) -> None:
        old = rows.get(key)
        if old is not None:
            self._sum -= row_hash(key, old)
        rows[key] = value
        self._sum = (self._sum + row_hash(key, value)) % _ALL


def _indexes(job: Job) -> Iterator[int]:
    for first, _ in job.stages:
        yield from range(*job.stage_of(first))
