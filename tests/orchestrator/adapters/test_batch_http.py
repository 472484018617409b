"""The batch lane over a real socket and a real database: workers with nothing but a key do a real job."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from edgebounty.execution import run_task
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import describe
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.messages import Join
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import find_faults
from edgebounty.protocol.cid import raw_cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.messages import Domain, Signable, address_of_key, sign
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address
from edgebounty.protocol.unixfs import root_cid
from edgebounty.worker.batch_link import BatchLink, BatchOffer, OrchestratorRefuses, Owed
from edgebounty.worker.link import OrchestratorUnreachable
from orchestrator.adapters.http.batch import BatchApi, Take
from orchestrator.adapters.http.limits import RateLimit
from orchestrator.adapters.http.server import make_application
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.values import BatchTerms, Stage
from tests.orchestrator.adapters.http_kit import FakeClock, make_service
from tests.orchestrator.devnet import run_here, small_job
from tests.orchestrator.rig import Rig

pytestmark = pytest.mark.integration
LANE = Domain(chain_id=31337, verifying_contract=to_address(b"\xba" * 20))
OPERATOR_KEY = b"\x11" * 32
OPERATOR = address_of_key(OPERATOR_KEY)
JOB = JobId(3)
PRICES = Prices(price=100, fee=1, slots=3)


def sign_as_operator(message: Signable) -> bytes:
    return sign(LANE, message, OPERATOR_KEY)


def terms_of(planned: PlannedJob, now: int) -> BatchTerms:
    return BatchTerms(
        job=JOB,
        orchestrator=OPERATOR,
        domain=LANE,
        tasks=planned.manifest.total_tasks,
        slots=PRICES.slots,
        copies=3,
        quorum=2,
        waves=2,
        price=PRICES.price,
        fee=PRICES.fee,
        deadline=now + 3600,
        task_seconds=60,
        span=planned.manifest.total_tasks,
    )


@dataclass
class World:
    """One orchestrator that can be started anew on the same database, and its clock."""

    path: Path
    planned: PlannedJob
    clock: FakeClock = field(default_factory=FakeClock)

    @asynccontextmanager
    async def serving(self, take: Take = lambda account: 0.0) -> AsyncIterator[tuple[str, BatchDesk]]:
        store = SqlStore(self.path, identity={"chain_id": "31337"})
        desk = BatchDesk(
            me=OPERATOR,
            domain=LANE,
            journal=store,
            sign=sign_as_operator,
            now=lambda: int(self.clock.now()),
            secret=b"s" * 32,
        )
        await desk.open_job(terms_of(self.planned, 1_000_000), self.planned.manifest)
        service = replace(make_service(Rig(), self.clock), batch=BatchApi(desk, take))
        try:
            async with TestServer(make_application(service)) as server:
                yield str(server.make_url("")), desk
        finally:
            store.close()

    @property
    def manifest_cid(self) -> Any:
        return raw_cid(self.planned.manifest.digest)

    def link(self, url: str, name: str) -> BatchLink:
        key = hashlib.sha256(name.encode()).digest()
        return BatchLink(url, key=key, orchestrator=OPERATOR, domain=LANE)


@dataclass
class Worker:
    """What a device does, task by task. `lies` changes its results."""

    world: World
    name: str
    lies: bool = False
    owed: Owed = field(default_factory=Owed)
    refused: list[str] = field(default_factory=list)

    async def run(self, url: str, desk: BatchDesk) -> None:
        link = await joined(self.world, url, self)
        while not desk.book.is_ready(JOB, 0, desk.now()):
            offers = await asyncio.to_thread(link.work)
            for offer in offers:
                try:
                    await self.do(link, offer)
                except OrchestratorRefuses as error:
                    self.refused.append(str(error))
            for place in list(desk.offered.awaited):  # as if their outputs had been brought
                await desk.keep_output(place)
            await asyncio.sleep(0.02)

    async def do(self, link: BatchLink, offer: BatchOffer) -> None:
        assignment = await asyncio.to_thread(link.claim, offer, now=self.world.clock.now())
        digest = await asyncio.to_thread(self.result, offer)
        salt = hashlib.sha256(f"{self.name} {offer.task}".encode()).digest()
        sealed = commitment(
            chain_id=LANE.chain_id,
            lane=LANE.verifying_contract,
            job_id=offer.job,
            task_index=TaskIndex(offer.task),
            worker=link.worker,
            digest=digest,
            salt=salt,
        )
        now = await asyncio.to_thread(link.commit, offer, sealed)
        while now.stage == "open":
            await asyncio.sleep(0.02)
            now = await asyncio.to_thread(link.task, offer, sealed)
        now = await asyncio.to_thread(link.show, offer, sealed, digest, salt)
        while now.stage == "closed":
            await asyncio.sleep(0.02)
            now = await asyncio.to_thread(link.task, offer, sealed)
        if now.commit_set is None:
            return
        self.owed = await asyncio.to_thread(link.hand_in, offer, assignment.slot, digest, now.commit_set, self.owed)

    def result(self, offer: BatchOffer) -> Digest:
        manifest = self.world.planned.manifest
        done = run_task(
            manifest,
            describe(manifest, offer.task),
            fetch=self.fetch,
            result_of=offer.inputs.__getitem__,
            runtime=Runtime(),
        )
        found = root_cid(done.output).digest
        return Digest(bytes(32)) if self.lies else found

    def fetch(self, cid: Any) -> bytes:
        known = self.world.planned.blocks.get(cid)
        return known if known is not None else run_here(self.world.planned).blocks[cid]


def built(desk: BatchDesk, world: World) -> Batch:
    return build(
        orchestrator=OPERATOR,
        number=0,
        job=JOB,
        tasks=(0, world.planned.manifest.total_tasks),
        bundles=desk.book.signed_bundles(JOB, 0),
        prices=PRICES,
    )


def faults_of(batch: Batch) -> list[Any]:
    return list(find_faults(Case(domain=LANE, prices=PRICES, header=batch.header, previous=None), batch))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "db.sqlite", small_job(seed=5))


async def test_job__three_workers_with_nothing_but_a_key__results_of_run_local_and_a_faultless_batch(
    world: World,
) -> None:
    workers = [Worker(world, f"w{i}") for i in range(3)]
    async with world.serving() as (url, desk):
        await asyncio.gather(*(worker.run(url, desk) for worker in workers))
        tasks = [desk.book.task(JOB, i) for i in range(world.planned.manifest.total_tasks)]
        assert [task.digest for task in tasks] == list(run_here(world.planned).outputs)
        batch = built(desk, world)
        assert batch.header.receipt_count == 3 * len(tasks)
        assert faults_of(batch) == []
        assert {worker.owed.count for worker in workers} == {len(tasks)}
        told = await asyncio.to_thread(books_of, url, address_of_key(hashlib.sha256(b"w0").digest()))
        assert (told["accepted"], told["earned"], told["withdrawn"]) == (str(PRICES.price * len(tasks)), "0", "0")
        assert [bundle["signature"] for bundle in told["bundles"]] == ["0x" + workers[0].owed.acceptance.hex()]


async def test_liar__is_outvoted__owed_nothing_and_told_why(world: World) -> None:
    workers = [Worker(world, "a"), Worker(world, "liar", lies=True), Worker(world, "b"), Worker(world, "c")]
    async with world.serving() as (url, desk):
        await asyncio.gather(*(worker.run(url, desk) for worker in workers))
        liar = workers[1]
        assert liar.owed.count == 0
        if liar.refused:  # it may have come too late for a place
            assert any("not the one that the quorum showed" in text for text in liar.refused)
        tasks = [desk.book.task(JOB, i) for i in range(world.planned.manifest.total_tasks)]
        assert [task.digest for task in tasks] == list(run_here(world.planned).outputs)
        assert faults_of(built(desk, world)) == []


async def test_restart__in_the_middle__goes_on_with_what_was_answered(world: World) -> None:
    """Nothing is saved at an end: each restart finds what a killed process leaves."""
    workers = [Worker(world, name) for name in ("a", "b", "c")]
    async with world.serving() as (url, desk):
        links = [await joined(world, url, worker) for worker in workers]
        offer = (await asyncio.to_thread(links[0].work))[0]
        places = [await asyncio.to_thread(link.claim, offer, now=world.clock.now()) for link in links]
        before = desk.book.task(JOB, offer.task)
    async with world.serving() as (url, desk):
        assert desk.book.task(JOB, offer.task) == before
        links = [await joined(world, url, worker) for worker in workers]
        assert [await asyncio.to_thread(link.claim, offer, now=world.clock.now()) for link in links] == places
        await asyncio.gather(*(worker.do(link, offer) for worker, link in zip(workers, links, strict=True)))
        assert desk.book.task(JOB, offer.task).stage is Stage.AGREED
    async with world.serving() as (url, desk):
        for worker, link in zip(workers, links, strict=True):
            owed = desk.acceptance(desk.book.bundle(JOB, offer.task, link.worker))
            assert owed[1] == worker.owed.acceptance


async def test_ticket__wrong_or_none__join_again(world: World) -> None:
    async with world.serving() as (url, _):
        link = await joined(world, url, Worker(world, "a"))
        offer = (await asyncio.to_thread(link.work))[0]
        stranger = world.link(url, "a")  # the same account, without its ticket
        with pytest.raises(OrchestratorRefuses, match="join again"):
            await asyncio.to_thread(stranger.commit, offer, bytes(32))


async def test_messages__for_another_chain__refused(world: World) -> None:
    async with world.serving() as (url, _):
        elsewhere = replace(LANE, chain_id=1)
        link = BatchLink(url, key=b"\x77" * 32, orchestrator=OPERATOR, domain=elsewhere)
        with pytest.raises(OrchestratorRefuses, match="not signed by"):
            await asyncio.to_thread(link.join, payout=link.worker, now=world.clock.now())


async def test_commitment__repeated_after_it_closed_the_set__the_same_answer(world: World) -> None:
    """The last one's answer may be lost on its way: its worker must not lose the task by asking again."""
    async with world.serving() as (url, _):
        links, offer = await placed(world, url)
        for number, link in enumerate(links):
            told = await asyncio.to_thread(link.commit, offer, bytes([number]) * 32)
        assert told.stage == "closed"
        assert await asyncio.to_thread(links[-1].commit, offer, bytes([2]) * 32) == told
        with pytest.raises(OrchestratorRefuses, match="is closed: no commitment now"):
            await asyncio.to_thread(links[-1].commit, offer, bytes([9]) * 32)


async def test_task__out_of_time__its_workers_are_told(world: World) -> None:
    async with world.serving() as (url, desk):
        links, offer = await placed(world, url)
        for number, link in enumerate(links):
            await asyncio.to_thread(link.commit, offer, bytes([number]) * 32)
        world.clock.time += 61
        await desk.tick()
        assert desk.book.task(JOB, offer.task).stage is Stage.OPEN  # for others
        told = await asyncio.to_thread(links[0].task, offer, bytes(32))
        assert (told.stage, told.slot) == ("given_up", None)
        stranger = await joined(world, url, Worker(world, "d"))
        with pytest.raises(OrchestratorRefuses, match="has no place"):
            await asyncio.to_thread(stranger.task, offer, bytes(32))


async def test_rate__requests_in_anothers_name__use_up_none_of_its(world: World) -> None:
    limit = RateLimit(rate=0.1, burst=2, clock=world.clock)
    async with world.serving(limit.take) as (url, _), ClientSession() as forger:
        victim = world.link(url, "a")
        join = {"worker": victim.worker, "orchestrator": OPERATOR, "payout": victim.worker, "until": 1_000_600}
        receipt = {"worker": victim.worker, "job": 3, "task": 0, "first_task": 0, "count": 1}
        roots = {"receipts": "0x" + "00" * 32, "commit_sets": "0x" + "00" * 32}
        for _ in range(4):
            forged = {"join": join, "signature": "0x" + "11" * 65}
            async with forger.post(f"{url}/v1/batch/join", json=forged) as answer:
                assert answer.status == 400
            forged = receipt | roots | {"signature": "0x" + "11" * 64}
            async with forger.post(f"{url}/v1/batch/receipts", json=forged) as answer:
                assert answer.status == 400
        for _ in range(2):
            await asyncio.to_thread(victim.join, payout=victim.worker, now=world.clock.now())
        with pytest.raises(OrchestratorUnreachable, match="429"):
            await asyncio.to_thread(victim.join, payout=victim.worker, now=world.clock.now())


async def test_rate__used_up__says_when_to_come_again(world: World) -> None:
    async with world.serving(lambda account: 7.0) as (url, _), ClientSession() as caller:
        message = Join(worker=OPERATOR, orchestrator=OPERATOR, payout=OPERATOR, until=1_000_600)
        body = {"join": asdict(message), "signature": "0x" + sign_as_operator(message).hex()}
        async with caller.post(f"{url}/v1/batch/join", json=body) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


async def placed(world: World, url: str) -> tuple[list[BatchLink], BatchOffer]:
    """Three workers, each with a place in the first task on offer."""
    links = [await joined(world, url, Worker(world, name)) for name in ("a", "b", "c")]
    offer = (await asyncio.to_thread(links[0].work))[0]
    for link in links:
        await asyncio.to_thread(link.claim, offer, now=world.clock.now())
    return links, offer


def books_of(url: str, worker: Address) -> dict[str, Any]:
    told: dict[str, Any] = requests.get(f"{url}/v1/batch/workers/{worker}", timeout=10).json()
    return told


async def joined(world: World, url: str, worker: Worker) -> BatchLink:
    link = world.link(url, worker.name)
    await asyncio.to_thread(link.join, payout=link.worker, now=world.clock.now())
    return link
