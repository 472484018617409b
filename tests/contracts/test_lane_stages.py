"""DirectLane: map and reduce in rounds, each stage with a seed that nobody knew before."""

from __future__ import annotations

import pytest

from tests.contracts.rig import ODD, PRICE, RIGHT, WRONG, Market, refuses

pytestmark = pytest.mark.integration


def test_job__two_rounds_of_map_and_reduce__stages_open_in_order(staked: Market) -> None:
    job = staked.post(mapTasks=2, reduceTasks=1, rounds=2)
    opened = {}
    for task in range(6):
        tx = staked.finish(job, task)
        if "StageOpened" in tx.events:
            event = tx.events["StageOpened"]
            opened[task] = event["firstTask"]
            assert event["drawEpoch"] == staked.seeds.unknownEpoch()

    assert opened == {1: 2, 2: 3, 4: 5}
    assert tuple(staked.lane.progress(job)) == (6, 0, False)
    assert staked.escrow.creditOf(staked.worker(0)) == 6 * PRICE
    assert {bytes(staked.lane.resultOf(job, task)) for task in range(6)} == {RIGHT}


def test_claim__reduce_before_all_maps__refused(staked: Market) -> None:
    job = staked.post(mapTasks=2, reduceTasks=1)
    assert [staked.lane.stageOpen(job, task) for task in range(3)] == [True, True, False]
    with refuses("StageNotOpen", job, 2, 0, 2):
        staked.claim(job, 2, 0)
    staked.finish(job, 0)
    with refuses("StageNotOpen", job, 2, 1, 2):
        staked.claim(job, 2, 0)
    staked.finish(job, 1)
    assert staked.lane.stageOpen(job, 2)


def test_claim__next_round_before_the_reduce__refused(staked: Market) -> None:
    job = staked.post(mapTasks=1, reduceTasks=1, rounds=2)
    staked.finish(job, 0)
    with refuses("StageNotOpen", job, 2, 1, 2):
        staked.claim(job, 2, 0)


def test_refunded_task__with_a_reduce_to_come__fails_the_job(staked: Market) -> None:
    job = staked.post(mapTasks=2, reduceTasks=1, quorum=3, workSlots=4)
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG, 2: ODD})

    tx = staked.settle(job, 0)

    assert tx.events["JobFailed"] == {"jobId": job, "taskIndex": 0}
    with refuses("JobEnded", job):
        staked.claim(job, 1, 2)


def test_refunded_task__of_a_failed_job__tasks_under_way_are_still_paid(staked: Market) -> None:
    job = staked.post(mapTasks=2, reduceTasks=1, quorum=3, workSlots=4)
    staked.fill(job, 1, {1: RIGHT, 2: RIGHT, 3: RIGHT})
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG, 2: ODD})
    staked.settle(job, 0)
    staked.reveal(job, 1, 1)
    staked.reveal(job, 1, 2)
    staked.reveal(job, 1, 3)

    staked.settle(job, 1)

    assert staked.escrow.creditOf(staked.worker(2)) == PRICE
    assert tuple(staked.lane.progress(job)) == (2, 0, True)
    assert not staked.escrow.isStopped(job)


def test_refunded_task__without_reduce__the_others_go_on(staked: Market) -> None:
    job = staked.post(mapTasks=2, quorum=3, workSlots=4)
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG, 2: ODD})

    tx = staked.settle(job, 0)

    assert "JobFailed" not in tx.events
    staked.fill_and_reveal(job, 1, {0: RIGHT, 1: RIGHT, 2: RIGHT})
    staked.settle(job, 1)
    assert tuple(staked.lane.progress(job)) == (2, 0, False)
