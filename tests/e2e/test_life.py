"""Starting, stopping, killing and starting again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from edgebounty.chain.child import Watch
from tests.e2e.market_kit import CLI, Up

pytestmark = pytest.mark.integration


def test_up__ctrl_c__stops_all_and_goes_on_later(tmp_path: Path, table: Path) -> None:
    up = Up(tmp_path / "m", "--workers", 2, home=tmp_path / "h")
    try:
        posted = up.cli("job", "post", "analyze", "--data", table, "--bounty", "5", "--yes", "--json", "--watch")
        assert json.loads(posted.out.splitlines()[-1])["status"] == "finished", posted.err
        before = up.cli("ledger", "--json").json
        accounts = up.endpoints["accounts"]
    finally:
        assert up.stop(signal.SIGINT) == 0
    assert up.orphans() == []
    assert "goes on from here" in up.log.read_text()

    again = Up(tmp_path / "m", "--workers", 2, home=tmp_path / "h")
    try:
        assert again.endpoints["accounts"] == accounts
        after = again.cli("ledger", "--json").json
        assert after["difference"] == "0"
        assert after["deposited"] == before["deposited"]
        assert again.cli("job", "verify", 1, "--json").json["right"] is True
        second = again.cli("job", "post", "analyze", "--data", table, "--bounty", "5", "--yes", "--json", "--watch")
        assert json.loads(second.out.splitlines()[-1])["status"] == "finished", second.err
    finally:
        again.stop(signal.SIGTERM)
    assert again.orphans() == []


def test_up__sigkill__nothing_is_orphaned_and_the_job_is_finished_later(tmp_path: Path, table: Path) -> None:
    up = Up(tmp_path / "m", "--workers", 2, home=tmp_path / "h")
    job = up.cli("job", "post", "analyze", "--data", table, "--bounty", "5", "--task-time", 5, "--yes", "--json").json[
        "job_id"
    ]
    up.family = psutil.Process(up.process.pid).children(recursive=True)
    until = time.monotonic() + 120
    while "settled" not in (states := task_states(up, job)) and time.monotonic() < until:
        time.sleep(0.1)
    assert "settled" in states  # in the midst of it: its other tasks are not done yet, or just so
    up.process.kill()
    up.process.wait()
    assert up.orphans() == []

    again = Up(tmp_path / "m", "--workers", 2, home=tmp_path / "h")
    try:
        watched = again.cli("job", "status", job, "--watch", "--json", seconds=120)
        assert json.loads(watched.out.splitlines()[-1])["status"] == "finished", watched.out + again.log.read_text()
        assert again.cli("ledger", "--json").json["difference"] == "0"
    finally:
        again.stop()


def test_up__ctrl_c_while_starting__leaves_nothing_behind(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = subprocess.Popen(
        [*CLI, "up", "--dir", str(tmp_path / "m")], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    family: list[psutil.Process] = []
    until = time.monotonic() + 120
    while not family and time.monotonic() < until:
        family = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.01)
    assert family
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"Traceback" not in said
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_verify__everybody_lied__says_which_tasks_and_fails(tmp_path: Path, table: Path) -> None:
    """With a quorum of one and a liar alone, wrong results are paid: `verify` must find every one of them."""
    up = Up(tmp_path / "m", "--workers", 1, home=tmp_path / "h")
    liar = _replace_worker_by_liar(up)
    watch = Watch(liar.pid)
    try:
        terms = ("--quorum", 1, "--work-slots", 1, "--bounty", "5", "--yes", "--json")
        job = up.cli("job", "post", "analyze", "--data", table, *terms).json["job_id"]
        until = time.monotonic() + 120
        while up.cli("job", "status", job, "--json").json["finished"] < 1 and time.monotonic() < until:
            time.sleep(0.5)
        verified = up.cli("job", "verify", job, "--json")
        assert verified.status == 3
        assert verified.json["right"] is False
        assert verified.json["wrong"][0]["task"] == 0
        assert "WRONG" in up.cli("job", "verify", job).out
    finally:
        liar.kill()
        liar.wait()
        watch.dismiss()
        up.stop()


def task_states(up: Up, job: int) -> list[str]:
    return [task["state"] for task in up.cli("job", "status", job, "--json").json["task_list"]]


def _replace_worker_by_liar(up: Up) -> subprocess.Popen[bytes]:
    """Kills the shipped worker and starts the demo's liar with the same settings."""
    liar = Path(__file__).resolve().parents[2] / "scripts" / "demo" / "liar.py"
    worker = next(p for p in up.family if "edgebounty.worker" in p.cmdline())
    arguments = worker.cmdline()
    worker.kill()
    worker.wait()
    at = arguments.index("edgebounty.worker")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, str(liar), *arguments[at + 1 :]], env=environ)
