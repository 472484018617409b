"""The model of the court, explored: whatever anybody does, nobody honest loses and nothing stays behind."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.court import Verdict, Vote, finding
from tests.model import court_replays
from tests.model.court import (
    ACTS,
    ALICE,
    ALICES_FRIEND,
    BOB,
    CAROL,
    CASE_TIME,
    DAN,
    EVE,
    EVES_FRIEND,
    JUROR_PRICE,
    JURORS,
    LOCK,
    OTHER,
    QUORUM,
    RIGHT,
    SIGNERS,
    UNBONDING,
    VOID,
    WINDOW,
    WRONG,
    Court,
    digest_of,
)

WAITS = (1, 29, 450, 1_000, CASE_TIME, UNBONDING)
VOTES = st.lists(st.sampled_from((RIGHT, WRONG, OTHER, VOID)), max_size=JURORS)


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, int, int, int]:
    name = draw(st.sampled_from(ACTS))
    who = draw(st.sampled_from((EVE, DAN, ALICE, CAROL, 0)))
    if name == "challenge":
        return (name, who, draw(st.sampled_from(SIGNERS)), draw(st.integers(0, 4)))
    if name == "jury":
        order = draw(st.permutations(range(JURORS)))
        return (name, who, draw(st.integers(0, 2)), ballot(list(zip(order, draw(VOTES), strict=False))))
    if name == "wait":
        return (name, who, draw(st.sampled_from(WAITS)), 0)
    if name == "slash":
        return (name, who, draw(st.integers(0, 2)), draw(st.sampled_from(SIGNERS)))
    return (name, who, draw(st.integers(0, 2)), draw(st.integers(0, 1)))


def ballot(votes: list[tuple[int, int]]) -> int:
    return int.from_bytes(bytes(juror * 16 + code for juror, code in votes), "little")


def all_vote(code: int, count: int = JURORS) -> int:
    return ballot([(juror, code) for juror in range(count)])


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(st.lists(acts(), min_size=5, max_size=40))
def test_court__any_acts__books_add_up_and_nobody_loses_without_a_verdict(
    steps: list[tuple[str, int, int, int]],
) -> None:
    court = Court()
    for step in steps:
        court.act(*step)
        court.check()

    for number, case in enumerate(court.cases):
        if case.verdict is Verdict.NONE:
            court.act("wait", EVE, CASE_TIME)
            assert court.act("decide", EVE, number), "every case has an end that anybody can bring about"
        court.check()
    assert court.in_juries == 0, "no bond stays behind"


@pytest.mark.property
def test_court__jurors_that_compute__every_company_of_liars_and_challengers() -> None:
    """Two liars of a jury of five can do nothing; whoever challenges, commits and waits."""
    liars = (RIGHT, WRONG, OTHER, VOID)
    places = product((ALICE, CAROL), (EVE, DAN), (RIGHT, WRONG, OTHER), liars, liars, range(5), range(5))
    for accused, challenger, committed, lie, other_lie, first, second in places:
        honest = RIGHT
        votes = [honest] * 5
        votes[first], votes[second] = lie, other_lie
        court = Court()
        assert court.act("challenge", challenger, accused, committed)
        assert court.act("jury", EVE, 0, ballot(list(enumerate(votes))))
        if not court.act("decide", EVE, 0, 1):
            court.act("wait", EVE, CASE_TIME)
            assert court.act("decide", EVE, 0, 1)
        for signer in SIGNERS:
            court.act("slash", EVE, 0, signer)
        court.check()
        verdict = court.cases[0].verdict
        assert court.stake[CAROL] == 0, "who was right loses nothing"
        if accused == CAROL:
            assert verdict is Verdict.STANDS
            assert court.money[challenger] <= -QUORUM * JUROR_PRICE, "who challenged in vain pays the jury"
        else:
            assert verdict is Verdict.WRONG
            assert (court.stake[ALICE], court.stake[BOB]) == (-LOCK, -5_000)
            rewarded = court.money[challenger] > -QUORUM * JUROR_PRICE
            assert rewarded == (committed == RIGHT), "only who knew the digest is rewarded"


@pytest.mark.property
def test_court__stake_that_leaves_as_the_batch_is_posted__is_still_there_for_the_last_slash() -> None:
    court = Court()
    assert court.act("unallot", ALICE)
    court.act("wait", EVE, WINDOW - 1)
    assert court.act("challenge", EVE, ALICE, OTHER)
    court.act("wait", EVE, CASE_TIME - 1)
    assert court.act("appeal", DAN, 0)
    court.act("jury", EVE, 0, all_vote(RIGHT))
    court.act("wait", EVE, court.cases[0].until - court.now)
    assert court.act("decide", EVE, 0)
    assert not court.act("release", ALICE)
    court.act("wait", EVE, 200 - 1)
    assert court.act("slash", EVE, 0, ALICE)
    assert court.stake[ALICE] == -LOCK
    assert court.money[EVE] == 0, "did not know: no reward, and its jury never came"


@pytest.mark.property
def test_court__a_friend_of_the_accused_decides__does_not_count() -> None:
    court = Court()
    court.act("challenge", DAN, ALICE, RIGHT)
    court.act("jury", EVE, 0, ballot([(0, WRONG), (1, WRONG), (ALICES_FRIEND, WRONG)]))
    assert not court.act("decide", EVE, 0, 1), "an appeal may follow"
    assert court.act("appeal", DAN, 0)


@pytest.mark.property
def test_court__a_friend_of_the_challenger_votes_with_the_others__spoils_nothing() -> None:
    court = Court()
    court.act("challenge", EVE, ALICE, OTHER)  # a friend of Alice's, too, who wants no verdict
    court.act("jury", EVE, 0, ballot([(0, RIGHT), (1, RIGHT), (EVES_FRIEND, RIGHT)]))
    court.act("wait", EVE, CASE_TIME)
    assert court.act("decide", EVE, 0)
    assert court.cases[0].verdict is Verdict.WRONG


@pytest.mark.unit
@pytest.mark.parametrize(
    ("digest", "friends", "found"),
    [(RIGHT, 1, True), (RIGHT, 2, False), (WRONG, 1, False), (WRONG, 0, True), (VOID, 1, False)],
)
def test_finding__votes_of_friends__count_neither_way(digest: int, friends: int, found: bool) -> None:
    votes = [Vote(digest=digest_of(0, digest), party=number < friends) for number in range(3)]
    assert (finding(votes, 3, digest_of(0, WRONG)) is not None) == found


@pytest.mark.property
def test_court__a_challenge_copied_from_the_mempool__pays_who_copied_it_nothing() -> None:
    court = Court()
    assert court.act("challenge", DAN, ALICE, OTHER)  # knows that there is something, not what is right
    assert not court.act("challenge", EVE, ALICE, RIGHT)
    court.act("jury", EVE, 0, all_vote(RIGHT))
    court.act("wait", EVE, CASE_TIME)
    assert court.act("decide", DAN, 0, 1)
    court.act("slash", DAN, 0, ALICE)
    assert court.money[DAN] == -QUORUM * JUROR_PRICE


@pytest.mark.property
def test_replays__made_again__are_the_files_in_the_repository() -> None:
    present = {file.name: file.read_text() for file in court_replays.FOLDER.glob("*.json")}
    assert present == court_replays.files(), "run python -m tests.model.court_replays, then the contracts"
