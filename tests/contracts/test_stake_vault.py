"""StakeVault: every branch that a worker, a sponsor or a stranger can reach. Lanes' branches: test_vault_lanes.py."""

from __future__ import annotations

from typing import Any

import brownie  # type: ignore[import-untyped]
import pytest

from tests.contracts.permits import sign_permit
from tests.contracts.rig import NOBODY, SETTINGS, STAKE, UNIT, Market, at, now, refuses, sleep

pytestmark = pytest.mark.integration

DELAY = SETTINGS.unbonding_seconds


# --- stake ---


def test_stake__with_allowance__bonded_and_free(market: Market) -> None:
    worker = market.worker(0)
    market.fund(worker, market.vault, STAKE)

    tx = market.vault.stake(STAKE, {"from": worker})

    assert tx.events["Staked"] == {"worker": worker, "from": worker, "amount": STAKE}
    assert market.account_of(worker) == (STAKE, 0, 0, 0)
    assert market.vault.freeStakeOf(worker) == STAKE
    assert market.vault.totalStaked() == market.token.balanceOf(market.vault) == STAKE


def test_stake__twice__adds_up(market: Market) -> None:
    market.stake(market.worker(0), 3 * UNIT)
    market.stake(market.worker(0), 4 * UNIT)
    assert market.bonded(market.worker(0)) == 7 * UNIT


def test_stake__nothing__refused(market: Market) -> None:
    with refuses("AmountZero"):
        market.vault.stake(0, {"from": market.worker(0)})


def test_stake__without_allowance__refused(market: Market) -> None:
    worker = market.worker(0)
    market.token.faucet({"from": worker})
    with refuses("ERC20InsufficientAllowance", market.vault, 0, UNIT):
        market.vault.stake(UNIT, {"from": worker})


def test_stake__more_than_owned__refused(market: Market) -> None:
    worker = market.worker(0)
    market.token.approve(market.vault, UNIT, {"from": worker})
    with refuses("ERC20InsufficientBalance", worker, 0, UNIT):
        market.vault.stake(UNIT, {"from": worker})


def test_stake_with_permit__fresh__needs_no_allowance_before(market: Market) -> None:
    worker = market.anyone
    market.token.faucet({"from": worker})
    until, v, r, s = sign_permit(market, worker, market.vault.address, UNIT)

    market.vault.stakeWithPermit(UNIT, until, v, r, s, {"from": worker})

    assert market.bonded(worker) == UNIT


def test_stake_with_permit__used_by_somebody_before__still_stakes(market: Market) -> None:
    worker = market.anyone
    market.token.faucet({"from": worker})
    until, v, r, s = sign_permit(market, worker, market.vault.address, UNIT)
    market.token.permit(worker, market.vault, UNIT, until, v, r, s, {"from": market.worker(0)})

    market.vault.stakeWithPermit(UNIT, until, v, r, s, {"from": worker})

    assert market.bonded(worker) == UNIT


def test_stake_with_permit__expired__refused(market: Market) -> None:
    worker = market.anyone
    market.token.faucet({"from": worker})
    until, v, r, s = sign_permit(market, worker, market.vault.address, UNIT, until=now() - 1)
    with refuses("ERC20InsufficientAllowance", market.vault, 0, UNIT):
        market.vault.stakeWithPermit(UNIT, until, v, r, s, {"from": worker})


# --- what counts in a draw ---


def test_stake_at__each_block__is_the_stake_at_its_end(market: Market) -> None:
    worker, other = market.worker(0), market.worker(1)
    first = market.stake(worker, 3 * UNIT).block_number
    market.stake(other, 5 * UNIT)
    left = market.vault.unbond(UNIT, {"from": worker}).block_number
    brownie.chain.mine()

    assert market.vault.stakeAt(worker, first - 1) == 0
    assert tuple(market.vault.stakeShareAt(worker, first)) == (3 * UNIT, 3 * UNIT)
    assert tuple(market.vault.stakeShareAt(worker, left - 1)) == (3 * UNIT, 8 * UNIT)
    assert tuple(market.vault.stakeShareAt(worker, left)) == (2 * UNIT, 7 * UNIT)
    assert market.vault.totalStakeAt(left) == 7 * UNIT


def test_stake_at__present_block__refused(market: Market) -> None:
    height = brownie.chain.height
    with refuses("BlockNotPast", height, height):
        market.vault.stakeAt(market.worker(0), height)
    with refuses("BlockNotPast", height, height):
        market.vault.totalStakeAt(height)


# --- unbond and withdraw ---


def test_unbond__free_stake__leaves_the_draw_at_once_and_waits(market: Market) -> None:
    worker = market.worker(0)
    market.stake(worker, 5 * UNIT)

    tx = market.vault.unbond(2 * UNIT, {"from": worker})

    available = tx.timestamp + DELAY
    assert tx.events["StakeUnbonded"] == {"account": worker, "amount": 2 * UNIT, "availableAt": available}
    assert market.account_of(worker) == (3 * UNIT, 0, 2 * UNIT, available)
    assert (market.vault.totalStaked(), market.vault.totalUnbonding()) == (3 * UNIT, 2 * UNIT)


def test_unbond__nothing__refused(market: Market) -> None:
    market.stake(market.worker(0), UNIT)
    with refuses("AmountZero"):
        market.vault.unbond(0, {"from": market.worker(0)})


def test_unbond__more_than_staked__refused(market: Market) -> None:
    worker = market.worker(0)
    market.stake(worker, UNIT)
    with refuses("StakeNotFree", worker, UNIT + 1, UNIT):
        market.vault.unbond(UNIT + 1, {"from": worker})


def test_unbond__second_time__adds_and_restarts_the_delay(market: Market) -> None:
    worker = market.worker(0)
    market.stake(worker, 5 * UNIT)
    market.vault.unbond(UNIT, {"from": worker})
    sleep(DELAY // 2)

    tx = market.vault.unbond(2 * UNIT, {"from": worker})

    assert market.account_of(worker)[2:] == (3 * UNIT, tx.timestamp + DELAY)


def test_withdraw_stake__second_before_the_delay_ends__refused(market: Market) -> None:
    worker = market.worker(0)
    market.stake(worker)
    available = market.vault.unbond(STAKE, {"from": worker}).timestamp + DELAY
    at(available - 1)
    with refuses("StillUnbonding", worker, available, available - 1):
        market.vault.withdrawStake({"from": worker})


def test_withdraw_stake__at_the_end_of_the_delay__pays_once(market: Market) -> None:
    worker = market.worker(0)
    market.stake(worker)
    before = market.token.balanceOf(worker)
    available = market.vault.unbond(STAKE, {"from": worker}).timestamp + DELAY
    at(available)

    tx = market.vault.withdrawStake({"from": worker})

    assert tx.events["StakeWithdrawn"] == {"account": worker, "amount": STAKE}
    assert market.token.balanceOf(worker) == before + STAKE
    assert market.vault.totalOwed() == 0
    with refuses("NothingUnbonding", worker):
        market.vault.withdrawStake({"from": worker})


def test_withdraw_stake__nothing_unbonding__refused(market: Market) -> None:
    market.stake(market.worker(0))
    with refuses("NothingUnbonding", market.worker(0)):
        market.vault.withdrawStake({"from": market.worker(0)})


# --- sponsors ---


@pytest.fixture
def sponsored(market: Market) -> Market:
    """Worker 0 has 2 units of its own and 5 of its sponsor, who is `anyone`."""
    worker, sponsor = market.worker(0), market.anyone
    market.stake(worker, 2 * UNIT)
    market.vault.acceptSponsor(sponsor, {"from": worker})
    market.fund(sponsor, market.vault, 2_000 * UNIT)
    market.vault.sponsor(worker, 5 * UNIT, {"from": sponsor})
    return market


def test_sponsor__accepted__stakes_for_the_worker(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    assert sponsored.bonded(worker) == 7 * UNIT
    assert sponsored.sponsorship_of(worker) == (sponsor, 5 * UNIT, False)


def test_sponsor__not_accepted__refused(market: Market) -> None:
    worker, sponsor = market.worker(0), market.anyone
    market.fund(sponsor, market.vault, UNIT)
    with refuses("SponsorNotAccepted", worker, sponsor, NOBODY):
        market.vault.sponsor(worker, UNIT, {"from": sponsor})


def test_sponsor__nothing__refused(sponsored: Market) -> None:
    with refuses("AmountZero"):
        sponsored.vault.sponsor(sponsored.worker(0), 0, {"from": sponsored.anyone})


def test_sponsor__up_to_the_cap__allowed_and_no_further(sponsored: Market) -> None:
    worker, sponsor, cap = sponsored.worker(0), sponsored.anyone, SETTINGS.sponsor_cap
    sponsored.vault.sponsor(worker, cap - 5 * UNIT, {"from": sponsor})
    with refuses("SponsorCapExceeded", worker, cap + 1, cap):
        sponsored.vault.sponsor(worker, 1, {"from": sponsor})


def test_accept_sponsor__while_another_backs_with_enough__refused(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    least = sponsored.vault.SPONSOR_LEAST()
    assert least == SETTINGS.sponsor_cap // 100
    sponsored.fund(sponsor, sponsored.vault, least - 5 * UNIT)
    sponsored.vault.sponsor(worker, least - 5 * UNIT, {"from": sponsor})
    with refuses("SponsorStillBacking", worker, sponsor, least):
        sponsored.vault.acceptSponsor(NOBODY, {"from": worker})


def test_accept_sponsor__while_another_backs_with_dust__it_has_that_back(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    tx = sponsored.vault.acceptSponsor(NOBODY, {"from": worker})
    assert tx.events["SponsorLeft"] == {"worker": worker, "sponsor": sponsor, "amount": 5 * UNIT}
    assert sponsored.sponsorship_of(worker) == (NOBODY, 0, False)
    assert sponsored.account_of(sponsor)[2] == 5 * UNIT
    sponsored.check_solvent()


def test_accept_sponsor__nobody_while_none_backs__withdraws_the_consent(market: Market) -> None:
    worker, sponsor = market.worker(0), market.anyone
    market.vault.acceptSponsor(sponsor, {"from": worker})
    market.vault.acceptSponsor(NOBODY, {"from": worker})
    with refuses("SponsorNotAccepted", worker, sponsor, NOBODY):
        market.vault.sponsor(worker, UNIT, {"from": sponsor})


def test_unbond__sponsored_part__is_not_the_workers(sponsored: Market) -> None:
    worker = sponsored.worker(0)
    with refuses("StakeNotFree", worker, 3 * UNIT, 2 * UNIT):
        sponsored.vault.unbond(3 * UNIT, {"from": worker})


def test_unsponsor__nothing_locked__all_unbonds_for_the_sponsor(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone

    tx = sponsored.vault.unsponsor(worker, {"from": sponsor})

    assert tx.events["SponsorLeft"] == {"worker": worker, "sponsor": sponsor, "amount": 5 * UNIT}
    assert sponsored.account_of(worker) == (2 * UNIT, 0, 0, 0)
    assert sponsored.account_of(sponsor)[2] == 5 * UNIT
    before = sponsored.token.balanceOf(sponsor)
    sleep(DELAY)
    sponsored.vault.withdrawStake({"from": sponsor})
    assert sponsored.token.balanceOf(sponsor) == before + 5 * UNIT


def test_unsponsor__part_is_locked__the_rest_follows_when_it_is_free(sponsored: Market) -> None:
    worker, sponsor, orchestrator = sponsored.worker(0), sponsored.anyone, sponsored.orchestrator
    sponsored.vault.allot(orchestrator, 6 * UNIT, {"from": worker})

    sponsored.vault.unsponsor(worker, {"from": sponsor})

    assert sponsored.sponsorship_of(worker) == (sponsor, 4 * UNIT, True)
    assert sponsored.vault.freeStakeOf(worker) == 0
    # The sponsor needs nobody to get the rest out.
    sponsored.vault.unallot(worker, orchestrator, 6 * UNIT, {"from": sponsor})
    sleep(DELAY)
    sponsored.vault.releaseAllotment(worker, orchestrator, {"from": sponsor})
    sponsored.vault.unsponsor(worker, {"from": sponsor})
    assert sponsored.sponsorship_of(worker) == (sponsor, 0, True)
    assert sponsored.bonded(worker) == 2 * UNIT


def test_unsponsor__by_a_stranger__refused(sponsored: Market) -> None:
    worker, stranger = sponsored.worker(0), sponsored.worker(1)
    with refuses("SponsorNotAccepted", worker, stranger, sponsored.anyone):
        sponsored.vault.unsponsor(worker, {"from": stranger})


def test_sponsor__while_leaving__refused(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    sponsored.vault.unsponsor(worker, {"from": sponsor})
    with refuses("SponsorLeaving", worker, sponsor):
        sponsored.vault.sponsor(worker, UNIT, {"from": sponsor})


def test_sponsor__left_and_accepted_again__may_return(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    sponsored.vault.unsponsor(worker, {"from": sponsor})
    sponsored.vault.acceptSponsor(sponsor, {"from": worker})
    sponsored.vault.sponsor(worker, UNIT, {"from": sponsor})
    assert sponsored.sponsorship_of(worker) == (sponsor, UNIT, False)


# --- allotments ---


@pytest.fixture
def allotted(market: Market) -> Market:
    """Worker 0 has staked 5 units and allotted 3 of them to the orchestrator."""
    market.stake(market.worker(0), 5 * UNIT)
    market.vault.allot(market.orchestrator, 3 * UNIT, {"from": market.worker(0)})
    return market


def test_allot__free_stake__locks_it_for_one_orchestrator(allotted: Market) -> None:
    worker = allotted.worker(0)
    assert allotted.allotment_of(worker, allotted.orchestrator) == (3 * UNIT, 0, 0)
    assert allotted.account_of(worker)[:2] == (5 * UNIT, 3 * UNIT)
    with refuses("StakeNotFree", worker, 3 * UNIT, 2 * UNIT):
        allotted.vault.unbond(3 * UNIT, {"from": worker})


def test_allot__nothing__refused(allotted: Market) -> None:
    with refuses("AmountZero"):
        allotted.vault.allot(allotted.orchestrator, 0, {"from": allotted.worker(0)})


def test_allot__more_than_free__refused(allotted: Market) -> None:
    worker = allotted.worker(0)
    with refuses("StakeNotFree", worker, 2 * UNIT + 1, 2 * UNIT):
        allotted.vault.allot(allotted.orchestrator, 2 * UNIT + 1, {"from": worker})


def test_unallot__part__stays_locked_until_the_delay_is_over(allotted: Market) -> None:
    worker, orchestrator = allotted.worker(0), allotted.orchestrator

    tx = allotted.vault.unallot(worker, orchestrator, UNIT, {"from": worker})

    available = tx.timestamp + DELAY
    assert allotted.allotment_of(worker, orchestrator) == (2 * UNIT, UNIT, available)
    assert allotted.locked(worker) == 3 * UNIT
    at(available - 1)
    with refuses("StillUnbonding", worker, available, available - 1):
        allotted.vault.releaseAllotment(worker, orchestrator, {"from": worker})
    at(available)
    allotted.vault.releaseAllotment(worker, orchestrator, {"from": allotted.anyone})
    assert allotted.allotment_of(worker, orchestrator)[:2] == (2 * UNIT, 0)
    assert allotted.locked(worker) == 2 * UNIT


def test_unallot__nothing__refused(allotted: Market) -> None:
    worker = allotted.worker(0)
    with refuses("AmountZero"):
        allotted.vault.unallot(worker, allotted.orchestrator, 0, {"from": worker})


def test_unallot__more_than_allotted__refused(allotted: Market) -> None:
    worker, orchestrator = allotted.worker(0), allotted.orchestrator
    with refuses("AllotmentTooSmall", worker, orchestrator, 3 * UNIT + 1, 3 * UNIT):
        allotted.vault.unallot(worker, orchestrator, 3 * UNIT + 1, {"from": worker})


def test_unallot__by_a_stranger__refused(allotted: Market) -> None:
    worker = allotted.worker(0)
    with refuses("SponsorNotAccepted", worker, allotted.anyone, NOBODY):
        allotted.vault.unallot(worker, allotted.orchestrator, UNIT, {"from": allotted.anyone})


def test_unallot__by_a_sponsor_who_is_not_leaving__refused(sponsored: Market) -> None:
    worker, sponsor = sponsored.worker(0), sponsored.anyone
    sponsored.vault.allot(sponsored.orchestrator, UNIT, {"from": worker})
    with refuses("SponsorNotAccepted", worker, sponsor, sponsor):
        sponsored.vault.unallot(worker, sponsored.orchestrator, UNIT, {"from": sponsor})


def test_release_allotment__nothing_ending__refused(allotted: Market) -> None:
    worker = allotted.worker(0)
    with refuses("NothingUnbonding", worker):
        allotted.vault.releaseAllotment(worker, allotted.orchestrator, {"from": worker})


# --- strangers ---


def test_burn_slashed__nothing_slashed__refused(market: Market) -> None:
    with refuses("AmountZero"):
        market.vault.burnSlashed({"from": market.anyone})


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("lock", lambda worker: (worker, 1, 0)),
        ("unlock", lambda worker: ([worker], 1)),
        ("slash", lambda worker: (worker, 1, 0)),
        ("slashAllotted", lambda worker: (worker, worker, 1, 0)),
    ],
)
def test_lanes_acts__by_anybody_else__refused(market: Market, method: str, arguments: Any) -> None:
    market.stake(market.worker(0))
    call = getattr(market.vault, method)
    for stranger in (market.accounts[0], market.anyone, market.worker(0)):
        with refuses("NotALane", stranger):
            call(*arguments(market.worker(0)), {"from": stranger})
