"""Facts: what happened, in the past tense. Chain facts carry the block they stand in; local facts do not."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex
from orchestrator.domain.values import BlockRef, FactRef, JobTerms, ManifestStatus, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFact:
    """An event of our contracts."""

    ref: FactRef


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPosted(ChainFact):
    job_id: JobId
    requester: Address
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStopped(ChainFact):
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(ChainFact):
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOpened(ChainFact):
    job_id: JobId
    first_task: TaskIndex
    draw_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BountyRefunded(ChainFact):
    job_id: JobId
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedRecorded(ChainFact):
    epoch: int
    seed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFact(ChainFact):
    """An event of one task."""

    job_id: JobId
    task_index: TaskIndex

    @property
    def task(self) -> TaskId:
        return TaskId(job_id=self.job_id, index=self.task_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClaimed(TaskFact):
    worker: Address
    commit_deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCommitted(TaskFact):
    worker: Address
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealsOpened(TaskFact):
    reveal_deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRevealed(TaskFact):
    worker: Address
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettled(TaskFact):
    digest: Digest
    winners: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExpired(TaskFact):
    worker: Address
    fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLeft(TaskFact):
    """A committed claim was given up, because its wave had not filled in time."""

    worker: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReopened(TaskFact):
    slots: int
    draw_epoch: int
    reopens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRefunded(TaskFact):
    """No quorum within the slots, or nobody in time: the requester gets the task's money back."""


# --- local facts: what this process found out, never part of the chain's state ---


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockAdvanced:
    """All events of this block have been told."""

    block: BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestLoaded:
    """Every byte of the job's content is stored, re-hashed and pinned here."""

    digest: Digest
    kind: str
    map_tasks: int
    reduce_tasks: int
    rounds: int
    memory_bytes: int
    simd: bool
    shard_cids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRefused:
    """The content can never be run, whoever brings more bytes."""

    digest: Digest
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestAwaited:
    """Bytes are missing; `reason` says which, and from whom."""

    digest: Digest
    reason: str


LocalFact = BlockAdvanced | ManifestLoaded | ManifestRefused | ManifestAwaited
Fact = ChainFact | LocalFact

MANIFEST_STATUS: dict[type[LocalFact], ManifestStatus] = {
    ManifestLoaded: ManifestStatus.READY,
    ManifestRefused: ManifestStatus.REFUSED,
    ManifestAwaited: ManifestStatus.WAITING,
}
