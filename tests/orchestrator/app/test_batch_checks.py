"""Checks at a real desk: the draw, our own runs, what a restart finds, and who may take a second place."""

from __future__ import annotations

import hashlib
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
from orchestrator.domain.batch.checking import check_of, is_drawn
from orchestrator.domain.batch.limits import MOST_IN_HAND
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.policy import Check, VerificationPolicy
from orchestrator.ports.journal import Journal
from tests.orchestrator.devnet import small_job
from tests.orchestrator.domain.batch_kit import DOMAIN, JOB, OPERATOR, START, Hand, make_terms, right
from tests.orchestrator.domain.test_batch_indexes import sign_nothing

pytestmark = pytest.mark.unit
SHARDS = 24
PLANNED = small_job(shards=SHARDS)
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

    async def start(self, *, opened: bool = True, hold: int = 0) -> World:
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
            await self.desk.open_job(replace(TERMS, hold=hold), PLANNED.manifest)
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


async def made(*hands: Hand, journal: Journal | None = None, hold: int = 0) -> World:
    world = await World(journal).start(hold=hold)
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
        world.now += 40  # those before have stopped: there is work for twelve at once
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
    sponsors = world.desk.members.joined[MAL.address].sponsor
    world.sponsors.clear()
    await world.start()
    assert sponsors == world.desk.members.joined[MAL.address].sponsor == sponsor


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


async def of_record(world: World, *pairs: tuple[Hand, Hand]) -> list[int]:
    """Each pair passes two checks as everybody does; the tasks that are left and not drawn."""
    free = iter(range(SHARDS))
    for pair in pairs:
        for _ in range(2):
            await world.done(next(free), *((hand, None) for hand in pair))
            await world.check()
    return [i for i in free if not is_drawn(VerificationPolicy.STANDARD, world.desk._draws, JOB, i)]


@pytest.mark.parametrize("killed", ["held", "caught", "run"])
async def test_restart__liar_of_record_with_work_held_back__its_lies_are_run_again_and_never_accepted(
    killed: str, tmp_path: Path
) -> None:
    store = SqlStore(tmp_path / "journal.sqlite", identity={})
    world = await made(ANN, BOB, EVE, MAL, journal=store, hold=600)
    lie, honest, caught, *_ = await of_record(world, (ANN, BOB), (EVE, MAL))
    for point in ("held", "caught", "run"):
        if point == "held":
            await world.done(lie, (EVE, WRONG), (MAL, WRONG))
            await world.done(honest, (ANN, None), (BOB, None))
            assert (world.stage(lie), world.stage(honest)) == (Stage.HELD, Stage.HELD)
        if point == "caught":
            await world.done(caught, (EVE, WRONG), (BOB, None))
        if point == "run":
            await world.check()
        if point == killed:
            await world.start(opened=False)
            await world.desk.open_job(replace(TERMS, hold=600), PLANNED.manifest)
            world.now += 1
    await world.check()
    assert set(world.desk.book.standing.caught) == {EVE.address, MAL.address}
    assert (world.stage(lie), world.stage(honest), world.stage(caught)) == (Stage.OPEN, Stage.HELD, Stage.AGREED)
    assert lie in [offer.task for offer in await world.desk.offers(ANN.address)]
    await world.done(lie, (ANN, None), (BOB, None))
    world.now += 600
    await world.desk.tick()
    assert [world.desk.results(JOB)[task] for task in (lie, honest, caught)] == [
        right(i) for i in (lie, honest, caught)
    ]
    store.close()


async def test_hold__all_that_others_read_is_there_or_held__ends_at_once() -> None:
    """The next task of this job reads all of these: nothing is learnt by waiting when they are all done."""
    world = await made(ANN, BOB, hold=600)
    left = await of_record(world, (ANN, BOB))
    drawn = {*range(2, SHARDS)} - {*left}
    assert drawn
    for task in (*left, *drawn):
        await world.desk.tick()
        assert world.stage(left[0]) in (Stage.OPEN, Stage.HELD)
        await world.done(task, (ANN, None), (BOB, None))
    await world.desk.tick()
    assert {world.stage(i) for i in left} == {Stage.HELD}, "a check is still to come"
    await world.check()
    await world.desk.tick()
    assert {world.stage(i) for i in range(SHARDS)} == {Stage.AGREED}


async def test_limits__a_worker_that_is_at_one__is_offered_nothing_and_told_why() -> None:
    world = await made(ANN, BOB)
    for task in range(MOST_IN_HAND):
        await world.claim(ANN, task)
    assert await world.desk.offers(ANN.address) == []
    assert world.desk.why_none(ANN.address) == "has 16 tasks in hand: finish one of them first"
    with pytest.raises(Rejected, match="16 tasks in hand"):
        await world.claim(ANN, MOST_IN_HAND)
    assert (await world.desk.offers(BOB.address), world.desk.why_none(BOB.address)) != ([], None)


def audit_secret(task: int) -> bytes:
    """One by which this task is drawn for an audit."""
    for number in range(1000):
        secret = number.to_bytes(32, "big")
        draws = hashlib.blake2b(b"checks", key=secret, digest_size=32).digest()
        if check_of(VerificationPolicy.STANDARD, draws, JOB, task) is Check.AUDIT:
            return secret
    raise AssertionError("there is one")


async def audited_market(slots: int, *pairs: tuple[Hand, Hand]) -> World:
    """Task 6 is drawn for an audit; these pairs have a record."""
    world = World(secret=audit_secret(6))
    await world.start(opened=False)
    await world.desk.open_job(replace(TERMS, slots=slots), PLANNED.manifest)
    for number, pair in enumerate(pairs):
        for hand in pair:
            await world.join(hand)
        for task in (2 * number, 2 * number + 1):
            await world.done(task, *((hand, None) for hand in pair))
            await world.check()
    return world


async def test_audit__other_workers_of_record_are_at_work__one_runs_what_was_drawn_for_it_and_we_do_not() -> None:
    world = await audited_market(3, (ANN, BOB), (EVE, MAL))
    new, runs = Hand("new"), len(world.computed)
    await world.join(new)
    await world.commit(6, (ANN, None), (BOB, None))
    assert world.stage(6) is Stage.OPEN
    assert 6 not in [offer.task for offer in await world.desk.offers(new.address)]
    await world.claim(EVE, 6)
    await world.desk.commit(EVE.address, JOB, 6, EVE.sealed(6, right(6)))
    await world.show(6, ANN, BOB, EVE)
    assert (world.stage(6), len(world.computed)) == (Stage.AGREED, runs)
    assert world.desk.book.standing.passed == {ANN.address: 3, BOB.address: 3, EVE.address: 2, MAL.address: 2}


@pytest.mark.parametrize(("slots", "pairs"), [(2, ((ANN, BOB), (EVE, MAL))), (3, ((ANN, BOB),))])
async def test_audit__not_paid_for_or_nobody_to_do_it__we_run_it(slots: int, pairs: Any) -> None:
    world = await audited_market(slots, *pairs)
    await world.done(6, (ANN, None), (BOB, None))
    assert world.stage(6) is Stage.SHOWN
    await world.check()
    assert (world.stage(6), world.computed[-1]) == (Stage.AGREED, 6)
