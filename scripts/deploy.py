"""Deploys all contracts with brownie, by the plan that `edgebounty deploy` follows too.

    EDGEBOUNTY_ACCOUNT=deployer brownie run scripts/deploy.py --network sepolia

The account is one of brownie's keystore (`brownie accounts new deployer`); brownie asks for its password, or reads it
from the file that EDGEBOUNTY_PASSWORD_FILE names. On a chain with id 31337 the first account of the public test
mnemonic is used when none is named. From the environment, all optional:

    EDGEBOUNTY_DEPLOYMENT         where to write the deployment (build/deployment.json)
    EDGEBOUNTY_TOKEN              address of the token to use; without it the test token is deployed
    EDGEBOUNTY_EPOCH_BLOCKS, EDGEBOUNTY_MARGIN_BLOCKS, EDGEBOUNTY_DRAW_SECONDS, EDGEBOUNTY_RAMP_SECONDS,
    EDGEBOUNTY_UNBONDING_SECONDS, EDGEBOUNTY_NO_SHOW_BPS, EDGEBOUNTY_SPONSOR_CAP, EDGEBOUNTY_MIN_SLOT_PRICE,
    EDGEBOUNTY_MIN_TASK_SECONDS
                                  see edgebounty/chain/deployment.py; defaults suit a test network, and on chain 31337
                                  a development chain

`scripts/brownie_deploy.py` runs this script against any RPC URL without touching brownie's own configuration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from brownie import accounts, network, project  # type: ignore[import-untyped]

from edgebounty.chain.anvil import dev_account
from edgebounty.chain.deployment import (
    BATCH_ON_ETHEREUM,
    COURT_ON_ETHEREUM,
    DeploymentError,
    DeploymentSettings,
    check,
    deployment_of,
    plan,
)
from edgebounty.protocol.types import to_address

_DEVELOPMENT_CHAIN = 31337
_ETHEREUM = DeploymentSettings(
    epoch_blocks=32,
    margin_blocks=4,
    draw_seconds=900,
    ramp_seconds=300,
    min_task_seconds=60,
    unbonding_seconds=7 * 24 * 3600,
    batch=BATCH_ON_ETHEREUM,
    court=COURT_ON_ETHEREUM,
)
_NUMBERS = (
    *("epoch_blocks", "margin_blocks", "draw_seconds", "ramp_seconds", "unbonding_seconds"),
    *("no_show_bps", "sponsor_cap", "min_slot_price", "min_task_seconds"),
)


def main() -> None:
    """Deploy, write the deployment file and say where everything is."""
    settings = settings_from(os.environ, chain_id=network.chain.id)
    check(network.chain.id, settings)
    account = _account(os.environ, chain_id=network.chain.id)
    planned = plan(to_address(account.address), account.nonce, settings)
    ours = project.get_loaded_projects()[-1]

    first_block = 0
    for step in planned:
        # Not account.deploy: on live networks brownie 1.22 fails while noting the contract in its own database.
        print(f"{step.name}: creating it at {step.address}")
        receipt = account.transfer(data=ours.dict()[step.name].deploy.encode_input(*step.args), silent=True)
        if receipt.status != 1 or to_address(receipt.contract_address) != step.address:
            raise DeploymentError(f"{step.name} was not created at {step.address} as planned: see {receipt.txid}")
        first_block = first_block or receipt.block_number

    deployment = deployment_of(
        planned, settings, chain_id=network.chain.id, block=first_block, deployer=to_address(account.address)
    )
    path = Path(os.environ.get("EDGEBOUNTY_DEPLOYMENT", "build/deployment.json"))
    deployment.save(path)
    print(f"deployed to chain {deployment.chain_id}; wrote {path}")


def settings_from(environment: Mapping[str, str], *, chain_id: int) -> DeploymentSettings:
    """The settings that the environment asks for. Raises `DeploymentError` naming what is not a number."""
    settings = DeploymentSettings() if chain_id == _DEVELOPMENT_CHAIN else _ETHEREUM
    changes: dict[str, Any] = {}
    for name in _NUMBERS:
        text = environment.get(f"EDGEBOUNTY_{name.upper()}")
        if text is None:
            continue
        if not text.isdecimal():
            raise DeploymentError(f"EDGEBOUNTY_{name.upper()} must be a whole number, not {text!r}")
        changes[name] = int(text)
    if token := environment.get("EDGEBOUNTY_TOKEN"):
        changes["token"] = to_address(token)
    return replace(settings, **changes)


def _account(environment: Mapping[str, str], *, chain_id: int) -> Any:
    name = environment.get("EDGEBOUNTY_ACCOUNT")
    if name:
        password_file = environment.get("EDGEBOUNTY_PASSWORD_FILE")
        password = Path(password_file).read_text().rstrip("\n") if password_file else None
        return accounts.load(name, password=password)
    if chain_id == _DEVELOPMENT_CHAIN:
        return accounts.add(dev_account(0).key.hex())
    raise DeploymentError("name the account that deploys in EDGEBOUNTY_ACCOUNT (make one: brownie accounts new NAME)")
