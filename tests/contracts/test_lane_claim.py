"""DirectLane: who may claim, when, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brownie  # type: ignore[import-untyped]
import pytest

from edgebounty.chain.header import fetch_header
from tests.contracts.rig import CLAIM_STAKE, CLAIMING, RIGHT, SETTINGS, SETTLED, STAKE, TASK_TIME, Market, at, refuses

pytestmark = pytest.mark.integration


def test_claim__drawn_worker__takes_a_slot_and_locks_stake(staked: Market) -> None:
    job = staked.post()

    tx = staked.claim(job, 0, 0)

    worker, until = staked.worker(0), tx.timestamp + TASK_TIME
    told = {"jobId": job, "taskIndex": 0, "worker": worker, "commitDeadline": until}
    assert tx.events["TaskClaimed"] == told
    assert staked.locked(worker) == CLAIM_STAKE
    assert tuple(staked.lane.progress(job)) == (0, 1, False)
    task = staked.lane.taskOf(job, 0)
    assert (task["status"], task["slotsOpen"], task["claimed"], task["phaseDeadline"]) == (CLAIMING, 2, 1, until)
    (claim,) = staked.lane.claimsOf(job, 0)
    assert (claim["worker"], claim["slot"], claim["commitDeadline"]) == (worker, 0, until)


def test_claim__by_a_second_worker__moves_the_waves_deadline(staked: Market) -> None:
    job = staked.post()
    first = staked.claim(job, 0, 0)
    at(first.timestamp + 20)
    staked.claim(job, 0, 1)
    assert staked.phase_deadline(job, 0) == first.timestamp + 20 + TASK_TIME


def test_claim__seed_not_recorded_yet__nobody_is_drawn(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    second = post_unseeded(staked)
    epoch = staked.lane.drawEpochOf(second, 0)
    with refuses("NotDrawn", second, 0, staked.worker(0), epoch):
        staked.claim(second, 0, 0)
    assert staked.lane.drawnFrom(second, 0, staked.worker(0)) == 0


def test_claim__before_the_draw_lets_it__refused_and_then_allowed(accounts: Any) -> None:
    market = Market.deployed(accounts, replace(SETTINGS, ramp_seconds=40, draw_seconds=40))
    market.stake_workers(4)
    job = post_unseeded(market, quorum=1, workSlots=1)
    epoch = market.lane.drawEpochOf(job, 0)
    first = market.seeds.seedBlockOf(epoch)
    brownie.chain.mine(max(1, first + 1 - brownie.chain.height))
    header = fetch_header(brownie.web3, first)
    recorded = market.seeds.recordSeed(epoch, header, {"from": market.orchestrator}).timestamp
    # With one slot and four equal stakes everybody is drawn within half the ramp.
    waits = {index: market.lane.drawnFrom(job, 0, market.worker(index)) - recorded for index in range(4)}
    assert all(1 <= wait <= 20 for wait in waits.values())
    assert not market.lane.isDrawn(job, 0, market.worker(0)) or waits[0] == 1
    latest = max(waits, key=lambda index: waits[index])
    at(recorded + waits[latest] - 1)
    with refuses("NotDrawn", job, 0, market.worker(latest), epoch):
        market.claim(job, 0, latest)
    at(recorded + waits[latest])
    market.claim(job, 0, latest)
    assert market.locked(market.worker(latest)) == CLAIM_STAKE


def test_claim__by_who_staked_after_the_draws_stake_block__refused(staked: Market) -> None:
    job = staked.post()
    staked.stake(staked.worker(5), STAKE)
    with refuses("NotDrawn", job, 0, staked.worker(5), staked.lane.drawEpochOf(job, 0)):
        staked.claim(job, 0, 5)


def test_claim__without_stake__refused(staked: Market) -> None:
    job = staked.post()
    with refuses("StakeNotFree", staked.worker(5), CLAIM_STAKE, 0):
        staked.claim(job, 0, 5)


def test_claim__stake_unbonded_since_the_draw__refused(staked: Market) -> None:
    job = staked.post()
    staked.vault.unbond(STAKE - CLAIM_STAKE + 1, {"from": staked.worker(0)})
    with refuses("StakeNotFree", staked.worker(0), CLAIM_STAKE, CLAIM_STAKE - 1):
        staked.claim(job, 0, 0)


def test_claim__twice_by_one_worker__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    with refuses("AlreadyClaimed", job, 0, staked.worker(0)):
        staked.claim(job, 0, 0)


def test_claim__wave_full__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.claim(job, 0, 1)
    with refuses("WaveFull", job, 0):
        staked.claim(job, 0, 2)


def test_claim__reveals_open__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("TaskStatusWrong", job, 0, 2):
        staked.claim(job, 0, 2)


def test_claim__settled_task__refused(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    with refuses("TaskStatusWrong", job, 0, SETTLED):
        staked.claim(job, 0, 2)


def test_claim__unknown_job_or_task__refused(staked: Market) -> None:
    job = staked.post(mapTasks=2)
    with refuses("JobUnknown", job + 1):
        staked.claim(job + 1, 0, 0)
    with refuses("TaskUnknown", job, 2, 2):
        staked.claim(job, 2, 0)


def test_claim__stopped_job__refused(staked: Market) -> None:
    job = staked.post()
    staked.escrow.stop(job, {"from": staked.requester})
    with refuses("JobEnded", job):
        staked.claim(job, 0, 0)


def test_claim__second_before_the_deadline__allowed_and_runs_on_after_it(staked: Market) -> None:
    job = staked.post(mapTasks=2)
    deadline = staked.escrow.terms(job)["deadline"]
    at(deadline - 1)
    staked.claim(job, 0, 0)
    assert staked.phase_deadline(job, 0) == deadline - 1 + TASK_TIME


def test_claim__at_the_deadline__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.escrow.terms(job)["deadline"]
    at(deadline)
    with refuses("ClaimTooLate", job, deadline, deadline):
        staked.claim(job, 0, 0)


@pytest.mark.parametrize("method", ["openJob", "stopJob"])
def test_escrows_acts__by_anybody_else__refused(market: Market, method: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"openJob": (9, market.terms()), "stopJob": (9,)}
    with refuses("NotTheEscrow", market.anyone):
        getattr(market.lane, method)(*arguments[method], {"from": market.anyone})


def post_unseeded(market: Market, **changed: Any) -> int:
    """Posts a job and leaves its seed unrecorded."""
    terms = market.terms(**changed)
    market.fund(market.requester, market.escrow, market.escrow.bountyFor(terms))
    market.escrow.postJob(terms, {"from": market.requester})
    return int(market.escrow.jobCount())
