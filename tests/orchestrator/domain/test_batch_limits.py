"""How much one worker may have unchecked, and how many workers at once."""

from __future__ import annotations

import pytest

from edgebounty.protocol.types import JobId
from orchestrator.domain.batch.checking import Standing
from orchestrator.domain.batch.limits import MOST_HELD, MOST_IN_HAND, Seats, exposure_problem, hand_problem
from orchestrator.domain.batch.terms import STEPS
from orchestrator.domain.batch.values import BatchTask, Stage
from orchestrator.domain.policy import RULES, VerificationPolicy, most_workers
from tests.orchestrator.domain.batch_kit import JOB, START, Hand, make_terms

pytestmark = pytest.mark.unit
STANDARD, INSURED, STRICT = VerificationPolicy
ANN, BOB = Hand("ann").address, Hand("bob").address
FACTOR = RULES[STANDARD].lock_factor
TERMS = make_terms(policy=STANDARD, price=100)


def tasks(count: int, stage: Stage) -> list[BatchTask]:
    return [BatchTask(index=index, stage=stage) for index in range(count)]


def test_hand__held_results_are_no_work_in_hand_and_have_a_bound_of_their_own() -> None:
    working, held = tasks(MOST_IN_HAND - 1, Stage.OPEN), tasks(MOST_HELD - 1, Stage.HELD)
    assert hand_problem([*working, *held]) == ""
    assert "16 tasks in hand" in hand_problem([*working, *held, *tasks(1, Stage.CLOSED)])
    assert "256 results that are held back" in hand_problem([*working, *held, *tasks(1, Stage.HELD)])


@pytest.mark.parametrize(("checks", "most"), [(0, 16), (1, 32), (2, 48)])
def test_exposure__each_check_vouches_for_as_much_as_a_lock_would(checks: int, most: int) -> None:
    standing = Standing()
    for task in range(checks):
        standing.take((JOB, task), 100, [ANN], [])
    assert exposure_problem(TERMS, ANN, (most - 1) * 100, standing) == ""
    assert f"its record covers {most * 100}" in exposure_problem(TERMS, ANN, most * 100, standing)


def test_exposure__record_of_cheap_tasks__opens_no_dear_ones() -> None:
    standing = Standing()
    for task in range(50):
        standing.take((JOB, task), 1, [ANN], [])
    dear = make_terms(policy=STANDARD, price=1000)
    assert exposure_problem(dear, ANN, (FACTOR - 1) * 1000, standing) == ""
    assert exposure_problem(dear, ANN, FACTOR * 1000, standing) != ""


def test_exposure__without_a_policy__copies_alone_count() -> None:
    assert exposure_problem(make_terms(), ANN, 1 << 60, Standing()) == ""


def seated(count: int, *, checks: int = 2) -> tuple[Seats, Standing]:
    seats, standing = Seats(), Standing()
    for number in range(count):
        worker = Hand(f"worker {number}").address
        for _ in range(checks):
            standing.take((JOB, 0), 100, [worker], [])
        seats.take(TERMS, worker, START)
    standing.passed[ANN] = 2
    return seats, standing


def test_seats__as_many_as_can_be_checked_and_no_more() -> None:
    most = most_workers(RULES[STANDARD], TERMS.tasks * TERMS.copies)
    seats, standing = seated(most - 1)
    assert seats.problem(STANDARD, ANN, START, standing, [TERMS]) == ""
    seats, standing = seated(most)
    problem = seats.problem(STANDARD, ANN, START, standing, [TERMS])
    assert f"{most} workers have work of standard jobs, and there is enough to check {most}" in problem
    one_of_them = Hand("worker 0").address
    assert seats.problem(STANDARD, one_of_them, START, standing, [TERMS]) == ""


def test_seats__more_work__more_workers() -> None:
    seats, standing = seated(most_workers(RULES[STANDARD], 12))
    big = make_terms(policy=STANDARD, tasks=100_000, span=1000, copies=2)
    assert seats.problem(STANDARD, ANN, START, standing, [TERMS]) != ""
    assert seats.problem(STANDARD, ANN, START, standing, [TERMS, big]) == ""
    assert most_workers(RULES[STANDARD], 200_012) == 106


@pytest.mark.parametrize("hold", [0, 600])
def test_seats__who_stopped_for_a_window__leaves_its_place(hold: int) -> None:
    terms = make_terms(policy=STANDARD, hold=hold)
    seats, standing = seated(12)
    window = max(hold, STEPS * terms.task_seconds)
    assert seats.problem(STANDARD, ANN, START + window - 1, standing, [terms]) != ""
    assert seats.problem(STANDARD, ANN, START + window, standing, [terms]) == ""


def test_seats__newcomers_and_caught_take_none() -> None:
    seats, standing = seated(12, checks=1)
    assert seats.problem(STANDARD, ANN, START, standing, [TERMS]) == ""
    seats, standing = seated(12)
    standing.take((JobId(1), 0), 100, [], [Hand("worker 3").address])
    assert seats.problem(STANDARD, ANN, START, standing, [TERMS]) == ""
    assert seated(12)[0].problem(STANDARD, BOB, START, standing, [TERMS]) == "", "all that a newcomer decides is run"


def test_seats__each_policy_has_its_own_and_strict_one_for_every_copy() -> None:
    seats, standing = seated(12)
    assert seats.problem(INSURED, ANN, START, standing, [make_terms(policy=INSURED)]) == ""
    assert most_workers(RULES[STRICT], 100) == 900
