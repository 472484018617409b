"""One task from the first look to its result. A worker has at most one attempt at a time."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum

from edgebounty.programs.runtime import Execution
from edgebounty.protocol.types import JobId, TaskIndex
from edgebounty.worker.checks import Work
from edgebounty.worker.journal import Entry


class Phase(StrEnum):
    FINDING = "looking for a task"
    PREPARING = "preparing"  # a task claimed before this process began
    CLAIMING = "claiming"
    RUNNING = "running"


@dataclass(slots=True, kw_only=True)
class Attempt:
    """`entry` is None until a claim is noted down in the journal."""

    phase: Phase
    finding: Future[Work | None] | None = None
    running: Future[Execution] | None = None
    work: Work | None = None
    entry: Entry | None = None

    @property
    def key(self) -> tuple[JobId, TaskIndex] | None:
        if self.work is not None:
            return self.work.key
        return None if self.entry is None else self.entry.key

    @property
    def has_task(self) -> bool:
        return self.phase is not Phase.FINDING

    @property
    def name(self) -> str:
        key = self.key
        return self.phase.value if key is None else f"{self.phase.value} job {key[0]} task {key[1]}"
