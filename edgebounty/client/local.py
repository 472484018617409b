"""A job run on this machine, without a market: the same tasks, the same result CID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgebounty.content.store import MemoryStore
from edgebounty.execution import LocalRun, Progress, fetcher, run_local
from edgebounty.jobs.plan import PlannedJob
from edgebounty.programs.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalJob:
    """A finished local run of a planned job."""

    planned: PlannedJob
    run: LocalRun

    @property
    def store(self) -> MemoryStore:
        """Everything the job read and made."""
        return MemoryStore(self.planned.blocks | self.run.blocks)


def run_here(planned: PlannedJob, *, cache: Path | None = None, on_progress: Progress | None = None) -> LocalJob:
    """Runs every task in order. Raises `JobFailed` when the program fails, as it would for every worker."""
    runtime = Runtime(cache_dir=cache, memory_bytes=planned.manifest.limits.memory_bytes)
    fetch = fetcher(MemoryStore(planned.blocks), planned.manifest)
    return LocalJob(planned=planned, run=run_local(planned.manifest, fetch, runtime, on_progress))
