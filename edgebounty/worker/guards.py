"""When may this device work? Pure: over what is seen, what its owner chose, and what was so far.

The same rules as the phone page's (`web/phone/rules/guards.ts`) for what a computer can tell: charging, battery, hours;
`tests/vectors/guards.json` holds both to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from edgebounty.worker.explain import Reason

BATTERY_MARGIN: Final = 0.05  # a battery that was too low has to rise by so much
SETTLE_SECONDS: Final = 10  # a plug that came back has to stay
DAY_MINUTES: Final = 24 * 60
Code = Literal["not_charging", "battery_low", "outside_hours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Minutes of the day by this machine's clock; `start` after `end` passes midnight, equal is the whole day."""

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Hours:
        """From `22:00-07:00`. Raises `ValueError`."""
        told = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)", text.strip())
        if told is None:
            raise ValueError(f"hours are written like 22:00-07:00, this is {text!r}")
        from_hour, from_minute, to_hour, to_minute = map(int, told.groups())
        return cls(start=60 * from_hour + from_minute, end=60 * to_hour + to_minute)

    def has(self, minute: int) -> bool:
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the owner chose."""

    only_charging: bool = True
    battery_above: float = 0.3  # 0 to 1; 0: do not look
    hours: Hours | None = None  # None: at any time


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the device tells; None where it has no such sensor: a machine without a battery is never held by one."""

    now: float  # Unix seconds
    minute_of_day: int
    charging: bool | None
    battery: float | None  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why the device does not work now. `until`: when it ends by itself, in Unix seconds, if that is known."""

    code: Code
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Codes, and when each was last not as it should be: hysteresis needs a past."""

    held: Mapping[Code, float] = field(default_factory=dict)


def judge(memory: Memory, seen: Seen, limits: Limits) -> tuple[Memory, tuple[Hold, ...]]:
    """Every reason not to work now; none: work."""
    held = dict(memory.held)
    holds: list[Hold] = []

    def hold(code: Code, until: float | None = None) -> None:
        held[code] = seen.now
        holds.append(Hold(code=code, until=until))

    last = held.get("not_charging")
    if not limits.only_charging:
        held.pop("not_charging", None)
    elif seen.charging is False:
        hold("not_charging")
    elif last is not None and last <= seen.now < last + SETTLE_SECONDS:
        holds.append(Hold(code="not_charging", until=last + SETTLE_SECONDS))
    else:
        held.pop("not_charging", None)

    margin = BATTERY_MARGIN if "battery_low" in held else 0.0
    if limits.battery_above > 0 and seen.battery is not None and seen.battery < min(limits.battery_above + margin, 1.0):
        hold("battery_low")
    else:
        held.pop("battery_low", None)

    if limits.hours is not None and not limits.hours.has(seen.minute_of_day):
        minutes = (limits.hours.start - seen.minute_of_day) % DAY_MINUTES or DAY_MINUTES
        hold("outside_hours", seen.now + 60 * minutes)
    return Memory(held), tuple(holds)


def reason_of(hold: Hold, seen: Seen, limits: Limits) -> Reason:
    """In the phone page's words, with this program's remedies."""
    match hold.code:
        case "not_charging" if hold.until is not None:
            text = "the device is on its charger again; it goes on once the plug has stayed in for ten seconds"
        case "not_charging":
            text = "the device is not on its charger; plug it in, or allow battery: --on-battery"
        case "battery_low":
            battery = 0.0 if seen.battery is None else seen.battery
            text = (
                f"the battery is low ({battery:.0%}); work goes on a little above your limit of "
                f"{limits.battery_above:.0%} (--battery-above)"
            )
        case _:
            begins = 0 if limits.hours is None else limits.hours.start
            text = f"it is outside the hours that you chose; they begin at {begins // 60:02}:{begins % 60:02} (--hours)"
    return Reason(code=hold.code, text=text)
