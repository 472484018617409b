"""Whoever pays for others' withdrawals has to say what they are worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.batch import worth_of_a_token
from orchestrator.config import Settings
from orchestrator.domain.errors import Broken

pytestmark = pytest.mark.unit


def settings(**changes: float) -> Settings:
    paths = {"deployment": Path("market.json"), "data_dir": Path("data"), "key_file": Path("key")}
    base = {"rpc_url": "http://127.0.0.1:8545"} | paths
    return Settings(**(base | changes))  # type: ignore[arg-type]


def test_token_gwei__not_told_where_gas_costs_money__the_operator_is_asked() -> None:
    with pytest.raises(Broken, match="token_gwei is missing: what a token is worth in gwei"):
        worth_of_a_token(settings(), chain_id=1)
    assert worth_of_a_token(settings(), chain_id=31337) == 0
    assert worth_of_a_token(settings(batch_most_bond=0), chain_id=1) == 0


def test_token_gwei__told__is_what_counts() -> None:
    assert worth_of_a_token(settings(token_gwei=0), chain_id=1) == 0
    assert worth_of_a_token(settings(token_gwei=2.5), chain_id=31337) == 2_500_000_000
