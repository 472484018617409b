"""BountyEscrow: posting, stopping, refunding and paying out, each refusal by its typed error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.permits import sign_permit
from tests.contracts.rig import (
    FEE_BPS,
    MANIFEST,
    NOBODY,
    ODD,
    PRICE,
    RIGHT,
    SETTINGS,
    WRONG,
    Market,
    at,
    now,
    refuses,
)

pytestmark = pytest.mark.integration

FEE = PRICE * FEE_BPS // 10_000
SLOT_COST = PRICE + FEE
TASK_COST = 4 * SLOT_COST
DAY = 24 * 3600
MOST = 2**96 - 1


# --- post ---


def test_post_job__good_terms__escrows_the_whole_bounty(market: Market) -> None:
    terms = market.terms(mapTasks=3, reduceTasks=1, rounds=2, auditSlots=1)
    bounty = 5 * SLOT_COST * 8
    assert market.escrow.bountyFor(terms) == bounty
    market.fund(market.requester, market.escrow, bounty)

    tx = market.escrow.postJob(terms, {"from": market.requester})

    assert tx.return_value == 1 == market.escrow.jobCount()
    posted = tx.events["JobPosted"]
    assert (posted["jobId"], posted["requester"], posted["escrowed"]) == (1, market.requester, bounty)
    assert posted["orchestrator"] == market.orchestrator
    assert market.escrow.escrowOf(1) == market.escrow.totalOwed() == market.token.balanceOf(market.escrow) == bounty
    assert market.escrow.requesterOf(1) == market.requester
    assert not market.escrow.isStopped(1)
    assert market.token.allowance(market.requester, market.escrow) == 0


def test_terms__of_a_posted_job__are_those_posted(market: Market) -> None:
    terms = market.terms(mapTasks=3, reduceTasks=1, rounds=2, auditSlots=1)
    market.fund(market.requester, market.escrow, market.escrow.bountyFor(terms))
    market.escrow.postJob(terms, {"from": market.requester})

    *numbers, digest = market.escrow.terms(1)

    assert tuple(numbers) == terms[:-1]
    assert bytes(digest) == MANIFEST


def test_bounty_for__fee_that_does_not_divide__rounds_each_slots_fee_up(market: Market) -> None:
    terms = market.terms(slotPrice=10**12 + 1, feeBps=1)
    assert market.escrow.bountyFor(terms) == 4 * (10**12 + 1 + 10**8 + 1)


def test_post_job__without_allowance__refused_and_nothing_posted(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    with refuses("ERC20InsufficientAllowance", market.escrow, 0, TASK_COST):
        market.escrow.postJob(market.terms(), {"from": market.requester})
    assert market.escrow.jobCount() == 0


def test_post_job__poorer_than_the_bounty__refused(market: Market) -> None:
    market.token.approve(market.escrow, TASK_COST, {"from": market.requester})
    with refuses("ERC20InsufficientBalance", market.requester, 0, TASK_COST):
        market.escrow.postJob(market.terms(), {"from": market.requester})


def test_post_job__tokens_sent_before__do_not_pay_for_it(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    with refuses("ERC20InsufficientAllowance", ...):
        market.escrow.postJob(market.terms(), {"from": market.requester})


@pytest.mark.parametrize(
    ("changed", "error", "arguments"),
    [
        ({"lane": NOBODY}, "LaneUnknown", (NOBODY,)),
        ({"lane": "0x00000000000000000000000000000000000000AA"}, "LaneUnknown", ("0x" + "0" * 38 + "aa",)),
        ({"taskTime": 0}, "TaskTimeOutOfRange", (0, 1, 7 * DAY)),
        ({"taskTime": 7 * DAY + 1}, "TaskTimeOutOfRange", (7 * DAY + 1, 1, 7 * DAY)),
        ({"mapTasks": 0}, "TaskCountOutOfRange", (0, 65_535)),
        ({"mapTasks": 0, "reduceTasks": 1}, "TaskCountOutOfRange", (1, 65_535)),
        ({"rounds": 0}, "TaskCountOutOfRange", (0, 65_535)),
        ({"mapTasks": 65_535, "reduceTasks": 1}, "TaskCountOutOfRange", (65_536, 65_535)),
        ({"mapTasks": 2**32 - 1, "reduceTasks": 2**32 - 1, "rounds": 2**16 - 1}, "TaskCountOutOfRange", ...),
        ({"quorum": 0}, "QuorumOutOfRange", (0, 4, 16)),
        ({"quorum": 5}, "QuorumOutOfRange", (5, 4, 16)),
        ({"workSlots": 2}, "SpareSlotMissing", (2, 2)),
        ({"workSlots": 17}, "QuorumOutOfRange", (2, 17, 16)),
        ({"auditSlots": 17}, "AuditSlotsOutOfRange", (17, 16)),
        ({"feeBps": 10_001}, "FeeOutOfRange", (10_001, 10_000)),
        ({"orchestrator": NOBODY}, "OrchestratorMissing", ()),
        ({"slotPrice": 0}, "SlotPriceOutOfRange", (0, SETTINGS.min_slot_price, MOST)),
        (
            {"slotPrice": SETTINGS.min_slot_price - 1},
            "SlotPriceOutOfRange",
            (SETTINGS.min_slot_price - 1, SETTINGS.min_slot_price, MOST),
        ),
        ({"slotPrice": MOST + 1}, "SlotPriceOutOfRange", (MOST + 1, SETTINGS.min_slot_price, MOST)),
        ({"stakePerClaim": PRICE - 1}, "StakeOutOfRange", (PRICE - 1, PRICE, 100 * PRICE)),
        ({"stakePerClaim": 100 * PRICE + 1}, "StakeOutOfRange", (100 * PRICE + 1, PRICE, 100 * PRICE)),
        ({"manifestDigest": bytes(32)}, "ManifestMissing", ()),
        ({"slotPrice": MOST, "stakePerClaim": MOST, "feeBps": 0}, "BountyTooLarge", (4 * MOST, MOST)),
    ],
    ids=str,
)
def test_post_job__a_term_out_of_range__refused(
    market: Market, changed: dict[str, Any], error: str, arguments: Any
) -> None:
    expected = (...,) if arguments is ... else arguments
    with refuses(error, *expected):
        market.escrow.postJob(market.terms(**changed), {"from": market.requester})
    assert market.escrow.jobCount() == 0


@pytest.mark.parametrize("after", [0, -1, -1000], ids=str)
def test_post_job__deadline_not_in_the_future__refused(market: Market, after: int) -> None:
    time = now() + 10
    terms = market.terms(deadline=time + after)
    at(time)
    with refuses("DeadlineOutOfRange", time + after, time + 1, time + 90 * DAY):
        market.escrow.postJob(terms, {"from": market.requester})


def test_post_job__deadline_beyond_90_days__refused(market: Market) -> None:
    time = now() + 10
    terms = market.terms(deadline=time + 90 * DAY + 1)
    at(time)
    with refuses("DeadlineOutOfRange", time + 90 * DAY + 1, time + 1, time + 90 * DAY):
        market.escrow.postJob(terms, {"from": market.requester})


def test_post_job__deadline_of_the_next_second__allowed(market: Market) -> None:
    time = now() + 10
    market.fund(market.requester, market.escrow, TASK_COST)
    terms = market.terms(deadline=time + 1)
    at(time)
    market.escrow.postJob(terms, {"from": market.requester})
    assert market.escrow.jobCount() == 1


def test_post_job__no_fee__needs_no_orchestrator(market: Market) -> None:
    terms = market.terms(feeBps=0, orchestrator=NOBODY)
    market.fund(market.requester, market.escrow, 4 * PRICE)
    market.escrow.postJob(terms, {"from": market.requester})
    assert market.escrow.escrowOf(1) == 4 * PRICE


# --- permit ---


def test_post_job_with_permit__fresh__one_transaction_is_enough(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    permit = sign_permit(market, market.requester, market.escrow.address, TASK_COST)

    market.escrow.postJobWithPermit(market.terms(), *permit, {"from": market.requester})

    assert market.escrow.escrowOf(1) == TASK_COST


def test_post_job_with_permit__used_by_somebody_before__still_posts(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    permit = sign_permit(market, market.requester, market.escrow.address, TASK_COST)
    market.token.permit(market.requester, market.escrow, TASK_COST, *permit, {"from": market.anyone})

    market.escrow.postJobWithPermit(market.terms(), *permit, {"from": market.requester})

    assert market.escrow.escrowOf(1) == TASK_COST


def test_post_job_with_permit__for_another_amount__refused(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    permit = sign_permit(market, market.requester, market.escrow.address, TASK_COST - 1)
    with refuses("ERC20InsufficientAllowance", market.escrow, 0, TASK_COST):
        market.escrow.postJobWithPermit(market.terms(), *permit, {"from": market.requester})


def test_post_job_with_permit__of_somebody_else__takes_nobodys_money(market: Market) -> None:
    market.token.faucet({"from": market.requester})
    permit = sign_permit(market, market.requester, market.escrow.address, TASK_COST)
    with refuses("ERC20InsufficientAllowance", market.escrow, 0, TASK_COST):
        market.escrow.postJobWithPermit(market.terms(), *permit, {"from": market.anyone})


# --- stop ---


def test_stop__before_any_claim__all_can_be_refunded(market: Market) -> None:
    job = market.post(mapTasks=3)

    tx = market.escrow.stop(job, {"from": market.requester})

    assert tx.events["JobStopped"] == {"jobId": job}
    assert market.escrow.isStopped(job)
    assert market.escrow.refundable(job) == 3 * TASK_COST


def test_stop__with_a_task_under_way__keeps_that_tasks_money(staked: Market) -> None:
    job = staked.post(mapTasks=3)
    staked.claim(job, 0, 0)

    staked.escrow.stop(job, {"from": staked.requester})

    assert staked.escrow.refundable(job) == 2 * TASK_COST
    staked.claim(job, 0, 1)  # the missing replica may still be claimed
    with refuses("JobEnded", job):
        staked.claim(job, 1, 0)


def test_stop__by_anybody_else__refused(market: Market) -> None:
    job = market.post()
    for stranger in (market.orchestrator, market.anyone, market.accounts[0]):
        with refuses("NotTheRequester", job, stranger):
            market.escrow.stop(job, {"from": stranger})


def test_stop__twice__refused(market: Market) -> None:
    job = market.post()
    market.escrow.stop(job, {"from": market.requester})
    with refuses("JobAlreadyEnded", job):
        market.escrow.stop(job, {"from": market.requester})


def test_stop__at_the_deadline__refused(market: Market) -> None:
    job = market.post()
    at(market.escrow.terms(job)["deadline"])
    with refuses("JobAlreadyEnded", job):
        market.escrow.stop(job, {"from": market.requester})


def test_stop__second_before_the_deadline__allowed(market: Market) -> None:
    job = market.post()
    at(market.escrow.terms(job)["deadline"] - 1)
    market.escrow.stop(job, {"from": market.requester})
    assert market.escrow.isStopped(job)


def test_stop__all_tasks_finished__refused(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    with refuses("JobAlreadyEnded", job):
        staked.escrow.stop(job, {"from": staked.requester})


@pytest.mark.parametrize(
    "method", ["stop", "refund", "refundable", "terms", "requesterOf", "isStopped", "escrowOf", "feeDueOf"]
)
@pytest.mark.parametrize("job", [0, 2])
def test_any_act__on_a_job_that_is_not__refused(market: Market, method: str, job: int) -> None:
    market.post()
    with refuses("JobUnknown", job):
        getattr(market.escrow, method)(job, {"from": market.requester})


# --- refund ---


def test_refund__while_all_may_still_be_spent__refused(market: Market) -> None:
    job = market.post()
    with refuses("NothingToRefund", job):
        market.escrow.refund(job, {"from": market.requester})


def test_refund__after_each_task__credits_what_it_did_not_cost_and_the_fee(staked: Market) -> None:
    job = staked.post(mapTasks=2, quorum=2, workSlots=3)
    task_cost = 3 * SLOT_COST
    for task in (0, 1):
        staked.finish(job, task)
        assert staked.escrow.feeDueOf(job) == 2 * FEE

        tx = staked.escrow.refund(job, {"from": staked.anyone})

        assert tx.return_value == SLOT_COST
        assert tx.events["BountyRefunded"] == {"jobId": job, "requester": staked.requester, "amount": SLOT_COST}
        assert staked.escrow.creditOf(staked.requester) == (task + 1) * SLOT_COST
        assert staked.escrow.creditOf(staked.orchestrator) == (task + 1) * 2 * FEE
        assert staked.escrow.escrowOf(job) == (1 - task) * task_cost
        with refuses("NothingToRefund", job):
            staked.escrow.refund(job, {"from": staked.anyone})


def test_refund__second_before_the_deadline__refused_and_at_it_allowed(market: Market) -> None:
    job = market.post(mapTasks=2)
    deadline = market.escrow.terms(job)["deadline"]
    at(deadline - 1)
    with refuses("NothingToRefund", job):
        market.escrow.refund(job, {"from": market.anyone})
    at(deadline)
    market.escrow.refund(job, {"from": market.anyone})
    assert market.escrow.creditOf(market.requester) == 2 * TASK_COST
    assert market.escrow.escrowOf(job) == 0


def test_refund__stopped_with_a_task_under_way__the_rest_follows_its_end(staked: Market) -> None:
    job = staked.post(mapTasks=2)
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    staked.escrow.stop(job, {"from": staked.requester})
    staked.escrow.refund(job, {"from": staked.anyone})
    assert staked.escrow.creditOf(staked.requester) == TASK_COST

    staked.reveal(job, 0, 0)
    staked.reveal(job, 0, 1)
    staked.settle(job, 0)
    staked.escrow.refund(job, {"from": staked.anyone})

    assert staked.escrow.creditOf(staked.requester) == TASK_COST + 2 * SLOT_COST
    assert staked.escrow.creditOf(staked.worker(0)) == PRICE
    assert staked.escrow.escrowOf(job) == staked.escrow.feeDueOf(job) == 0


def test_refund__failed_job__gives_back_what_no_task_can_cost_any_more(staked: Market) -> None:
    job = staked.post(mapTasks=1, reduceTasks=1, rounds=2, quorum=3, workSlots=4)
    staked.fill_and_reveal(job, 0, {0: RIGHT, 1: WRONG, 2: ODD})
    staked.settle(job, 0)
    assert tuple(staked.lane.progress(job)) == (1, 0, True)

    staked.escrow.refund(job, {"from": staked.anyone})

    assert staked.escrow.creditOf(staked.requester) == 4 * 4 * SLOT_COST
    assert staked.escrow.escrowOf(job) == 0


# --- pay out ---


def test_withdraw__to_another_address__pays_the_whole_credit_there(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    worker, payout = staked.worker(0), staked.accounts[15]

    tx = staked.escrow.withdraw(payout, {"from": worker})

    assert tx.return_value == PRICE
    assert tx.events["CreditWithdrawn"] == {"account": worker, "to": payout, "amount": PRICE}
    assert staked.token.balanceOf(payout) == PRICE
    assert staked.escrow.creditOf(worker) == 0
    with refuses("NothingToWithdraw", worker):
        staked.escrow.withdraw(worker, {"from": worker})


def test_withdraw__to_nobody__refused_and_credit_kept(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    with refuses("ReceiverZero"):
        staked.escrow.withdraw(NOBODY, {"from": staked.worker(0)})
    assert staked.escrow.creditOf(staked.worker(0)) == PRICE


def test_withdraw__without_credit__refused(market: Market) -> None:
    with refuses("NothingToWithdraw", market.anyone):
        market.escrow.withdraw(market.anyone, {"from": market.anyone})


def test_withdraw_for__relayed_by_anyone__pays_the_account_itself(staked: Market) -> None:
    job = staked.post()
    staked.finish(job, 0)
    worker = staked.worker(0)
    before = staked.token.balanceOf(worker)

    staked.escrow.withdrawFor(worker, {"from": staked.anyone})

    assert staked.token.balanceOf(worker) == before + PRICE
    assert staked.token.balanceOf(staked.anyone) == 0


def test_withdraw_for__without_credit__refused(market: Market) -> None:
    with refuses("NothingToWithdraw", market.worker(0)):
        market.escrow.withdrawFor(market.worker(0), {"from": market.anyone})


def test_settle_task__by_anybody_but_the_lane__refused(market: Market) -> None:
    job = market.post()
    for stranger in (market.requester, market.orchestrator, market.worker(0), market.accounts[0]):
        with refuses("NotTheLane", job, stranger):
            market.escrow.settleTask(job, [stranger], PRICE, 0, {"from": stranger})


def test_whole_life__settled_refunded_and_withdrawn__leaves_an_empty_escrow(staked: Market) -> None:
    job = staked.post(mapTasks=2, auditSlots=1)
    for task in (0, 1):
        staked.finish(job, task)
    staked.escrow.refund(job, {"from": staked.anyone})
    for account in (staked.requester, staked.orchestrator, staked.worker(0), staked.worker(1)):
        staked.escrow.withdrawFor(account, {"from": staked.anyone})

    assert staked.token.balanceOf(staked.orchestrator) == 4 * FEE
    assert staked.escrow.totalOwed() == staked.token.balanceOf(staked.escrow) == 0
    assert staked.locked(staked.worker(0)) == staked.locked(staked.worker(1)) == 0
