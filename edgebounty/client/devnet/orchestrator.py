"""The orchestrator of a test market, as a child process."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from edgebounty.client.devnet.processes import Child, OnLine
from edgebounty.client.endpoints import TestAccount

READY_SECONDS = 30.0
BATCH_AGE_SECONDS = 15
BATCH_HOLD_SECONDS = 5
GATHER_SECONDS = 3
"""Small jobs and withdrawals of a few workers do not wait for others to join them."""
CONFIG_NAME = "orchestrator.toml"
DATABASE_NAME = "orchestrator.sqlite"
NOT_OF_THE_CHAIN = ("meta", "batch_journal")
"""Tables that cannot be rebuilt from the chain."""
STATE_NAME = "orchestrator.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestratorProcess:
    """A running orchestrator and where it answers."""

    child: Child
    url: str


def start_orchestrator(
    *,
    directory: Path,
    rpc_url: str,
    deployment_file: Path,
    account: TestAccount,
    port: int,
    fee_bps: int,
    finality: str,
    on_line: OnLine | None,
) -> OrchestratorProcess:
    """Writes its settings, starts it and waits until it answers. Raises `Unavailable` when it does not."""
    data = directory / "orchestrator"
    data.mkdir(parents=True, exist_ok=True)
    state = data / STATE_NAME
    state.unlink(missing_ok=True)  # of the last run: its port is no longer true
    config = directory / CONFIG_NAME
    settings = {
        "rpc_url": rpc_url,
        "deployment": str(deployment_file),
        "data_dir": str(data),
        "key_file": account.key_file,
        "port": port,
        "fee_bps": fee_bps,
        "finality": finality,
        "poll_seconds": 0.25,
        "batch_age_seconds": BATCH_AGE_SECONDS,
        "batch_hold_seconds": BATCH_HOLD_SECONDS,
        "withdraw_gather_seconds": GATHER_SECONDS,
        "token_gwei": 0,  # tokens of a test market are worth nothing, and workers are to be paid anyway
    }
    # JSON strings and numbers are TOML's too
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    child = Child(
        "orchestrator",
        [sys.executable, "-m", "orchestrator", "--config", str(config)],
        log=directory / "logs" / "orchestrator.log",
        on_line=on_line,
    )
    try:
        child.wait_until(lambda: _answers(state), seconds=READY_SECONDS)
    except BaseException:
        child.stop()
        raise
    return OrchestratorProcess(child=child, url=_url(state))


def forget_state(directory: Path) -> None:
    """Deletes what it knows of the chain, to be read from the chain again. Content stays, and what it owes workers."""
    path = directory / "orchestrator" / DATABASE_NAME
    if not path.exists():
        return
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in tables:
            if name not in NOT_OF_THE_CHAIN and not name.startswith("sqlite_"):
                database.execute(f'DELETE FROM "{name}"')


def _url(state: Path) -> str:
    return str(json.loads(state.read_text())["url"]).rstrip("/")


def _answers(state: Path) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy cannot reach loopback
            return session.get(f"{_url(state)}/healthz", timeout=2).ok
    except (OSError, ValueError, KeyError, requests.RequestException):
        return False
