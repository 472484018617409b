"""Values to rows and back."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from sqlalchemy import RowMapping

from orchestrator.domain import effects, facts
from orchestrator.domain.batch import effects as batch_effects
from orchestrator.domain.batch import facts as batch_facts
from orchestrator.domain.codec import decode, encode
from orchestrator.domain.effects import Effect
from orchestrator.domain.facts import ChainFact
from orchestrator.domain.values import BlockRef, Job, Manifest, Seed, Task, Worker
from orchestrator.ports.chain import Header
from orchestrator.ports.journal import Entry, JobEnding, JobOpened, Joined, OutputKept
from orchestrator.ports.store import Order, OrderStatus, Transaction, TransactionStatus

Row = dict[str, Any]
_FACTS = {
    kind.__name__: kind
    for kind in vars(facts).values()
    if isinstance(kind, type) and issubclass(kind, ChainFact) and kind not in (ChainFact, facts.TaskFact)
}
_EFFECTS = {
    kind.__name__: kind
    for kind in (*vars(effects).values(), *vars(batch_effects).values())
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and hasattr(kind, "key")
}
_CLOSINGS = (batch_facts.BatchCut, batch_facts.BatchSealed, batch_facts.BatchSettled)
_KEPT = (batch_facts.BatchKept, batch_facts.PayeeKept, batch_facts.ChecksKept, batch_facts.ResultFound)
_WITHDRAWALS = (batch_facts.WithdrawalAsked, batch_facts.WithdrawalEnded)
_OWN_ENTRIES = (JobOpened, JobEnding, Joined, OutputKept, *_CLOSINGS, *_KEPT, *_WITHDRAWALS)
_ENTRIES: dict[str, type[Entry]] = {
    kind.__name__: kind
    for kind in (*_OWN_ENTRIES, *vars(batch_facts).values())
    if isinstance(kind, type) and (kind in _OWN_ENTRIES or issubclass(kind, batch_facts.BatchFact))
}


def fact_row(fact: ChainFact) -> Row:
    return {
        "block_hash": fact.ref.block.hash,
        "log_index": fact.ref.log_index,
        "block_number": fact.ref.block.number,
        "tx_hash": fact.ref.tx_hash,
        "kind": type(fact).__name__,
        "body": encode(fact),
    }


def read_fact(kind: str, body: str) -> ChainFact:
    return decode(_FACTS[kind], body)


def entry_row(entry: Entry) -> Row:
    return {"kind": type(entry).__name__, "body": encode(entry)}


def read_entry(kind: str, body: str) -> Entry:
    return decode(_ENTRIES[kind], body)


def header_row(header: Header) -> Row:
    ref = header.ref
    return {"number": ref.number, "hash": ref.hash, "parent_hash": header.parent_hash, "time": ref.time}


def read_header(row: RowMapping) -> Header:
    ref = BlockRef(number=row["number"], hash=bytes(row["hash"]), time=row["time"])
    return Header(ref=ref, parent_hash=bytes(row["parent_hash"]))


def job_row(job: Job) -> Row:
    return {"job_id": job.id, "status": job.status.value, "body": encode(job)}


def task_row(task: Task) -> Row:
    row = {"job_id": task.id.job_id, "task_index": task.id.index}
    return row | {"status": task.status.value, "body": encode(task)}


def worker_row(worker: Worker) -> Row:
    return {"address": worker.address, "body": encode(worker)}


def seed_row(seed: Seed) -> Row:
    return {"epoch": seed.epoch, "seed": seed.value, "recorded_at": seed.recorded_at}


def read_seed(row: RowMapping) -> Seed:
    return Seed(epoch=row["epoch"], value=bytes(row["seed"]), recorded_at=row["recorded_at"])


def manifest_row(manifest: Manifest) -> Row:
    return {"digest": manifest.digest, "status": manifest.status.value, "body": encode(manifest)}


def order_row(order: Order) -> Row:
    return {
        "key": order.key,
        "kind": type(order.effect).__name__,
        "body": encode(order.effect),
        "status": order.status.value,
        "refusals": order.refusals,
        "rest_until": order.rest_until,
        "detail": order.detail,
    }


def read_order(row: RowMapping) -> Order:
    effect = cast(Effect, decode(_EFFECTS[row["kind"]], row["body"]))
    return Order(
        key=row["key"],
        effect=effect,
        status=OrderStatus(row["status"]),
        refusals=row["refusals"],
        rest_until=row["rest_until"],
        detail=row["detail"],
    )


def transaction_row(transaction: Transaction) -> Row:
    return {
        "hash": transaction.hash,
        "nonce": transaction.nonce,
        "order_key": transaction.order_key,
        "status": transaction.status.value,
        "stored_number": transaction.stored_at.number,
        "raw": transaction.raw,
        "body": encode(dataclasses.replace(transaction, raw=b"")),
    }


def read_transaction(row: RowMapping) -> Transaction:
    kept = decode(Transaction, row["body"])
    return dataclasses.replace(kept, raw=bytes(row["raw"]), status=TransactionStatus(row["status"]))
