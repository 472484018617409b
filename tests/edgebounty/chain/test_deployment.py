"""The deployment plan and its file: addresses known beforehand, a file that is whole or absent."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from web3 import Web3

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import (
    BATCH_ON_ETHEREUM,
    BatchSettings,
    Deployment,
    DeploymentError,
    DeploymentSettings,
    artifact,
    check,
    created_address,
    deploy,
    plan,
)
from edgebounty.chain.rpc import connect
from edgebounty.protocol.types import Address, to_address

DEPLOYER = to_address(dev_account(0).address)
SOMEBODY = to_address("0x" + "5a" * 20)
NAMES = tuple(field.name for field in dataclasses.fields(Deployment))


@pytest.fixture
def web3(anvil: Anvil) -> Web3:
    return connect(anvil.url)


@pytest.mark.unit
def test_created_address__public_test_mnemonic__is_where_everybodys_local_chain_puts_it() -> None:
    assert created_address(DEPLOYER, 0) == to_address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
    assert created_address(DEPLOYER, 1) == to_address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
    # Nonces of one byte, of one byte with a length before it, and of two are encoded differently.
    assert len({created_address(DEPLOYER, nonce) for nonce in (0, 127, 128, 255, 256)}) == 5


@pytest.mark.unit
def test_plan__token_named__leaves_the_test_token_out() -> None:
    planned = plan(DEPLOYER, 7, DeploymentSettings(token=SOMEBODY))
    batch = ["BatchChallenges", "BatchPayouts", "BatchLane"]
    names = ["EpochSeeds", "StakeVault", "BountyEscrow", *batch, "DirectLane", "BatchCourt"]
    assert [step.name for step in planned] == names
    assert [step.nonce for step in planned] == list(range(7, 15))
    assert planned[1].args[:4] == (SOMEBODY, planned[2].address, planned[6].address, planned[5].address)


@pytest.mark.unit
def test_plan__without_a_court__the_batch_lane_obeys_nobody_in_its_place() -> None:
    planned = {step.name: step for step in plan(DEPLOYER, 0, DeploymentSettings(court=None))}
    assert "BatchCourt" not in planned
    assert planned["BatchLane"].args[4] == "0x" + "00" * 20


@pytest.mark.unit
def test_check__stake_could_leave_before_the_court_is_done__refused_before_anything_is_sent() -> None:
    settings = DeploymentSettings()
    assert settings.court is not None
    liable = settings.court.liability(settings)
    with pytest.raises(DeploymentError, match=f"{liable} s"):
        check(31337, DeploymentSettings(unbonding_seconds=liable))
    check(31337, DeploymentSettings(unbonding_seconds=liable + 1))


@pytest.mark.unit
def test_plan__arguments__are_as_many_as_the_constructors_take() -> None:
    for step in plan(DEPLOYER, 0, DeploymentSettings()):
        constructors = [entry for entry in artifact(step.name)["abi"] if entry["type"] == "constructor"]
        assert len(step.args) == (len(constructors[0]["inputs"]) if constructors else 0), step.name


@pytest.mark.unit
def test_check__test_token_on_ethereum__is_refused_before_anything_is_sent() -> None:
    with pytest.raises(DeploymentError, match="no test token"):
        check(1, DeploymentSettings(batch=BATCH_ON_ETHEREUM))
    check(1, DeploymentSettings(token=SOMEBODY, batch=BATCH_ON_ETHEREUM, unbonding_seconds=604_800))


@pytest.mark.unit
def test_check__window_of_less_than_a_day_on_ethereum__is_refused_before_anything_is_sent() -> None:
    with pytest.raises(DeploymentError, match="for a day"):
        check(1, DeploymentSettings(token=SOMEBODY, batch=BatchSettings(window=86_399)))


@pytest.mark.unit
def test_deployment__saved_and_loaded__is_the_same(tmp_path: Path) -> None:
    addresses: dict[str, Address] = dict.fromkeys(NAMES[2:], SOMEBODY)
    deployment = Deployment(chain_id=31337, block=5, **addresses)
    deployment.save(tmp_path / "deep" / "deployment.json")
    assert Deployment.load(tmp_path / "deep" / "deployment.json") == deployment
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["deployment.json"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no deployment file"),
        ("{", "cannot be read"),
        ("[]", "exactly the fields"),
        ('{"chain_id": 1}', "exactly the fields"),
    ],
)
def test_load__bad_file__says_which_and_why(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "deployment.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DeploymentError, match=words) as caught:
        Deployment.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("field", "value"), [("chain_id", "1"), ("chain_id", True), ("block", -1), ("vault", "0x12"), ("deployer", None)]
)
def test_load__bad_field__is_named(tmp_path: Path, field: str, value: object) -> None:
    document: dict[str, object] = dict.fromkeys(NAMES, str(SOMEBODY)) | {"chain_id": 1, "block": 1} | {field: value}
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DeploymentError, match=field):
        Deployment.load(path)


@pytest.mark.integration
def test_deploy__development_chain__everything_is_where_the_plan_says(web3: Web3) -> None:
    account = dev_account(8)
    settings = DeploymentSettings(epoch_blocks=8)
    nonce = web3.eth.get_transaction_count(account.address)
    deployment = deploy(web3, account, settings)
    at = {step.name: step.address for step in plan(to_address(account.address), nonce, settings)}
    assert (deployment.token, deployment.seeds) == (at["EdgeToken"], at["EpochSeeds"])
    assert (deployment.vault, deployment.escrow) == (at["StakeVault"], at["BountyEscrow"])
    assert (deployment.direct_lane, deployment.batch_lane) == (at["DirectLane"], at["BatchLane"])
    judges = (deployment.batch_challenges, deployment.batch_payouts)
    assert judges == (at["BatchChallenges"], at["BatchPayouts"])
    assert deployment.batch_court == at["BatchCourt"]
    court = web3.eth.contract(
        address=web3.to_checksum_address(deployment.batch_court), abi=artifact("BatchCourt")["abi"]
    )
    assert settings.court is not None
    assert court.functions.LIABILITY().call() == settings.court.liability(settings)
    assert all(web3.eth.get_code(web3.to_checksum_address(address)) for address in at.values())


@pytest.mark.integration
def test_deploy__settings_that_a_contract_refuses__says_which_contract(web3: Web3) -> None:
    with pytest.raises(DeploymentError, match="EpochSeeds refuses"):
        deploy(web3, dev_account(8), DeploymentSettings(token=SOMEBODY, epoch_blocks=1000))
