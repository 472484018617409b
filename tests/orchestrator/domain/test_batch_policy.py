"""Policies in the batch lane: whose copies decide, what our own run settles, who is out. In each a liar tries."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edgebounty.client.policies import POLICIES
from edgebounty.protocol.types import Digest
from orchestrator.domain.batch.book import BatchBook
from orchestrator.domain.batch.checking import has_to_run, is_drawn, policy_of
from orchestrator.domain.batch.facts import BatchFact
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.codec import decode, encode
from orchestrator.domain.errors import Rejected
from orchestrator.domain.policy import RULES, VerificationPolicy
from orchestrator.ports.journal import Joined
from tests.orchestrator.domain.batch_kit import JOB, OPERATOR, START, Desk, Hand, make_terms, right

STANDARD, INSURED, STRICT = VerificationPolicy
WRONG, OTHER = Digest(b"\x66" * 32), Digest(b"\x67" * 32)
ANN, BOB, EVE, MAL = (Hand(name) for name in ("ann", "bob", "eve", "mal"))


def desk_of(copies: int = 2, policy: VerificationPolicy = STANDARD, **changes: int) -> Desk:
    base = {"tasks": 12, "span": 12, "slots": copies, "copies": copies, "quorum": copies, "policy": policy}
    return Desk(make_terms(**(base | changes)))


def told(desk: Desk, task: int, *pairs: tuple[Hand, Digest | None], drawn: bool = False) -> None:
    """All claim, commit and show these results; None: the right one."""
    for hand, _ in pairs:
        desk.claim(hand, task, drawn=drawn)
    for hand, digest in pairs:
        desk.commit(hand, task, digest)
    for hand, _ in pairs:
        desk.show(hand, task)


def with_record(desk: Desk, *hands: Hand, first: int = 8) -> None:
    """Each passes as many checks as make a record."""
    for task in range(first, first + 2):
        told(desk, task, *((hand, None) for hand in hands))
        desk.run(task)
    assert all(desk.book.standing.passed[hand.address] == 2 for hand in hands)


def stage(desk: Desk, task: int) -> Stage:
    return desk.book.task(JOB, task).stage


@pytest.mark.unit
@pytest.mark.parametrize(
    ("quorum", "policy"),
    [(1, STANDARD), (2, STANDARD), (3, INSURED), (8, INSURED), (9, STRICT), (16, STRICT)],
)
def test_policy__is_the_strictest_that_the_quorum_reaches(quorum: int, policy: VerificationPolicy) -> None:
    assert policy_of(quorum) is policy


@pytest.mark.unit
def test_policy__what_the_command_line_posts_is_what_is_served() -> None:
    assert {name: policy_of(told.copies).value for name, told in POLICIES.items()} == {n: n for n in POLICIES}


@pytest.mark.unit
def test_newcomers__alike_and_enough__decide_nothing_until_our_own_run() -> None:
    desk = desk_of()
    told(desk, 0, (ANN, None), (BOB, None))
    assert stage(desk, 0) is Stage.SHOWN
    with pytest.raises(Rejected, match="is shown: no receipt now"):
        desk.sign(ANN, 0)
    desk.run(0)
    assert (stage(desk, 0), desk.book.task(JOB, 0).digest) == (Stage.AGREED, right(0))
    assert desk.sign(ANN, 0).bundle is not None


@pytest.mark.unit
def test_newcomers__all_lie_alike__both_are_caught_and_the_task_goes_to_others() -> None:
    desk = desk_of()
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))
    assert desk.run(0).caught == (EVE.address, MAL.address)
    assert stage(desk, 0) is Stage.OPEN
    for liar in (EVE, MAL):
        with pytest.raises(Rejected, match="wrong result of task 0 of job 7: it gets no more work"):
            desk.claim(liar, 1)
    told(desk, 0, (ANN, None), (BOB, None))  # what was computed once is not computed again
    assert stage(desk, 0) is Stage.AGREED


@pytest.mark.unit
def test_run_before_all_have_shown__judges_once_they_have() -> None:
    desk = desk_of()
    for hand in (ANN, EVE):
        desk.claim(hand, 0)
    assert list(desk.book.to_run) == []
    desk.commit(ANN, 0)
    desk.commit(EVE, 0, WRONG)
    assert list(desk.book.to_run) == [(JOB, 0)]
    desk.run(0)
    assert stage(desk, 0) is Stage.CLOSED
    desk.show(ANN, 0)
    assert desk.show(EVE, 0).caught == (EVE.address,)
    assert (stage(desk, 0), list(desk.book.to_run)) == (Stage.AGREED, [])
    assert desk.sign(ANN, 0).bundle is not None
    with pytest.raises(Rejected, match="not the one"):
        desk.sign(EVE, 0)


@pytest.mark.unit
def test_record__one_of_it_and_a_newcomer_alike__decide_and_the_newcomer_earns_no_check() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    told(desk, 0, (ANN, None), (EVE, None))
    assert stage(desk, 0) is Stage.AGREED
    assert list(desk.book.to_run) == []
    assert desk.book.standing.passed[EVE.address] == 0


@pytest.mark.unit
def test_record__drawn__is_run_whoever_the_workers_are_and_whole_quorums_that_lie_are_caught() -> None:
    desk = desk_of()
    with_record(desk, EVE, MAL)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG))
    assert desk.book.task(JOB, 0).digest == WRONG  # 91 of 100 tasks: two of record who lie alike get past
    told(desk, 1, (EVE, WRONG), (MAL, WRONG), drawn=True)
    assert stage(desk, 1) is Stage.SHOWN
    assert desk.run(1).caught == (EVE.address, MAL.address)


@pytest.mark.unit
def test_caught__its_copies_elsewhere_decide_nothing_any_more() -> None:
    desk = desk_of()
    with_record(desk, EVE, MAL)
    for task in (0, 1):
        desk.claim(EVE, task, drawn=task == 1)
        desk.claim(MAL, task)
        for hand in (EVE, MAL):
            desk.commit(hand, task, WRONG)
    for hand in (EVE, MAL):
        desk.show(hand, 1)
    desk.run(1)
    for hand in (EVE, MAL):
        desk.show(hand, 0)
    assert stage(desk, 0) is Stage.SHOWN
    assert (JOB, 0) in desk.book.to_run


@pytest.mark.unit
def test_caught__beside_one_of_record__is_no_second_copy() -> None:
    desk = desk_of()
    with_record(desk, ANN, EVE)
    for hand in (ANN, EVE):
        desk.claim(hand, 0)
        desk.commit(hand, 0)
    told(desk, 1, (EVE, WRONG), (MAL, None))
    desk.run(1)
    for hand in (ANN, EVE):
        desk.show(hand, 0)
    assert stage(desk, 0) is Stage.SHOWN


@pytest.mark.unit
def test_silent__one_of_record_alone_is_no_quorum() -> None:
    desk = desk_of()
    with_record(desk, ANN, BOB)
    for hand in (ANN, BOB):
        desk.claim(hand, 0)
        desk.commit(hand, 0, WRONG)
    desk.show(ANN, 0)
    desk.pass_time(60)
    assert stage(desk, 0) is Stage.SHOWN


@pytest.mark.unit
def test_differing__our_own_run_settles_it_and_the_right_one_is_paid_alone() -> None:
    desk = desk_of()
    with_record(desk, ANN, EVE)
    told(desk, 0, (ANN, None), (EVE, WRONG))
    assert stage(desk, 0) is Stage.SHOWN
    assert desk.run(0).caught == (EVE.address,)
    assert desk.sign(ANN, 0).bundle is not None
    desk.claim(ANN, 1)


@pytest.mark.unit
def test_three_ways__most_votes_decide_nothing() -> None:
    desk = desk_of(copies=3, quorum=2)
    told(desk, 0, (EVE, WRONG), (MAL, WRONG), (ANN, None))
    assert stage(desk, 0) is Stage.SHOWN
    assert desk.run(0).passed == (ANN.address,)
    assert desk.book.task(JOB, 0).digest == right(0)


@pytest.mark.unit
def test_silent__the_honest_one_is_paid_by_our_own_run_and_nobody_is_out() -> None:
    desk = desk_of()
    for hand in (ANN, EVE):
        desk.claim(hand, 0)
        desk.commit(hand, 0)
    desk.show(ANN, 0)
    desk.pass_time(60)
    assert stage(desk, 0) is Stage.SHOWN
    with pytest.raises(Rejected, match="is shown: no result now"):
        desk.show(EVE, 0)
    desk.run(0)
    assert desk.sign(ANN, 0).bundle is not None
    assert desk.book.standing.caught == {}
    desk.claim(EVE, 1)


@pytest.mark.unit
def test_nobody_shows__new_wave_and_no_run() -> None:
    desk = desk_of()
    for hand in (EVE, MAL):
        desk.claim(hand, 0)
        desk.commit(hand, 0)
    desk.pass_time(60)
    assert (stage(desk, 0), list(desk.book.to_run)) == (Stage.OPEN, [])


@pytest.mark.unit
def test_liars_in_every_wave__the_task_is_not_given_up_once_its_result_is_known_here() -> None:
    desk = desk_of(waves=2)
    for wave in range(4):
        told(desk, 0, *((Hand(f"liar {wave} {i}"), WRONG) for i in range(2)))
        if wave == 0:
            desk.run(0)
    assert stage(desk, 0) is Stage.OPEN
    told(desk, 0, (ANN, None), (BOB, None))
    assert stage(desk, 0) is Stage.AGREED


@pytest.mark.unit
@pytest.mark.parametrize(("late", "given_up"), [(-1, False), (0, True)])
def test_run_that_never_comes__the_task_waits_until_the_job_closes(late: int, given_up: bool) -> None:
    desk = desk_of(closes=START + 1500)
    told(desk, 0, (ANN, None), (BOB, None))
    desk.pass_time(1500 + late)
    assert (stage(desk, 0) is Stage.GIVEN_UP) is given_up
    assert desk.book.is_ready(JOB, 0, desk.now) is given_up
    if given_up:
        with pytest.raises(Rejected, match="given_up"):
            desk.run(0)


@pytest.mark.unit
@pytest.mark.parametrize(
    "second",
    [
        {"parties": (Hand("payee").address,)},  # one payout address
        {"hand": Hand("payee")},  # who is paid for the first
        {"parties": (Hand("sponsor").address, Hand("payee").address)},
    ],
)
def test_parties__who_earns_by_one_place_gets_no_second(second: dict[str, object]) -> None:
    desk, payee = desk_of(), Hand("payee").address
    desk.claim(ANN, 0, (payee, Hand("sponsor").address))
    hand = second.get("hand", BOB)
    assert isinstance(hand, Hand)
    with pytest.raises(Rejected, match="same payout address or sponsor"):
        desk.claim(hand, 0, second.get("parties", ()))  # type: ignore[arg-type]
    desk.claim(hand, 1, second.get("parties", ()))  # type: ignore[arg-type]
    desk.claim(EVE, 0, (Hand("somebody else").address,))


@pytest.mark.unit
def test_parties__a_liar_that_names_an_honest_payee__does_not_bar_it_elsewhere() -> None:
    desk = desk_of()
    for hand in (EVE, MAL):
        desk.claim(hand, hand is MAL, (ANN.address,))
        desk.commit(hand, hand is MAL, WRONG)
    desk.claim(BOB, 0)
    desk.commit(BOB, 0)
    for hand in (EVE, BOB):
        desk.show(hand, 0)
    desk.run(0)
    assert set(desk.book.standing.caught) == {EVE.address}
    desk.claim(ANN, 2)


@pytest.mark.unit
def test_strict__nine_alike_decide_without_a_record_and_one_who_differs_brings_our_own_run() -> None:
    people = [Hand(f"p{i}") for i in range(9)]
    desk = desk_of(copies=9, policy=STRICT)
    told(desk, 0, *((hand, None) for hand in people))
    assert stage(desk, 0) is Stage.AGREED
    told(desk, 1, *((hand, None) for hand in people[:8]), (people[8], WRONG))
    assert stage(desk, 1) is Stage.SHOWN
    desk.run(1)
    assert set(desk.book.standing.caught) == {people[8].address}
    assert stage(desk, 1) is Stage.AGREED


@pytest.mark.unit
def test_insured__two_of_record_are_needed() -> None:
    desk = desk_of(copies=3, policy=INSURED)
    with_record(desk, ANN, BOB, Hand("third"))
    told(desk, 0, (ANN, None), (EVE, None), (MAL, None))
    told(desk, 1, (ANN, None), (BOB, None), (EVE, None))
    assert [stage(desk, i) for i in (0, 1)] == [Stage.SHOWN, Stage.AGREED]


@pytest.mark.unit
def test_draw__is_the_policys_share_differs_by_secret_and_is_the_same_each_time() -> None:
    secrets = [bytes([i]) * 32 for i in (1, 2)]
    drawn = [[is_drawn(STANDARD, secret, JOB, i) for i in range(20_000)] for secret in secrets]
    rules = RULES[STANDARD]
    assert sum(drawn[0]) / 20_000 == pytest.approx(rules.ringer_share + rules.audit_share, abs=0.01)
    assert drawn[0] != drawn[1]
    assert drawn[0] == [is_drawn(STANDARD, secrets[0], JOB, i) for i in range(20_000)]
    assert not any(is_drawn(STRICT, secrets[0], JOB, i) for i in range(1000))


@pytest.mark.unit
def test_journal__entries_of_before_there_were_policies_are_read_with_copies_alone() -> None:
    terms = make_terms()
    text = encode(terms).replace('"policy":null,', "")
    assert "policy" not in text
    assert decode(type(terms), text) == terms
    assert decode(Joined, encode(Joined(worker=OPERATOR, payout=OPERATOR, until=1)).replace('"sponsor":null,', ""))


class Liars(RuleBasedStateMachine):
    """Honest and lying workers in any order, with a run of ours that comes when it comes. Who is which is fixed."""

    honest, liars = [Hand(f"h{i}") for i in range(4)], [Hand(f"l{i}") for i in range(4)]

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[BatchFact] = []
        self.desk = desk_of(tasks=6, span=6, waves=2)
        self.terms = self.desk.terms
        real = self.desk.take

        def kept(fact: BatchFact) -> object:
            decision = real(fact)
            self.facts.append(fact)
            return decision

        self.desk.take = kept  # type: ignore[method-assign,assignment]

    @rule(
        task=st.integers(0, 5),
        people=st.lists(st.integers(0, 7), min_size=1, max_size=4, unique=True),
        drawn=st.booleans(),
        silent=st.sets(st.integers(0, 7), max_size=1),
        runs=st.booleans(),
    )
    def some_do(self, task: int, people: Sequence[int], drawn: bool, silent: set[int], runs: bool) -> None:
        everybody = self.honest + self.liars
        for who in people:
            self._try(lambda who=who: self.desk.claim(everybody[who], task, drawn=drawn))
        for who in people:
            lie = WRONG if everybody[who] in self.liars else None
            if (
                task not in everybody[who].salts
                or self.desk.book.task(JOB, task).slot_of(everybody[who].address) is None
            ):
                self._try(lambda who=who, lie=lie: self.desk.commit(everybody[who], task, lie))
        if runs:
            self.our_own_run(task)
        for who in set(people) - silent:
            if task in everybody[who].salts:
                self._try(lambda who=who: self.desk.show(everybody[who], task))
        for who in people:
            if task in everybody[who].salts:
                self._try(lambda who=who: self.desk.sign(everybody[who], task))

    @rule(task=st.integers(0, 5))
    def our_own_run(self, task: int) -> None:
        if (JOB, task) in self.desk.book.to_run:
            self.desk.run(task)

    @rule(seconds=st.sampled_from([1, 60, 200]))
    def time_passes(self, seconds: int) -> None:
        self.desk.pass_time(seconds)

    @invariant()
    def nobody_honest_is_ever_out(self) -> None:
        assert not {hand.address for hand in self.honest} & set(self.desk.book.standing.caught)

    @invariant()
    def no_wrong_result_without_a_record(self) -> None:
        """Every lie of these liars is the same one: only who has passed two checks could get it through, and who lies
        always never passes one."""
        for index in range(6):
            assert self.desk.book.task(JOB, index).digest in (None, right(index))

    @invariant()
    def no_liar_is_paid(self) -> None:
        liars = {hand.address for hand in self.liars}
        assert not any(worker in liars for _, _, worker in self.desk.book.bundles)

    @invariant()
    def to_run__is_what_has_to_be_run(self) -> None:
        book = self.desk.book
        shown = {i for (_, i), task in book.tasks.items() if task.stage is Stage.SHOWN}
        assert shown <= {i for _, i in book.to_run}
        assert all(has_to_run(self.terms, book.task(job, i), book.standing) for job, i in book.to_run)

    def teardown(self) -> None:
        """Replayed, the journal's facts give the same book."""
        fresh = BatchBook()
        fresh.open_job(self.terms)
        for fact in self.facts:
            fresh.apply(fact, fresh.decide(decode(type(fact), encode(fact))))
        assert (fresh.tasks, fresh.standing, fresh.to_run) == (
            self.desk.book.tasks,
            self.desk.book.standing,
            self.desk.book.to_run,
        )

    def _try(self, act: object) -> None:
        with contextlib.suppress(Rejected):
            act()  # type: ignore[operator]


@pytest.mark.property
class TestLiars(Liars.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
