from __future__ import annotations

import pytest

from edgebounty.worker.sandbox import DUTY_PERIOD_SECONDS, Meter

pytestmark = pytest.mark.unit


class Process:
    now = 0.0
    busy = 5.0  # what it had taken before


def make_meter(process: Process) -> Meter:
    return Meter(lambda: process.busy, lambda: process.now)


def test_rest__took_more_than_its_share__until_it_has_evened_out() -> None:
    process = Process()
    meter = make_meter(process)
    process.now, process.busy = 0.1, 5.1
    assert meter.rest_seconds(0.25) == pytest.approx(0.3)
    process.now = 0.4
    assert meter.rest_seconds(0.25) == pytest.approx(0.0)


def test_rest__whole_processor__never() -> None:
    process = Process()
    meter = make_meter(process)
    process.now, process.busy = 0.1, 6.0
    assert meter.rest_seconds(1.0) == 0


def test_rest__far_too_much__in_bounded_steps() -> None:
    process = Process()
    meter = make_meter(process)
    process.now, process.busy = 1.0, 100.0
    assert meter.rest_seconds(0.1) == pytest.approx(10 * DUTY_PERIOD_SECONDS)


def test_rest__idle_for_long__is_not_saved_up() -> None:
    process = Process()
    meter = make_meter(process)
    process.now = 100.0
    assert meter.rest_seconds(0.5) == 0
    process.now, process.busy = 100.1, 5.1
    assert meter.rest_seconds(0.5) == pytest.approx(0.1)
