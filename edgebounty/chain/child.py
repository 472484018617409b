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
# A child that saves something at its end is asked first ($1 is for how many seconds): killed in the midst of writing
# its file, it would leave half of one.
_WATCH = """
read -r word && exit
if [ "$1" -gt 0 ]; then
    kill -15 "$0"
    waited=0
    while [ "$waited" -lt "$1" ] && sleep 1 && kill -0 "$0"; do waited=$((waited + 1)); done
fi
kill -9 "$0"
"""


class Watch:
    """Kills one child when this process ends without having dismissed the watch. Also a child that is stopped.

    With `grace_seconds` the child is asked to end (SIGTERM) that long before it is killed. The descriptors of
    `keep_open` outlive this process: a child whose output nobody can read any more may die of its next line.
    """

    def __init__(self, pid: int, *, grace_seconds: int = 0, keep_open: Sequence[int] = ()) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, str(pid), str(grace_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=keep_open,
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

    Its output comes through `process.stdout`, which the owner must read. `orphan_grace_seconds` is how long it may take
    to end by itself once this process is gone.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        orphan_grace_seconds: int = 0,
    ) -> None:
        self.process = subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output = [] if self.process.stdout is None else [self.process.stdout.fileno()]
        self._watch = Watch(self.process.pid, grace_seconds=orphan_grace_seconds, keep_open=output)

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
