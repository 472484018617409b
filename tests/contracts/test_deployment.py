"""Deployment: everything is where and as the plan says, and wrong wiring is refused by the contract that comes last."""

from __future__ import annotations

from typing import Any

import pytest

from edgebounty.chain.deployment import artifact, plan
from edgebounty.protocol.types import to_address
from tests.contracts.rig import NOBODY, SETTINGS, Market, refuses

pytestmark = pytest.mark.integration

DAY = 24 * 3600


def test_plan__carried_out_by_brownie__contracts_are_at_the_planned_addresses(market: Market) -> None:
    deployer = to_address(market.accounts[0].address)
    planned = {step.name: step.address for step in plan(deployer, 0, SETTINGS)}
    made = {"EdgeToken": market.token, "EpochSeeds": market.seeds, "StakeVault": market.vault}
    made |= {"BountyEscrow": market.escrow, "DirectLane": market.lane, "BatchLane": market.batch_lane}
    judges = {"BatchChallenges": market.batch_lane.CHALLENGES(), "BatchPayouts": market.batch_lane.PAYOUTS()}
    judges["BatchCourt"] = market.batch_lane.COURT()
    assert {name: contract.address for name, contract in made.items()} | judges == planned


def test_deployment__as_planned__everybody_knows_everybody(market: Market) -> None:
    vault, escrow, lane = market.vault, market.escrow, market.lane
    assert vault.TOKEN() == escrow.TOKEN() == market.token
    assert vault.ESCROW() == lane.ESCROW() == escrow
    assert vault.DIRECT_LANE() == escrow.DIRECT_LANE() == lane
    assert vault.BATCH_LANE() == escrow.BATCH_LANE() == market.batch_lane
    assert (market.batch_lane.VAULT(), market.batch_lane.ESCROW()) == (vault, escrow)
    assert (lane.VAULT(), lane.SEEDS()) == (vault, market.seeds)


def test_deployment__as_planned__settings_are_those_chosen(market: Market) -> None:
    vault, escrow, lane = market.vault, market.escrow, market.lane
    assert (market.seeds.EPOCH_BLOCKS(), market.seeds.MARGIN_BLOCKS()) == (
        SETTINGS.epoch_blocks,
        SETTINGS.margin_blocks,
    )
    assert (vault.UNBONDING_TIME(), vault.SPONSOR_CAP()) == (SETTINGS.unbonding_seconds, SETTINGS.sponsor_cap)
    assert (escrow.MIN_SLOT_PRICE(), escrow.MIN_TASK_TIME()) == (SETTINGS.min_slot_price, SETTINGS.min_task_seconds)
    assert (lane.NO_SHOW_BPS(), lane.DRAW_TIME(), lane.RAMP_TIME()) == (
        SETTINGS.no_show_bps,
        SETTINGS.draw_seconds,
        SETTINGS.ramp_seconds,
    )


@pytest.mark.parametrize(
    "name",
    [
        "EpochSeeds",
        "StakeVault",
        "BountyEscrow",
        "DirectLane",
        "BatchLane",
        "BatchChallenges",
        "BatchPayouts",
        "BatchCourt",
    ],
)
def test_contract__anybody__has_no_owner_to_obey(name: str) -> None:
    functions = {entry["name"].lower() for entry in artifact(name)["abi"] if entry["type"] == "function"}
    functions -= {"strikeowner"}  # of a payout index; anyone may call
    assert not {word for word in functions if any(part in word for part in ("owner", "upgrade", "pause", "admin"))}


def test_lane__at_another_address_than_predicted__refused(market: Market, DirectLane: Any) -> None:
    arguments = (market.escrow, market.vault, market.seeds, 500, 10, 1)
    with refuses("WrongWiring", ...):
        market.anyone.deploy(DirectLane, *arguments)


@pytest.mark.parametrize("fee", [0, 10_001])
def test_lane__no_show_fee_out_of_range__refused(market: Market, DirectLane: Any, fee: int) -> None:
    with refuses("NoShowFeeOutOfRange", fee, 10_000):
        market.anyone.deploy(DirectLane, market.escrow, market.vault, market.seeds, fee, 10, 1)


@pytest.mark.parametrize(("draw", "ramp"), [(2, 3), (2, 0), (DAY + 1, 1), (DAY, DAY + 1)])
def test_lane__draw_time_out_of_range__refused(market: Market, DirectLane: Any, draw: int, ramp: int) -> None:
    with refuses("DrawTimeOutOfRange", draw, ramp, DAY):
        market.anyone.deploy(DirectLane, market.escrow, market.vault, market.seeds, 500, draw, ramp)


@pytest.mark.parametrize("blocks", [0, 1, 129])
def test_seeds__epoch_length_out_of_range__refused(accounts: Any, EpochSeeds: Any, blocks: int) -> None:
    with refuses("EpochLengthOutOfRange", blocks, 2, 128):
        accounts[0].deploy(EpochSeeds, blocks, 1)


@pytest.mark.parametrize("margin", [0, 4])
def test_seeds__margin_out_of_range__refused(accounts: Any, EpochSeeds: Any, margin: int) -> None:
    with refuses("MarginOutOfRange", margin, 1, 3):
        accounts[0].deploy(EpochSeeds, 4, margin)


@pytest.mark.parametrize("seconds", [0, 365 * DAY + 1])
def test_vault__unbonding_time_out_of_range__refused(market: Market, StakeVault: Any, seconds: int) -> None:
    with refuses("UnbondingTimeOutOfRange", seconds, 1, 365 * DAY):
        market.anyone.deploy(StakeVault, market.token, market.escrow, market.lane, NOBODY, seconds, 1)


def test_vault__sponsor_cap_out_of_range__refused(market: Market, StakeVault: Any) -> None:
    with refuses("SponsorCapOutOfRange", 2**96, 2**96 - 1):
        market.anyone.deploy(StakeVault, market.token, market.escrow, market.lane, NOBODY, 60, 2**96)
