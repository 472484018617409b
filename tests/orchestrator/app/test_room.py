"""Uploads of workers without anything in the market: for outputs of tasks in hand, so many bytes, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import output_bytes
from edgebounty.protocol.batch.messages import Claim, Join
from edgebounty.protocol.messages import Signable
from edgebounty.protocol.types import Address
from edgebounty.protocol.unixfs import iter_blocks
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.desk import BatchDesk
from orchestrator.app.room import UploadRoom, room_of
from orchestrator.domain.batch.limits import MOST_IN_HAND
from orchestrator.domain.errors import Rejected
from tests.orchestrator.devnet import small_job
from tests.orchestrator.domain.batch_kit import DOMAIN, JOB, OPERATOR, START, Hand, make_terms, right

pytestmark = pytest.mark.unit
ANN, BOB, EVE = Hand("ann"), Hand("bob"), Hand("eve")


def sign_nothing(message: Signable) -> bytes:
    return b""


@dataclass
class World:
    planned: PlannedJob
    now: int = START
    journal: MemoryStore = field(default_factory=MemoryStore)
    desk: BatchDesk = field(init=False)
    room: UploadRoom = field(init=False)

    def __post_init__(self) -> None:
        self.desk = BatchDesk(
            me=OPERATOR, domain=DOMAIN, journal=self.journal, sign=sign_nothing, now=lambda: self.now, secret=b"s" * 32
        )
        self.room = UploadRoom(self.desk)

    async def join(self, *hands: Hand, **terms: int) -> None:
        manifest = self.planned.manifest
        made = make_terms(**({"tasks": manifest.total_tasks, "span": 100, "waves": 2} | terms))
        await self.desk.open_job(made, manifest)
        for hand in hands:
            self.desk.members.joined[hand.address] = None  # type: ignore[assignment]

    async def claim(self, hand: Hand, task: int = 0) -> None:
        await self.desk.claim(
            Claim(worker=hand.address, orchestrator=OPERATOR, job=JOB, task=task, until=self.now + 600)
        )

    async def commit(self, hand: Hand, task: int = 0) -> None:
        await self.desk.commit(hand.address, JOB, task, hand.sealed(task, right(task)))

    async def show(self, hand: Hand, task: int = 0) -> None:
        await self.desk.show(hand.address, JOB, task, *hand.salts[task])

    def brought(self, worker: Address, size: int) -> int:
        """How many blocks of that size are taken of it."""
        return next(i for i in range(1000) if not self.room.take(worker, size))


@pytest.fixture(scope="module")
def planned() -> PlannedJob:
    return small_job(shards=24)


@pytest.fixture
def world(planned: PlannedJob) -> World:
    return World(planned)


async def test_room__of_a_task_in_hand__its_output_and_once_more(world: World) -> None:
    await world.join(ANN, EVE)
    assert not world.room.take(ANN.address, 1)
    await world.claim(ANN)
    size = output_bytes(world.planned.manifest, 0)
    assert world.brought(ANN.address, size) == 2
    assert world.room.take(ANN.address, 0)  # a block that is here already
    assert not world.room.take(ANN.address, size)
    assert not world.room.take(EVE.address, 0)


async def test_room__larger_than_the_output__refused_at_once(world: World) -> None:
    await world.join(ANN)
    await world.claim(ANN)
    assert not world.room.take(ANN.address, room_of(output_bytes(world.planned.manifest, 0)) + 1)


async def test_room__two_tasks__twice_as_much(world: World) -> None:
    await world.join(ANN)
    await world.claim(ANN, 0)
    await world.claim(ANN, 1)
    assert world.brought(ANN.address, output_bytes(world.planned.manifest, 0)) == 4


async def test_room__time_to_commit_over__none_left(world: World) -> None:
    await world.join(ANN)
    await world.claim(ANN)
    world.now += 60
    await world.desk.tick()
    assert not world.room.take(ANN.address, 1)


async def test_room__until_the_receipt__then_none(world: World) -> None:
    await world.join(ANN, BOB)
    for hand in (ANN, BOB):
        await world.claim(hand)
    for hand in (ANN, BOB):
        await world.commit(hand)
    world.now = START + 1000  # nobody else comes any more: the set closes
    await world.desk.tick()
    for hand in (ANN, BOB):
        assert world.room.take(hand.address, 1)
        await world.show(hand)
    assert world.room.take(ANN.address, 1)  # agreed, and its receipt not signed
    world.now += 60
    assert not world.room.take(ANN.address, 1)


async def test_room__no_manifest_after_a_restart__waits(world: World) -> None:
    await world.join(ANN)
    await world.claim(ANN)
    world.desk.offered.manifests.clear()
    assert not world.room.take(ANN.address, 4096)


async def test_claim__more_in_hand_than_anybody_finishes__refused(world: World) -> None:
    await world.join(ANN)
    for task in range(MOST_IN_HAND):
        await world.claim(ANN, task)
    with pytest.raises(Rejected, match=f"has {MOST_IN_HAND} tasks in hand"):
        await world.claim(ANN, MOST_IN_HAND)
    await world.claim(ANN, 3)  # told again
    world.now += 60
    await world.desk.tick()
    await world.claim(ANN, MOST_IN_HAND)


@pytest.mark.parametrize("size", [0, 1, 256 << 10, (256 << 10) + 1, 5 << 20, (174 * 256 << 10) + 1])
def test_room_of__every_block_of_the_file_twice(size: int) -> None:
    assert room_of(size) >= 2 * sum(len(block) for _, block in iter_blocks(bytes(size)))


async def test_join__keys_that_take_no_task__fill_no_disk_and_no_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.app.members.MOST_NEWCOMERS", 3)
    await world.join()
    keys = [Hand(f"key {number}") for number in range(5)]
    for hand in keys:
        ticket = await world.desk.join(
            Join(worker=hand.address, orchestrator=OPERATOR, payout=hand.address, until=START + 60)
        )
        assert world.desk.members.is_ticket(hand.address, ticket)
        assert not world.desk.members.is_ticket(hand.address, "another")
    with pytest.raises(Rejected, match="has not joined"):
        await world.claim(keys[0])
    await world.claim(keys[4])
    kinds = [type(entry).__name__ for entry in world.journal.entries()]
    assert kinds == ["JobOpened", "SlotClaimed", "Joined"]


async def test_commit__told_again__the_journal_does_not_grow(world: World) -> None:
    await world.join(ANN)
    await world.claim(ANN)
    sealed = ANN.sealed(0, right(0))
    for _ in range(3):
        await world.claim(ANN)
        await world.desk.commit(ANN.address, JOB, 0, sealed)
        await world.desk.tick()
    assert [type(entry).__name__ for entry in world.journal.entries()] == [
        "JobOpened",
        "SlotClaimed",
        "ResultCommitted",
    ]
