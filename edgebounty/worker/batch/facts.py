"""What can happen to a worker of the batch lane, in the past tense. `now` is always the chain's time."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.worker.batch.values import Bundle, Look, Outcome, Result, Task, TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingFree:
    now: float
    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    key: TaskKey
    slot: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    key: TaskKey
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNotRun:
    key: TaskKey
    now: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    key: TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    key: TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    key: TaskKey
    now: float
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    key: TaskKey
    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The orchestrator signed that it owes more than this worker knew of."""

    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    key: TaskKey
    outcome: Outcome
    detail: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    now: float
    wait_seconds: float | None = None


Fact = (
    Wanted
    | NothingFree
    | Assigned
    | Computed
    | CouldNotRun
    | Committed
    | Shown
    | Looked
    | Accepted
    | Owed
    | Ended
    | Unavailable
)
