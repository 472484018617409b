"""The price of a task on chain is a promise, so it has a test beside its benchmark."""

from __future__ import annotations

import json

import pytest

from bench import direct_lane_gas
from bench.figure import RESULTS


@pytest.mark.integration
def test_direct_lane_gas__a_hundred_tasks_with_three_workers__stays_below_the_target() -> None:
    (figure,) = direct_lane_gas.run()
    assert figure.value <= direct_lane_gas.TARGET_GAS
    assert figure.met
    answer = json.loads((RESULTS / "direct_lane_gas.json").read_text())
    assert set(answer) == {"name", "value", "unit", "peer", "peer_value", "ratio", "target", "better"}
