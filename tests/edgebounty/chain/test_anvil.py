from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from edgebounty.chain.anvil import Anvil, dev_account, find_binary
from edgebounty.chain.errors import AnvilError
from edgebounty.chain.rpc import connect

pytestmark = pytest.mark.integration


def wait_until(condition: object, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_start__port_zero__answers_and_mines(anvil: Anvil) -> None:
    web3 = connect(anvil.url, 31337)
    first = web3.eth.block_number
    assert wait_until(lambda: web3.eth.block_number > first + 1)
    assert web3.eth.get_balance(dev_account(9).address) > 0


def test_start__port_taken__says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AnvilError, match=f"port {port} .* another program listens there"):
            Anvil.start(port=port)


def test_start__bad_flag__reports_what_the_chain_said() -> None:
    with pytest.raises(AnvilError, match="no-such-flag"):
        Anvil.start(extra=["--no-such-flag"])


def test_find_binary__missing_file__names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANVIL", "/nonexistent/anvil")
    with pytest.raises(AnvilError, match="/nonexistent/anvil"):
        find_binary()


def test_anvil__parent_killed__dies_with_it() -> None:
    code = "from edgebounty.chain.anvil import Anvil; import time; print(Anvil.start().pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_stop__twice__is_quiet_and_leaves_no_process() -> None:
    chain = Anvil.start()
    chain.stop()
    chain.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(chain.pid, 0)


def saved_height(state: Path) -> int:
    """The newest block in a state file; -1 before there is a whole one."""
    try:
        return int(json.loads(state.read_text())["best_block_number"])
    except (OSError, ValueError):
        return -1


def test_start__state_file__survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    chain = Anvil.start(state=state)
    web3 = connect(chain.url)
    assert wait_until(lambda: web3.eth.block_number >= 3)
    height = web3.eth.block_number
    assert wait_until(lambda: saved_height(state) >= height)
    chain.kill()
    with Anvil.start(state=state) as again:
        assert connect(again.url).eth.block_number >= height
