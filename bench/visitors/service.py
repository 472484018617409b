"""An orchestrator's HTTP side over a book of the batch lane in which a large job is done."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiohttp import web

from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.messages import Domain, Signable, address_of_key, sign
from edgebounty.protocol.types import Address, Digest, JobId, to_address
from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.http.batch_explore import BatchExplorer
from orchestrator.adapters.http.connections import Connections
from orchestrator.adapters.http.limits import RateLimit
from orchestrator.adapters.http.server import make_application
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.app.desk import BatchDesk
from orchestrator.app.lane_history import LaneFollower
from orchestrator.domain.batch.record import LaneLog, LaneRecord
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, Stage, WorkerBundle
from orchestrator.domain.decide import decide
from orchestrator.domain.facts import JobPosted
from orchestrator.domain.values import FactRef
from tests.orchestrator.adapters.http_kit import make_service
from tests.orchestrator.model import REQUESTER, make_terms
from tests.orchestrator.rig import Rig

LANE: Final = Domain(chain_id=31337, verifying_contract=to_address(b"\xba" * 20))
KEY: Final = b"\x11" * 32
ME: Final = address_of_key(KEY)
DONE: Final = JobId(1)
JOBS: Final = 100
DONE_TASKS: Final = 10_000
COPIES: Final = 3
BATCHES: Final = 200
WINDOW: Final = 3 * 86_400


def result(job: int, task: int) -> Digest:
    return Digest(hashlib.sha256(f"{job} {task}".encode()).digest())


def terms_of(job: JobId, tasks: int, copies: int) -> BatchTerms:
    return BatchTerms(
        job=job,
        orchestrator=ME,
        domain=LANE,
        tasks=tasks,
        slots=copies,
        copies=copies,
        quorum=copies,
        waves=1,
        price=100,
        fee=1,
        deadline=int(time.time()) + 86_400,
        task_seconds=600,
        span=tasks,
    )


def fill(desk: BatchDesk, record: LaneRecord) -> None:
    """A job whose every task is agreed and posted, by a hundred workers; and batches of others."""
    book, workers = desk.book, [to_address(bytes([1, i]) + bytes(18)) for i in range(100)]
    book.open_job(terms_of(DONE, DONE_TASKS, COPIES))
    receipts: dict[Address, list[Receipt]] = {worker: [] for worker in workers}
    for index in range(DONE_TASKS):
        digest = result(DONE, index)
        slots = []
        for slot in range(COPIES):
            worker = workers[(index + slot) % len(workers)]
            slots.append(Slot(worker=worker, until=0, commitment=bytes(32), digest=digest, accepted=True))
            receipts[worker].append(Receipt(task=index, slot=slot, digest=digest[:27]))
        book.tasks[DONE, index] = BatchTask(index=index, stage=Stage.AGREED, slots=tuple(slots), digest=digest)
    book.counts[DONE].update({Stage.AGREED: DONE_TASKS, Stage.OPEN: -DONE_TASKS})
    for worker in workers:
        bundle = WorkerBundle(
            job=DONE,
            first_task=0,
            worker=worker,
            receipts=tuple(receipts[worker]),
            commit_sets=(bytes(32),) * len(receipts[worker]),
        )
        book.bundles[DONE, 0, worker] = bundle
        book._workers_of.setdefault((DONE, 0), []).append(worker)
        book._batches_of.setdefault(worker, []).append((DONE, 0))
        index = len(book.payees) + 1
        book.payees[index], book._index_of[worker] = worker, index
    for number in range(BATCHES):
        job = DONE if number == 0 else JobId(1 + number)
        words = [ME, number, job, 0, DONE_TASKS, 100, DONE_TASKS * COPIES, 101, *("0x" + bytes(32).hex(),) * 4]
        record.take(
            LaneLog(
                name="BatchPosted",
                args={"header": words, "bond": 10**18},
                block=number,
                time=int(time.time()),
                tx_hash="0x" + hashlib.sha256(bytes([number])).hexdigest(),
            )
        )


class _Nothing:
    async def read(self, first: int, last: int) -> list[LaneLog]:
        return []


def _post_jobs(rig: Rig) -> None:
    ref = FactRef(block=rig.books.final.block, log_index=0, tx_hash=bytes(32))
    for number in range(1, JOBS + 1):
        terms = make_terms(lane=LANE.verifying_contract, map_tasks=DONE_TASKS)
        fact = JobPosted(ref=ref, job_id=JobId(number), requester=REQUESTER, terms=terms)
        rig.books.final.apply(decide(rig.books.final, fact))
    rig.books.rebuild_soft()


async def serve(folder: Path) -> None:
    """Says where it listens, and goes on until it is ended."""
    rig, clock = Rig(), SystemClock()
    _post_jobs(rig)

    def sign_as_orchestrator(message: Signable) -> bytes:
        return sign(LANE, message, KEY)

    desk = BatchDesk(
        me=ME,
        domain=LANE,
        journal=SqlStore(folder / "orchestrator.sqlite", identity={"account": ME}),
        sign=sign_as_orchestrator,
        now=lambda: int(time.time()),
        secret=b"s" * 32,
    )
    follower = LaneFollower(history=_Nothing(), books=rig.books, since=0, window=WINDOW)
    fill(desk, follower.record)
    service = replace(
        make_service(rig, clock),  # type: ignore[arg-type]
        clock=clock,
        batch_explorer=BatchExplorer(desk=desk, follower=follower),
        by_ip=RateLimit(rate=1e6, burst=1e6, clock=clock),
        connections=Connections(most=1_000, most_of_one=1_000),  # all of them come from this machine
    )
    runner = web.AppRunner(make_application(service), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    print(runner.addresses[0][1], flush=True)
    while True:  # also while nobody works, every document is always older than the book
        await asyncio.sleep(0.1)
        desk.book.changes += 1


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
