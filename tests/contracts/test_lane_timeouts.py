"""DirectLane: what anybody may do when others do nothing."""

from __future__ import annotations

import pytest

from tests.contracts.rig import (
    CLAIM_STAKE,
    CLAIMING,
    IDLE,
    PRICE,
    REFUNDED,
    REVEALING,
    RIGHT,
    SETTINGS,
    STAKE,
    TASK_TIME,
    WRONG,
    Market,
    at,
    refuses,
    sleep,
)

pytestmark = pytest.mark.integration

NO_SHOW_FEE = CLAIM_STAKE * SETTINGS.no_show_bps // 10_000


# --- a claim without a commit ---


def test_expire_claim__second_before_the_commit_deadline__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.claim(job, 0, 0).timestamp + TASK_TIME
    at(deadline - 1)
    with refuses("TooEarly", job, deadline, deadline - 1):
        staked.lane.expireClaim(job, 0, staked.worker(0), {"from": staked.anyone})


def test_expire_claim__at_the_commit_deadline__costs_the_no_show_fee_only(staked: Market) -> None:
    job, worker = staked.post(), staked.worker(0)
    at(staked.claim(job, 0, 0).timestamp + TASK_TIME)

    tx = staked.lane.expireClaim(job, 0, worker, {"from": staked.anyone})

    assert tx.events["ClaimExpired"] == {"jobId": job, "taskIndex": 0, "worker": worker, "fee": NO_SHOW_FEE}
    assert (staked.bonded(worker), staked.locked(worker)) == (STAKE - NO_SHOW_FEE, 0)
    assert staked.vault.slashPool() == NO_SHOW_FEE
    assert len(staked.lane.claimsOf(job, 0)) == 0


def test_expire_claim__then_others__the_slot_is_free_and_the_worker_barred(staked: Market) -> None:
    job, worker = staked.post(), staked.worker(0)
    at(staked.claim(job, 0, 0).timestamp + TASK_TIME)
    staked.lane.expireClaim(job, 0, worker, {"from": staked.anyone})

    assert staked.lane.isBarred(job, 0, worker)
    with refuses("Barred", job, 0, worker):
        staked.claim(job, 0, 0)
    staked.fill_and_reveal(job, 0, {1: RIGHT, 2: RIGHT})
    staked.settle(job, 0)
    assert bytes(staked.lane.resultOf(job, 0)) == RIGHT


def test_expire_claim__of_who_committed__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.claim(job, 0, 0).timestamp + TASK_TIME
    staked.commit(job, 0, 0)
    at(deadline)
    with refuses("AlreadyCommitted", job, 0, staked.worker(0)):
        staked.lane.expireClaim(job, 0, staked.worker(0), {"from": staked.anyone})


def test_expire_claim__of_who_claimed_nothing__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    with refuses("NoClaim", job, 0, staked.worker(1)):
        staked.lane.expireClaim(job, 0, staked.worker(1), {"from": staked.anyone})


def test_expire_claim__twice__refused_and_charged_once(staked: Market) -> None:
    job, worker = staked.post(), staked.worker(0)
    at(staked.claim(job, 0, 0).timestamp + TASK_TIME)
    staked.lane.expireClaim(job, 0, worker, {"from": staked.anyone})
    with refuses("NoClaim", job, 0, worker):
        staked.lane.expireClaim(job, 0, worker, {"from": staked.anyone})
    assert staked.bonded(worker) == STAKE - NO_SHOW_FEE


def test_expire_claim__reveals_open__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("TaskStatusWrong", job, 0, REVEALING):
        staked.lane.expireClaim(job, 0, staked.worker(0), {"from": staked.anyone})


# --- a wave that does not fill ---


def test_reopen__nobody_claimed_in_time__draws_anew_with_twice_the_chance(staked: Market) -> None:
    job = staked.post()
    staked.pass_draw(job, 0)
    at(staked.fill_deadline(job, 0))

    tx = staked.lane.reopen(job, 0, {"from": staked.anyone})

    told = tx.events["TaskReopened"]
    assert (told["slots"], told["reopens"]) == (2, 1)
    assert staked.fill_deadline(job, 0) == tx.timestamp + SETTINGS.draw_seconds + TASK_TIME
    staked.draw(job, 0)
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: RIGHT})
    staked.settle(job, 0)
    assert bytes(staked.lane.resultOf(job, 0)) == RIGHT


def test_reopen__second_before_its_time__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.fill_deadline(job, 0)
    at(deadline - 1)
    with refuses("TooEarly", job, deadline, deadline - 1):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__a_late_claim_has_not_expired__refused_until_it_has(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.pass_draw(job, 0)
    at(max(staked.fill_deadline(job, 0), staked.phase_deadline(job, 0)))
    with refuses("CommitsPending", job, 0):
        staked.lane.reopen(job, 0, {"from": staked.anyone})
    staked.lane.expireClaim(job, 0, staked.worker(0), {"from": staked.anyone})
    staked.lane.reopen(job, 0, {"from": staked.anyone})
    assert staked.lane.taskOf(job, 0)["reopens"] == 1


def test_reopen__half_committed__keeps_the_commitment(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    staked.pass_draw(job, 0)
    at(staked.fill_deadline(job, 0))
    staked.lane.reopen(job, 0, {"from": staked.anyone})
    staked.draw(job, 0)
    staked.fill(job, 0, {1: RIGHT})
    staked.reveal(job, 0, 0)
    staked.reveal(job, 0, 1)
    staked.settle(job, 0)
    assert bytes(staked.lane.resultOf(job, 0)) == RIGHT


def test_reopen__reveals_open__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("TaskStatusWrong", job, 0, REVEALING):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__at_the_deadline__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.escrow.terms(job)["deadline"]
    at(deadline)
    with refuses("ClaimTooLate", job, deadline, deadline):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__stopped_job__refused_for_an_untouched_task(staked: Market) -> None:
    job = staked.post()
    staked.escrow.stop(job, {"from": staked.requester})
    at(staked.fill_deadline(job, 0))
    with refuses("JobEnded", job):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__seventeenth_time__refused(staked: Market) -> None:
    job = staked.post()
    for _ in range(16):
        staked.pass_draw(job, 0)
        at(staked.fill_deadline(job, 0))
        staked.lane.reopen(job, 0, {"from": staked.anyone})
    staked.pass_draw(job, 0)
    at(staked.fill_deadline(job, 0))
    with refuses("ReopensExhausted", job, 0, 16):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__epoch_of_its_draw_not_over__refused(staked: Market) -> None:
    terms = staked.terms()
    staked.fund(staked.requester, staked.escrow, staked.escrow.bountyFor(terms))
    staked.escrow.postJob(terms, {"from": staked.requester})
    job = int(staked.escrow.jobCount())  # its draw's epoch has not even begun
    at(staked.fill_deadline(job, 0))
    with refuses("DrawPending", job, 0, staked.lane.drawEpochOf(job, 0)):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_reopen__a_claim_was_quick__the_draw_keeps_its_time(staked: Market) -> None:
    job = staked.post()
    due = staked.fill_deadline(job, 0)
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    assert staked.fill_deadline(job, 0) == due
    staked.pass_draw(job, 0)
    at(due - 1)
    with refuses("TooEarly", job, due, due - 1):
        staked.lane.reopen(job, 0, {"from": staked.anyone})


def test_leave_task__wave_had_its_time_and_is_not_full__free_unpaid_and_unpunished(staked: Market) -> None:
    job, worker = staked.post(), staked.worker(0)
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    due = staked.fill_deadline(job, 0)
    at(due - 1)
    with refuses("TooEarly", job, due, due - 1):
        staked.lane.leaveTask(job, 0, {"from": worker})
    at(due)

    tx = staked.lane.leaveTask(job, 0, {"from": worker})

    assert tx.events["ClaimLeft"] == {"jobId": job, "taskIndex": 0, "worker": worker}
    assert (staked.bonded(worker), staked.locked(worker)) == (STAKE, 0)
    assert staked.lane.isBarred(job, 0, worker)
    staked.fill_and_reveal(job, 0, {1: RIGHT, 2: RIGHT})
    staked.settle(job, 0)
    assert [staked.escrow.creditOf(staked.worker(i)) for i in range(3)] == [0, PRICE, PRICE]
    staked.check_solvent()


def test_leave_task__a_peer_has_yet_to_commit__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    at(staked.fill_deadline(job, 0) - 1)
    staked.claim(job, 0, 1)
    sleep(1)
    with refuses("CommitsPending", job, 0):
        staked.lane.leaveTask(job, 0, {"from": staked.worker(0)})


# --- after the deadline ---


def test_expire_task__second_before_the_deadline__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    deadline = staked.escrow.terms(job)["deadline"]
    at(deadline - 1)
    with refuses("TooEarly", job, deadline, deadline - 1):
        staked.lane.expireTask(job, 0, {"from": staked.anyone})


def test_expire_task__at_the_deadline__refunds_and_frees_who_committed(staked: Market) -> None:
    job, worker = staked.post(), staked.worker(0)
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    at(staked.escrow.terms(job)["deadline"])

    tx = staked.lane.expireTask(job, 0, {"from": staked.anyone})

    assert tx.events["TaskExpired"] == tx.events["TaskRefunded"] == {"jobId": job, "taskIndex": 0}
    assert staked.status(job, 0) == REFUNDED
    assert (staked.bonded(worker), staked.locked(worker)) == (STAKE, 0)
    staked.escrow.refund(job, {"from": staked.anyone})
    assert staked.escrow.escrowOf(job) == 0


def test_expire_task__a_claim_waits_for_its_commit__refused_until_it_expires(staked: Market) -> None:
    job = staked.post()
    at(staked.escrow.terms(job)["deadline"] - 1)
    staked.claim(job, 0, 0)
    sleep(1)
    with refuses("CommitsPending", job, 0):
        staked.lane.expireTask(job, 0, {"from": staked.anyone})
    at(staked.phase_deadline(job, 0))
    staked.lane.expireClaim(job, 0, staked.worker(0), {"from": staked.anyone})
    staked.lane.expireTask(job, 0, {"from": staked.anyone})
    assert staked.status(job, 0) == REFUNDED


def test_expire_task__silent_in_an_earlier_wave__slashed_others_not(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: WRONG})
    staked.reveal(job, 0, 0)
    at(staked.phase_deadline(job, 0))
    staked.settle(job, 0)
    assert staked.status(job, 0) == CLAIMING
    closes = staked.closes_at(job, 0)
    assert closes == staked.escrow.terms(job)["deadline"] + SETTINGS.draw_seconds + 4 * TASK_TIME
    at(closes - 1)
    with refuses("TooEarly", job, closes, closes - 1):
        staked.lane.expireTask(job, 0, {"from": staked.anyone})
    at(closes)

    staked.lane.expireTask(job, 0, {"from": staked.anyone})

    assert [staked.bonded(staked.worker(i)) for i in (0, 1)] == [STAKE, STAKE - CLAIM_STAKE]
    assert [staked.locked(staked.worker(i)) for i in (0, 1)] == [0, 0]


def test_expire_task__untouched__nothing_to_expire_the_escrow_refunds_it(staked: Market) -> None:
    job = staked.post()
    at(staked.escrow.terms(job)["deadline"])
    with refuses("TaskStatusWrong", job, 0, IDLE):
        staked.lane.expireTask(job, 0, {"from": staked.anyone})
    assert staked.escrow.refundable(job) == staked.escrow.escrowOf(job) > 0


def test_expire_task__reveals_open__refused_they_run_on(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    at(staked.escrow.terms(job)["deadline"])
    with refuses("TaskStatusWrong", job, 0, REVEALING):
        staked.lane.expireTask(job, 0, {"from": staked.anyone})
