"""When a device may work: the rules that the phone page has too, and what the owner is told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from edgebounty.worker import device
from edgebounty.worker.device import DeviceGuard, read_device
from edgebounty.worker.guards import Hold, Hours, Limits, Memory, Seen, judge

pytestmark = pytest.mark.unit
NOW = 1_800_000_000
CASES = json.loads((Path(__file__).parents[2] / "vectors" / "guards.json").read_text())


def make_seen(**changes: Any) -> Seen:
    return Seen(**({"now": NOW, "minute_of_day": 720, "charging": True, "battery": 0.8} | changes))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_judge__look_after_look__holds_as_the_phone_page(case: Any) -> None:
    told = case["limits"]
    hours = None if told["hours"] is None else Hours(start=told["hours"][0], end=told["hours"][1])
    limits = Limits(only_charging=told["only_charging"], battery_above=told["battery_above"], hours=hours)
    memory = Memory()
    for look in case["looks"]:
        seen = make_seen(
            now=NOW + look["at"], minute_of_day=look["minute"], charging=look["charging"], battery=look["battery"]
        )
        memory, holds = judge(memory, seen, limits)
        assert sorted(hold.code for hold in holds) == look["holds"], look


def test_judge__outside_hours__says_when_they_begin() -> None:
    _, holds = judge(Memory(), make_seen(minute_of_day=30), Limits(hours=Hours.parse("22:00-00:30")))
    assert holds == (Hold(code="outside_hours", until=NOW + 60 * (22 * 60 - 30)),)


@pytest.mark.parametrize("text", ["22-7", "24:00-07:00", "22:60-07:00", "22:00", "", "22:00-07:00x"])
def test_hours__not_two_times_of_the_day__refused(text: str) -> None:
    with pytest.raises(ValueError, match="hours are written like 22:00-07:00"):
        Hours.parse(text)


@pytest.fixture
def settings() -> Any:
    return SimpleNamespace(only_charging=True, battery_above=0.3, hours="22:00-7:00")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [0.0]
    monkeypatch.setattr(device.time, "monotonic", lambda: times[0])
    return times


def test_guard__each_hold__is_told_with_its_remedy(settings: Any) -> None:
    guard = DeviceGuard(settings, lambda: make_seen(charging=False, battery=0.27))
    assert not guard.may_work()
    assert [(reason.code, reason.blocks) for reason in guard.reasons] == [
        ("not_charging", True),
        ("battery_low", True),
        ("outside_hours", True),
    ]
    told = " ".join(reason.text for reason in guard.reasons)
    for part in ("--on-battery", "27%", "30%", "they begin at 22:00"):
        assert part in told


def test_guard__asked_often__looks_once_a_second(settings: Any, clock: list[float]) -> None:
    looks: list[int] = []
    settings.hours = None
    guard = DeviceGuard(
        settings, lambda: looks.append(1) or make_seen(charging=len(looks) > 1, now=NOW + 60 * len(looks))
    )
    assert [guard.may_work(), guard.may_work()] == [False, False]
    clock[0] += 1
    assert guard.may_work()
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("battery", "charging", "share"),
    [
        (None, None, None),  # a desktop
        (SimpleNamespace(percent=55, power_plugged=False), False, 0.55),
        (SimpleNamespace(percent=100, power_plugged=None), None, 1.0),  # it does not know
    ],
)
def test_read_device__what_psutil_tells(
    monkeypatch: pytest.MonkeyPatch, battery: Any, charging: bool | None, share: float | None
) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    seen = read_device()
    assert (seen.charging, seen.battery) == (charging, share)


def test_read_device__a_system_without_that_sensor__is_held_by_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    seen = read_device()
    assert (seen.charging, seen.battery) == (None, None)
    assert judge(Memory(), seen, Limits())[1] == ()
