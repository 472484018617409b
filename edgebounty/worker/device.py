"""What this machine tells of its power and its clock, and whether its owner's limits let it work now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import psutil  # type: ignore[import-untyped]

from edgebounty.worker.explain import Reason
from edgebounty.worker.guards import Hours, Limits, Memory, Seen, judge, reason_of

LOOK_SECONDS = 1.0


class HasLimits(Protocol):
    """The part of a worker's settings that is about its device."""

    @property
    def only_charging(self) -> bool: ...
    @property
    def battery_above(self) -> float: ...
    @property
    def hours(self) -> str | None: ...


def read_device() -> Seen:
    """Now. A sensor that the system does not have, or does not let us read, is None."""
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):
        battery = None
    local = time.localtime()
    return Seen(
        now=time.time(),
        minute_of_day=60 * local.tm_hour + local.tm_min,
        charging=None if battery is None or battery.power_plugged is None else bool(battery.power_plugged),
        battery=None if battery is None else battery.percent / 100,
    )


class DeviceGuard:
    """Looks at most once a second."""

    def __init__(self, settings: HasLimits, read: Callable[[], Seen] = read_device) -> None:
        self._limits = Limits(
            only_charging=settings.only_charging,
            battery_above=settings.battery_above,
            hours=None if settings.hours is None else Hours.parse(settings.hours),
        )
        self._read = read
        self._memory = Memory()
        self._next_at = float("-inf")
        self.reasons: tuple[Reason, ...] = ()

    def may_work(self) -> bool:
        """`reasons` says why not."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + LOOK_SECONDS
            seen = self._read()
            self._memory, holds = judge(self._memory, seen, self._limits)
            self.reasons = tuple(reason_of(hold, seen, self._limits) for hold in holds)
        return not self.reasons
