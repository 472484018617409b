"""A test run that is told to end (SIGTERM, as a job that is cancelled) ends what it started: as on Ctrl-C."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def pytest_configure() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
