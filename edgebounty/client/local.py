"""A job run on this machine, without a market: the same tasks, the same result CID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgebounty.client.blocks import PlannedStore
from edgebounty.execution import LocalRun, Progress, fetcher, run_local
from edgebounty.jobs.plan import PlannedJob
from edgebounty.programs.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalJob:
    """A finished local run of a planned job."""

    planned: PlannedJob
    run: LocalRun

    @property
    def store(self) -> PlannedStore:
        """Everything the job read and made."""
        store = PlannedStore(self.planned.blocks)
        store.add(self.run.blocks)
        return store


def run_here(planned: PlannedJob, *, cache: Path | None = None, on_progress: Progress | None = None) -> LocalJob:
    """Runs every task in order. Raises `JobFailed` when the program fails, as it would for every worker."""
    runtime = Runtime(cache_dir=cache, memory_bytes=planned.manifest.limits.memory_bytes)
    fetch = fetcher(PlannedStore(planned.blocks), planned.manifest)
    return LocalJob(planned=planned, run=run_local(planned.manifest, fetch, runtime, on_progress))
