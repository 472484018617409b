"""The SQL store: every method is one database transaction, so that a crash leaves all of it or nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Table, create_engine, delete, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.adapters.sql import rows, schema
from orchestrator.adapters.sql.lock import FileLock
from orchestrator.domain.codec import decode
from orchestrator.domain.effects import Effect
from orchestrator.domain.errors import DatabaseForeign, StorageFailed
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.market import Decision
from orchestrator.domain.values import BlockRef, Job, Manifest, Task, Worker
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

_FINAL = "final"


class SqlStore:
    """Fulfils `MarketStore`, `Outbox` and `Journal` on an SQLite file in WAL mode with synchronous FULL.

    `identity` names what the database belongs to (chain id, contracts, account); a database of another identity is
    refused with `DatabaseForeign`, one that is in use with `DatabaseInUse`.
    """

    def __init__(self, path: Path, *, identity: Mapping[str, str]) -> None:
        self._path = path
        self._write_lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageFailed(database=str(path), reason=str(error)) from error
        self._lock = FileLock(path)
        try:
            self._engine = _engine(path)
            with self._writing() as db:
                schema.metadata.create_all(db)
                self._check_identity(db, {"schema": schema.VERSION, **identity})
        except BaseException:
            self._lock.release()
            raise

    # --- MarketStore ---

    def load(self) -> Snapshot:
        with self._reading() as db:
            cursor = db.execute(select(schema.cursor).where(schema.cursor.c.name == _FINAL)).mappings().first()
            seen = db.execute(select(schema.seen_blocks).order_by(schema.seen_blocks.c.number)).mappings()
            ordered = {
                schema.jobs: (schema.jobs.c.job_id,),
                schema.tasks: (schema.tasks.c.job_id, schema.tasks.c.task_index),
            }
            bodies = {
                table: [row.body for row in db.execute(select(table.c.body).order_by(*ordered.get(table, ())))]
                for table in (schema.jobs, schema.tasks, schema.workers, schema.manifests)
            }
            return Snapshot(
                final=rows.read_header(cursor) if cursor else None,
                digest=cursor["digest"] if cursor else "",
                jobs=tuple(decode(Job, body) for body in bodies[schema.jobs]),
                tasks=tuple(decode(Task, body) for body in bodies[schema.tasks]),
                workers=tuple(decode(Worker, body) for body in bodies[schema.workers]),
                seeds=tuple(rows.read_seed(row) for row in db.execute(select(schema.seeds)).mappings()),
                manifests=tuple(decode(Manifest, body) for body in bodies[schema.manifests]),
                seen=tuple(_read_seen(row) for row in seen),
            )

    def save_seen(self, *, keep_up_to: int, blocks: Sequence[SeenBlock]) -> None:
        with self._writing() as db:
            db.execute(delete(schema.seen_blocks).where(schema.seen_blocks.c.number > keep_up_to))
            _upsert(db, schema.seen_blocks, [_seen_row(block) for block in blocks])

    def save_final(self, *, final: Header, facts: Sequence[ChainFact], decision: Decision, digest: str) -> None:
        with self._writing() as db:
            _upsert(db, schema.facts, [rows.fact_row(fact) for fact in facts])
            _upsert(db, schema.jobs, [rows.job_row(job) for job in decision.jobs])
            _upsert(db, schema.tasks, [rows.task_row(task) for task in decision.tasks])
            _upsert(db, schema.workers, [rows.worker_row(worker) for worker in decision.workers])
            _upsert(db, schema.seeds, [rows.seed_row(seed) for seed in decision.seeds])
            _upsert(db, schema.manifests, [rows.manifest_row(manifest) for manifest in decision.manifests])
            self._take_orders(db, decision.effects, final.ref)
            db.execute(delete(schema.seen_blocks).where(schema.seen_blocks.c.number <= final.ref.number))
            _upsert(db, schema.cursor, [{"name": _FINAL, "digest": digest, **rows.header_row(final)}])

    def save_local(self, decision: Decision) -> None:
        with self._writing() as db:
            _upsert(db, schema.manifests, [rows.manifest_row(manifest) for manifest in decision.manifests])

    def final_facts(self) -> Sequence[ChainFact]:
        order = (schema.facts.c.block_number, schema.facts.c.log_index)
        with self._reading() as db:
            found = db.execute(select(schema.facts.c.kind, schema.facts.c.body).order_by(*order))
            return [rows.read_fact(row.kind, row.body) for row in found]

    def close(self) -> None:
        with self._write_lock:  # a cancelled loop may have left a write behind in its thread
            self._engine.dispose()
            self._lock.release()

    # --- Outbox ---

    def orders(self, status: OrderStatus) -> Sequence[Order]:
        table = schema.orders
        with self._reading() as db:
            found = db.execute(select(table).where(table.c.status == status.value).order_by(table.c.position))
            return [rows.read_order(row) for row in found.mappings()]

    def order(self, key: str) -> Order:
        with self._reading() as db:
            row = db.execute(select(schema.orders).where(schema.orders.c.key == key)).mappings().first()
            if row is None:
                raise KeyError(key)
            return rows.read_order(row)

    def update(self, order: Order) -> None:
        with self._writing() as db:
            _update_order(db, order)

    def open_transactions(self) -> Sequence[Transaction]:
        table = schema.transactions
        with self._reading() as db:
            found = db.execute(
                select(table)
                .where(table.c.status == TransactionStatus.STORED.value)
                .order_by(table.c.nonce, table.c.stored_number)
            )
            return [rows.read_transaction(row) for row in found.mappings()]

    def store(self, transaction: Transaction) -> None:
        with self._writing() as db:
            _upsert(db, schema.transactions, [rows.transaction_row(transaction)])
            db.execute(
                update(schema.orders)
                .where(schema.orders.c.key == transaction.order_key)
                .values(status=OrderStatus.SENT.value)
            )

    def close_nonce(self, *, nonce: int, statuses: dict[bytes, TransactionStatus], order: Order) -> None:
        table = schema.transactions
        with self._writing() as db:
            for tx_hash, status in statuses.items():
                db.execute(
                    update(table).where(table.c.hash == tx_hash, table.c.nonce == nonce).values(status=status.value)
                )
            _update_order(db, order)

    # --- Journal ---

    def append(self, entries: Sequence[Entry]) -> None:
        with self._writing() as db:
            if entries:
                db.execute(schema.batch_journal.insert(), [rows.entry_row(entry) for entry in entries])

    def replace(self, entries: Sequence[Entry]) -> None:
        with self._writing() as db:
            db.execute(schema.batch_journal.delete())
            if entries:
                db.execute(schema.batch_journal.insert(), [rows.entry_row(entry) for entry in entries])

    def entries(self) -> Sequence[Entry]:
        table = schema.batch_journal
        with self._reading() as db:
            found = db.execute(select(table.c.kind, table.c.body).order_by(table.c.position))
            return [rows.read_entry(row.kind, row.body) for row in found]

    def _take_orders(self, db: Connection, effects: Sequence[Effect], final: BlockRef) -> None:
        table = schema.orders
        for effect in effects:
            row = db.execute(select(table).where(table.c.key == effect.key)).mappings().first()
            order = reordered(rows.read_order(row) if row else None, effect, final)
            if order is None:
                continue
            _update_order(db, order)

    def _check_identity(self, db: Connection, identity: Mapping[str, str]) -> None:
        stored = {row.name: row.value for row in db.execute(select(schema.meta))}
        for name, value in identity.items():
            if name in stored and stored[name] != value:
                raise DatabaseForeign(database=str(self._path), field=name, stored=stored[name], given=value)
        _upsert(db, schema.meta, [{"name": name, "value": value} for name, value in identity.items()])

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One writer at a time: SQLite has one anyway, and waiting here cannot time out half way."""
        with self._write_lock, self._translated(), self._engine.begin() as db:
            yield db

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._engine.begin() as db:
            yield db

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error)
            raise StorageFailed(database=str(self._path), reason=reason) from error


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _upsert(db: Connection, table: Table, values: Sequence[rows.Row]) -> None:
    if not values:
        return
    make = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    insert = make(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    db.execute(insert.on_conflict_do_update(index_elements=keys, set_=others), list(values))


def _update_order(db: Connection, order: Order) -> None:
    row = rows.order_row(order)
    known = db.execute(update(schema.orders).where(schema.orders.c.key == order.key).values(row))
    if known.rowcount == 0:
        db.execute(schema.orders.insert().values(row))


def _seen_row(block: SeenBlock) -> rows.Row:
    facts = [[type(fact).__name__, rows.fact_row(fact)["body"]] for fact in block.facts]
    return {**rows.header_row(block.header), "facts": json.dumps(facts)}


def _read_seen(row: RowMapping) -> SeenBlock:
    facts = tuple(rows.read_fact(kind, body) for kind, body in json.loads(row["facts"]))
    return SeenBlock(header=rows.read_header(row), facts=facts)
