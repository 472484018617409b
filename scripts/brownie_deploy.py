#!/usr/bin/env python3
"""Runs brownie's deployment (scripts/deploy.py) against any RPC URL.

    scripts/brownie_deploy.py --rpc http://127.0.0.1:8545 --out build/deployment.json

Brownie keeps networks and accounts in `.brownie` of the home folder. So that nothing there is needed or changed, it
gets a home of its own for this run, with one network in it: the given one. Everything that scripts/deploy.py reads from
the environment holds here too, except that accounts come from --keystore and --password-file. Without them the chain
must be a development chain (id 31337).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgebounty.chain.errors import ChainError
from edgebounty.chain.rpc import connect

ROOT = Path(__file__).resolve().parents[1]
_NETWORK = "edgebounty"
_ACCOUNT = "deployer"


def run(rpc: str, out: Path, *, keystore: Path | None = None, password_file: Path | None = None) -> int:
    """Brownie's exit status. Its output goes to ours. Raises `ChainError` when the node does not answer."""
    chain_id = int(connect(rpc).eth.chain_id)
    with tempfile.TemporaryDirectory(prefix="edgebounty-brownie-") as home:
        write_home(Path(home), rpc=rpc, chain_id=chain_id, keystore=keystore)
        environment = environment_for(Path(home)) | {"EDGEBOUNTY_DEPLOYMENT": str(out.resolve())}
        if keystore is not None:
            environment["EDGEBOUNTY_ACCOUNT"] = _ACCOUNT
        if password_file is not None:
            environment["EDGEBOUNTY_PASSWORD_FILE"] = str(password_file.resolve())
        command = [brownie(), "run", "scripts/deploy.py", "--network", _NETWORK]
        with compiling():
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


@contextmanager
def compiling() -> Iterator[None]:
    """Keeps a second brownie from compiling into the same folder at the same time: it would find files half-written."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "brownie.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def brownie() -> str:
    """The brownie of the running interpreter's environment."""
    return str(Path(sys.executable).parent / "brownie")


def environment_for(home: Path) -> dict[str, str]:
    """Our environment with brownie's home moved and the pinned compiler in reach."""
    subprocess.run([ROOT / "scripts" / "solc" / "install.sh"], check=True, stdout=subprocess.DEVNULL)
    return os.environ | {"HOME": str(home), "SOLCX_BINARY_PATH": str(ROOT / "build" / "solc")}


def write_home(home: Path, *, rpc: str, chain_id: int, keystore: Path | None = None) -> None:
    """What brownie looks for in its home: one live network, and the account if there is one."""
    data = home / ".brownie"
    (data / "accounts").mkdir(parents=True)
    network = {"name": _NETWORK, "id": _NETWORK, "chainid": chain_id, "host": rpc, "timeout": 60}
    networks = {"live": [{"name": "Edgebounty", "networks": [network]}], "development": []}
    (data / "network-config.yaml").write_text(json.dumps(networks))  # JSON is YAML
    if keystore is not None:
        shutil.copyfile(keystore, data / "accounts" / f"{_ACCOUNT}.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rpc", required=True, metavar="URL", help="the node's JSON-RPC")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write the deployment")
    parser.add_argument("--keystore", type=Path, metavar="FILE", help="a Web3 keystore file of the deploying account")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="the keystore's password")
    asked = parser.parse_args()
    try:
        return run(asked.rpc, asked.out, keystore=asked.keystore, password_file=asked.password_file)
    except ChainError as error:
        print(f"brownie_deploy: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
