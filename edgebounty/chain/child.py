"""Child processes that never outlive us, whatever ends us: SIGKILL, a crash, a closed terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType

# The shell waits on a pipe whose other end only the parent holds. A line means "stopped in order", the end of the
# file that the parent is gone. This works on every POSIX system and from every thread, which a parent-death signal
# does not: Linux only, and it fires when the *thread* that started the child ends.
_WATCH = 'read -r word || kill -9 "$0"'


class Watch:
    """Kills one child when this process ends without having dismissed the watch. Also a child that is stopped."""

    def __init__(self, pid: int) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """To be called once the child has been waited for: its number may soon be another process's."""
        stdin = self._shell.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                os.write(stdin.fileno(), b"done\n")
            stdin.close()
        self._shell.wait()


class BoundChild:
    """A process in a session of its own (Ctrl-C reaches only us) that is killed when this process ends.

    Its output comes through `process.stdout`, which the owner must read.
    """

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None) -> None:
        self.process = subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._watch = Watch(self.process.pid)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, *, grace_seconds: float = 5.0) -> None:
        """Ask the child to end, kill it when it does not within `grace_seconds`. Safe to call twice."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._watch.dismiss()

    def kill(self) -> None:
        """End the child at once, as a crash would."""
        self.process.kill()
        self.process.wait()
        self._watch.dismiss()

    def __enter__(self) -> BoundChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
