"""Wall clock, for what is not on chain: signatures' ends and rates. Never for deadlines of tasks."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...
