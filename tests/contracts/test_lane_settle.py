"""DirectLane: what a task's reveals lead to, for the money of everybody in it."""

from __future__ import annotations

import pytest

from tests.contracts.rig import (
    CLAIM_STAKE,
    CLAIMING,
    ODD,
    PRICE,
    REFUNDED,
    RIGHT,
    SETTINGS,
    SETTLED,
    STAKE,
    TASK_TIME,
    WRONG,
    Market,
    at,
    refuses,
)

pytestmark = pytest.mark.integration


def test_settle__quorum_of_equal_reveals__winners_credited_and_unlocked(staked: Market) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: RIGHT})

    tx = staked.settle(job, 0)

    assert (tx.events["TaskSettled"]["jobId"], tx.events["TaskSettled"]["winners"]) == (job, 2)
    assert bytes(staked.lane.resultOf(job, 0)) == RIGHT
    assert staked.status(job, 0) == SETTLED
    for index in (0, 1):
        worker = staked.worker(index)
        assert staked.escrow.creditOf(worker) == PRICE
        assert (staked.bonded(worker), staked.locked(worker)) == (STAKE, 0)
    assert tuple(staked.lane.progress(job)) == (1, 0, False)


def test_settle__quorum_of_one__one_worker_is_enough(staked: Market) -> None:
    job = staked.post(quorum=1, workSlots=1)
    staked.fill_and_reveal(job, 0, {0: RIGHT})
    staked.settle(job, 0)
    assert staked.escrow.creditOf(staked.worker(0)) == PRICE


def test_settle__twice__refused_and_paid_once(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    with refuses("TaskStatusWrong", job, 0, SETTLED):
        staked.settle(job, 0)
    assert staked.escrow.creditOf(staked.worker(0)) == PRICE


def test_settle__before_reveals_open__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    with refuses("TaskStatusWrong", job, 0, CLAIMING):
        staked.settle(job, 0)


def test_settle__one_has_yet_to_reveal__refused_until_the_deadline(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    staked.reveal(job, 0, 0)
    deadline = staked.phase_deadline(job, 0)
    at(deadline - 1)
    with refuses("TooEarly", job, deadline, deadline - 1):
        staked.settle(job, 0)
    at(deadline)
    staked.settle(job, 0)
    assert staked.status(job, 0) == CLAIMING


# --- more replicas ---


def test_settle__unequal_reveals__asks_for_the_missing_replica(staked: Market) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG})
    before = staked.lane.drawEpochOf(job, 0)

    tx = staked.settle(job, 0)

    told = tx.events["TaskReopened"]
    assert (told["slots"], told["reopens"]) == (3, 0)
    assert told["drawEpoch"] == staked.lane.drawEpochOf(job, 0) > before
    assert staked.status(job, 0) == CLAIMING
    assert [staked.locked(staked.worker(i)) for i in (0, 1)] == [CLAIM_STAKE] * 2


def test_settle__third_worker_decides__the_unequal_loses_its_stake(staked: Market) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: WRONG, 1: RIGHT})
    staked.settle(job, 0)
    staked.draw(job, 0)
    staked.fill_and_reveal(job, 0, {2: RIGHT})

    staked.settle(job, 0)

    assert bytes(staked.lane.resultOf(job, 0)) == RIGHT
    assert [staked.escrow.creditOf(staked.worker(i)) for i in range(3)] == [0, PRICE, PRICE]
    assert [staked.bonded(staked.worker(i)) for i in range(3)] == [STAKE - CLAIM_STAKE, STAKE, STAKE]
    assert [staked.locked(staked.worker(i)) for i in range(3)] == [0, 0, 0]
    assert staked.vault.slashPool() == CLAIM_STAKE


def test_settle__a_silent_worker__is_replaced_and_slashed_at_the_end(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    staked.reveal(job, 0, 0)
    at(staked.phase_deadline(job, 0))
    staked.settle(job, 0)
    staked.draw(job, 0)
    staked.fill(job, 0, {2: RIGHT})
    with refuses("RevealTooLate", ...):  # it has had its time
        staked.reveal(job, 0, 1)
    staked.reveal(job, 0, 2)

    staked.settle(job, 0)

    assert [staked.escrow.creditOf(staked.worker(i)) for i in range(3)] == [PRICE, 0, PRICE]
    assert [staked.bonded(staked.worker(i)) for i in range(3)] == [STAKE, STAKE - CLAIM_STAKE, STAKE]


def test_settle__all_four_silent_or_unequal__refunded_when_replicas_run_out(staked: Market) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG})
    staked.settle(job, 0)
    staked.draw(job, 0)
    staked.fill_and_reveal(job, 0, {2: ODD})
    staked.settle(job, 0)
    staked.draw(job, 0)
    staked.fill(job, 0, {3: RIGHT})
    at(staked.phase_deadline(job, 0))

    tx = staked.settle(job, 0)

    assert tx.events["TaskRefunded"] == {"jobId": job, "taskIndex": 0}
    assert staked.status(job, 0) == REFUNDED
    assert int(staked.lane.resultOf(job, 0).hex(), 16) == 0
    assert [staked.bonded(staked.worker(i)) for i in range(4)] == [STAKE] * 3 + [STAKE - CLAIM_STAKE]
    assert [staked.locked(staked.worker(i)) for i in range(4)] == [0] * 4


# --- no quorum ---


def test_settle__unequal_and_no_replica_left__nobody_is_slashed(staked: Market) -> None:
    job = staked.post(quorum=3, workSlots=4)
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG, 2: ODD})

    staked.settle(job, 0)

    assert staked.status(job, 0) == REFUNDED
    assert [staked.bonded(staked.worker(i)) for i in (0, 1, 2)] == [STAKE, STAKE, STAKE]
    assert [staked.locked(staked.worker(i)) for i in (0, 1, 2)] == [0, 0, 0]
    staked.escrow.refund(job, {"from": staked.anyone})
    assert staked.escrow.escrowOf(job) == 0


def test_settle__silent_and_no_replica_left__only_the_silent_pays(staked: Market) -> None:
    job = staked.post(quorum=3, workSlots=4)
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT, 2: RIGHT})
    staked.reveal(job, 0, 0)
    at(staked.phase_deadline(job, 0))

    staked.settle(job, 0)

    slashed = STAKE - CLAIM_STAKE
    assert [staked.bonded(staked.worker(i)) for i in (0, 1, 2)] == [STAKE, slashed, slashed]
    assert staked.escrow.creditOf(staked.worker(0)) == 0


@pytest.mark.parametrize(("seconds_left", "status"), [(1, CLAIMING), (0, REFUNDED)])
def test_settle__unequal_around_the_end_of_the_grace__replicas_only_before_it(
    staked: Market, seconds_left: int, status: int
) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG})
    grace = SETTINGS.draw_seconds + 4 * TASK_TIME
    at(staked.escrow.terms(job)["deadline"] + grace - seconds_left)
    staked.settle(job, 0)
    assert staked.status(job, 0) == status


def test_settle__agreed_before_but_settled_after_the_deadline__still_paid(staked: Market) -> None:
    job = staked.post()
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: RIGHT})
    at(staked.escrow.terms(job)["deadline"] + 1000)
    staked.settle(job, 0)
    assert staked.escrow.creditOf(staked.worker(0)) == PRICE
