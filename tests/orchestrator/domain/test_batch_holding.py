"""What copies decided is held back: a liar that is caught meanwhile takes nothing of it past the check."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgebounty.protocol.types import Digest
from orchestrator.app.shortening import replay
from orchestrator.domain.batch.book import BatchBook
from orchestrator.domain.batch.facts import BatchFact, ChecksKept, HoldEnded
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.codec import decode, encode
from orchestrator.domain.errors import Rejected
from orchestrator.domain.policy import RULES, VerificationPolicy, catch_chance
from tests.orchestrator.domain.batch_kit import JOB, START, Desk, Hand, make_terms, right
from tests.orchestrator.domain.test_batch_policy import stage, told, with_record

STANDARD, INSURED, STRICT = VerificationPolicy
WRONG = Digest(b"\x66" * 32)
HOLD, TASK = 300, 60
ANN, BOB, EVE, MAL = (Hand(name) for name in ("ann", "bob", "eve", "mal"))


def desk_of(copies: int = 2, policy: VerificationPolicy = STANDARD, tasks: int = 12, **changes: int) -> Desk:
    base = {"tasks": tasks, "span": tasks, "slots": copies, "copies": copies, "quorum": copies, "hold": HOLD}
    times = {"deadline": START + 5000, "closes": START + 6000, "task_seconds": TASK}
    return Desk(make_terms(**(base | times | {"policy": policy} | changes)))


@pytest.mark.unit
def test_hold__of_record_and_alike__nothing_is_told_or_owed_until_it_is_over() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    told(desk, 0, (ANN, None), (BOB, None))
    assert (stage(desk, 0), desk.book.task(JOB, 0).digest) == (Stage.HELD, None)
    with pytest.raises(Rejected, match="is held: no receipt now"):
        desk.sign(ANN, 0)
    desk.pass_time(HOLD - 1)
    assert stage(desk, 0) is Stage.HELD
    desk.pass_time(1)
    assert (stage(desk, 0), desk.book.task(JOB, 0).digest) == (Stage.AGREED, right(0))
    assert desk.sign(ANN, 0).bundle is not None


@pytest.mark.unit
def test_hold__over__whoever_was_away_has_as_long_again_to_sign() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    told(desk, 0, (ANN, None), (BOB, None))
    desk.pass_time(HOLD)
    desk.pass_time(HOLD - 1)
    assert desk.sign(ANN, 0).bundle is not None
    desk.pass_time(1)
    with pytest.raises(Rejected, match="the time to sign"):
        desk.sign(BOB, 0)


@pytest.mark.unit
def test_caught__all_that_it_has_held_back_is_run_again_and_nothing_else() -> None:
    desk = desk_of()
    with_record(desk, EVE, MAL)
    with_record(desk, ANN, BOB, first=10)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))  # past the copies: both of record, both lie alike
    told(desk, 1, (EVE, None), (ANN, None))
    told(desk, 2, (ANN, None), (BOB, None))
    assert [stage(desk, i) for i in range(3)] == [Stage.HELD] * 3
    told(desk, 3, (EVE, WRONG), (BOB, None), drawn=True)
    assert desk.run(3).caught == (EVE.address,)
    assert [stage(desk, i) for i in range(3)] == [Stage.SHOWN, Stage.SHOWN, Stage.HELD]
    assert set(desk.book.to_run) == {(JOB, 0), (JOB, 1)}
    assert set(desk.run(0).caught) == {EVE.address, MAL.address}  # the partner is out by that
    assert desk.run(1).passed == (EVE.address, ANN.address)
    assert [stage(desk, i) for i in range(3)] == [Stage.OPEN, Stage.AGREED, Stage.HELD]
    told(desk, 0, (ANN, None), (BOB, None))  # given to others; what was computed once is not computed again
    assert desk.book.task(JOB, 0).digest == right(0)
    assert desk.sign(ANN, 1).bundle is not None


@pytest.mark.unit
def test_caught__after_the_hold__what_was_accepted_stays() -> None:
    desk = desk_of()
    with_record(desk, EVE, MAL)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))
    desk.pass_time(HOLD)
    told(desk, 1, (EVE, WRONG), (MAL, WRONG), drawn=True)
    desk.run(1)
    assert desk.book.task(JOB, 0).digest == WRONG


@pytest.mark.unit
def test_hold__job_about_to_close__there_is_the_time_left_to_sign() -> None:
    desk = desk_of(closes=START + 200, deadline=START + 150)
    with_record(desk, ANN, BOB)
    told(desk, 0, (ANN, None), (BOB, None))
    desk.pass_time(200 - TASK)
    assert stage(desk, 0) is Stage.AGREED
    assert desk.sign(ANN, 0).bundle is not None


@pytest.mark.unit
def test_hold__its_job_is_stopped__ends_nearer_and_never_after_the_close() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    for task in (0, 1):
        told(desk, task, (ANN, None), (BOB, None))
    desk.book.end_job(JOB, START + 10, START + 10 + TASK)
    desk.pass_time(10)
    assert stage(desk, 0) is Stage.AGREED
    late = desk_of()
    with_record(late, ANN, BOB)
    told(late, 0, (ANN, None), (BOB, None))
    late.book.end_job(JOB, START + 10, START + 20)
    late.pass_time(20)
    assert stage(late, 0) is Stage.GIVEN_UP


@pytest.mark.unit
def test_hold__ended_as_all_wait_for_it__is_agreed() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    told(desk, 0, (ANN, None), (BOB, None))
    desk.take(HoldEnded(job=JOB, task=0, now=desk.now))
    assert stage(desk, 0) is Stage.AGREED
    with pytest.raises(Rejected, match="no HoldEnded now"):
        desk.take(HoldEnded(job=JOB, task=0, now=desk.now))


@pytest.mark.unit
@pytest.mark.parametrize(("policy", "copies", "held"), [(STANDARD, 2, True), (INSURED, 3, True), (STRICT, 9, False)])
def test_hold__only_where_the_policy_checks(policy: VerificationPolicy, copies: int, held: bool) -> None:
    desk = desk_of(copies=copies, policy=policy)
    hands = [Hand(f"worker {i}") for i in range(copies)]
    for hand in hands:
        desk.book.standing.passed[hand.address] = 2
    told(desk, 0, *((hand, None) for hand in hands))
    assert stage(desk, 0) is (Stage.HELD if held else Stage.AGREED)


def tenth(seed: int, hold: int) -> tuple[int, int]:
    """Two of record who hold whole quorums, lie alike in a tenth and are drawn as the policy says: (lies told and
    accepted, lies told)."""
    draws, tasks = random.Random(seed), 120
    desk = desk_of(tasks=tasks, hold=hold)
    with_record(desk, EVE, MAL, first=tasks - 2)
    rules, lies = RULES[STANDARD], 0
    for task in range(tasks - 2):
        if desk.book.standing.caught:
            break
        lie = WRONG if draws.random() < 0.1 else None
        lies += lie is not None
        told(desk, task, (EVE, lie), (MAL, lie), drawn=draws.random() < rules.ringer_share + rules.audit_share)
        for _, index in list(desk.book.to_run):
            desk.run(index)
    for _, index in list(desk.book.to_run):
        desk.run(index)
    desk.pass_time(HOLD)
    return sum(task.digest == WRONG for task in desk.book.tasks_of(JOB)), lies


@pytest.mark.unit
def test_liar__lies_on_a_tenth__caught_in_the_hold_none_of_its_lies_is_accepted() -> None:
    """Nine in a hundred lies are drawn, so some liars are through with 120 tasks: of those who are caught, nothing is
    left. Without the hold most of what they told before stays, as many lies as (1 - p) / p on average."""
    found = {hold: [tenth(seed, hold) for seed in range(60)] for hold in (HOLD, 0)}
    caught = [kept for kept, lies in found[HOLD] if kept < lies]
    assert len(caught) > 20  # 1 - 0.91^12 = 68 % of 60
    assert sum(caught) == 0
    left = [kept for kept, lies in found[0] if kept < lies]
    assert sum(left) / len(left) > 1
    assert catch_chance(RULES[STANDARD], 0.0) == pytest.approx(0.09)


@pytest.mark.unit
def test_journal__facts_in_order__give_the_same_holds() -> None:
    desk = desk_of()
    facts: list[BatchFact] = []
    real = desk.take

    def kept(fact: BatchFact) -> object:
        decision = real(fact)
        facts.append(fact)
        return decision

    desk.take = kept  # type: ignore[method-assign,assignment]
    with_record(desk, EVE, MAL)
    with_record(desk, ANN, BOB, first=10)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))
    told(desk, 1, (ANN, None), (BOB, None))
    told(desk, 2, (EVE, WRONG), (BOB, None), drawn=True)
    desk.run(2)
    fresh = BatchBook()
    fresh.open_job(decode(type(desk.terms), encode(desk.terms)))
    for fact in facts:
        fresh.apply(fact, fresh.decide(decode(type(fact), encode(fact))))
    mine, again = desk.book, fresh
    assert (again.tasks, again.to_run, again.held.places) == (mine.tasks, mine.to_run, mine.held.places)
    assert [stage(desk, i) for i in range(3)] == [Stage.SHOWN, Stage.HELD, Stage.AGREED]
    assert (
        decode(type(desk.terms), encode(desk.terms).replace(f',"hold":{HOLD}', "").replace(f'"hold":{HOLD},', "")).hold
        == 0
    )


@pytest.mark.unit
def test_journal__shortened__a_check_without_its_facts_doubts_what_is_held_back_all_the_same() -> None:
    desk = desk_of()
    with_record(desk, EVE, MAL)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))
    replay(desk.book, ChecksKept(job=JOB, task=1, passed=(), caught=(EVE.address,)))
    assert (stage(desk, 0), list(desk.book.to_run)) == (Stage.SHOWN, [(JOB, 0)])


class PatientLiars(RuleBasedStateMachine):
    """Two honest workers and two liars, all of record. Liars lie alike, and only where nobody honest is beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = desk_of(tasks=16)
        for hands, first in (((ANN, BOB), 14), ((EVE, MAL), 12)):
            with_record(self.desk, *hands, first=first)
        self.accepted_wrong: set[int] = set()

    @rule(
        task=st.integers(0, 11),
        pair=st.sampled_from([(ANN, BOB), (EVE, MAL), (ANN, EVE), (BOB, MAL)]),
        lies=st.booleans(),
        drawn=st.booleans(),
    )
    def two_do(self, task: int, pair: tuple[Hand, Hand], lies: bool, drawn: bool) -> None:
        if self.desk.book.task(JOB, task).stage is not Stage.OPEN:
            return
        with contextlib.suppress(Rejected):
            told(
                self.desk, task, *((hand, WRONG if lies and pair == (EVE, MAL) else None) for hand in pair), drawn=drawn
            )

    @rule()
    def we_run(self) -> None:
        for _, index in list(self.desk.book.to_run)[:1]:
            self.desk.run(index)

    @rule(seconds=st.sampled_from([1, TASK, HOLD]))
    def time_passes(self, seconds: int) -> None:
        self.desk.pass_time(seconds)

    @invariant()
    def nothing_of_a_caught_worker_is_held_back_unchecked(self) -> None:
        book = self.desk.book
        for task in book.tasks_of(JOB):
            workers = {slot.worker for slot in task.taken}
            assert task.stage is not Stage.HELD or not workers & set(book.standing.caught)
            if task.digest == WRONG and task.index not in self.accepted_wrong:
                assert not workers & set(book.standing.caught), "accepted after its worker was caught"
                self.accepted_wrong.add(task.index)

    @invariant()
    def held__is_what_is_held_by_its_workers(self) -> None:
        book = self.desk.book
        held = [task for task in book.tasks_of(JOB) if task.stage is Stage.HELD]
        assert {index for _, index in book.held.places} == {task.index for task in held}
        for hand in (ANN, BOB, EVE, MAL):
            mine = {task.index for task in held if task.slot_of(hand.address) is not None}
            assert {index for _, index in book.held.of(hand.address)} == mine

    @invariant()
    def nobody_honest_is_out(self) -> None:
        assert not {ANN.address, BOB.address} & set(self.desk.book.standing.caught)

    def teardown(self) -> None:
        """Whatever happened, everything ends by the close."""
        self.desk.pass_time(6000)
        assert not self.desk.book.held.places


@pytest.mark.property
class TestPatientLiars(PatientLiars.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
