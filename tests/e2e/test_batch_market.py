"""A batch-lane job in a real market, by real processes: posted by the command line, run by workers that have a key and
nothing else, one of them killed in the middle, fetched, checked, and put on chain.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.protocol.types import to_address
from edgebounty.worker.status import Status
from tests.e2e.market_kit import CLI, Running, Up, environment

pytestmark = pytest.mark.integration
SHARDS, COPIES = 2, 2  # two workers, and each task needs both: without the killed one nothing goes on
PATIENCE_SECONDS = 120


def wait(condition: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < until, what
        time.sleep(0.2)
    return found


def told(url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(url, timeout=10).json()
    return found


def at_work(folder: Path) -> Status | None:
    """The worker's own word, once it has a task in hand."""
    if not (folder / "status.json").exists():
        return None
    status = Status.load(folder)
    return status if status.claims else None


def owed(folder: Path, tasks: int) -> Status | None:
    """The same once all its receipts are accepted."""
    status = Status.load(folder)
    return status if status.outcomes == {"accepted": tasks} else None


def withdraw(up: Up, contracts: MarketContracts, pay: int) -> None:
    """One worker has its orchestrator send its pay elsewhere; the other fetches it, and somebody else pays the gas."""
    accounts = {one["name"]: one for one in up.endpoints["accounts"]}
    receiver, alone = to_address(b"\x77" * 20), to_address(accounts["batch-2"]["address"])
    batch = ("withdraw", "--lane", "batch", "--yes", "--json")
    wait(lambda: int(told_of(up, alone)["earned"]) == pay, "the window is over")
    sent = up.cli(*batch, "--account", "batch-1", "--to", receiver, "--wait").json
    assert (sent["arrived"], int(sent["amount"])) == (True, pay)
    assert contracts.balances(receiver).tokens == pay
    gas = ("--gas-key-file", accounts["spare"]["key_file"])
    fetched = up.cli(*batch, "--account", "batch-2", "--on-chain", *gas).json
    assert (int(fetched["amount"]), fetched["by"]) == (pay, accounts["spare"]["address"])
    assert contracts.balances(alone).tokens == pay
    assert contracts.balances(alone).gas_wei == 0


def told_of(up: Up, worker: str) -> dict[str, Any]:
    return told(f"{up.endpoints['api_url']}/v1/batch/workers/{worker}")


WATCH = ("watch", "--all", "--challenge", "--account", "requester", "--json")
"""A watchtower with an account, which re-runs whatever was paid; what has inputs from other tasks it cannot."""


def watched(up: Up, watching: Running) -> None:
    """It follows from the beginning, as a batch is judged within its window only, and says but how far."""
    watching.stop()
    lines = [*watching.lines(), *map(json.loads, up.cli(*WATCH, "--once").out.splitlines())]
    assert {line["type"] for line in lines} == {"status"}, "an honest batch is left alone"
    assert (lines[-1]["right"], lines[-1]["wrong"], lines[-1]["challenged"]) == (SHARDS, 0, 0)


@pytest.fixture
def started() -> Iterator[ExitStack]:
    """What is ended at the end, however that comes."""
    with ExitStack() as stack:
        yield stack


def test_batch_job__two_workers_with_a_key_one_killed__done_right_and_on_chain(
    tmp_path: Path, started: ExitStack
) -> None:
    table = tmp_path / "table.csv"
    np.savetxt(table, np.random.default_rng(5).normal(size=(200, 3)), delimiter=",", header="a,b,c", comments="")
    up = Up(tmp_path / "market", "--workers", 0, "--batch-workers", 2, home=tmp_path / "home")
    folders = [up.directory / "workers" / name for name in ("batch-1", "batch-2")]
    try:
        question = ("--data", table, "--shards", SHARDS)
        terms = ("--bounty", 1, "--lane", "batch", "--audits", "--yes", "--json")
        posted = up.cli("job", "post", "analyze", *question, *terms).json
        assert (posted["lane"], posted["policy"]) == ("batch", "standard")
        tasks, pay = posted["tasks"], posted["tasks"] * int(posted["slot_price"])
        killed = wait(lambda: at_work(folders[0]), "the first worker has a task")
        os.kill(killed.pid, signal.SIGKILL)
        run = ("worker", "run", "--lane", "batch", "--account", "batch-1", "--data-dir", folders[0], "--json")
        environ = environment(up.home, up.directory)
        watching = started.enter_context(Running([*CLI, *WATCH], environ, up.home))
        with Running([*CLI, *map(str, run)], environ, up.home):
            url = f"{up.endpoints['api_url']}/v1/batch/jobs/{posted['job_id']}"
            wait(lambda: told(url)["stages"]["agreed"] == tasks, "every task has a result")
            found = [wait(lambda f=folder: owed(f, tasks), "all are accepted") for folder in folders]  # type: ignore[misc]
        assert [int(status.accepted) for status in found] == [pay, pay]
        assert [(status.stake, status.tokens) for status in found] == [("0", "0")] * 2
        local = up.cli("job", "run-local", "analyze", *question, "--json").json
        assert up.cli("job", "result", 1, "--json").json == local
        checked = up.cli("job", "verify", 1, "--json").json
        assert (checked["right"], checked["checked"], checked["wrong"]) == (True, tasks, [])
        contracts = MarketContracts(connect(up.endpoints["rpc_url"]), Deployment.load(up.directory / "deployment.json"))
        wait(lambda: contracts.job(1).finished == tasks, "its batch is on chain")
        done = up.cli("job", "status", 1, "--json").json
        assert (done["status"], int(done["paid"])) == ("finished", COPIES * pay)
        assert done["result_cid"] == checked["result_cid"]
        withdraw(up, contracts, pay)
        watched(up, watching)
    finally:
        up.stop()
