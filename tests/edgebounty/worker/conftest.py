"""One local chain for all worker tests; each module deploys its own market on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from worker_kit import World, make_world

from edgebounty.chain.anvil import Anvil


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil.start(accounts=20) as chain:
        yield chain


@pytest.fixture
def world(anvil: Anvil, tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path, anvil.url) as made:
        yield made
