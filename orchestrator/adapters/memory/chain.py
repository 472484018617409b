"""A chain in memory: blocks, forks, a mempool with nonces and fees, and faults to order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from edgebounty.protocol.types import Address
from orchestrator.domain.effects import ChainEffect, FillNonce
from orchestrator.domain.errors import RangeTooWide, Rejected, Unavailable
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.values import BlockRef, FactRef
from orchestrator.ports.chain import Fees, Header, Nonces, Receipt, Signed

Event = tuple[type[ChainFact], dict[str, Any]]
"""A fact without its place."""


class World(Protocol):
    """The contracts: what an order does to them."""

    def execute(self, effect: ChainEffect, block: BlockRef) -> list[Event]:
        """The events of one transaction. Raises `Rejected` if it reverts, having changed nothing."""
        ...

    def copy(self) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    effect: ChainEffect | None
    nonce: int
    fees: Fees
    signed: Signed


@dataclass(slots=True, kw_only=True)
class _Block:
    header: Header
    world: World
    nonce: int
    facts: list[ChainFact] = field(default_factory=list)
    receipts: dict[bytes, bool] = field(default_factory=dict)


class MemoryChain:
    """Fulfils `ChainReader`, `StakeReader` and `ChainWriter` for one account. Final is `depth` below the head."""

    def __init__(self, world: World, *, depth: int = 2, start_time: int = 1_000_000) -> None:
        self.depth = depth
        self.mempool: dict[bytes, _Pending] = {}
        self.down = False
        self.widest = 10_000
        self.price_wei = 10**9
        self.least_price_wei = 0
        self.sent: list[bytes] = []
        self._signed: dict[bytes, _Pending] = {}
        self._fork = 0
        ref = BlockRef(number=0, hash=_hash("genesis"), time=start_time)
        self._blocks = [_Block(header=Header(ref=ref, parent_hash=bytes(32)), world=world, nonce=0)]

    # --- what tests do with it ---

    @property
    def tip(self) -> BlockRef:
        return self._blocks[-1].header.ref

    @property
    def world(self) -> World:
        """The contracts as of the newest block."""
        return self._blocks[-1].world

    def mine(
        self, *actions: Callable[[Any, BlockRef], list[Event]], seconds: int = 1, include: bool = True
    ) -> BlockRef:
        """One block with these actions of others, then the mempool. An action that is rejected raises."""
        parent = self._blocks[-1]
        number = parent.header.ref.number + 1
        block_hash = _hash(f"{number}|{self._fork}|{parent.header.ref.hash.hex()}")
        ref = BlockRef(number=number, hash=block_hash, time=parent.header.ref.time + seconds)
        header = Header(ref=ref, parent_hash=parent.header.ref.hash)
        block = _Block(header=header, world=parent.world.copy(), nonce=parent.nonce)
        for position, action in enumerate(actions):
            self._emit(block, action(block.world, ref), _hash(f"action {number} {position} {self._fork}"))
        if include:
            self._include(block)
        self._blocks.append(block)
        return ref

    def reorg(self, depth: int) -> None:
        """Take back the newest blocks. Their transactions return to the mempool."""
        dropped = self._blocks[len(self._blocks) - depth :]
        del self._blocks[len(self._blocks) - depth :]
        self._fork += 1
        for block in dropped:
            for tx_hash in block.receipts:
                self.mempool[tx_hash] = self._signed[tx_hash]

    def send_foreign(self, nonce: int) -> None:
        """Another program sends with our key."""
        signed = Signed(raw=f"foreign {nonce}".encode(), hash=_hash(f"foreign {nonce}"))
        fees = Fees(max_fee_wei=10**15, priority_fee_wei=1)
        pending = _Pending(effect=None, nonce=nonce, fees=fees, signed=signed)
        self._signed[signed.hash] = self.mempool[signed.hash] = pending

    # --- ChainReader ---

    async def head(self) -> Header:
        self._check_up()
        return self._blocks[-1].header

    async def final(self, head: Header) -> Header:
        self._check_up()
        return self._blocks[max(0, min(head.ref.number, len(self._blocks) - 1) - self.depth)].header

    async def block(self, number: int) -> Header | None:
        self._check_up()
        return self._blocks[number].header if number < len(self._blocks) else None

    async def facts_of(self, block: BlockRef) -> tuple[ChainFact, ...]:
        self._check_up()
        for each in self._blocks:
            if each.header.ref.hash == block.hash:
                return tuple(each.facts)
        raise Unavailable(what="block", reason=f"{block.number} was taken back")

    async def facts_between(self, first: int, last: int) -> tuple[ChainFact, ...]:
        self._check_up()
        if last - first + 1 > self.widest:
            raise RangeTooWide(what="logs", reason=f"more than {self.widest} blocks")
        return tuple(fact for block in self._blocks[first : last + 1] for fact in block.facts)

    async def stakes(self, worker: Address, block_number: int) -> tuple[int, int]:
        return 1, 1

    # --- ChainWriter ---

    async def prepare(self, effect: ChainEffect) -> int:
        self._check_up()
        if not isinstance(effect, FillNonce):
            self.world.copy().execute(effect, self.tip)
        return 100_000

    async def fees(self) -> Fees:
        return Fees(max_fee_wei=self.price_wei, priority_fee_wei=1)

    async def sign(self, effect: ChainEffect, *, nonce: int, gas: int, fees: Fees) -> Signed:
        raw = f"{effect.key}|{nonce}|{fees.max_fee_wei}".encode()
        signed = Signed(raw=raw, hash=_hash(raw.decode()))
        self._signed[signed.hash] = _Pending(effect=effect, nonce=nonce, fees=fees, signed=signed)
        return signed

    async def send(self, raw: bytes) -> None:
        self._check_up()
        pending = self._signed[_hash(raw.decode())]
        if pending.nonce < self._blocks[-1].nonce:
            if await self.receipt(pending.signed.hash) is None:
                raise Rejected(by="the account", reason="nonce too low")
            return
        self.sent.append(raw)
        self.mempool[pending.signed.hash] = pending

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        self._check_up()
        for block in self._blocks:
            if tx_hash in block.receipts:
                return Receipt(block_number=block.header.ref.number, ok=block.receipts[tx_hash])
        return None

    async def nonces(self, final: BlockRef) -> Nonces:
        self._check_up()
        return Nonces(final=self._blocks[min(final.number, len(self._blocks) - 1)].nonce, latest=self._blocks[-1].nonce)

    def _check_up(self) -> None:
        if self.down:
            raise Unavailable(what="the node", reason="it is switched off")

    def _include(self, block: _Block) -> None:
        while True:
            ready = [p for p in self.mempool.values() if p.nonce == block.nonce]
            ready = [p for p in ready if p.fees.max_fee_wei >= self.least_price_wei]
            if not ready:
                break
            chosen = max(ready, key=lambda p: p.fees.max_fee_wei)
            try:
                effect = chosen.effect
                events = (
                    []
                    if effect is None or isinstance(effect, FillNonce)
                    else block.world.execute(effect, block.header.ref)
                )
                block.receipts[chosen.signed.hash] = True
            except Rejected:
                events = []
                block.receipts[chosen.signed.hash] = False
            self._emit(block, events, chosen.signed.hash)
            block.nonce += 1
        self.mempool = {h: p for h, p in self.mempool.items() if p.nonce >= block.nonce}

    def _emit(self, block: _Block, events: Sequence[Event], tx_hash: bytes) -> None:
        for kind, fields in events:
            ref = FactRef(block=block.header.ref, log_index=len(block.facts), tx_hash=tx_hash)
            block.facts.append(kind(ref=ref, **fields))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
