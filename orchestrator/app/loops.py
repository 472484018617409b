"""Runs a step again and again: quickly while there is work, after a pause while something is not available."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from orchestrator.app.health import Health
from orchestrator.domain.errors import Unavailable
from orchestrator.ports.clock import Clock

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_SECONDS = 10.0


async def run_loop(
    name: str, step: Callable[[], Awaitable[object]], *, pause_seconds: float, health: Health, clock: Clock
) -> None:
    """Until cancelled. `Unavailable` is waited out, longer each time; `Broken` and the unexpected end the loop."""
    failures = 0
    while True:
        try:
            more = await step()
        except Unavailable as error:
            failures += 1
            if failures == 1 or failures % 20 == 0:
                _log.warning("not available", extra={"loop": name, "reason": str(error), "failures": failures})
            health.failed(name, str(error))
            await asyncio.sleep(min(_LONGEST_PAUSE_SECONDS, pause_seconds * 2 ** min(failures, 10)))
            continue
        if failures:
            _log.info("works again", extra={"loop": name, "failures": failures})
        failures = 0
        health.worked(name, clock.now())
        await asyncio.sleep(0 if more is True else pause_seconds)
