"""Rates: token buckets by address of the network and by account, and a day's quota of uploads."""

from __future__ import annotations

from collections import OrderedDict

from edgebounty.protocol.types import Address
from orchestrator.ports.clock import Clock

_MOST_KEYS = 50_000
_DAY_SECONDS = 86_400


class RateLimit:
    """`rate` a second per key, with bursts of `burst`. Forgets the longest idle keys."""

    def __init__(self, *, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """0 if the request may pass, else how many seconds to wait."""
        now = self._clock.monotonic()
        level, since = self._buckets.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        allowed = level >= 1
        self._buckets[key] = (level - 1 if allowed else level, now)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate


class UploadQuota:
    """How many bytes each account, and all together, may still bring today. Memory only: a restart forgives."""

    def __init__(self, *, bytes_a_day: int, of_all: int, clock: Clock) -> None:
        self._limit = bytes_a_day
        self._of_all = of_all
        self._total = 0
        self._clock = clock
        self._day = 0
        self._used: dict[Address, int] = {}

    def take(self, account: Address, size: int) -> bool:
        """Whether the account may upload that much, counting it if so."""
        day = int(self._clock.now()) // _DAY_SECONDS
        if day != self._day:
            self._day, self._used, self._total = day, {}, 0
        used = self._used.get(account, 0) + size
        if used > self._limit or self._total + size > self._of_all:
            return False
        self._used[account] = used
        self._total += size
        return True
