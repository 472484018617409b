"""The table of the batch lane, line by line; and hostile workers at random."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgebounty.protocol.batch.wire import SignedBundle
from edgebounty.protocol.types import Digest
from orchestrator.domain.batch.batches import JobBatches
from orchestrator.domain.batch.values import Stage, WorkerBundle
from orchestrator.domain.errors import Rejected
from tests.orchestrator.domain.batch_kit import JOB, Desk, Hand, make_terms, right

WRONG = Digest(b"\x66" * 32)


def hands(*names: str) -> list[Hand]:
    return [Hand(name) for name in names]


def committed(desk: Desk, *hands: Hand, task: int = 0, wrong: tuple[Hand, ...] = ()) -> None:
    for hand in hands:
        desk.claim(hand, task)
    for hand in hands:
        desk.commit(hand, task, WRONG if hand in wrong else None)


@pytest.mark.unit
def test_task__three_agree__each_is_owed_one_receipt_and_the_batch_is_faultless() -> None:
    desk, people = Desk(make_terms(tasks=1)), hands("a", "b", "c")
    committed(desk, *people)
    for hand in people:
        desk.show(hand, 0)
    assert desk.book.task(JOB, 0).stage is Stage.AGREED
    assert not desk.book.is_ready(JOB, 0, desk.now)
    for hand in people:
        desk.sign(hand, 0)
    assert desk.book.is_ready(JOB, 0, desk.now)
    batch = desk.batch(0)
    assert batch is not None
    assert batch.header.receipt_count == 3
    assert desk.faults(batch) == []
    assert [p.cumulative for p in batch.payouts] == [3, 100, 100, 100]


@pytest.mark.unit
def test_show__before_the_set_is_closed__refused() -> None:
    desk, (a, b) = Desk(make_terms()), hands("a", "b")
    committed(desk, a, b)
    with pytest.raises(Rejected, match="is open: no result now"):
        desk.show(a, 0)


@pytest.mark.unit
def test_claim__after_the_set_is_closed__refused() -> None:
    desk, people = Desk(make_terms()), hands("a", "b", "c", "d")
    committed(desk, *people[:3])
    with pytest.raises(Rejected, match="takes no more workers"):
        desk.claim(people[3], 0)


@pytest.mark.unit
def test_claim__of_a_task_one_has__refused() -> None:
    desk, (a,) = Desk(make_terms()), hands("a")
    desk.claim(a, 0)
    with pytest.raises(Rejected, match="has task 0 already"):
        desk.claim(a, 0)


@pytest.mark.unit
def test_commit__anothers_commitment__refused() -> None:
    desk, (a, b) = Desk(make_terms()), hands("a", "b")
    desk.claim(a, 0)
    desk.claim(b, 0)
    desk.commit(a, 0)
    taken = desk.book.task(JOB, 0).taken[0].commitment
    assert taken is not None
    with pytest.raises(Rejected, match="another worker's"):
        desk.commit_raw(b, 0, taken)


@pytest.mark.unit
@pytest.mark.parametrize(("late", "refused"), [(-1, False), (0, True), (1, True)])
def test_commit__deadline_edge(late: int, refused: bool) -> None:
    desk, (a,) = Desk(make_terms()), hands("a")
    desk.claim(a, 0)
    desk.now += desk.terms.task_seconds + late
    if refused:
        with pytest.raises(Rejected, match="the time to commit"):
            desk.commit(a, 0)
    else:
        desk.commit(a, 0)


@pytest.mark.unit
def test_silent__before_the_commit__place_is_free_again_for_others_only() -> None:
    desk, (a, b) = Desk(make_terms()), hands("a", "b")
    desk.claim(a, 0)
    desk.pass_time(desk.terms.task_seconds)
    desk.claim(b, 0)
    assert desk.book.task(JOB, 0).slot_of(b.address) == 0
    with pytest.raises(Rejected, match="silent or outvoted"):
        desk.claim(a, 0)


@pytest.mark.unit
def test_outvoted__is_told_apart_and_signs_nothing() -> None:
    desk, (a, b, c) = Desk(make_terms()), hands("a", "b", "c")
    committed(desk, a, b, c, wrong=(b,))
    for hand in (a, b):
        desk.show(hand, 0)
    assert desk.show(c, 0).outvoted == (b.address,)
    with pytest.raises(Rejected, match="not the one that the quorum showed"):
        desk.sign(b, 0)


@pytest.mark.unit
def test_no_quorum__new_wave_without_the_old_workers_then_given_up() -> None:
    desk, people = Desk(make_terms(copies=2)), hands("a", "b", "c", "d")
    for pair in (people[:2], people[2:]):
        committed(desk, *pair, wrong=(pair[1],))
        for hand in pair:
            desk.show(hand, 0)
    assert desk.book.task(JOB, 0).stage is Stage.GIVEN_UP
    assert desk.book.task(JOB, 0).barred == {hand.address for hand in people}


@pytest.mark.unit
def test_shown_in_time_by_a_quorum__the_silent_one_holds_up_nobody() -> None:
    desk, (a, b, c) = Desk(make_terms()), hands("a", "b", "c")
    committed(desk, a, b, c)
    desk.show(a, 0)
    desk.show(b, 0)
    desk.pass_time(desk.terms.task_seconds)
    assert desk.book.task(JOB, 0).stage is Stage.AGREED
    desk.sign(a, 0)


@pytest.mark.unit
def test_shown_by_one_alone__no_quorum_new_wave() -> None:
    desk, (a, b, c) = Desk(make_terms()), hands("a", "b", "c")
    committed(desk, a, b, c)
    desk.show(a, 0)
    desk.pass_time(desk.terms.task_seconds)
    assert desk.book.task(JOB, 0).stage is Stage.OPEN
    assert desk.book.task(JOB, 0).wave == 1
    assert desk.book.task(JOB, 0).barred == {b.address, c.address}


@pytest.mark.unit
def test_receipt__over_stale_roots__refused_and_may_sign_again() -> None:
    desk, people = Desk(make_terms()), hands("a", "b", "c")
    for task in (0, 1):
        committed(desk, *people, task=task)
        for hand in people:
            desk.show(hand, task)
    a = people[0]
    stale = desk.book.bundle(JOB, 0, a.address)
    desk.sign(a, 0, stale)
    with pytest.raises(Rejected, match="sign again"):
        desk.sign(a, 1, stale)
    desk.sign(a, 1)
    assert len(desk.book.bundle(JOB, 1, a.address).receipts) == 2


@pytest.mark.unit
def test_receipt__told_twice__counted_once() -> None:
    desk, people = Desk(make_terms()), hands("a", "b", "c")
    committed(desk, *people)
    for hand in people:
        desk.show(hand, 0)
    before = desk.book.bundle(JOB, 0, people[0].address)
    desk.sign(people[0], 0)
    desk.sign(people[0], 0, before)
    assert len(desk.book.bundle(JOB, 0, people[0].address).receipts) == 1


@pytest.mark.unit
def test_receipt__told_again_after_a_later_one__the_newest_bundle_and_another_in_its_place_refused() -> None:
    desk, people = Desk(make_terms()), hands("a", "b", "c")
    for task in (0, 1):
        committed(desk, *people, task=task)
        for hand in people:
            desk.show(hand, task)
    a, empty = people[0], desk.book.bundle(JOB, 0, people[0].address)
    desk.sign(a, 0)
    both = desk.sign(a, 1).bundle
    assert desk.sign(a, 0, empty).bundle == both == desk.book.bundle(JOB, 0, a.address)
    with pytest.raises(Rejected, match="accepted already"):
        desk.sign(a, 1, empty)  # as if it had been the first
    with pytest.raises(Rejected, match="accepted already"):
        desk.sign(a, 1)  # once more, as a third
    assert desk.book.bundle(JOB, 0, a.address) == both


@pytest.mark.unit
def test_silent__where_all_are_needed__the_honest_come_again_and_the_silent_does_not() -> None:
    desk, (a, b, c, d) = Desk(make_terms(copies=3, quorum=3)), hands("a", "b", "c", "d")
    committed(desk, a, b, c)
    desk.show(a, 0)
    desk.show(b, 0)
    desk.pass_time(desk.terms.task_seconds)
    assert desk.book.task(JOB, 0).barred == {c.address}
    assert desk.book.task(JOB, 0).released == {a.address, b.address}
    with pytest.raises(Rejected, match="cannot take it again"):
        desk.claim(c, 0)
    committed(desk, a, b, d)
    for hand in (a, b, d):
        desk.show(hand, 0)
    assert desk.book.task(JOB, 0).stage is Stage.AGREED
    assert desk.book.task(JOB, 0).digest == right(0)


@pytest.mark.unit
def test_silent__where_results_differ_too__nobody_comes_again() -> None:
    desk, people = Desk(make_terms(copies=3, quorum=3)), hands("a", "b", "c")
    a, b, _ = people
    committed(desk, *people, wrong=(b,))
    desk.show(a, 0)
    desk.show(b, 0)
    desk.pass_time(desk.terms.task_seconds)
    assert desk.book.task(JOB, 0).barred == {hand.address for hand in people}


@pytest.mark.unit
def test_deadline__nobody_came__the_batch_is_ready_and_empty() -> None:
    desk = Desk(make_terms())
    desk.pass_time(2000)
    assert desk.book.is_ready(JOB, 0, desk.now)
    assert desk.batch(0) is None


class HostileWorkers(RuleBasedStateMachine):
    """Five workers, each doing at random what is right or wrong, in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(make_terms(tasks=5, span=3, copies=3, quorum=2))
        self.hands = [Hand(f"w{i}") for i in range(5)]
        self.sealed: dict[int, tuple[SignedBundle, ...]] = {}

    @property
    def batches(self) -> JobBatches:
        return self.desk.book.batches[JOB]

    def tried(self, act: object, *args: object) -> None:
        with contextlib.suppress(Rejected):
            act(*args)  # type: ignore[operator]

    who, task = st.integers(0, 4), st.integers(0, 4)

    @rule(who=who, task=task)
    def claim(self, who: int, task: int) -> None:
        self.tried(self.desk.claim, self.hands[who], task)

    @rule(task=task)
    def everybody_claims(self, task: int) -> None:
        for hand in self.hands:
            self.tried(self.desk.claim, hand, task)

    @rule(who=who, task=task, lies=st.booleans())
    def commit(self, who: int, task: int, lies: bool) -> None:
        hand = self.hands[who]
        if task in hand.salts:
            return  # an honest hand keeps its salt; a second commitment is tried below
        try:
            self.desk.commit(hand, task, WRONG if lies else None)
        except Rejected:
            hand.salts.pop(task, None)

    @rule(who=who, task=task)
    def copy_a_commitment(self, who: int, task: int) -> None:
        sealed = [s.commitment for s in self.desk.book.task(JOB, task).taken if s.commitment is not None]
        if sealed:
            self.tried(self.desk.commit_raw, self.hands[who], task, sealed[0])

    @rule(task=task, lies=st.sets(st.integers(0, 4)))
    def everybody_commits(self, task: int, lies: set[int]) -> None:
        for who in range(5):
            self.commit(who, task, who in lies)

    @rule(who=who, task=task)
    def show(self, who: int, task: int) -> None:
        if task in self.hands[who].salts:
            self.tried(self.desk.show, self.hands[who], task)

    @rule(who=who, task=task)
    def show_anothers(self, who: int, task: int) -> None:
        for other in self.hands:
            if task in other.salts:
                thief = Hand(self.hands[who].name, dict(other.salts))
                if thief.name != other.name:
                    with pytest.raises(Rejected):
                        self.desk.show(thief, task)

    @rule(task=task)
    def everybody_shows(self, task: int) -> None:
        for who in range(5):
            self.show(who, task)

    @rule(who=who, task=task, stale=st.booleans())
    def sign(self, who: int, task: int, stale: bool) -> None:
        hand = self.hands[who]
        if task in hand.salts:
            first, _ = self.desk.book.batch_of(JOB, task)
            empty = WorkerBundle(job=JOB, first_task=first, worker=hand.address)
            self.tried(self.desk.sign, hand, task, empty if stale else None)

    @rule(most_age=st.sampled_from([0, 100]))
    def batches_close(self, most_age: int) -> None:
        self.desk.close(most_age)

    @rule(seconds=st.sampled_from([1, 59, 60, 61, 400]))
    def time_passes(self, seconds: int) -> None:
        self.desk.pass_time(seconds)

    @invariant()
    def what_was_accepted_is_a_faultless_batch(self) -> None:
        for first in self.batches.starts:
            batch = self.desk.batch(first)
            assert batch is None or self.desk.faults(batch) == []

    @invariant()
    def a_sealed_batch_stays_as_it_was(self) -> None:
        for first in self.batches.sealed:
            held = self.desk.book.signed_bundles(JOB, first)
            assert self.sealed.setdefault(first, held) == held

    @invariant()
    def no_gap_can_keep_a_batch_from_the_chain(self) -> None:
        """Every batch but the last has a receipt, and ends where the next one begins."""
        for first in self.batches.starts[:-1]:
            assert self.desk.book.signed_bundles(JOB, first)
            assert self.desk.book.batch_of(JOB, first)[1] in self.batches.starts

    @invariant()
    def accepted_receipts_name_the_quorums_result_once_a_worker(self) -> None:
        for (_, index), task in self.desk.book.tasks.items():
            workers = [slot.worker for slot in task.taken]
            assert len(set(workers)) == len(workers) <= self.desk.terms.copies
            for slot in task.taken:
                assert not slot.accepted or (slot.digest == task.digest and task.stage is Stage.AGREED)
            if task.digest is not None:
                assert sum(slot.digest == task.digest for slot in task.taken) >= self.desk.terms.quorum
                assert task.digest in (right(index), WRONG)

    def teardown(self) -> None:
        """Whatever happened: time alone ends every task, and all batches can be posted."""
        for _ in range(8):
            self.desk.pass_time(400)
        self.desk.close()
        assert self.batches.sealed == set(self.batches.starts)


@pytest.mark.property
class TestHostileWorkers(HostileWorkers.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
