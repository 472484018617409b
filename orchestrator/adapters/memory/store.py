"""The database as dictionaries. Behaves like the SQL store; the shared suite runs on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.domain.effects import Effect
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.market import Decision
from orchestrator.domain.values import BlockRef, Job, Manifest, Seed, Task, TaskId, Worker
from orchestrator.ports.chain import Header
from orchestrator.ports.journal import Entry
from orchestrator.ports.store import (
    Order,
    OrderStatus,
    SeenBlock,
    Snapshot,
    Transaction,
    TransactionStatus,
    reordered,
)


class MemoryStore:
    """Fulfils `MarketStore`, `Outbox` and `Journal`."""

    def __init__(self) -> None:
        self._final: Header | None = None
        self._digest = ""
        self._jobs: dict[JobId, Job] = {}
        self._tasks: dict[TaskId, Task] = {}
        self._workers: dict[Address, Worker] = {}
        self._seeds: dict[int, Seed] = {}
        self._manifests: dict[Digest, Manifest] = {}
        self._seen: list[SeenBlock] = []
        self._facts: dict[tuple[bytes, int], ChainFact] = {}
        self._orders: dict[str, Order] = {}
        self._transactions: dict[bytes, Transaction] = {}
        self._entries: list[Entry] = []

    def load(self) -> Snapshot:
        return Snapshot(
            final=self._final,
            digest=self._digest,
            jobs=tuple(self._jobs.values()),
            tasks=tuple(self._tasks.values()),
            workers=tuple(self._workers.values()),
            seeds=tuple(self._seeds.values()),
            manifests=tuple(self._manifests.values()),
            seen=tuple(self._seen),
        )

    def save_seen(self, *, keep_up_to: int, blocks: Sequence[SeenBlock]) -> None:
        self._seen = [block for block in self._seen if block.header.ref.number <= keep_up_to] + list(blocks)

    def save_final(self, *, final: Header, facts: Sequence[ChainFact], decision: Decision, digest: str) -> None:
        for fact in facts:
            self._facts[fact.ref.key] = fact
        self._final, self._digest = final, digest
        self._seen = [block for block in self._seen if block.header.ref.number > final.ref.number]
        self._jobs |= {job.id: job for job in decision.jobs}
        self._tasks |= {task.id: task for task in decision.tasks}
        self._workers |= {worker.address: worker for worker in decision.workers}
        self._seeds |= {seed.epoch: seed for seed in decision.seeds}
        self.save_local(Decision(manifests=decision.manifests))
        self._take_orders(decision.effects, final.ref)

    def save_local(self, decision: Decision) -> None:
        self._manifests |= {manifest.digest: manifest for manifest in decision.manifests}

    def final_facts(self) -> Sequence[ChainFact]:
        return sorted(self._facts.values(), key=lambda fact: (fact.ref.block.number, fact.ref.log_index))

    def close(self) -> None:
        pass

    # --- Outbox ---

    def orders(self, status: OrderStatus) -> Sequence[Order]:
        return [order for order in self._orders.values() if order.status is status]

    def order(self, key: str) -> Order:
        return self._orders[key]

    def update(self, order: Order) -> None:
        self._orders[order.key] = order

    def open_transactions(self) -> Sequence[Transaction]:
        stored = [t for t in self._transactions.values() if t.status is TransactionStatus.STORED]
        return sorted(stored, key=lambda t: (t.nonce, t.stored_at.number))

    def store(self, transaction: Transaction) -> None:
        self._transactions[transaction.hash] = transaction
        order = self._orders[transaction.order_key]
        self._orders[order.key] = replace(order, status=OrderStatus.SENT)

    def close_nonce(self, *, nonce: int, statuses: dict[bytes, TransactionStatus], order: Order) -> None:
        for tx_hash, status in statuses.items():
            self._transactions[tx_hash] = replace(self._transactions[tx_hash], status=status)
        self._orders[order.key] = order

    def _take_orders(self, effects: Sequence[Effect], final: BlockRef) -> None:
        for effect in effects:
            order = reordered(self._orders.get(effect.key), effect, final)
            if order is not None:
                self._orders[effect.key] = order

    def append(self, entries: Sequence[Entry]) -> None:
        self._entries += entries

    def replace(self, entries: Sequence[Entry]) -> None:
        self._entries = list(entries)

    def entries(self) -> Sequence[Entry]:
        return tuple(self._entries)
