from __future__ import annotations

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


_OWNER = """
import sys, time
from pathlib import Path
from edgebounty.chain.anvil import Anvil
chain = Anvil.start(state=Path(sys.argv[1]))
print(chain.url, chain.pid, flush=True)
time.sleep(60)
"""


def test_start__owner_killed__state_file_has_every_block(tmp_path: Path) -> None:
    """The chain writes its file in place: killed with its owner, it would lose a second of blocks, or the file."""
    state = tmp_path / "state.json"
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(state)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        url, pid = owner.stdout.readline().split()
        web3 = connect(url)
        for _ in range(30):  # a block each
            web3.eth.send_transaction(
                {"from": web3.eth.accounts[0], "to": web3.eth.accounts[1], "data": "0x" + "ab" * 9000}
            )
        height = web3.eth.block_number
    finally:
        owner.kill()
        owner.communicate()
    assert wait_until(lambda: not psutil.pid_exists(int(pid)) or psutil.Process(int(pid)).status() == "zombie")
    with Anvil.start(state=state) as again:
        assert connect(again.url).eth.block_number >= height >= 30


def test_start__state_cut_off__says_so(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"block": {"number": "0x')
    with pytest.raises(AnvilError, match=r"state\.json is cut off"):
        Anvil.start(state=state)
