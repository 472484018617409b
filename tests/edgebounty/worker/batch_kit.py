"""A worker of the batch lane in this process, against the lane server of the phone page's tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from edgebounty.execution import fetcher, run_task
from edgebounty.jobs.shape import describe
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.worker.batch import agent as agent_module
from edgebounty.worker.batch import earnings, machine, pipeline
from edgebounty.worker.batch.agent import BatchAgent
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.failpoint import Step
from edgebounty.worker.sandbox import SandboxTask
from tests.e2e.lane_kit import LaneServer

KEY = bytes.fromhex("41" * 32)
_RUNTIME = Runtime()


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the worker runs after it."""


class HereAgent(BatchAgent):
    """Runs programs in this process: the sandbox has tests of its own, and takes a second to start."""

    def __init__(self, settings: BatchSettings) -> None:
        super().__init__(settings, account=Account.from_key(KEY))
        self.runs: list[int] = []
        self.sandbox.examine = lambda task, *, seconds: None  # type: ignore[method-assign]
        self.sandbox.start = lambda: None  # type: ignore[method-assign]

    def execute(self, task: SandboxTask, seconds: float) -> Execution:
        self.runs.append(task.index)
        manifest = self.content.manifest(task.manifest.digest)
        fetch = fetcher(self.content.local, manifest)
        spec = describe(manifest, task.index)
        return run_task(manifest, spec, fetch=fetch, result_of=task.results.__getitem__, runtime=_RUNTIME)

    def die(self) -> None:
        """What the system does for a killed process: its files and its lock are let go, nothing is written."""
        self._pipeline.close()
        self.journal._db.close()
        self.journal._lock.close()


def start(lane: LaneServer, folder: Path, **changes: Any) -> HereAgent:
    key_file = folder / "key"
    if not key_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key_file.touch(mode=0o600)
        key_file.write_text(KEY.hex())
    settings = BatchSettings(
        orchestrator_url=lane.url, data_dir=folder / "worker", key_file=key_file, poll_seconds=0.05, **changes
    )
    return HereAgent(settings)


def work_until(agent: BatchAgent, condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    agent.work_until(lambda: condition() or time.monotonic() > end)
    assert condition(), [agent.reasons(), agent.state.tasks, agent.journal.closed_tasks(3)]


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits as short as a test can bear."""
    monkeypatch.setattr(machine, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(pipeline, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "DISTRUST_SECONDS", 0.2)
    monkeypatch.setattr(earnings, "BOOKS_SECONDS", 0.1)


def kill_at(monkeypatch: pytest.MonkeyPatch, step: Step | None) -> None:
    def failpoint(reached: Step) -> None:
        if reached is step:
            raise Killed

    for module in (agent_module, pipeline):
        monkeypatch.setattr(module, "failpoint", failpoint)
