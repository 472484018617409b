"""Jobs of the batch lane on their way from the chain to the desk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebounty.jobs.plan import PlannedJob
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.messages import Domain, Signable
from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.batch_jobs import BatchJobs, ChainTime
from orchestrator.app.books import Books, fold_block
from orchestrator.app.contents import Contents
from orchestrator.app.desk import BatchDesk
from orchestrator.batch import SECRET_FILE, ticket_secret
from orchestrator.domain import facts as f
from orchestrator.domain.batch.bonding import BondRules, BondStanding, bond_problem
from orchestrator.domain.batch.posting import LaneLimits
from orchestrator.domain.batch.terms import LaneJob, LaneRules
from orchestrator.domain.decide import decide
from orchestrator.domain.effects import Unpin
from orchestrator.domain.errors import Broken, Unavailable
from orchestrator.domain.values import BlockRef, FactRef, Job
from orchestrator.ports.batch import LaneLook
from orchestrator.ports.chain import Header
from orchestrator.ports.store import Order
from tests.orchestrator.builders import START, block
from tests.orchestrator.devnet import small_job
from tests.orchestrator.model import ME, POLICY, REQUESTER, address, digest, make_terms

pytestmark = pytest.mark.unit
LANE = address(0xBA)
DOMAIN = Domain(chain_id=1, verifying_contract=LANE)
RULES = LaneRules(domain=DOMAIN, grace=400, most_receipts=1 << 20, waves=3, span=1000)
BONDS = BondRules(
    limits=LaneLimits(window=60, answer=10, claim=10, grace=400, ring=16, least_bond=500, bond_bps=1000),
    most_bond=1 << 60,
    calldata_receipts=0,
)
DEADLINE = START + 1000
JOB = JobId(1)


def header(number: int) -> Header:
    return Header(ref=block(number), parent_hash=b"")


class World:
    """Books that facts are told to; the keeper and the lane's contract, as the orchestrator asks them."""

    def __init__(self, planned: PlannedJob) -> None:
        self.planned = planned
        self.store = MemoryStore()
        self.deadline = DEADLINE
        self.unreadable = False
        self.bonded, self.allotted, self.free_stake = 0, 0, 1 << 60
        self.asked: list[BlockRef] = []
        policy = replace(POLICY, batch_lane=LANE, batch_grace=400)
        self.books = Books(policy=policy, origin=header(0), snapshot=self.store.load())
        self.restart()

    def restart(self, **rules: Any) -> None:
        self.desk = BatchDesk(
            me=ME, domain=DOMAIN, journal=self.store, sign=sign_nothing, now=ChainTime(self.books), secret=b"s" * 32
        )
        self.jobs = BatchJobs(
            books=self.books,
            desk=self.desk,
            keeper=self,  # type: ignore[arg-type]
            lane=self,
            rules=replace(RULES, **rules),
            chain=self,  # type: ignore[arg-type]
            bonds=BONDS,
        )

    def tell(self, kind: type[f.ChainFact], *, final: bool = True, saved: bool = True, **fields: Any) -> None:
        """`saved`: else the watcher is still about to write the final block to disk."""
        at = header(self.books.tip.ref.number + 1)
        fact = kind(ref=FactRef(block=at.ref, log_index=0, tx_hash=b"t" * 32), **fields)
        market = self.books.final if final else self.books.soft
        fold_block(market, [fact], at.ref)
        if final and saved:
            self.books.final_header = at
            self.books.rebuild_soft()

    def post(self, *, final: bool = True, **terms: Any) -> None:
        manifest = self.planned.manifest
        shape = {"map_tasks": manifest.map_tasks, "reduce_tasks": manifest.reduce_tasks, "rounds": manifest.rounds}
        base = {"lane": LANE, "deadline": DEADLINE, "manifest_digest": manifest.digest}
        made = make_terms(**(base | shape | terms))
        self.tell(f.JobPosted, final=final, job_id=JOB, requester=REQUESTER, terms=made)

    def load(self, **changes: Any) -> None:
        manifest = self.planned.manifest
        shape = {"map_tasks": manifest.map_tasks, "reduce_tasks": manifest.reduce_tasks, "rounds": manifest.rounds}
        about = {"memory_bytes": 1 << 20, "simd": True, "shard_cids": (), "kind": "analyze"}
        fact = f.ManifestLoaded(digest=manifest.digest, **(shape | about | changes))
        self.books.final.apply(decide(self.books.final, fact))

    async def manifest(self, digest: Digest) -> Manifest:
        assert digest == self.planned.manifest.digest
        return self.planned.manifest

    async def lane_job(self, job_id: JobId, at: BlockRef) -> LaneJob:
        if self.unreadable:
            raise Unavailable(what="the lane", reason="a test")
        self.asked.append(at)
        tasks = self.planned.manifest.total_tasks
        return LaneJob(orchestrator=ME, deadline=self.deadline, tasks=tasks, slots=3, price=1000, fee=10)

    async def look(self, block: BlockRef, numbers: object, jobs: object) -> LaneLook:
        return LaneLook(
            next=0,
            stated=0,
            bonded=self.bonded,
            allotted=self.allotted,
            free_stake=self.free_stake,
            postable_at=0,
            held={},
            header_hashes={},
            jobs={},
        )


def sign_nothing(message: Signable) -> bytes:
    return b""


@pytest.fixture(scope="module")
def planned() -> PlannedJob:
    return small_job()


@pytest.fixture
def world(planned: PlannedJob) -> World:
    return World(planned)


async def offered(world: World) -> list[int]:
    """What a worker who may do everything is offered."""
    return [offer.task for offer in await world.desk.offers(address(1))]


async def test_job__final_and_its_content_here__is_offered(world: World) -> None:
    world.post()
    await world.jobs.step()
    assert await offered(world) == []  # the content was not looked at
    world.load()
    await world.jobs.step()
    assert await offered(world) == [0, 1]
    assert world.asked == [world.books.final_header.ref]
    await world.jobs.step()
    assert len(world.asked) == 1


async def test_job__not_final_yet__waits(world: World) -> None:
    world.load()
    world.post(final=False)
    assert JOB in world.books.soft.jobs
    await world.jobs.step()
    assert world.desk.book.terms == {}


@pytest.mark.parametrize("terms", [{"lane": POLICY.lane}, {"lane": address(7)}, {"orchestrator": address(7)}])
async def test_job__of_another_lane_or_orchestrator__not_taken(world: World, terms: dict[str, Any]) -> None:
    world.post(**terms)
    world.load()
    await world.jobs.step()
    assert world.desk.book.terms == {}


async def test_job__terms_and_manifest_differ__not_taken(world: World) -> None:
    world.post()
    world.load(map_tasks=3)
    await world.jobs.step()
    assert world.desk.book.terms == {}


async def test_job__deadline_is_past__not_begun(world: World) -> None:
    world.post(deadline=START)
    world.load()
    await world.jobs.step()
    assert world.desk.book.terms == {}


async def test_restart__with_other_settings__the_job_goes_on_as_it_began(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    before = world.desk.book.terms[JOB]
    world.restart(span=1, waves=9)
    assert await offered(world) == []  # nothing is given out before the manifest is at hand
    with pytest.raises(Unavailable, match="just started"):
        world.desk.offered.inputs(world.desk.book.terms[JOB], 0)
    await world.jobs.step()
    assert world.desk.book.terms[JOB] == before
    assert await offered(world) == [0, 1]


async def test_stopped__the_lanes_deadline_counts_also_after_a_restart(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    world.tell(f.JobStopped, saved=False, job_id=JOB)
    world.deadline = START + 50
    await world.jobs.step()
    assert world.asked[-1] == world.books.final.block  # where the stop is: a block before, the old deadline stands
    terms = world.desk.book.terms[JOB]
    assert (terms.deadline, terms.closes) == (START + 50, START + 350)
    world.restart()
    assert world.desk.book.terms[JOB] == terms
    await world.jobs.step()
    assert world.desk.book.terms[JOB] == terms
    assert await offered(world) == [0, 1]  # the notice is not over
    world.tell(f.SeedRecorded, epoch=0, seed=b"")
    world.books.soft.block = block(99, time=START + 50)
    assert await offered(world) == []


async def test_lane__cannot_be_read__tried_again(world: World) -> None:
    world.post()
    world.load()
    world.unreadable = True
    with pytest.raises(Unavailable):
        await world.jobs.step()
    world.unreadable = False
    await world.jobs.step()
    assert await offered(world) == [0, 1]


async def test_terms__other_than_they_were__stops(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    with pytest.raises(Broken, match="other terms"):
        await world.desk.open_job(replace(world.desk.book.terms[JOB], quorum=1), world.planned.manifest)


@pytest.mark.parametrize("lane", [LANE, POLICY.lane])
async def test_unpin__outputs_that_the_desk_accepted_go_with_a_batch_lane_job(world: World, lane: Address) -> None:
    let_go: list[dict[int, Digest]] = []

    class Keeper:
        async def unpin(self, job: Job, results: dict[int, Digest], others: list[Job]) -> int:
            let_go.append(results)
            return len(results)

    world.post(lane=lane)
    contents = Contents(
        keeper=Keeper(),  # type: ignore[arg-type]
        store=world.store,
        outbox=world.store,
        books=world.books,
        recompute_after_blocks=1,
        batch_results=lambda job: {0: digest(f"of job {job}")},
    )
    effect = Unpin(job_id=JOB, digest=world.planned.manifest.digest)
    await contents._unpin(Order(key=effect.key, effect=effect), effect)
    assert let_go == [{0: digest("of job 1")} if lane == LANE else {}]


def test_time__reorganisation_to_an_earlier_block__not_turned_back(world: World) -> None:
    now = ChainTime(world.books)
    world.books.soft.block = block(9, time=START + 9)
    assert now() == START + 9
    world.books.soft.block = block(8, time=START + 2)
    assert now() == START + 9


def test_ticket_secret__the_same_after_a_restart_and_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / SECRET_FILE
    secret = ticket_secret(path)
    assert len(set(secret)) > 8
    assert ticket_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert ticket_secret(tmp_path / "other") != secret
    path.chmod(0o640)
    with pytest.raises(Broken, match="chmod 600"):
        ticket_secret(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Broken, match="delete it"):
        ticket_secret(path)


def bond_of(world: World) -> int:
    """All tasks, three slots each, of 1,010 with the fee; under a CID the bond covers that."""
    return world.planned.manifest.total_tasks * 3 * 1010


async def test_bond__not_covered__the_job_waits_and_says_why_until_it_is(world: World) -> None:
    world.free_stake = bond_of(world) - 1
    world.post()
    world.load()
    await world.jobs.step()
    assert (world.desk.book.terms, await offered(world)) == ({}, [])
    assert f"takes a bond of up to {bond_of(world)} base units" in world.desk.waiting[JOB]
    assert "the operator stakes more" in world.desk.waiting[JOB]
    world.allotted = 1  # what is allotted to itself and what is free
    await world.jobs.step()
    assert (list(world.desk.book.terms), world.desk.waiting) == ([JOB], {})


async def test_bond__put_up_elsewhere__the_job_waits_until_it_is_free(world: World) -> None:
    world.allotted, world.free_stake, world.bonded = 1, bond_of(world) - 1, 1
    world.post()
    world.load()
    await world.jobs.step()
    assert f"1 of {bond_of(world)} are put up or reserved for jobs that were taken before" in world.desk.waiting[JOB]
    world.bonded = 0
    await world.jobs.step()
    assert list(world.desk.book.terms) == [JOB]


async def test_bond__of_a_job_that_was_taken__is_not_asked_again(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    world.free_stake = 0
    world.restart()
    await world.jobs.step()
    assert (await offered(world), world.desk.waiting) == ([0, 1], {})


async def test_bond__a_second_job__only_what_is_not_reserved_for_the_first(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    first = world.desk.book.terms[JOB]
    standing = BondStanding(stake=2 * bond_of(world) - 1, bonded=0)
    assert "reserved for jobs" in bond_problem(first, [first], standing, BONDS)
    assert bond_problem(first, [], standing, BONDS) == ""
    assert list(world.jobs._not_over()) == [first]
    operator = replace(BONDS, most_bond=bond_of(world) - 1)
    assert "(batch_most_bond)" in bond_problem(first, [], standing, operator)


async def test_bond__of_a_small_batch_on_chain__is_a_share(world: World) -> None:
    world.post()
    world.load()
    await world.jobs.step()
    whole = replace(BONDS, calldata_receipts=1 << 20)
    assert whole.bond_of(world.desk.book.terms[JOB]) == 500 + -(-bond_of(world) // 10)
    assert BONDS.bond_of(replace(world.desk.book.terms[JOB], span=1)) == 3 * 1010
