"""The market's child processes: named, with a log file each, never outliving us."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from edgebounty.chain.child import BoundChild
from edgebounty.client.errors import Unavailable

STOP_SECONDS = 5.0
"""How long a child may take to stop before it is killed."""

OnLine = Callable[[str, str], None]
"""Called with (name of the child, line of its log), from a thread."""


class Child:
    """One running process. Signals go to its PID, never to a name."""

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path, on_line: OnLine | None = None) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._last: deque[str] = deque(maxlen=5)
        self._bound = BoundChild(arguments)
        self._reader = threading.Thread(target=self._drain, args=(on_line,), daemon=True, name=f"log of {name}")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._bound.pid

    @property
    def running(self) -> bool:
        return self._bound.alive

    @property
    def exit_status(self) -> int | None:
        return self._bound.process.poll()

    def ask_to_stop(self) -> None:
        """Asks it to stop and does not wait, so that several can stop at the same time."""
        if self.running:
            self._bound.process.terminate()

    def stop(self) -> None:
        """Asks it to stop, kills it when it does not. Safe to call twice."""
        self._bound.stop(grace_seconds=STOP_SECONDS)
        self._reader.join(1)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._bound.kill()

    def last_words(self) -> str:
        """The end of its log, to say why it stopped."""
        return " | ".join(self._last) or "nothing"

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Waits for `ready`. Raises `Unavailable` when the process ends first or `seconds` pass."""
        until = time.monotonic() + seconds
        while not ready():
            if not self.running:
                self._reader.join(1)
                raise Unavailable(
                    f"{self.name} stopped with status {self.exit_status}; it said: {self.last_words()}",
                    whose="this machine's or Edgebounty's",
                    remedy=f"read {self.log}",
                )
            if time.monotonic() > until:
                raise Unavailable(
                    f"{self.name} is not ready after {seconds:.0f} s; it said: {self.last_words()}",
                    whose="this machine's or Edgebounty's",
                    remedy=f"read {self.log}",
                )
            time.sleep(0.05)

    def _drain(self, on_line: OnLine | None) -> None:
        stream: IO[bytes] | None = self._bound.process.stdout
        if stream is None:
            return
        with self.log.open("ab", buffering=0) as log, stream:
            for raw in stream:
                log.write(raw)
                line = raw.decode(errors="replace").rstrip()
                if line:
                    self._last.append(line)
                    if on_line is not None:
                        on_line(self.name, line)
