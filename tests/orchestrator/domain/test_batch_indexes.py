"""What is found by an index is what looking at everything finds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from edgebounty.jobs.shape import describe, needed_tasks
from edgebounty.protocol.messages import Signable
from orchestrator.adapters.memory.store import MemoryStore
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.decide import decide
from orchestrator.domain.batch.open import OpenTasks, is_free
from orchestrator.domain.batch.places import has_in_hand
from orchestrator.domain.batch.values import Stage
from tests.orchestrator.devnet import small_job
from tests.orchestrator.domain.batch_kit import DOMAIN, JOB, OPERATOR, Desk, make_terms
from tests.orchestrator.domain.test_batch_decide import HostileWorkers

PLANNED = small_job()  # two rounds of two map tasks and a reduce
NEEDS = [needed_tasks(describe(PLANNED.manifest, index)) for index in range(6)]


def sign_nothing(message: Signable) -> bytes:
    return b""


class Indexed(HostileWorkers):
    """The hostile workers at a real desk."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(make_terms(tasks=6, span=6, copies=3, quorum=2))
        self.real = BatchDesk(
            me=OPERATOR,
            domain=DOMAIN,
            journal=MemoryStore(),
            sign=sign_nothing,
            now=lambda: self.desk.now,
            secret=b"s" * 32,
        )
        asyncio.run(self.real.open_job(self.desk.terms, PLANNED.manifest))
        self.desk.book = self.real.book
        self.desk.take = self.real._take  # type: ignore[method-assign,assignment]

    @rule(task=st.integers(0, 5))
    def bring_an_output(self, task: int) -> None:
        if (JOB, task) in self.real.offered.awaited:
            self.real.offered.brought((JOB, task))

    @rule(tasks=st.sampled_from([(0, 1), (0, 1, 2), (1, 0, 2, 3, 4)]))
    def everybody_does(self, tasks: tuple[int, ...]) -> None:
        for task in tasks:
            self.everybody_claims(task)
            self.everybody_commits(task, set())
            self.everybody_shows(task)
            self.bring_an_output(task)

    @rule()
    def stop(self) -> None:
        self.desk.book.end_job(JOB, self.desk.now + 30, self.desk.now + 40)

    @invariant()
    def places__are_those_of_all_tasks(self) -> None:
        book = self.desk.book
        for hand in self.hands:
            scanned = {(job, i) for (job, i), task in book.tasks.items() if has_in_hand(task, hand.address)}
            assert set(book.places.of(hand.address)) == scanned
            assert len(book.places.of(hand.address)) == len(scanned)

    @invariant()
    def bundles__are_those_of_all_batches(self) -> None:
        book = self.desk.book
        for hand in self.hands:
            scanned = [bundle for (_, _, worker), bundle in book.bundles.items() if worker == hand.address]
            assert book.bundles_of(hand.address) == scanned
            assert [self.real.acceptance(bundle)[0].count for bundle in scanned] == [
                len(bundle.receipts) for bundle in scanned
            ]

    @invariant()
    def due__is_what_time_alone_changes(self) -> None:
        book = self.desk.book
        for later in (0, 1, 59, 60, 61, 400, 2000):
            now = self.desk.now + later
            told = [fact.task for fact in book.due(now)]
            terms = book.terms[JOB]
            facts = {i: f.TimePassed(job=JOB, task=i, now=now) for (_, i) in book.tasks}
            scanned = {
                i for (_, i), task in book.tasks.items() if decide(terms, task, facts[i], book.standing).task != task
            }
            assert sorted(told) == sorted(scanned)

    @invariant()
    def open__is_what_somebody_could_be_given(self) -> None:
        book, outputs = self.desk.book, self.real.offered.outputs
        scanned = [
            i
            for i in range(6)
            if is_free(book.terms[JOB], book.task(JOB, i)) and all((JOB, needed) in outputs for needed in NEEDS[i])
        ]
        for end in (6, 3, 0):
            assert list(self.real.offered._open[JOB].below(end)) == [i for i in scanned if i < end]

    @invariant()
    def counts__are_the_tasks_by_stage(self) -> None:
        stages = Counter(self.desk.book.task(JOB, i).stage for i in range(6))
        assert all(self.desk.book.counts[JOB][stage] == stages[stage] for stage in Stage)

    @invariant()
    def restarted__finds_the_same(self) -> None:
        fresh = self.real.offered._open_tasks(self.desk.book.terms[JOB], PLANNED.manifest)
        assert list(fresh.below(6)) == list(self.real.offered._open[JOB].below(6))

    def teardown(self) -> None:
        for _ in range(8):
            self.desk.pass_time(400)
        assert self.desk.book.is_ready(JOB, 0, self.desk.now)
        assert list(self.desk.book.due(1 << 40)) == []

    def what_was_accepted_is_a_faultless_batch(self) -> None:
        """Of the machine above, which tells it already: it takes most of the time."""


@pytest.mark.property
class TestIndexed(Indexed.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=15, stateful_step_count=25, deadline=None)


@pytest.mark.unit
def test_job_of_ten_thousand_tasks__finding_work_and_what_is_due_looks_at_a_few() -> None:
    """A million looks at all of its tasks would take minutes."""
    needs = [()] * 9999 + [tuple(range(9999))]
    desk = Desk(make_terms(tasks=10_000, span=10_000))
    found = OpenTasks(needs)
    began = time.process_time()
    for index in range(9_000):
        found.moved(index, False)
        assert next(found.below(10_000)) == index + 1
        assert list(desk.book.due(desk.now)) == []
    assert time.process_time() - began < 5
