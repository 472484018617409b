"""Everything the contracts announce, as values. Together the events are enough to rebuild the contracts' state.

A class has its event's name, and a field for each argument in snake case (`jobId` is `job_id`, `from` is `sender`).
`edgebounty.chain.logs` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edgebounty.chain.views import JobTerms
from edgebounty.protocol.types import Address, JobId, TaskIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRef:
    """Where an event stands in the chain. (block_hash, log_index) names it for ever, also across reorganisations."""

    block_number: int
    block_hash: bytes
    log_index: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `removed` is never delivered: a log that was undone is asked for no more."""

    CONTRACT: ClassVar[str] = ""
    ref: EventRef


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowEvent(Event):
    CONTRACT: ClassVar[str] = "BountyEscrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPosted(EscrowEvent):
    job_id: JobId
    requester: Address
    orchestrator: Address
    escrowed: int
    terms: JobTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStopped(EscrowEvent):
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class BountyRefunded(EscrowEvent):
    job_id: JobId
    requester: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditAdded(EscrowEvent):
    account: Address
    job_id: JobId
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditWithdrawn(EscrowEvent):
    account: Address
    to: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultEvent(Event):
    CONTRACT: ClassVar[str] = "StakeVault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staked(VaultEvent):
    worker: Address
    sender: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorAccepted(VaultEvent):
    worker: Address
    sponsor: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorLeft(VaultEvent):
    worker: Address
    sponsor: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeSlashed(VaultEvent):
    worker: Address
    lane: Address
    amount: int
    funded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeUnbonded(VaultEvent):
    account: Address
    amount: int
    available_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeWithdrawn(VaultEvent):
    account: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeAllotted(VaultEvent):
    worker: Address
    orchestrator: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeUnallotted(VaultEvent):
    worker: Address
    orchestrator: Address
    amount: int
    available_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AllotmentSlashed(VaultEvent):
    """Beside `StakeSlashed`: whose allotment it was taken from."""

    worker: Address
    orchestrator: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AllotmentReleased(VaultEvent):
    worker: Address
    orchestrator: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashedBurned(VaultEvent):
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedRecorded(Event):
    CONTRACT: ClassVar[str] = "EpochSeeds"
    epoch: int
    seed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEvent(Event):
    CONTRACT: ClassVar[str] = "DirectLane"
    job_id: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOpened(LaneEvent):
    first_task: TaskIndex
    draw_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent(LaneEvent):
    task_index: TaskIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(TaskEvent):
    """A task that later ones depend on has no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClaimed(TaskEvent):
    worker: Address
    commit_deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCommitted(TaskEvent):
    worker: Address
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealsOpened(TaskEvent):
    reveal_deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRevealed(TaskEvent):
    worker: Address
    result_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettled(TaskEvent):
    result_digest: bytes
    winners: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReopened(TaskEvent):
    slots: int
    draw_epoch: int
    reopens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRefunded(TaskEvent):
    """No quorum formed; the bounty of this task went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskExpired(TaskEvent):
    """The deadline passed with the task unfinished; its bounty went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExpired(TaskEvent):
    worker: Address
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLeft(TaskEvent):
    """The worker gave up a committed claim whose wave had not filled in time: unpaid and unpunished."""

    worker: Address


EVENT_CLASSES: Mapping[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        *(JobPosted, JobStopped, BountyRefunded, CreditAdded, CreditWithdrawn),
        *(Staked, SponsorAccepted, SponsorLeft, StakeSlashed, StakeUnbonded),
        *(
            StakeWithdrawn,
            StakeAllotted,
            StakeUnallotted,
            AllotmentSlashed,
            AllotmentReleased,
            SlashedBurned,
            SeedRecorded,
        ),
        *(StageOpened, JobFailed, TaskClaimed, ResultCommitted, RevealsOpened, ResultRevealed, TaskSettled),
        *(TaskReopened, TaskRefunded, TaskExpired, ClaimExpired, ClaimLeft),
    )
}
