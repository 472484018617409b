"""Fixtures of the brownie tests. Each test starts from the same freshly deployed market.

`scripts/brownie_test.sh` runs them: they need brownie's pytest plugin, which every other test run leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.rig import Market


@pytest.fixture(autouse=True)
def isolation(fn_isolation: None) -> None:
    """Puts the chain back after each test."""


@pytest.fixture(scope="module")
def deployed(module_isolation: None, accounts: Any) -> Market:
    """The market as `edgebounty deploy` plans it, on a development chain."""
    return Market.deployed(accounts)


@pytest.fixture
def market(deployed: Market, isolation: None) -> Iterator[Market]:
    """The market, nothing staked and nothing posted. Whatever a test did, nobody is owed more than is there."""
    yield deployed
    deployed.check_solvent()


@pytest.fixture
def staked(market: Market) -> Market:
    """The market with four workers whose stake is old enough to be drawn."""
    market.stake_workers(4)
    return market
