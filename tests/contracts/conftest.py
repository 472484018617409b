"""A local chain and a market on it; each test starts from the same state."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from lane_rig import Market
from web3 import Web3

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.rpc import connect

# These need brownie's pytest plugin: scripts/brownie_test.sh runs them.
collect_ignore_glob = [] if os.environ.get("EDGEBOUNTY_BROWNIE_TESTS") else ["brownie/*"]


@pytest.fixture(scope="module")
def chain() -> Iterator[Web3]:
    with Anvil.start(block_time=None) as anvil:
        yield connect(anvil.url)


@pytest.fixture(scope="module")
def base(chain: Web3) -> Market:
    return Market.deployed(chain)


@pytest.fixture()
def market(base: Market) -> Iterator[Market]:
    """The deployed market, put back afterwards."""
    snapshot = base.web3.provider.make_request("evm_snapshot", [])["result"]  # type: ignore[arg-type]
    yield Market(web3=base.web3, deployment=base.deployment)
    base.web3.provider.make_request("evm_revert", [snapshot])  # type: ignore[arg-type]
