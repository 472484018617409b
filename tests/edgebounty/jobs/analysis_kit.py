"""Runs a whole analysis here: planned, every task run in the real runtime, read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgebounty.content.store import MemoryStore
from edgebounty.execution import fetcher, run_local
from edgebounty.jobs.analyses.base import Analysis, Cutting, Found
from edgebounty.jobs.analyses.registry import read_analysis
from edgebounty.jobs.analyses.rows import ArrayRows, Rows
from edgebounty.jobs.plan import PlannedJob
from edgebounty.programs.builtin import load
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.manifest import Manifest

Array = np.ndarray[Any, Any]


def analyse(
    question: Analysis, data: Array | Mapping[str, Array] | Rows, runtime: Runtime, *, shards: int | None = None
) -> Found:
    jobs = question.plan(as_rows(data), Cutting(load=load, shards=shards))
    return read_analysis([(job.manifest, result_of(job, runtime)) for job in jobs])


def as_rows(data: Array | Mapping[str, Array] | Rows) -> Rows:
    if isinstance(data, np.ndarray):
        return ArrayRows.of(data)
    return ArrayRows(data) if isinstance(data, Mapping) else data


def result_of(job: PlannedJob, runtime: Runtime) -> bytes:
    store = MemoryStore(dict(job.blocks))
    assert Manifest.parse(store.get_block(job.cid)) == job.manifest
    return run_local(job.manifest, fetcher(store, job.manifest), runtime).result
