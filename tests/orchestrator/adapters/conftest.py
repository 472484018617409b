"""A service, its chain and its clock for each test of the HTTP side."""

from __future__ import annotations

import pytest

from orchestrator.adapters.http.server import Service
from tests.orchestrator.adapters.http_kit import FakeClock, make_service
from tests.orchestrator.rig import Rig


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def service(rig: Rig, clock: FakeClock) -> Service:
    return make_service(rig, clock)
