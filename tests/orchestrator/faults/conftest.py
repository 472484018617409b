"""One chain for the fault tests of a module; jobs and orchestrators are made anew."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestrator.devnet import Devnet, devnet

_names = itertools.count()


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with devnet(tmp_path_factory.mktemp("net"), workers=4) as made:
        yield made


@pytest.fixture
def data_dir(net: Devnet) -> Path:
    return Path(f"orchestrator-{next(_names)}")
