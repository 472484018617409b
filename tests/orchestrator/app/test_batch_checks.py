"""Checks at a real desk: the draw, our own runs, what a restart finds, and who may take a second place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebounty.protocol.batch.messages import Claim, Join
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Address, Digest
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.adapters.sql.store import SqlStore
from orchestrator.app.batch_checks import AGAIN_SECONDS, BatchChecks
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.checking import is_drawn
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.policy import VerificationPolicy
from orchestrator.ports.journal import Journal
from tests.orchestrator.devnet import small_job
from tests.orchestrator.domain.batch_kit import DOMAIN, JOB, OPERATOR, START, Hand, make_terms, right
from tests.orchestrator.domain.test_batch_indexes import sign_nothing

pytestmark = pytest.mark.unit
PLANNED = small_job(shards=24)
TERMS = make_terms(
    tasks=PLANNED.manifest.total_tasks,
    span=100,
    slots=2,
    copies=2,
    quorum=2,
    policy=VerificationPolicy.STANDARD,
    closes=START + 3000,
)
ANN, BOB, EVE, MAL = (Hand(name) for name in ("ann", "bob", "eve", "mal"))
WRONG = Digest(b"\x66" * 32)


class World:
    """A desk and its checks; as keeper it computes `right`, or fails with what is put into `troubles`."""

    def __init__(self, journal: Journal | None = None, secret: bytes = b"s" * 32) -> None:
        self.secret = secret
        self.journal = MemoryStore() if journal is None else journal
        self.now = START
        self.sponsors: dict[Address, Address] = {}
        self.troubles: dict[int, Unavailable] = {}
        self.computed: list[int] = []

    async def start(self, *, opened: bool = True) -> World:
        self.desk = BatchDesk(
            me=OPERATOR,
            domain=DOMAIN,
            journal=self.journal,
            sign=sign_nothing,
            now=lambda: self.now,
            secret=self.secret,
            sponsor_of=self.sponsor_of,
        )
        self.checks = BatchChecks(desk=self.desk, keeper=self, now=lambda: self.now)  # type: ignore[arg-type]
        if opened:
            await self.desk.open_job(TERMS, PLANNED.manifest)
        return self

    async def sponsor_of(self, worker: Address) -> Address | None:
        return self.sponsors.get(worker)

    async def compute(self, manifest: Manifest, task: int, results: dict[int, Digest]) -> Digest:
        self.computed.append(task)
        if task in self.troubles:
            raise self.troubles[task]
        return right(task)

    async def join(self, hand: Hand, payout: Hand | None = None) -> None:
        payee = (hand if payout is None else payout).address
        await self.desk.join(Join(worker=hand.address, orchestrator=OPERATOR, payout=payee, until=self.now + 600))

    async def claim(self, hand: Hand, task: int) -> None:
        claim = Claim(worker=hand.address, orchestrator=OPERATOR, job=JOB, task=task, until=self.now + 600)
        await self.desk.claim(claim)

    async def commit(self, task: int, *pairs: tuple[Hand, Digest | None]) -> None:
        for hand, _ in pairs:
            await self.claim(hand, task)
        for hand, digest in pairs:
            sealed = hand.sealed(task, right(task) if digest is None else digest)
            await self.desk.commit(hand.address, JOB, task, sealed)

    async def show(self, task: int, *hands: Hand) -> None:
        for hand in hands:
            await self.desk.show(hand.address, JOB, task, *hand.salts[task])

    async def done(self, task: int, *pairs: tuple[Hand, Digest | None]) -> None:
        await self.commit(task, *pairs)
        await self.show(task, *(hand for hand, _ in pairs))

    async def check(self) -> None:
        while await self.checks.step():
            pass

    def stage(self, task: int) -> Stage:
        return self.desk.book.task(JOB, task).stage


async def made(*hands: Hand, journal: Journal | None = None) -> World:
    world = await World(journal).start()
    for hand in hands:
        await world.join(hand)
    return world


async def test_check__newcomers__run_once_and_judged(tmp_path: Path) -> None:
    world = await made(ANN, EVE)
    await world.done(0, (ANN, None), (EVE, WRONG))
    assert world.stage(0) is Stage.SHOWN
    await world.check()
    assert (world.stage(0), world.computed, world.checks.run) == (Stage.AGREED, [0], 1)
    assert world.desk.why_out(EVE.address) is not None
    assert await world.desk.offers(EVE.address) == []
    assert await world.desk.offers(ANN.address) != []
    with pytest.raises(Rejected, match="it gets no more work"):
        await world.claim(EVE, 1)


@pytest.mark.parametrize("killed", ["committed", "shown", "run"])
async def test_restart__at_any_point__the_liar_is_caught_and_the_honest_is_owed(killed: str, tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "journal.sqlite", identity={})
    world = await made(ANN, EVE, journal=store)
    await world.commit(0, (ANN, None), (EVE, WRONG))
    for point in ("committed", "shown", "run"):
        if point == "shown":
            await world.show(0, ANN, EVE)
        if point == "run":
            await world.check()
        if point == killed:
            await world.start(opened=False)
            await world.check()  # the job is not read yet: nothing is run, nothing is lost
            assert ((JOB, 0) in world.desk.book.to_run) is (killed != "run")
            await world.desk.open_job(TERMS, PLANNED.manifest)
            world.now += 1
    assert set(world.desk.book.standing.caught) == {EVE.address}
    assert world.desk.book.standing.passed == {ANN.address: 1}
    assert (world.stage(0), world.desk.book.task(JOB, 0).digest) == (Stage.AGREED, right(0))
    store.close()


async def test_check__that_cannot_be_run_now__others_go_on_and_it_is_tried_again_later() -> None:
    world = await made(ANN, BOB)
    for task in (0, 1):
        await world.done(task, (ANN, None), (BOB, None))
    world.troubles[0] = Unavailable(what="the output of task 0", reason="no memory")
    await world.check()
    assert ([world.stage(i) for i in (0, 1)], world.computed) == ([Stage.SHOWN, Stage.AGREED], [0, 1])
    world.troubles.clear()
    await world.check()
    assert world.stage(0) is Stage.SHOWN
    world.now += AGAIN_SECONDS
    await world.check()
    assert world.stage(0) is Stage.AGREED


async def test_draw__workers_of_record__the_secrets_tasks_are_run_and_no_others() -> None:
    world = await made()
    drawn = {i for i in range(24) if is_drawn(VerificationPolicy.STANDARD, world.desk._draws, JOB, i)}
    assert 0 < len(drawn) < 12
    assert (await World(secret=b"t" * 32).start()).desk._draws != world.desk._draws
    for task in range(24):
        pair = [Hand(f"{task} {i}") for i in range(2)]
        for hand in pair:
            await world.join(hand)
            world.desk.book.standing.passed[hand.address] = 2
        await world.done(task, *((hand, None) for hand in pair))
        assert (world.stage(task) is Stage.SHOWN) is (task in drawn)
        await world.check()
    assert set(world.computed) == drawn


async def test_parties__one_payout_address_or_one_sponsor__is_offered_and_given_no_second_place() -> None:
    world = World()
    sponsor = Hand("sponsor").address
    world.sponsors = {BOB.address: sponsor, MAL.address: sponsor}
    await world.start()
    for hand, payout in ((ANN, None), (EVE, ANN), (BOB, None), (MAL, None)):
        await world.join(hand, payout)
    for first, second in ((ANN, EVE), (BOB, MAL)):
        task = 0 if first is ANN else 1
        await world.claim(first, task)
        assert task not in [offer.task for offer in await world.desk.offers(second.address)]
        with pytest.raises(Rejected, match="same payout address or sponsor"):
            await world.claim(second, task)
    await world.claim(MAL, 0)
    sponsors = world.desk.joined[MAL.address].sponsor
    world.sponsors.clear()
    await world.start()
    assert sponsors == world.desk.joined[MAL.address].sponsor == sponsor


async def test_job_of_before__its_policy_stays_none_after_a_restart(tmp_path: Path) -> None:
    world = World()
    await world.start(opened=False)
    old: Any = replace(TERMS, policy=None)
    await world.desk.open_job(old, PLANNED.manifest)
    for hand in (ANN, BOB):
        await world.join(hand)
    await world.done(0, (ANN, None), (BOB, None))
    assert (world.stage(0), list(world.desk.book.to_run)) == (Stage.AGREED, [])
    await world.start(opened=False)
    assert (world.stage(0), world.desk.book.terms[JOB].policy) == (Stage.AGREED, None)
