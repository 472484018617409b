"""A real market for the tests, shared by those that leave it as it was."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.market_kit import Up

_FOLDER = Path(__file__).parent
_running: list[Up] = []


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Up:
    """A market with three honest workers, shared by all tests that leave it as it was, over modules too."""
    if not _running:
        folder = tmp_path_factory.mktemp("market")
        _running.append(Up(folder / "market", "--workers", 3, home=folder / "home"))
    return _running[0]


@pytest.hookimpl(trylast=True)  # after the fixtures that still ask it something
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Tests of elsewhere, which may come in between, need no market: it must not take their processor time."""
    if _running and (nextitem is None or _FOLDER not in nextitem.path.parents):
        _running.pop().stop()


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 120 rows and 3 columns."""
    path = tmp_path_factory.mktemp("data") / "table.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c"])
        rows.writerows(np.random.default_rng(3).normal(size=(120, 3)).tolist())
    return path
