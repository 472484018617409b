"""Frozen values of the market as the orchestrator sees it. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex

__all__ = ["Address", "Digest", "JobId", "TaskIndex"]

NO_DIGEST = Digest(bytes(32))
REASONS_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BlockRef:
    """One block of one fork. `time` is in Unix seconds, and is the only clock for deadlines."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FactRef:
    """Where an event stands. (block hash, log index) is its key; a transaction may be moved by a reorganisation."""

    block: BlockRef
    log_index: int
    tx_hash: bytes

    @property
    def key(self) -> tuple[bytes, int]:
        return (self.block.hash, self.log_index)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TaskId:
    """One task of one job."""

    job_id: JobId
    index: TaskIndex

    def __str__(self) -> str:
        return f"{self.job_id}/{self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTerms:
    """What the requester signed up to; a mirror of the contract's struct."""

    lane: Address
    orchestrator: Address
    deadline: int  # Unix seconds: claims close
    task_time: int  # seconds from claim to commit, and again to reveal
    map_tasks: int
    reduce_tasks: int
    rounds: int
    quorum: int
    work_slots: int
    audit_slots: int
    fee_bps: int
    slot_price_wei: int
    stake_per_claim_wei: int
    manifest_digest: Digest

    @property
    def tasks_per_round(self) -> int:
        return self.map_tasks + self.reduce_tasks

    @property
    def total_tasks(self) -> int:
        return self.rounds * self.tasks_per_round


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who we are and what the deployment fixed; the same for the life of a database."""

    me: Address
    lane: Address
    epoch_blocks: int
    draw_time: int  # seconds for the seed and the ramp, on top of the task time, before a draw may be widened
    ramp_time: int = 1  # seconds over which the number of candidates grows from none to eight a slot
    max_reopens: int = 16
    grace_task_times: int = 4  # with draw_time: how long after a job's deadline a further wave takes claims
    keep_seconds: int = 7 * 24 * 3600  # how long after its end a job's content stays pinned
    batch_lane: Address | None = None
    batch_grace: int = 0  # seconds after a job's deadline in which the batch lane's batches may follow

    def may_be_refunded_at(self, terms: JobTerms) -> int:
        """From when on an ended job gives back what is left: the batch lane keeps all of it until its grace is over."""
        return terms.deadline + self.batch_grace if terms.lane == self.batch_lane else 0

    def epoch_of(self, block_number: int) -> int:
        return block_number // self.epoch_blocks

    def fill_deadline(self, drawn_at: int, terms: JobTerms) -> int:
        """Until when a wave drawn then is given to fill, unless its seed came late."""
        return drawn_at + self.draw_time + terms.task_time

    def closes_at(self, terms: JobTerms, wave: int) -> int:
        """Until when a wave takes claims: the first until the deadline, a further one for a grace after it."""
        if wave == 0:
            return terms.deadline
        return terms.deadline + self.draw_time + self.grace_task_times * terms.task_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Public randomness of an epoch. The ramp of its draws begins at `recorded_at`, Unix seconds."""

    epoch: int
    value: bytes
    recorded_at: int


class JobStatus(StrEnum):
    OPEN = "open"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its events tell it. `stages` maps a stage's first task to the epoch of its first draw."""

    id: JobId
    requester: Address
    terms: JobTerms
    posted: BlockRef
    status: JobStatus = JobStatus.OPEN
    stages: tuple[tuple[int, int], ...] = ()
    settled: int = 0
    refunded: int = 0
    refunded_wei: int = 0
    paid_wei: int = 0
    failure: str = ""

    @property
    def finished(self) -> int:
        """Tasks with an outcome, paid or refunded."""
        return self.settled + self.refunded

    def stage_of(self, index: int) -> tuple[int, int]:
        """[first, end) of the stage that the task belongs to."""
        per_round = self.terms.tasks_per_round
        start = index // per_round * per_round
        if index - start < self.terms.map_tasks:
            return start, start + self.terms.map_tasks
        return start + self.terms.map_tasks, start + per_round

    def draw_epoch_of_stage(self, index: int) -> int | None:
        """The epoch of the stage's first draw; None while the stage is not open."""
        first, _ = self.stage_of(index)
        return dict(self.stages).get(first)

    def ended(self, now: int) -> bool:
        """Nothing new may start: stopped, failed, past the deadline, or all done."""
        return self.status is not JobStatus.OPEN or now >= self.terms.deadline


class ClaimStatus(StrEnum):
    CLAIMED = "claimed"
    COMMITTED = "committed"
    REVEALED = "revealed"
    PAID = "paid"
    SLASHED_WRONG = "slashed: wrong result"
    SLASHED_SILENT = "slashed: no reveal"
    RELEASED = "released"
    EXPIRED = "expired"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One worker's part in one task. `wave` counts from 0; a missed quorum starts the next one."""

    worker: Address
    wave: int
    status: ClaimStatus = ClaimStatus.CLAIMED
    digest: Digest = NO_DIGEST


class TaskStatus(StrEnum):
    FILLING = "filling"  # takes claims and commits
    REVEALING = "revealing"
    SETTLED = "settled"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task that somebody touched, or whose stage is open. `slots` is how many replicas are wanted in all."""

    id: TaskId
    slots: int
    draw_epoch: int
    fill_deadline: int  # Unix seconds: until then, and until its seed's ramp is over, the draw is not widened
    # Unix seconds. Filling: until then whoever claimed must commit. Revealing: until then whoever committed must
    # reveal. One deadline serves the whole wave; each claim moves it.
    phase_deadline: int = 0
    status: TaskStatus = TaskStatus.FILLING
    wave: int = 0
    reopens: int = 0
    claims: tuple[Claim, ...] = ()
    result: Digest = NO_DIGEST

    @property
    def is_done(self) -> bool:
        return self.status in (TaskStatus.SETTLED, TaskStatus.REFUNDED)

    @property
    def live_claims(self) -> tuple[Claim, ...]:
        """Claims that hold a slot: all but those that expired or were given up."""
        return tuple(c for c in self.claims if c.status not in (ClaimStatus.EXPIRED, ClaimStatus.LEFT))

    @property
    def free_slots(self) -> int:
        return max(0, self.slots - len(self.live_claims)) if self.status is TaskStatus.FILLING else 0

    @property
    def wave_slots(self) -> int:
        """Replicas of the present wave. Every slot of the waves before was committed to, so those claims count them."""
        return self.slots - sum(1 for claim in self.live_claims if claim.wave < self.wave)

    def has_late_claims(self, now: int) -> bool:
        """A claim was not committed in time: nobody may join before it has expired."""
        late = self.status is TaskStatus.FILLING and now >= self.phase_deadline
        return late and any(claim.status is ClaimStatus.CLAIMED for claim in self.claims)

    @property
    def is_full(self) -> bool:
        """Every wanted replica has committed."""
        waiting = any(c.status is ClaimStatus.CLAIMED for c in self.claims)
        return len(self.live_claims) == self.slots and not waiting

    @property
    def all_revealed(self) -> bool:
        """No reveal of this wave is missing: it can be settled before its deadline."""
        return self.status is TaskStatus.REVEALING and not any(
            claim.status is ClaimStatus.COMMITTED and claim.wave == self.wave for claim in self.claims
        )

    def is_silent(self, claim: Claim) -> bool:
        """Committed, and let the reveals of its wave pass."""
        past = claim.wave < self.wave or self.status is TaskStatus.REVEALING
        return claim.status is ClaimStatus.COMMITTED and past

    def claim_of(self, worker: Address) -> Claim | None:
        return next((c for c in self.claims if c.worker == worker), None)

    def with_claim(self, claim: Claim) -> Task:
        """The same task with this worker's claim replaced."""
        return replace(self, claims=tuple(claim if c.worker == claim.worker else c for c in self.claims))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a worker lost stake, with the evidence: what it revealed and what was accepted."""

    task: TaskId
    kind: str  # "wrong result" | "no reveal" | "no commit"
    amount_wei: int
    revealed: Digest = NO_DIGEST
    accepted: Digest = NO_DIGEST
    tx_hash: bytes = b""

    def __str__(self) -> str:
        lost = f"task {self.task}: {self.kind}, {self.amount_wei} base units"
        if self.kind != "wrong result":
            return lost
        return f"{lost}; revealed 0x{self.revealed.hex()}, accepted 0x{self.accepted.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker's record, from events alone."""

    address: Address
    claims: int = 0
    commits: int = 0
    reveals: int = 0
    tasks_paid: int = 0
    earned_wei: int = 0
    slashed_wei: int = 0
    fees_wei: int = 0
    reasons: tuple[Reason, ...] = ()

    def with_reason(self, reason: Reason) -> Worker:
        """The record with one loss more; only the newest reasons are kept."""
        return replace(self, reasons=(*self.reasons, reason)[-REASONS_KEPT:])


class ManifestStatus(StrEnum):
    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of a manifest's content. Local, so never part of the state digest."""

    digest: Digest
    status: ManifestStatus
    detail: str = ""
    kind: str = ""
    map_tasks: int = 0
    reduce_tasks: int = 0
    rounds: int = 0
    memory_bytes: int = 0
    simd: bool = False
    shard_cids: tuple[str, ...] = field(default=(), repr=False)

    def agrees_with(self, terms: JobTerms) -> bool:
        return (self.map_tasks, self.reduce_tasks, self.rounds) == (terms.map_tasks, terms.reduce_tasks, terms.rounds)
