"""What a worker of the batch lane knows of its tasks and of what it is owed: values, and nothing that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edgebounty.protocol.types import Digest, JobId

TaskKey = tuple[JobId, int]
BundleKey = tuple[JobId, int]


class Stage(StrEnum):
    WANTED = "wanted"  # chosen from an offer; the place is asked for
    ASSIGNED = "assigned"
    COMPUTED = "computed"  # result and salt are kept
    COMMITTED = "committed"
    CLOSED = "closed"  # the signed commit set holds our commitment
    SHOWN = "shown"
    AGREED = "agreed"  # our result is the quorum's


class Outcome(StrEnum):
    """How a task ended for this worker."""

    ACCEPTED = "accepted"  # the orchestrator signed that it owes it
    OUTVOTED = "outvoted"  # the quorum has another result: nothing is owed
    GIVEN_UP = "given_up"  # no quorum, or out of time
    REFUSED = "refused"  # the orchestrator said no, or signed something else
    FAILED = "failed"  # it could not be fetched or run here
    GONE = "gone"  # others were faster: no place was given


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    digest: Digest
    salt: bytes
    output_cid: str
    work_units: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`until`: by the chain's clock, when the next step must be there; `after`: not to be touched before."""

    job: JobId
    index: int
    first_task: int  # where the batch begins that will hold its receipt
    price: int
    manifest: str
    inputs: Mapping[int, Digest]  # accepted results that it reads
    stage: Stage = Stage.WANTED
    slot: int = 0
    until: int = 0
    result: Result | None = None
    commit_set: bytes | None = None
    tries: int = 0
    after: float = 0.0

    @property
    def key(self) -> TaskKey:
        return self.job, self.index

    @property
    def bundle_key(self) -> BundleKey:
        return self.job, self.first_task


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What this worker is owed in one batch, by the orchestrator's newest signed word (`acceptance`).

    `words` and `commit_sets` stand behind the roots. Fewer of them than `count`: the journal was lost once, and nothing
    more can be signed for that batch.
    """

    job: JobId
    first_task: int
    count: int
    receipts_root: bytes
    sets_root: bytes
    acceptance: bytes
    words: tuple[bytes, ...] = ()
    commit_sets: tuple[bytes, ...] = ()

    @property
    def key(self) -> BundleKey:
        return self.job, self.first_task

    @property
    def is_whole(self) -> bool:
        return len(self.words) == self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the orchestrator says of a task; what it signed has been checked. `digest`: the quorum's."""

    stage: str
    until: int
    wait_seconds: float
    commit_set: bytes | None = None
    digest: Digest | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    tasks: tuple[Task, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    find_after: float = 0.0
    failures: int = 0  # of the orchestrator, in a row

    def task(self, key: TaskKey) -> Task | None:
        return next((task for task in self.tasks if task.key == key), None)

    def bundle(self, key: BundleKey) -> Bundle | None:
        return next((bundle for bundle in self.bundles if bundle.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A task that is over, and why; `evidence` is the orchestrator's own answer where that is the reason."""

    task: Task
    outcome: Outcome
    detail: str
    evidence: str = ""
