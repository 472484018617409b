"""A real market for the tests, shared by those that leave it as it was."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.market_kit import Up


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A market with three honest workers, shared by all tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("market")
    up = Up(folder / "market", "--workers", 3, home=folder / "home")
    yield up
    up.stop()


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 120 rows and 3 columns."""
    path = tmp_path_factory.mktemp("data") / "table.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c"])
        rows.writerows(np.random.default_rng(3).normal(size=(120, 3)).tolist())
    return path
