"""docs/deploy.md as it is written: its blocks are run, on a chain with Sepolia's id and on one that is not anvil."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from eth_account import Account

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.child import Watch
from edgebounty.chain.deployment import Deployment
from scripts.brownie_deploy import compiling
from tests.edgebounty.worker.geth_kit import geth_chain

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
SEPOLIA = 11_155_111
ROLES = ("deployer", "orchestrator", "worker", "worker-2", "requester")
QUICK = {
    "EDGEBOUNTY_EPOCH_BLOCKS": "2",
    "EDGEBOUNTY_MARGIN_BLOCKS": "1",
    "EDGEBOUNTY_DRAW_SECONDS": "6",
    "EDGEBOUNTY_RAMP_SECONDS": "1",
}
"""Ethereum's settings would make a rehearsal wait for quarters of an hour."""


def block(language: str, holding: str) -> str:
    """The one block of the page that holds these words."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in text]
    assert len(found) == 1, f"{len(found)} blocks hold {holding!r}"
    return str(found[0])


class Stranger:
    """Somebody with this repository, an empty home and accounts whose ether somebody gave them."""

    def __init__(self, home: Path, rpc: str, market: str) -> None:
        self.home, self.rpc, self.market = home, rpc, market
        accounts = home / ".brownie" / "accounts"
        accounts.mkdir(parents=True)
        for i, role in enumerate(ROLES):
            content = json.dumps(Account.encrypt(dev_account(i).key, "secret", kdf="pbkdf2", iterations=1000))
            (accounts / f"{role}.json").write_text(content)
            for path in (home / f"{role}.json",):
                path.write_text(content)
                path.chmod(0o600)
        self.password = home / "password.txt"
        self.password.write_text("secret\n")
        self.password.chmod(0o600)

    def environment(self) -> dict[str, str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith(("EDGEBOUNTY", "SOLCX"))}
        path = f"{Path(sys.executable).parent}:{told['PATH']}"
        return told | {"HOME": str(self.home), "RPC": self.rpc, "PATH": path, "PYTHONPATH": str(ROOT)}

    def adapted(self, text: str) -> str:
        """The page's text with our addresses in it."""
        return text.replace("https://rpc.example.org", self.rpc).replace("https://market.example.org", self.market)

    def run(self, script: str, *, folder: Path | None = None, seconds: float = 180, **more: str) -> str:
        """What the commands printed. They must all succeed."""
        done = subprocess.run(
            ["bash", "-euc", self.adapted(script)],
            cwd=folder or self.home,
            env=self.environment() | more,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def keeps_running(self, script: str) -> Iterator[Path]:
        """The commands' log, while they run."""
        log = self.home / f"{len(list(self.home.glob('*.log')))}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-euc", "exec " + self.adapted(script)],
                cwd=self.home,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        watch = Watch(process.pid)
        try:
            yield log
            assert process.poll() is None, log.read_text()
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0, log.read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            watch.dismiss()

    def deploy(self, *, chain_id: int, **settings: str) -> Deployment:
        """The page's brownie command, from the repository's folder."""
        script = block("sh", "brownie run scripts/deploy.py --network sepolia")
        if chain_id != SEPOLIA:
            script = script.replace("modify sepolia ", f"modify sepolia chainid={chain_id} ")
        target = self.home / "deployment.json"
        assert "EDGEBOUNTY_DEPLOYMENT=deployment.json" in script
        script = script.replace("EDGEBOUNTY_DEPLOYMENT=deployment.json", f"EDGEBOUNTY_DEPLOYMENT={target}")
        with compiling():
            self.run(script, folder=ROOT, EDGEBOUNTY_PASSWORD_FILE=str(self.password), **settings)
        return Deployment.load(target)


def test_page__on_a_chain_with_sepolias_id__from_accounts_to_a_paid_job(tmp_path: Path) -> None:
    port = _free_port()
    with Anvil.start(chain_id=SEPOLIA) as chain:
        stranger = Stranger(tmp_path, chain.url, f"http://127.0.0.1:{port}")
        stranger.run(block("sh", "install -m 600").splitlines()[0])
        assert stranger.deploy(chain_id=SEPOLIA, **QUICK).chain_id == SEPOLIA

        settings = stranger.adapted(block("toml", "data_dir")).replace("8420", str(port))
        (tmp_path / "orchestrator.toml").write_text(settings)
        (tmp_path / "edgebounty.toml").write_text(stranger.adapted(block("toml", "chain_id = 11155111")))
        (tmp_path / "table.csv").write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
        faucet, run_worker = block("sh", "worker run").splitlines()
        with stranger.keeps_running(block("sh", "orchestrator run")) as log:
            _wait_for(log, "ready")
            stranger.run(block("sh", "orchestrator status"))
            stranger.run(faucet)
            stranger.run(faucet.replace("worker.json", "worker-2.json"))
            second = run_worker.replace("worker.json", "worker-2.json").replace("--data-dir worker", "--data-dir two")
            with stranger.keeps_running(run_worker), stranger.keeps_running(second):
                said = stranger.run(block("sh", "job post"), seconds=300)
    assert "Right." in said
    assert json.loads((tmp_path / "statistics.json").read_text())["columns"]["a"]["count"] == 40
    difference = next(line for line in said.splitlines() if line.startswith("difference"))
    assert " 0 " in difference


def test_page__without_brownie__same_contracts(tmp_path: Path) -> None:
    with Anvil.start(chain_id=SEPOLIA) as chain:
        stranger = Stranger(tmp_path, chain.url, "http://127.0.0.1:1")
        stranger.run(block("sh", "edgebounty deploy"))
        assert Deployment.load(tmp_path / "deployment.json").chain_id == SEPOLIA


def test_page__on_geth__brownies_command_deploys(tmp_path: Path) -> None:
    """`geth --dev` always has chain id 1337, so brownie's entry is told that too."""
    with geth_chain(accounts=1) as url:
        stranger = Stranger(tmp_path, url, "http://127.0.0.1:1")
        assert stranger.deploy(chain_id=1337).chain_id == 1337


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(log: Path, word: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while word not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
