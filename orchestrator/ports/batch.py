"""What posting needs of the chain: our batches' events, and where they stand at one final block."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgebounty.protocol.batch.answering import Asked
from edgebounty.protocol.batch.known import Known
from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.history import BatchPosted, LaneEvent
from orchestrator.domain.batch.posting import Held
from orchestrator.domain.batch.record import LaneLog
from orchestrator.domain.values import BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainJob:
    """`deadline` is earlier than the escrow's once the job was stopped."""

    next_task: int
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLook:
    """The lane's views of one orchestrator. `header_hashes` beside `held`, by number."""

    next: int
    stated: int
    bonded: int
    allotted: int
    free_stake: int
    postable_at: int
    held: dict[int, Held]
    header_hashes: dict[int, bytes]
    jobs: dict[JobId, ChainJob]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """Somebody wants to see what lies under a node of our batch `number`, or takes its bond from `deadline` on."""

    demand: int
    number: int
    asked: Asked
    deadline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Somebody says that our batch from `first_task` on lacks the bundle of `worker`."""

    claim: int
    job: int
    first_task: int
    worker: Address
    count: int
    deadline: int


class PostedData(Protocol):
    """What stands behind a posted batch, from wherever it was put."""

    async def read(self, posted: BatchPosted) -> Known:
        """Raises `Unavailable` while it is not to be had."""
        ...


class BatchChain(Protocol):
    """Every method raises `Unavailable` when the node fails."""

    async def events(self, first: int, last: int) -> Sequence[LaneEvent]:
        """Of this orchestrator, in a closed range of final blocks, in order. Raises `RangeTooWide`."""
        ...

    async def asked(self, first: int, last: int) -> Sequence[Demanded | Claimed]:
        """Of this orchestrator, in a closed range of blocks, final or not. Raises `RangeTooWide`."""
        ...

    async def look(self, block: BlockRef, numbers: Collection[int], jobs: Collection[JobId]) -> LaneLook:
        """As of that block: these batches, which it has and which are in the ring, and these jobs."""
        ...

    async def refundable(self, block: BlockRef, jobs: Sequence[JobId]) -> dict[JobId, int]:
        """What a refund would give back now of those of these jobs that are over, in base units."""
        ...

    async def withdrawn(self, block: BlockRef, indices: Sequence[int]) -> list[int]:
        """What these payout indices have withdrawn, in base units."""
        ...


class LaneHistory(Protocol):
    """Everything that the batch lane's contracts have told, of all orchestrators."""

    async def read(self, first: int, last: int) -> Sequence[LaneLog]:
        """In a closed range of final blocks, in chain order. Raises `Unavailable` when the node fails."""
        ...
