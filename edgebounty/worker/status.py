"""What the worker is doing, for its owner: one JSON file that is always whole."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "status.json"
PAUSE_NAME = "pause"
STALE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Amounts are token base units as text: they do not fit a JSON number."""

    worker: str
    pid: int
    updated_at: float  # Unix seconds by this machine
    started_at: float
    state: str  # starting | working | waiting | idle | resting | paused | stopped
    doing: str
    reasons: list[dict[str, Any]]  # why it is not earning, the most important first: code, text, blocks
    claims: list[dict[str, Any]]  # open ones: job_id, task_index, detail
    earned: str
    stake: str
    free_stake: str
    credit: str
    tokens: str
    outcomes: dict[str, int]
    last_closed: list[dict[str, Any]]
    transactions_pending: int
    chain_block: int
    orchestrator: str | None
    lane: str = "direct"
    accepted: str = "0"  # batch lane: what the orchestrator signed that it owes; `earned` is the part to be withdrawn
    withdrawn: str = "0"  # batch lane: of what was earned

    def save(self, folder: Path) -> None:
        """Written beside, then renamed: readers never see half of it."""
        handle, name = tempfile.mkstemp(dir=folder, prefix=".status-")
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(self), file, indent=1)
            os.replace(name, folder / FILE_NAME)
        except BaseException:
            os.unlink(name)
            raise

    @classmethod
    def load(cls, folder: Path) -> Status:
        """Raises `FileNotFoundError` when no worker ever ran there, `ValueError` for a file of another release."""
        told = json.loads((folder / FILE_NAME).read_text())
        try:
            return cls(**told)
        except TypeError as error:
            raise ValueError(f"{folder / FILE_NAME} was written by another release: {error}") from error

    @property
    def is_running(self) -> bool:
        """Whether the process that wrote it lives and still writes."""
        if self.state == "stopped" or time.time() - self.updated_at > STALE_SECONDS:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def is_paused(folder: Path) -> bool:
    """Whether the owner asked for a pause."""
    return (folder / PAUSE_NAME).exists()


def set_paused(folder: Path, paused: bool) -> None:
    """Ask the worker of this folder to pause or to go on; it notices within a second."""
    if paused:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PAUSE_NAME).touch()
    else:
        (folder / PAUSE_NAME).unlink(missing_ok=True)
