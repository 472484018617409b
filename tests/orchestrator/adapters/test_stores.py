"""One suite for both stores: what the loops rely on."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from edgebounty.protocol.types import JobId
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.domain.effects import RecordSeed, Settle
from orchestrator.domain.errors import DatabaseDamaged, DatabaseForeign, DatabaseInUse, StorageFailed
from orchestrator.domain.market import Decision
from orchestrator.domain.values import Job, Manifest, ManifestStatus, Seed, Task
from orchestrator.ports.chain import Fees, Header
from orchestrator.ports.store import Order, OrderStatus, SeenBlock, Transaction, TransactionStatus
from tests.orchestrator.builders import FIRST, block
from tests.orchestrator.model import ModelLane, address, digest, make_terms
from tests.orchestrator.rig import Rig

pytestmark = pytest.mark.unit
IDENTITY = {"chain_id": "1", "escrow": "0xE"}


def header(number: int) -> Header:
    return Header(ref=block(number), parent_hash=block(number - 1).hash)


@pytest.fixture(params=["memory", "sql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    made = MemoryStore() if request.param == "memory" else SqlStore(tmp_path / "db.sqlite", identity=IDENTITY)
    yield made
    made.close()


def a_job() -> Job:
    return Job(id=JobId(1), requester=address(5), terms=make_terms(), posted=block(1))


def a_transaction(order: Order, *, tx_hash: bytes = b"h" * 32, nonce: int = 0) -> Transaction:
    fees = Fees(max_fee_wei=1 << 80, priority_fee_wei=1)
    return Transaction(
        hash=tx_hash, raw=b"raw", order_key=order.key, nonce=nonce, gas=1, fees=fees, stored_at=block(nonce)
    )


def test_load__empty__nothing(store: Any) -> None:
    snapshot = store.load()
    assert (snapshot.final, snapshot.digest, snapshot.jobs, snapshot.seen) == (None, "", (), ())


def test_final__saved__loaded_equal(store: Any) -> None:
    task = Task(id=FIRST, slots=2, draw_epoch=1, fill_deadline=9)
    seed = Seed(epoch=1, value=b"\2" * 32, recorded_at=7)
    manifest = Manifest(digest=digest("m"), status=ManifestStatus.READY, shard_cids=("a", "b"))
    decision = Decision(jobs=(a_job(),), tasks=(task,), seeds=(seed,), manifests=(manifest,))
    store.save_final(final=header(3), facts=(), decision=decision, digest="d")
    snapshot = store.load()
    assert snapshot.final == header(3)
    assert (snapshot.jobs, snapshot.tasks, snapshot.seeds) == ((a_job(),), (task,), (seed,))
    assert (snapshot.manifests, snapshot.digest) == ((manifest,), "d")


def test_final__saved_again__newest_value_stands(store: Any) -> None:
    for settled in (0, 1):
        decision = Decision(jobs=(replace(a_job(), settled=settled),))
        store.save_final(final=header(3 + settled), facts=(), decision=decision, digest=str(settled))
    assert [job.settled for job in store.load().jobs] == [1]


def test_seen__cut_back_and_extended__only_the_new_fork(store: Any) -> None:
    store.save_seen(keep_up_to=-1, blocks=[SeenBlock(header=header(n), facts=()) for n in (4, 5, 6)])
    other = Header(ref=replace(block(5), hash=b"\5" * 32), parent_hash=block(4).hash)
    store.save_seen(keep_up_to=4, blocks=[SeenBlock(header=other, facts=())])
    assert [seen.header for seen in store.load().seen] == [header(4), other]


def test_seen__become_final__forgotten(store: Any) -> None:
    store.save_seen(keep_up_to=-1, blocks=[SeenBlock(header=header(n), facts=()) for n in (4, 5, 6)])
    store.save_final(final=header(5), facts=(), decision=Decision(), digest="")
    assert [seen.header.ref.number for seen in store.load().seen] == [6]


def test_order__given_twice__kept_once(store: Any) -> None:
    for number in (1, 2):
        decision = Decision(effects=(Settle(task=FIRST, wave=0), RecordSeed(epoch=4)))
        store.save_final(final=header(number), facts=(), decision=decision, digest="")
    assert [order.key for order in store.orders(OrderStatus.OPEN)] == ["settle:1/0:0", "seed:4"]


def test_order__resting__open_again_when_ordered_after_its_rest(store: Any) -> None:
    decision = Decision(effects=(RecordSeed(epoch=4),))
    store.save_final(final=header(1), facts=(), decision=decision, digest="")
    (order,) = store.orders(OrderStatus.OPEN)
    store.update(replace(order, status=OrderStatus.RESTING, rest_until=3, refusals=1))
    store.save_final(final=header(2), facts=(), decision=decision, digest="")
    assert not store.orders(OrderStatus.OPEN)
    store.save_final(final=header(3), facts=(), decision=decision, digest="")
    assert [order.refusals for order in store.orders(OrderStatus.OPEN)] == [1]


def test_order__done__never_again(store: Any) -> None:
    decision = Decision(effects=(RecordSeed(epoch=4),))
    store.save_final(final=header(1), facts=(), decision=decision, digest="")
    store.update(replace(store.order("seed:4"), status=OrderStatus.DONE, detail="moot"))
    store.save_final(final=header(99), facts=(), decision=decision, digest="")
    assert not store.orders(OrderStatus.OPEN)
    assert store.order("seed:4").detail == "moot"


def test_transaction__stored__order_is_sent_and_bytes_come_back(store: Any) -> None:
    decision = Decision(effects=(RecordSeed(epoch=4),))
    store.save_final(final=header(1), facts=(), decision=decision, digest="")
    transaction = a_transaction(store.order("seed:4"))
    store.store(transaction)
    assert store.open_transactions() == [transaction]
    assert store.order("seed:4").status is OrderStatus.SENT


def test_nonce__closed__all_its_transactions_and_the_order(store: Any) -> None:
    decision = Decision(effects=(RecordSeed(epoch=4),))
    store.save_final(final=header(1), facts=(), decision=decision, digest="")
    order = store.order("seed:4")
    for tx_hash in (b"1" * 32, b"2" * 32):
        store.store(a_transaction(order, tx_hash=tx_hash))
    fates = {b"1" * 32: TransactionStatus.DISPLACED, b"2" * 32: TransactionStatus.FINAL}
    store.close_nonce(nonce=0, statuses=fates, order=replace(order, status=OrderStatus.DONE))
    assert store.open_transactions() == []
    assert store.order("seed:4").status is OrderStatus.DONE


def test_order__never_given__key_error(store: Any) -> None:
    with pytest.raises(KeyError):
        store.order("nothing")


# --- the SQL store alone ---


def sql(path: Path, **identity: str) -> SqlStore:
    return SqlStore(path, identity=IDENTITY | identity)


def test_sql__whole_life_with_restarts__same_as_in_memory(tmp_path: Path) -> None:
    def live(rig: Rig, reopen: bool) -> str:
        rig.post()
        for worker in (address(1), address(2)):
            rig.do(ModelLane.claim, 1, 0, worker)
        for worker in (address(1), address(2)):
            rig.do(ModelLane.commit, 1, 0, worker, digest("right"))
            if reopen:
                rig.store.close()
                rig.restart(store=sql(tmp_path / "db.sqlite"))
        for worker in (address(1), address(2)):
            rig.do(ModelLane.reveal, 1, 0, worker)
        rig.run(6)
        assert rig.lane.paid == {(1, 0, address(1)): 1, (1, 0, address(2)): 1}
        return rig.books.final.state_digest

    on_disk = Rig(store=sql(tmp_path / "db.sqlite"))
    assert live(on_disk, True) == live(Rig(), False)
    on_disk.store.close()


def test_sql__second_opening__refused_naming_the_process(tmp_path: Path) -> None:
    first = sql(tmp_path / "db.sqlite")
    with pytest.raises(DatabaseInUse, match=rf"process {os.getpid()}"):
        sql(tmp_path / "db.sqlite")
    first.close()
    sql(tmp_path / "db.sqlite").close()


def test_sql__other_chain_or_account__refused(tmp_path: Path) -> None:
    sql(tmp_path / "db.sqlite").close()
    with pytest.raises(DatabaseForeign, match="belongs to chain_id 1, but the settings say 5"):
        sql(tmp_path / "db.sqlite", chain_id="5")
    sql(tmp_path / "db.sqlite").close()


def test_sql__not_a_database__clear_error(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageFailed, match="not a database"):
        sql(tmp_path / "db.sqlite")


def test_sql__folder_cannot_be_made__clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="Check the disk"):
        sql(tmp_path / "file" / "db.sqlite")


def test_sql__disk_full__nothing_sent_and_state_as_before(tmp_path: Path) -> None:
    rig = Rig(store=sql(tmp_path / "db.sqlite"))
    rig.post()
    for step in (ModelLane.claim, ModelLane.commit, ModelLane.reveal):
        for worker in (address(1), address(2)):
            rig.do(step, 1, 0, worker, *([digest("right")] if step is ModelLane.commit else []))
    before = rig.store.load()
    with rig.store._engine.connect() as db:  # SQLite's own way to have no more room
        pages = db.exec_driver_sql("PRAGMA page_count").scalar()
        db.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def go_on() -> None:
        for _ in range(60):
            rig.do(ModelLane.post, make_terms())

    with pytest.raises(StorageFailed, match="full"):
        go_on()
    with rig.store._engine.connect() as db:
        stored = {bytes(row[0]) for row in db.exec_driver_sql("SELECT raw FROM transactions")}
    assert set(rig.chain.sent) <= stored
    rig.store.close()
    again = Rig(store=sql(tmp_path / "db.sqlite"))
    assert again.books.final.block.number >= before.final.ref.number
    again.store.close()


def test_sql__read_only__nothing_sent_and_stops(tmp_path: Path) -> None:
    rig = Rig(store=sql(tmp_path / "db.sqlite"))
    rig.post()
    for step in (ModelLane.claim, ModelLane.commit, ModelLane.reveal):
        for worker in (address(1), address(2)):
            rig.do(step, 1, 0, worker, *([digest("right")] if step is ModelLane.commit else []))
    rig.store._engine.dispose()
    before, sent = rig.store.load(), len(rig.chain.sent)
    with rig.store._engine.connect() as db:  # as on a file system that was remounted read-only; root may write anywhere
        db.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(StorageFailed, match="readonly"):
        rig.run(10)
    assert len(rig.chain.sent) == sent
    rig.store.close()
    again = sql(tmp_path / "db.sqlite")
    assert again.load() == before
    again.close()


def kill_in_the_midst(path: str) -> None:
    """Save a final block, and die when all of it is written and nothing is committed."""
    rig = Rig(store=sql(Path(path)))
    rig.chain.mine(lambda lane, block: ModelLane.post(lane, block, make_terms()))
    for _ in range(4):
        rig.chain.mine()

    @event.listens_for(rig.store._engine, "commit")
    def die(connection: Any) -> None:
        if connection.exec_driver_sql("SELECT count(*) FROM facts").scalar():
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(rig.settle_down())


def test_sql__killed_within_a_transaction__all_of_it_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    child = multiprocessing.get_context("spawn").Process(target=kill_in_the_midst, args=(str(path),))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    store = sql(path)
    left = store.load()
    assert (left.final, left.jobs, list(store.final_facts())) == (None, (), [])
    assert store.orders(OrderStatus.OPEN) == []
    store.close()


def test_sql__changed_behind_our_back__refused_at_start(tmp_path: Path) -> None:
    rig = Rig(store=sql(tmp_path / "db.sqlite"))
    rig.post()
    with rig.store._engine.begin() as db:
        db.exec_driver_sql("DELETE FROM tasks WHERE task_index = 1")
    with pytest.raises(DatabaseDamaged, match="rebuilt from the chain"):
        rig.restart()
    rig.store.close()


def test_sql__rebuilt_from_the_chain__same_digest(tmp_path: Path) -> None:
    rig = Rig()
    rig.post()
    rig.work(1, 0, address(1), address(2))
    rig.run(6)
    grown = rig.books.final.state_digest
    rig.restart(store=sql(tmp_path / "db.sqlite"))
    asyncio.run(rig.settle_down())
    assert rig.books.final.state_digest == grown
    rig.store.close()
