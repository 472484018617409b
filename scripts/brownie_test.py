#!/usr/bin/env python3
"""Runs `brownie test` against a local chain of its own, on a port of the system's choice.

    scripts/brownie_test.py [PATH] [PYTEST OPTION ...]        without a path: tests/contracts

The chain ends with this program, whatever ends it. Brownie's own folder, where it keeps networks, accounts and the
errors it knows, is a temporary one: nothing in the user's home is needed or changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from brownie_deploy import ROOT, brownie, compiling, environment_for

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.errors import ChainError

_NETWORK = "anvil"
_ACCOUNTS = 20
# Brownie sends its transactions at a price of zero, and reads why one reverted from its trace.
_FOR_BROWNIE = ("--block-base-fee-per-gas", "0", "--gas-price", "0", "--steps-tracing")


def run(arguments: list[str]) -> int:
    """Brownie's exit status. Raises `ChainError` when there is no local chain to be had."""
    if not arguments or arguments[0].startswith("-"):
        arguments = ["tests/contracts", *arguments]
    with (
        Anvil.start(block_time=None, accounts=_ACCOUNTS, extra=_FOR_BROWNIE) as chain,
        tempfile.TemporaryDirectory(prefix="edgebounty-brownie-") as home,
    ):
        _write_home(Path(home), chain)
        # Brownie warns of its own calls of what it has deprecated.
        command = [brownie(), "test", *arguments, "--network", _NETWORK, "-W", "ignore:rpc.:FutureWarning"]
        environment = environment_for(Path(home))
        with compiling():
            compiled = subprocess.run([brownie(), "compile"], cwd=ROOT, env=environment, check=False).returncode
        return compiled or subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _write_home(home: Path, chain: Anvil) -> None:
    """A development network that is there already: brownie attaches to it and starts nothing."""
    settings = {"port": chain.port, "chain_id": chain.chain_id}
    network = {"name": "Anvil", "id": _NETWORK, "cmd": "anvil", "host": "http://127.0.0.1", "cmd_settings": settings}
    data = home / ".brownie"
    data.mkdir()
    (data / "network-config.yaml").write_text(json.dumps({"live": [], "development": [network]}))  # JSON is YAML


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:]))
    except ChainError as error:
        sys.exit(f"brownie_test: {error}")
