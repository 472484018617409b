"""Runs tasks in a child process: it can be slowed, paused and killed at once, and whatever it does hurts only itself.

The child is `edgebounty.worker.runner`. It gets no key and no network address, only a folder of verified blocks and the
name of a task; see `framing` for how the two talk.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]

from edgebounty.chain.child import Watch
from edgebounty.programs.runtime import Execution
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.types import Digest
from edgebounty.worker.framing import read_message, write_message

DUTY_PERIOD_SECONDS = 0.1


class SandboxError(Exception):
    """The task gave no result in the sandbox. This is no failure of the program that others would agree on."""


class SandboxStopped(SandboxError):
    """We killed it ourselves: the worker stops."""


class SandboxTimeout(SandboxError):
    """The task took longer than there is time; it was killed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the program ran for {seconds:.0f} s without an end and was stopped; give it a larger CPU share, or leave "
            "such tasks to faster devices (max_work_units)"
        )


class SandboxCrashed(SandboxError):
    """The child died by itself: out of memory, most likely."""


class TaskRefused(SandboxError):
    """The job's own content cannot be run: the requester's fault. `rule` is a short stable word."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxTask:
    """A task by names alone; every block it needs is in the sandbox's folder."""

    manifest: Cid
    index: int
    results: dict[int, Digest]  # of the earlier tasks that it reads
    max_output_bytes: int


class Sandbox:
    """One child, started when first needed and again after it was killed. Calls are made from one thread at a time;
    `kill`, `pause` and `resume` from any."""

    def __init__(
        self, *, store_dir: Path, cache_dir: Path, max_memory_bytes: int, cpu_share: float = 1.0, niceness: int = 10
    ) -> None:
        self.cpu_share = cpu_share
        self._paused = threading.Event()
        self._setup = {
            "store_dir": str(store_dir),
            "cache_dir": str(cache_dir),
            "max_memory_bytes": max_memory_bytes,
            "niceness": niceness,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._watch: Watch | None = None
        self._lock = threading.RLock()
        self._asked = False
        self._killed = False
        self._closed = False

    def start(self) -> None:
        """Start the child ahead of the first task: it takes a moment to load."""
        with self._lock:
            self._ready()

    def examine(self, task: SandboxTask, *, seconds: float) -> None:
        """Validate and compile the task's program and check it against its manifest, without running it.

        Raises `TaskRefused`, `SandboxTimeout`, `SandboxCrashed`, `SandboxStopped`.
        """
        self._ask("examine", task, seconds)

    def run(self, task: SandboxTask, *, seconds: float) -> Execution:
        """The task's result. Raises like `examine`."""
        head, body = self._ask("run", task, seconds)
        return Execution(
            output=body,
            work_units=int(head["work_units"]),
            seconds=float(head["seconds"]),
            failure=head["failure"],
        )

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        child = self._child
        return None if child is None else child.pid

    def pause(self) -> None:
        """Hold what runs, at once, without losing it."""
        self._paused.set()

    def resume(self) -> None:
        self._paused.clear()

    def kill(self) -> None:
        """End what runs, at once. The next task starts a new child."""
        with self._lock:
            child, watch = self._child, self._watch
            self._child = self._watch = None
            if child is None:
                return
            self._killed = True
            asked = self._asked
        child.kill()
        child.wait()
        if child.stdin is not None:
            _close(child.stdin)
        if child.stdout is not None and not asked:  # else the thread that waits for an answer closes it
            _close(child.stdout)
        if watch is not None:
            watch.dismiss()

    def close(self) -> None:
        """Kill the child and start none again."""
        self._closed = True
        self.kill()

    def _ask(self, what: str, task: SandboxTask, seconds: float) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            child = self._ready()
            self._asked, self._killed = True, False
        assert child.stdin is not None
        assert child.stdout is not None
        timed_out = threading.Event()
        done = threading.Event()
        keeper = threading.Thread(target=self._keep_time, args=(child, seconds, done, timed_out), daemon=True)
        keeper.start()
        request = {
            "what": what,
            "manifest": str(task.manifest),
            "index": task.index,
            "results": {str(index): digest.hex() for index, digest in task.results.items()},
        }
        try:
            write_message(child.stdin, request)
            answer = read_message(child.stdout, max_body_bytes=task.max_output_bytes)
        except (OSError, ValueError):
            answer = None
        finally:
            done.set()
            keeper.join()
            with self._lock:
                self._asked = False
        if answer is None:
            raise self._loss(child, seconds, timed_out.is_set())
        head, body = answer
        if "refused" in head:
            raise TaskRefused(str(head["refused"]), str(head["message"]))
        if "error" in head:
            raise SandboxCrashed(str(head["message"]))
        return head, body

    def _loss(self, child: subprocess.Popen[bytes], seconds: float, timed_out: bool) -> SandboxError:
        """Why there is no answer; leaves no child behind."""
        killed = self._killed
        self.kill()
        status = child.wait()
        if child.stdout is not None:
            _close(child.stdout)  # closing twice is no error
        if timed_out:
            return SandboxTimeout(seconds)
        if killed or self._closed:
            return SandboxStopped("stopped by us")
        return SandboxCrashed(
            f"the sandbox ended by itself ({_status_words(status)}): this machine has too little memory for the task, "
            "or something killed it; the task will be tried again"
        )

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise SandboxStopped("the sandbox is closed")
        if self._child is not None and self._child.poll() is None:
            return self._child
        if self._watch is not None:
            self._watch.dismiss()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "edgebounty.worker.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_bare_environment(),
            start_new_session=True,
        )
        self._watch = Watch(self._child.pid)
        assert self._child.stdin is not None
        write_message(self._child.stdin, self._setup)
        return self._child

    def _keep_time(
        self, child: subprocess.Popen[bytes], seconds: float, done: threading.Event, timed_out: threading.Event
    ) -> None:
        """Holds the child to its CPU share, and still while paused; ends it when its time is over."""
        end = time.monotonic() + seconds
        meter = Meter(lambda: _busy_seconds(child.pid))
        held = False
        try:
            while (left := end - time.monotonic()) > 0:
                rest = DUTY_PERIOD_SECONDS if self._paused.is_set() else meter.rest_seconds(self.cpu_share)
                if held != (rest > 0):
                    held = rest > 0
                    _signal(child, signal.SIGSTOP if held else signal.SIGCONT)
                if done.wait(min(left, rest if held else DUTY_PERIOD_SECONDS * min(self.cpu_share, 1.0))):
                    return
        finally:
            if held:
                _signal(child, signal.SIGCONT)
        timed_out.set()
        _signal(child, signal.SIGKILL)


class Meter:
    """Compares the processor time that a process took with its share. On a busy machine a process that is let run for
    a moment may run for longer, so the clock alone would give it too much."""

    def __init__(self, busy: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._busy = busy
        self._clock = clock
        self._since, self._used = clock(), busy()

    def rest_seconds(self, share: float) -> float:
        """How long the process has to stand still now; 0 when it may run."""
        if share >= 1:
            return 0.0
        now, used = self._clock(), self._busy() - self._used
        allowed = share * (now - self._since)
        if used > allowed:
            return min((used - allowed) / share, 10 * DUTY_PERIOD_SECONDS)
        if allowed - used > DUTY_PERIOD_SECONDS:  # what was not taken is not saved up
            self._since, self._used = now, self._busy()
        return 0.0


def _busy_seconds(pid: int) -> float:
    """Processor time that a process has taken; 0 once it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if child.poll() is None:
        child.send_signal(number)


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        stream.close()


def _status_words(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def _bare_environment() -> dict[str, str]:
    """What Python needs to start, and nothing else: settings of ours may name secret files."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
