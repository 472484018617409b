"""Fixtures of the brownie tests. Each test starts from the same freshly deployed market.

`scripts/brownie_test.sh` runs them: they need brownie's pytest plugin, which every other test run leaves out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from web3.eth import Eth
from web3.exceptions import TransactionNotFound

from tests.contracts.rig import Market


@pytest.fixture(scope="session", autouse=True)
def patient_brownie() -> Iterator[None]:
    """Under load anvil counts a transaction before it has its receipt; brownie would think it was dropped."""
    at_once = Eth.get_transaction_receipt

    def patient(eth: Eth, transaction_hash: Any) -> Any:
        until = time.monotonic() + 5
        while True:
            try:
                return at_once(eth, transaction_hash)
            except TransactionNotFound:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    # It also looks only once a second whether a transaction is in.
    often = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(min(seconds, 0.02)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brownie.network.transaction.time", often)
        patch.setattr(Eth, "get_transaction_receipt", patient)
        yield


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
