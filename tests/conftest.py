"""Two things for every test run.

It ends what it started when it is told to end (SIGTERM, as a job that is cancelled), as on Ctrl-C. And every test
belongs to exactly one tier: `make test` runs tiers, so a test without one would never run.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest

_TIERS = ("unit", "property", "integration")


def pytest_configure() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@pytest.hookimpl(tryfirst=True)  # before -m deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wrong = [
        item.nodeid
        for item in items
        if "tests/contracts" not in item.path.as_posix()  # brownie's, which run all together
        and sum(item.get_closest_marker(tier) is not None for tier in _TIERS) != 1
    ]
    if wrong:
        raise pytest.UsageError(f"exactly one of {', '.join(_TIERS)} has to mark: " + ", ".join(wrong[:10]))
