"""One local chain for this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgebounty.chain.anvil import Anvil


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil.start() as chain:
        yield chain
