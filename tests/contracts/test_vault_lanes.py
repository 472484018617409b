"""StakeVault as a lane sees it: locking, unlocking, slashing. The lane here is an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brownie  # type: ignore[import-untyped]
import pytest

from tests.contracts.rig import BURN_ADDRESS, NOBODY, UNIT, refuses, sleep

pytestmark = pytest.mark.integration

DELAY = 60


@dataclass
class Bank:
    """A vault whose worker has staked 5 units, and the people around it."""

    token: Any
    vault: Any
    lane: Any
    escrow: Any
    worker: Any
    sponsor: Any


@pytest.fixture
def bank(accounts: Any, EdgeToken: Any, StakeVault: Any) -> Bank:
    lane, escrow, worker, sponsor = accounts[1:5]
    token = accounts[0].deploy(EdgeToken)
    vault = accounts[0].deploy(StakeVault, token, escrow, lane, NOBODY, DELAY, 100 * UNIT)
    for account in (worker, sponsor):
        token.faucet({"from": account})
        token.approve(vault, 100 * UNIT, {"from": account})
    vault.stake(5 * UNIT, {"from": worker})
    return Bank(token, vault, lane, escrow, worker, sponsor)


def lock(bank: Bank, amount: int) -> Any:
    return bank.vault.lock(bank.worker, amount, brownie.chain.height, {"from": bank.lane})


def test_lock__free_stake__locked_and_tells_the_shares(bank: Bank) -> None:
    tx = lock(bank, 2 * UNIT)
    assert tuple(tx.return_value) == (5 * UNIT, 5 * UNIT)
    assert tuple(bank.vault.accountOf(bank.worker))[:2] == (5 * UNIT, 2 * UNIT)
    assert bank.vault.freeStakeOf(bank.worker) == 3 * UNIT


def test_lock__more_than_free__refused(bank: Bank) -> None:
    lock(bank, 2 * UNIT)
    with refuses("StakeNotFree", bank.worker, 3 * UNIT + 1, 3 * UNIT):
        lock(bank, 3 * UNIT + 1)


def test_lock__as_of_a_block_to_come__refused(bank: Bank) -> None:
    following = brownie.chain.height + 1
    with refuses("BlockNotPast", following, following):
        bank.vault.lock(bank.worker, UNIT, following, {"from": bank.lane})


def test_unlock__what_is_locked__free_again_and_no_more(bank: Bank) -> None:
    lock(bank, 2 * UNIT)
    bank.vault.unlock([bank.worker], 2 * UNIT, {"from": bank.lane})
    assert bank.vault.freeStakeOf(bank.worker) == 5 * UNIT
    with refuses("StakeNotLocked", bank.worker, 1, 0):
        bank.vault.unlock([bank.worker], 1, {"from": bank.lane})


def test_slash__part_funds_the_escrow__the_rest_waits_to_burn(bank: Bank) -> None:
    lock(bank, 3 * UNIT)

    tx = bank.vault.slash(bank.worker, 3 * UNIT, UNIT, {"from": bank.lane})

    told = {"worker": bank.worker, "lane": bank.lane, "amount": 3 * UNIT, "funded": UNIT}
    assert tx.events["StakeSlashed"] == told
    assert tuple(bank.vault.accountOf(bank.worker))[:2] == (2 * UNIT, 0)
    assert bank.token.balanceOf(bank.escrow) == UNIT
    assert bank.vault.slashPool() == 2 * UNIT
    bank.vault.burnSlashed({"from": bank.sponsor})
    assert (bank.vault.slashPool(), bank.vault.totalBurned()) == (0, 2 * UNIT)
    assert bank.token.balanceOf(BURN_ADDRESS) == 2 * UNIT
    assert bank.token.balanceOf(bank.vault) == bank.vault.totalOwed() == 2 * UNIT


def test_slash__more_than_locked__refused(bank: Bank) -> None:
    lock(bank, UNIT)
    with refuses("StakeNotLocked", bank.worker, UNIT + 1, UNIT):
        bank.vault.slash(bank.worker, UNIT + 1, 0, {"from": bank.lane})


def test_slash__funding_more_than_it_takes__refused(bank: Bank) -> None:
    lock(bank, UNIT)
    with refuses("SlashFundTooLarge", UNIT + 1, UNIT):
        bank.vault.slash(bank.worker, UNIT, UNIT + 1, {"from": bank.lane})


def test_slash__unbonding_stake__is_out_of_reach(bank: Bank) -> None:
    bank.vault.unbond(5 * UNIT, {"from": bank.worker})
    with refuses("StakeNotLocked", bank.worker, UNIT, 0):
        bank.vault.slash(bank.worker, UNIT, 0, {"from": bank.lane})


def test_slash__sponsored_worker__own_stake_goes_first(bank: Bank) -> None:
    bank.vault.acceptSponsor(bank.sponsor, {"from": bank.worker})
    bank.vault.sponsor(bank.worker, 4 * UNIT, {"from": bank.sponsor})
    lock(bank, 7 * UNIT)

    bank.vault.slash(bank.worker, 4 * UNIT, 0, {"from": bank.lane})
    assert tuple(bank.vault.sponsorshipOf(bank.worker)) == (bank.sponsor, 4 * UNIT, False)

    bank.vault.slash(bank.worker, 3 * UNIT, 0, {"from": bank.lane})
    assert tuple(bank.vault.sponsorshipOf(bank.worker)) == (bank.sponsor, 2 * UNIT, False)


def test_slash_allotted__also_while_it_ends__takes_the_ending_part_first(bank: Bank) -> None:
    bank.vault.allot(bank.escrow, 3 * UNIT, {"from": bank.worker})
    bank.vault.unallot(bank.worker, bank.escrow, UNIT, {"from": bank.worker})
    sleep(DELAY)

    bank.vault.slashAllotted(bank.worker, bank.escrow, 2 * UNIT, 0, {"from": bank.lane})

    assert tuple(bank.vault.allotmentOf(bank.worker, bank.escrow))[:2] == (UNIT, 0)
    assert tuple(bank.vault.accountOf(bank.worker))[:2] == (3 * UNIT, UNIT)


def test_slash_allotted__more_than_allotted__refused_though_more_is_locked(bank: Bank) -> None:
    bank.vault.allot(bank.escrow, UNIT, {"from": bank.worker})
    lock(bank, 3 * UNIT)
    with refuses("AllotmentTooSmall", bank.worker, bank.escrow, UNIT + 1, UNIT):
        bank.vault.slashAllotted(bank.worker, bank.escrow, UNIT + 1, 0, {"from": bank.lane})


def test_absent_batch_lane__zero_address__is_nobodys_key(bank: Bank) -> None:
    assert bank.vault.BATCH_LANE() == NOBODY
    with refuses("NotALane", bank.escrow):
        bank.vault.lock(bank.worker, 1, 0, {"from": bank.escrow})
