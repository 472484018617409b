"""What the contracts' views tell, as values: jobs, tasks, claims, balances. Mirrors contracts/types/Market.sol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from typing import Any

from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTerms:
    """What a requester signed up to. Prices and stakes in token base units, times in (Unix) seconds."""

    lane: Address
    orchestrator: Address
    deadline: int
    task_time: int
    map_tasks: int
    reduce_tasks: int
    rounds: int
    quorum: int
    work_slots: int
    audit_slots: int
    fee_bps: int
    slot_price: int
    stake_per_claim: int
    manifest_digest: Digest

    @property
    def tasks_per_round(self) -> int:
        return self.map_tasks + self.reduce_tasks

    @property
    def total_tasks(self) -> int:
        return self.rounds * self.tasks_per_round

    @property
    def bounty(self) -> int:
        """What posting takes: (slot price + fee, rounded up) x slots x tasks. As `BountyEscrow.bountyFor`."""
        fee_up = -(-self.slot_price * self.fee_bps // 10_000)
        return (self.slot_price + fee_up) * (self.work_slots + self.audit_slots) * self.total_tasks

    def as_tuple(self) -> tuple[Any, ...]:
        """In the order of the Solidity struct, for calls."""
        return astuple(self)

    @classmethod
    def from_tuple(cls, values: Sequence[Any]) -> JobTerms:
        """From the Solidity struct's values in order."""
        names = [field.name for field in fields(cls)]
        named = dict(zip(names, values, strict=True))
        named["lane"] = to_address(named["lane"])
        named["orchestrator"] = to_address(named["orchestrator"])
        named["manifest_digest"] = Digest(bytes(named["manifest_digest"]))
        return cls(**named)


class TaskStatus(IntEnum):
    """Idle -> Claiming -> Revealing -> Settled | Refunded; Revealing may go back to Claiming for more replicas."""

    IDLE = 0
    CLAIMING = 1
    REVEALING = 2
    SETTLED = 3
    REFUNDED = 4

    @property
    def is_final(self) -> bool:
        return self in (TaskStatus.SETTLED, TaskStatus.REFUNDED)


class ClaimStatus(IntEnum):
    NONE = 0
    CLAIMED = 1
    COMMITTED = 2
    REVEALED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as the direct lane has it. `result` is None until it is settled."""

    job_id: JobId
    index: TaskIndex
    status: TaskStatus
    slots_open: int  # replicas wanted by now; who was silent is replaced, not counted
    first_slot: int  # of the present wave
    reopens: int
    claimed: int
    committed: int
    revealed: int
    draw_epoch: int
    fill_deadline: int  # Unix seconds: from then on a wave that is not full may be drawn again, and left
    closes_at: int  # Unix seconds: until then the present wave takes claims
    phase_deadline: int  # Unix seconds, for commits or reveals; 0 while nobody has claimed in the wave
    result: Digest | None

    @property
    def free_slots(self) -> int:
        """Slots of the present wave that nobody has taken."""
        return max(self.slots_open - self.claimed, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One worker's part in one task. `digest` is its commitment, and the result's digest once revealed."""

    worker: Address
    slot: int
    status: ClaimStatus
    commit_deadline: int  # Unix seconds; moves later when others join the wave
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as escrow and lane have it. `escrow` and `refundable` in token base units."""

    id: JobId
    requester: Address
    terms: JobTerms
    escrow: int
    refundable: int
    stopped: bool
    finished: int
    active: int
    failed: bool

    def is_ended(self, now: int) -> bool:
        """Whether no new task of it may start any more."""
        return self.stopped or self.failed or now >= self.terms.deadline or self.finished >= self.terms.total_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLook:
    """Everything that decides whether one worker may claim one task."""

    job: Job
    task: Task
    claims: tuple[Claim, ...]
    stage_open: bool
    drawn_from: (
        int | None
    )  # Unix second from which the draw lets the worker claim; None: it does not, or has no seed yet
    barred: bool
    free_stake: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLook:
    """A task as a worker with a claim in it sees it; `claim` is its own."""

    task: Task
    claim: Claim | None
    barred: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """All that one account has here: token base units, except `gas_wei`. `available_at` in Unix seconds."""

    account: Address
    tokens: int
    credit: int
    stake: int
    locked: int
    free_stake: int
    unbonding: int
    available_at: int
    gas_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """One block, to be passed to every read of one look at the chain."""

    number: int
    hash: bytes
    time: int
