"""brownie's deployment by scripts/brownie_deploy.py, on anvil and on geth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import (
    BATCH_ON_ETHEREUM,
    COURT_ON_ETHEREUM,
    Deployment,
    DeploymentSettings,
    artifact,
    plan,
)
from edgebounty.chain.rpc import connect
from edgebounty.protocol.types import to_address
from tests.edgebounty.worker.geth_kit import geth_chain

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
DEPLOYER = to_address(dev_account(0).address)


def test_deploy__on_anvil__as_planned_with_development_settings(tmp_path: Path) -> None:
    with Anvil.start() as anvil:
        done = brownie_deploy(anvil.url, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        check_deployed(anvil.url, Deployment.load(tmp_path / "deployment.json"), 0, DeploymentSettings())


def test_deploy__on_geth_with_a_keystore__as_planned_with_ethereums_settings(tmp_path: Path) -> None:
    with geth_chain(accounts=1) as url:
        done = brownie_deploy(url, tmp_path, *keystore(tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr
        settings = DeploymentSettings(
            epoch_blocks=32,
            margin_blocks=4,
            draw_seconds=900,
            ramp_seconds=300,
            min_task_seconds=60,
            unbonding_seconds=604_800,
            batch=BATCH_ON_ETHEREUM,
            court=COURT_ON_ETHEREUM,
        )
        check_deployed(url, Deployment.load(tmp_path / "deployment.json"), 0, settings)


def test_deploy__on_geth_without_an_account__refused_and_nothing_sent(tmp_path: Path) -> None:
    with geth_chain(accounts=1) as url:
        done = brownie_deploy(url, tmp_path)
        assert done.returncode != 0
        assert "name the account that deploys in EDGEBOUNTY_ACCOUNT" in done.stdout + done.stderr
        assert connect(url).eth.get_transaction_count(dev_account(0).address) == 0
    assert not (tmp_path / "deployment.json").exists()


def test_deploy__nobody_listens__says_so(tmp_path: Path) -> None:
    done = brownie_deploy("http://127.0.0.1:1", tmp_path)
    assert done.returncode == 1
    assert "http://127.0.0.1:1" in done.stderr


def brownie_deploy(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script, out = ROOT / "scripts" / "brownie_deploy.py", folder / "deployment.json"
    command = [sys.executable, str(script), "--rpc", url, "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def keystore(folder: Path) -> list[str]:
    key, password = folder / "key.json", folder / "password.txt"
    key.write_text(json.dumps(Account.encrypt(dev_account(0).key, "secret", kdf="pbkdf2", iterations=1000)))
    password.write_text("secret\n")
    return ["--keystore", str(key), "--password-file", str(password)]


def check_deployed(url: str, deployment: Deployment, nonce: int, settings: DeploymentSettings) -> None:
    """Every contract is at its planned address, created by exactly the shipped bytecode and the plan's arguments."""
    web3 = connect(url)
    planned = plan(DEPLOYER, nonce, settings)
    assert {step.address for step in planned} == {
        *(deployment.token, deployment.vault, deployment.escrow, deployment.seeds, deployment.direct_lane),
        *(deployment.batch_lane, deployment.batch_challenges, deployment.batch_payouts, deployment.batch_court),
    }
    sent = {
        transaction["nonce"]: transaction["input"].to_0x_hex()
        for number in range(web3.eth.block_number + 1)
        for transaction in web3.eth.get_block(number, full_transactions=True)["transactions"]
        if transaction["from"] == DEPLOYER  # type: ignore[index]
    }
    for step in planned:
        shipped = web3.eth.contract(abi=artifact(step.name)["abi"], bytecode=artifact(step.name)["bytecode"])
        assert sent[step.nonce] == shipped.constructor(*step.args).data_in_transaction, step.name
        assert len(web3.eth.get_code(web3.to_checksum_address(step.address))) > 0, step.name
