"""Accepted outputs of the batch lane: kept, computed if nobody brings them, and read by later tasks only then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edgebounty.jobs.plan import PlannedJob
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.batch_outputs import BatchOutputs
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.errors import Rejected, Unavailable
from tests.orchestrator.devnet import small_job
from tests.orchestrator.domain.batch_kit import DOMAIN, JOB, OPERATOR, START, Desk, Hand, make_terms, right
from tests.orchestrator.domain.test_batch_indexes import sign_nothing

pytestmark = pytest.mark.unit
PLANNED = small_job()  # two rounds of two map tasks and a reduce
PEOPLE = [Hand(name) for name in "abc"]
LATE = Hand("late").address


class World:
    """A desk whose workers agree on `right`, and a keeper that has what is put into `here`."""

    def __init__(self, planned: PlannedJob = PLANNED) -> None:
        self.planned = planned
        self.journal = MemoryStore()
        self.here: set[int] = set()
        self.computes: dict[int, Digest | Exception] = {}
        self.computed: list[tuple[int, dict[int, Digest]]] = []
        self.block = SimpleNamespace(number=10)
        self.books = SimpleNamespace(soft=SimpleNamespace(block=self.block))

    async def start(self) -> None:
        self.desk = BatchDesk(
            me=OPERATOR, domain=DOMAIN, journal=self.journal, sign=sign_nothing, now=lambda: START, secret=b"s" * 32
        )
        self.terms = make_terms(tasks=6, span=6)
        await self.desk.open_job(self.terms, self.planned.manifest)
        self.outputs = BatchOutputs(
            books=self.books,  # type: ignore[arg-type]
            desk=self.desk,
            keeper=self,  # type: ignore[arg-type]
            recompute_after_blocks=3,
        )

    def agree(self, *tasks: int) -> None:
        kit = Desk(self.terms)
        kit.book, kit.take = self.desk.book, self.desk._take  # type: ignore[method-assign,assignment]
        for task in tasks:
            for hand in PEOPLE:
                kit.claim(hand, task)
            for hand in PEOPLE:
                kit.commit(hand, task)
            for hand in PEOPLE:
                kit.show(hand, task)

    async def offered(self) -> list[int]:
        return [offer.task for offer in await self.desk.offers(LATE)]

    async def ensure_output(
        self, manifest: Manifest, task: int, digest: Digest, results: dict[int, Digest] | None = None
    ) -> bool:
        assert (manifest, digest) == (self.planned.manifest, right(task))
        if results is None or task in self.here:
            return task in self.here
        self.computed.append((task, results))
        found = self.computes[task]
        if isinstance(found, Exception):
            raise found
        self.here.add(task)
        return True


async def made() -> World:
    world = World()
    await world.start()
    return world


async def test_output__brought__later_tasks_are_offered_and_a_restart_knows() -> None:
    world = await made()
    world.agree(0, 1)
    world.here = {0}
    await world.outputs.step()
    assert await world.offered() == []  # the reduce would not find all that it reads
    world.here = {0, 1}
    await world.outputs.step()
    assert await world.offered() == [2]
    assert list(world.desk.offered.awaited) == []
    world.here = set()
    await world.start()
    assert await world.offered() == [2]
    assert world.desk.results(JOB) == {0: right(0), 1: right(1)}


async def test_output__nobody_brings_it__computed_after_some_blocks() -> None:
    world = await made()
    world.agree(0, 1)
    world.here, world.computes = {1}, {0: right(0)}
    for number in (10, 11, 12):
        world.block.number = number
        await world.outputs.step()
    assert world.computed == []
    world.block.number = 13
    await world.outputs.step()
    assert world.computed == [(0, {0: right(0), 1: right(1)})]
    assert world.outputs.recomputed == 1
    assert await world.offered() == [2]


async def test_output__accepted_lie__told_and_never_read() -> None:
    world = await made()
    world.agree(0, 1)
    world.here, world.computes = {1}, {0: Rejected(by="the workers", reason="computed here it is another")}
    for number in (10, 13, 20, 30):
        world.block.number = number
        await world.outputs.step()
    assert len(world.computed) == 1
    assert list(world.outputs.disputed.values()) == [f"job {JOB}: computed here it is another"]
    assert await world.offered() == []


async def test_output__its_inputs_are_missing__tried_again_later() -> None:
    world = await made()
    world.agree(0)
    world.computes = {0: Unavailable(what="content", reason="a test")}
    for number in (10, 13, 14, 15, 16):
        world.block.number = number
        await world.outputs.step()
    assert len(world.computed) == 2
