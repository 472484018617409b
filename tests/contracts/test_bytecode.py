"""One bytecode: what brownie compiles, what the package ships, and what scripts/compile.py makes of the sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import brownie  # type: ignore[import-untyped]
import pytest

from edgebounty.chain.deployment import artifact, plan
from edgebounty.protocol.types import to_address
from tests.contracts.rig import SETTINGS, Market

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = [
    *("EdgeToken", "EpochSeeds", "StakeVault", "BountyEscrow"),
    *("BatchChallenges", "BatchPayouts", "BatchLane", "DirectLane", "BatchCourt"),
]


def test_plan__its_contracts__are_those_compared_here(market: Market) -> None:
    planned = plan(to_address(market.accounts[0].address), 0, SETTINGS)
    assert sorted(step.name for step in planned) == sorted(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_bytecode__brownie_and_shipped__equal(name: str) -> None:
    compiled = brownie.project.get_loaded_projects()[0].dict()[name]
    assert "0x" + compiled.bytecode.removeprefix("0x") == artifact(name)["bytecode"]
    assert by_signature(compiled.abi) == by_signature(artifact(name)["abi"])


@pytest.mark.parametrize("name", CONTRACTS)
def test_creation__brownies_and_the_plans_input__equal(market: Market, name: str) -> None:
    """What is sent to the chain, arguments included, is the same whoever deploys."""
    step = next(s for s in plan(to_address(market.accounts[0].address), 0, SETTINGS) if s.name == name)
    compiled = brownie.project.get_loaded_projects()[0].dict()[name]
    shipped = brownie.web3.eth.contract(abi=artifact(name)["abi"], bytecode=artifact(name)["bytecode"])
    assert (
        "0x" + compiled.deploy.encode_input(*step.args).removeprefix("0x")
        == shipped.constructor(*step.args).data_in_transaction
    )


def test_shipped_artifacts__against_the_sources__up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "compile.py", "--check"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr


def by_signature(abi: list[dict[str, Any]]) -> list[str]:
    """The ABI in one order, without the name that brownie gives to the constructor."""
    unnamed = [{k: v for k, v in entry.items() if entry["type"] != "constructor" or k != "name"} for entry in abi]
    return sorted(repr(sorted(entry.items(), key=lambda item: item[0])) for entry in unnamed)
