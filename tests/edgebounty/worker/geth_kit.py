"""A chain that is not anvil: the pinned geth in its development mode, on loopback and ports of its own choice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from web3 import Web3

from edgebounty.chain.anvil import dev_account
from edgebounty.chain.child import BoundChild
from edgebounty.chain.rpc import connect

ROOT = Path(__file__).resolve().parents[3]
BUILD_SECONDS = 1500
_STARTED = re.compile(r"HTTP server started\s+endpoint=127\.0\.0\.1:(\d+)")


def geth_binary() -> Path:
    """The pinned geth, built now if Go is here. Skips the test, saying why, where neither is."""
    built = ROOT / "build" / "bin" / "geth"
    if built.exists():
        return built
    found = os.environ.get("GETH") or shutil.which("geth")
    if found:
        return Path(found)
    if shutil.which("go") is None:
        pytest.skip("neither geth nor Go is installed: the second Ethereum client is not tested here")
    done = subprocess.run(
        [ROOT / "scripts" / "geth" / "build.sh"], capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if done.returncode != 0 or not built.exists():
        pytest.skip(f"geth could not be built here: {(done.stdout + done.stderr)[-300:]}")
    return built


@contextmanager
def geth_chain(*, accounts: int = 10, period_seconds: int = 1) -> Iterator[str]:
    """The URL of a fresh chain where the first `accounts` of the public test mnemonic have coin."""
    command = [str(geth_binary()), "--dev", "--dev.period", str(period_seconds), "--nodiscover", "--maxpeers", "0"]
    command += ["--http", "--http.addr", "127.0.0.1", "--http.port", "0", "--http.api", "eth,net,web3"]
    command += ["--port", "0", "--ipcdisable", "--authrpc.addr", "127.0.0.1", "--authrpc.port", "0"]
    with BoundChild(command) as child:
        lines: deque[str] = deque(maxlen=30)
        ports: list[str] = []
        ready = threading.Event()

        def drain() -> None:
            assert child.process.stdout is not None
            with child.process.stdout as stream:
                for raw in stream:
                    lines.append(raw.decode(errors="replace").rstrip())
                    match = _STARTED.search(lines[-1])
                    if match:
                        ports.append(match[1])
                        ready.set()
            ready.set()

        threading.Thread(target=drain, daemon=True).start()
        ready.wait(30)
        assert ports, "geth did not start: " + " | ".join(lines)
        url = f"http://127.0.0.1:{ports[0]}"
        _fund(connect(url), accounts)
        yield url


def _fund(web3: Web3, accounts: int) -> None:
    rich = web3.eth.accounts[0]
    value = Web3.to_wei(10, "ether")
    hashes = [
        web3.eth.send_transaction({"from": rich, "to": dev_account(i).address, "value": value}) for i in range(accounts)
    ]
    for tx_hash in hashes:
        web3.eth.wait_for_transaction_receipt(tx_hash, timeout=30, poll_latency=0.1)
