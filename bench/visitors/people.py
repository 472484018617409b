"""Visitors that look at the explorer, each with a page open."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import cycle, islice
from typing import Final

import aiohttp

from bench.visitors.service import DONE, ME

LOOKS_EVERY_SECONDS: Final = 10
"""As often as a page of the explorer asks again (web/api/documents.ts)."""
PAGES: Final = (
    *(("/v1/overview", "/v1/jobs"),) * 8,
    *((f"/v1/jobs/{DONE}",),) * 6,
    *(("/v1/batches", "/v1/disputes"),) * 3,
    (f"/v1/batches/{ME}/0",),
    *(("/v1/workers",),) * 2,
)
"""What a visitor has open, in the share in which it is open."""


class Visitors:
    """So many pages, each open in a browser of its own that keeps what it was sent, and asks while `present`.

    `looks` counts answers, `longest` is the seconds that one waited at most.
    """

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self.present = False
        self.looks = 0
        self.longest = 0.0
        threading.Thread(target=lambda: asyncio.run(self._all(count)), daemon=True).start()

    async def _all(self, count: int) -> None:
        pages = islice(cycle(PAGES), count)
        await asyncio.gather(*(self._look(LOOKS_EVERY_SECONDS * i / count, page) for i, page in enumerate(pages)))

    async def _look(self, delay: float, paths: tuple[str, ...]) -> None:
        known: dict[str, str] = {}
        await asyncio.sleep(delay)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:
            while True:
                for path in paths if self.present else ():
                    headers = {"If-None-Match": known[path]} if path in known else {}
                    started = time.monotonic()
                    async with session.get(self._url + path, headers=headers) as response:
                        await response.read()
                        assert response.status in (200, 304), (path, response.status)
                        known[path] = response.headers["ETag"]
                    self.longest = max(self.longest, time.monotonic() - started)
                    self.looks += 1
                await asyncio.sleep(LOOKS_EVERY_SECONDS)
