"""What the rules need of a database. Each method is one transaction: all of it is kept, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from orchestrator.domain.effects import Effect
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.market import Decision
from orchestrator.domain.values import BlockRef, Job, Manifest, Seed, Task, Worker
from orchestrator.ports.chain import Fees, Header


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBlock:
    """A block that may still be taken back, with its events in log order."""

    header: Header
    facts: tuple[ChainFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a start finds: the state at the final cursor, and the unfinal blocks on top, oldest first."""

    final: Header | None
    digest: str
    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    workers: tuple[Worker, ...]
    seeds: tuple[Seed, ...]
    manifests: tuple[Manifest, ...]
    seen: tuple[SeenBlock, ...]


class MarketStore(Protocol):
    """The log of facts, both cursors, and the state that the final facts add up to."""

    def load(self) -> Snapshot: ...

    def save_seen(self, *, keep_up_to: int, blocks: Sequence[SeenBlock]) -> None:
        """Forget unfinal blocks above `keep_up_to` and append these. The last one is the `seen` cursor."""
        ...

    def save_final(self, *, final: Header, facts: Sequence[ChainFact], decision: Decision, digest: str) -> None:
        """Move the final cursor: its facts, what they changed, the orders they gave, and the state's digest."""
        ...

    def save_local(self, decision: Decision) -> None:
        """Keep what we found out ourselves (manifests) and the orders that follow."""
        ...

    def final_facts(self) -> Sequence[ChainFact]:
        """Every final fact in chain order: replaying them must give the stored digest."""
        ...

    def close(self) -> None: ...


class OrderStatus(StrEnum):
    OPEN = "open"
    SENT = "sent"
    RESTING = "resting"  # refused just now; taken up again when it is ordered after its rest
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An effect in the outbox. `rest_until` is a block number, `refusals` how often it was refused in a row."""

    key: str
    effect: Effect
    status: OrderStatus = OrderStatus.OPEN
    refusals: int = 0
    rest_until: int = 0
    detail: str = ""


def reordered(known: Order | None, effect: Effect, final: BlockRef) -> Order | None:
    """The order to keep when `effect` is given (again) at a final block; None if the known one stands as it is."""
    if known is None:
        return Order(key=effect.key, effect=effect)
    if known.status is OrderStatus.RESTING and final.number >= known.rest_until:
        return replace(known, status=OrderStatus.OPEN)
    return None


class TransactionStatus(StrEnum):
    STORED = "stored"  # may or may not have reached the node
    FINAL = "final"
    REVERTED = "reverted"
    DISPLACED = "displaced"  # its nonce went to another transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A signed transaction, stored before it is sent. Replacements of one order share its nonce."""

    hash: bytes
    raw: bytes
    order_key: str
    nonce: int
    gas: int
    fees: Fees
    stored_at: BlockRef
    status: TransactionStatus = TransactionStatus.STORED


class Outbox(Protocol):
    """Orders and the transactions that carry them out."""

    def orders(self, status: OrderStatus) -> Sequence[Order]:
        """Oldest first."""
        ...

    def order(self, key: str) -> Order:
        """Raises `KeyError` for a key that was never ordered."""
        ...

    def update(self, order: Order) -> None:
        """Keep the order as it is now, be it known or new."""
        ...

    def open_transactions(self) -> Sequence[Transaction]:
        """Stored ones, by nonce, then oldest first."""
        ...

    def store(self, transaction: Transaction) -> None:
        """Keep it, and mark its order as sent."""
        ...

    def close_nonce(self, *, nonce: int, statuses: dict[bytes, TransactionStatus], order: Order) -> None:
        """All transactions of this nonce are decided, and what becomes of their order."""
        ...
