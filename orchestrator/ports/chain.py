"""What the rules need of a chain. Every method is asynchronous and raises `Unavailable` when the node fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.terms import LaneJob
from orchestrator.domain.effects import ChainEffect
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.values import BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A block and the block that it builds on."""

    ref: BlockRef
    parent_hash: bytes


class ChainReader(Protocol):
    """Reads blocks and the events of our contracts."""

    async def head(self) -> Header:
        """The newest block that the node knows."""
        ...

    async def final(self, head: Header) -> Header:
        """The newest block that cannot be taken back any more, by the finality setting."""
        ...

    async def block(self, number: int) -> Header | None:
        """The block of that number on the node's present chain; None beyond its head."""
        ...

    async def facts_of(self, block: BlockRef) -> tuple[ChainFact, ...]:
        """The events of exactly this block, asked by hash; in any order, doubles allowed."""
        ...

    async def facts_between(self, first: int, last: int) -> tuple[ChainFact, ...]:
        """The events of a closed range of final blocks. Raises `RangeTooWide` if the node wants fewer blocks."""
        ...


class StakeReader(Protocol):
    """Stake as it counts for draws."""

    async def stakes(self, worker: Address, block_number: int) -> tuple[int, int]:
        """(the worker's stake, all stake) in base units at the end of that block."""
        ...


class LaneReader(Protocol):
    """The batch lane's own books."""

    async def lane_job(self, job_id: JobId, block: BlockRef) -> LaneJob:
        """A job of the lane at the end of that block."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """EIP-1559 prices in wei per gas."""

    max_fee_wei: int
    priority_fee_wei: int

    def bumped(self) -> Fees:
        """12.5 % more, rounded up: nodes take a replacement from 10 % on."""
        return Fees(max_fee_wei=_bump(self.max_fee_wei), priority_fee_wei=_bump(self.priority_fee_wei))


def _bump(wei: int) -> int:
    return -(-wei * 1125 // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A transaction's raw bytes and its hash."""

    raw: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a transaction was mined. `ok` is false if it reverted."""

    block_number: int
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonces:
    """How many transactions the account has: in final blocks, and in the newest one."""

    final: int
    latest: int


class ChainWriter(Protocol):
    """Turns orders into transactions of our account."""

    async def prepare(self, effect: ChainEffect) -> int:
        """The gas that the order needs now. Raises `Rejected` with the contract's reason if it would revert."""
        ...

    async def fees(self) -> Fees:
        """Prices that get a transaction into one of the next blocks."""
        ...

    async def sign(self, effect: ChainEffect, *, nonce: int, gas: int, fees: Fees) -> Signed:
        """The signed transaction. Sends nothing."""
        ...

    async def send(self, raw: bytes) -> None:
        """Hand it to the node; known bytes do no harm. Raises `Rejected` if it takes the nonce or the price not now."""
        ...

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """None while it is not mined on the node's present chain."""
        ...

    async def nonces(self, final: BlockRef) -> Nonces:
        """The account's nonces, to see foreign transactions with our key."""
        ...
