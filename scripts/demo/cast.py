"""The six workers and what becomes of them."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from edgebounty.client.devnet.market import Devnet
from edgebounty.client.devnet.processes import Child

LIAR = Path(__file__).with_name("liar.py")
RUNNER = "edgebounty.worker.runner"
WASM_SECONDS = 0.04
"""Processor time after which a training task, which takes some 0.15 s, is surely inside its wasm."""
_RUNNING = re.compile(r"job (\d+) task (\d+): running")
_RESULT = re.compile(r"job (\d+) task (\d+): result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One worker. `arguments` are the shipped worker's own settings."""

    name: str
    role: str
    arguments: tuple[str, ...] = ()


CAST = (
    Member(name="honest-1", role="honest"),
    Member(name="honest-2", role="honest"),
    Member(name="honest-3", role="honest"),
    Member(name="liar", role="liar"),
    # One claim at a time: whoever is killed between commit and reveal would lose the whole stake of that task.
    Member(name="killed", role="killed", arguments=("--max-open", "1", "--cpu-share", "0.1")),
    Member(name="slow", role="slow", arguments=("--max-open", "1", "--cpu-share", "0.15")),
)


def start(devnet: Devnet, member: Member) -> Child:
    """Starts a member; the liar with its own program."""
    program = (sys.executable, str(LIAR)) if member.role == "liar" else None
    return devnet.start_worker(member.name, arguments=member.arguments, program=program)


class Executioner:
    """Sends SIGKILL to one worker while the wasm of a training task runs in its sandbox."""

    def __init__(self, name: str, on_kill: Callable[[str, str], None]) -> None:
        self.name = name
        self._on_kill = on_kill
        self.job_id: int | None = None
        self.killed_in: tuple[int, int] | None = None
        """(job, task) that was running."""
        self.cpu_seconds = 0.0
        """Processor time that the sandbox had spent on it."""
        self._running: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def hear(self, line: str) -> None:
        """A line of the worker's log."""
        with self._lock:
            if found := _RUNNING.search(line):
                self._running = (int(found[1]), int(found[2]))
            elif _RESULT.search(line):
                self._running = None

    def work(self, child: Child, *, seconds: float) -> None:
        """Waits for the moment and strikes; gives up after `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.killed_in is None and child.running:
            with self._lock:
                task = self._running
            if task is not None and task[0] == self.job_id:
                self._strike(child, task)
            time.sleep(0.01)

    def _strike(self, child: Child, task: tuple[int, int]) -> None:
        """Only once the sandbox computes. It was started, and the program compiled, before the task was claimed."""
        try:
            sandbox = next(
                (p for p in psutil.Process(child.pid).children(recursive=True) if RUNNER in " ".join(p.cmdline())), None
            )
            if sandbox is None:
                return
            before = sum(sandbox.cpu_times()[:2])
            while True:
                time.sleep(0.01)
                spent = sum(sandbox.cpu_times()[:2]) - before
                with self._lock:
                    if self._running != task:
                        return
                    if spent >= WASM_SECONDS:
                        child.kill()
                        self.killed_in, self.cpu_seconds = task, spent
                        self._on_kill(self.name, f"SIGKILL while the wasm of job {task[0]} task {task[1]} ran")
                        return
        except psutil.NoSuchProcess:
            return
