"""EdgeToken: anyone may mint, except where tokens are worth something."""

from __future__ import annotations

from typing import Any

import brownie  # type: ignore[import-untyped]
import pytest
from brownie.exceptions import decode_typed_error  # type: ignore[import-untyped]

from tests.contracts.rig import UNIT, Market

pytestmark = pytest.mark.integration


def test_faucet__called_twice__mints_to_the_caller_each_time(market: Market) -> None:
    market.token.faucet({"from": market.anyone})
    market.token.faucet({"from": market.anyone})

    assert market.token.balanceOf(market.anyone) == 2 * market.token.FAUCET_AMOUNT() == 20_000 * UNIT
    assert market.token.totalSupply() == 20_000 * UNIT


def test_token__on_a_development_chain__has_a_name_and_18_decimals(market: Market) -> None:
    assert (market.token.symbol(), market.token.decimals()) == ("EDGE", 18)


def test_deployment__on_chain_1__refused(EdgeToken: Any) -> None:
    creation = {"data": EdgeToken.deploy.encode_input()}
    request("anvil_setChainId", 1)
    try:
        answer = request("eth_call", creation, "latest")
    finally:
        request("anvil_setChainId", 31337)

    assert decode_typed_error(answer["error"]["data"]) == "NotATestNetwork: 1"
    assert "error" not in request("eth_call", creation, "latest")


def request(method: str, *parameters: Any) -> dict[str, Any]:
    answer: dict[str, Any] = brownie.web3.provider.make_request(method, list(parameters))
    return answer
