"""The machine's clock."""

from __future__ import annotations

import time


class SystemClock:
    """Fulfils `Clock`."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
