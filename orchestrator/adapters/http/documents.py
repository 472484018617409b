"""Documents that many ask for: made once, then sent as they are. A hundred visitors cost little more than one."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import web

from orchestrator.ports.clock import Clock

KEPT_BYTES: Final = 64 << 20
SHARE_OF_TIME: Final = 0.02
"""Documents are made anew so seldom that all together take at most this share of the time. What else visitors may cost
is for sending them."""
IN_USE_SECONDS: Final = 60.0
"""A document that nobody asked for so long has no part in it."""
LEAST_PAUSE_SECONDS: Final = 1.0
_SMALL_BYTES: Final = 1024

Make = Callable[[], Awaitable[Any]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """JSON, plain and packed."""

    body: bytes
    packed: bytes
    etag: str


@dataclass(slots=True, kw_only=True)
class _Entry:
    version: Hashable
    document: Document
    asked_at: float = 0.0
    next_at: float = 0.0


class Documents:
    """Keeps the newest version of each document, and forgets those longest unasked for."""

    def __init__(self, clock: Clock, spent: Callable[[], float] = time.thread_time) -> None:
        """`spent`: processor seconds of the thread that asks. By the clock, a busy machine would count as our cost."""
        self._clock = clock
        self._spent = spent
        self._kept: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0
        self._making: dict[str, asyncio.Lock] = {}

    async def of_version(self, name: str, version: Hashable, make: Make) -> Document:
        """The document as of `version`, or of a moment before: made when that has changed, within `SHARE_OF_TIME`."""
        now = self._clock.monotonic
        return await self._get(
            name, lambda entry: entry.version == version or now() < entry.next_at, version, make, least_seconds=0.0
        )

    async def paced(self, name: str, make: Make, *, asks_others: bool = False) -> Document:
        """A document that may be a little old: made anew when asked for, within `SHARE_OF_TIME`.

        `asks_others`: what it costs is not spent in this thread, so the clock counts.
        """
        now = self._clock.monotonic
        return await self._get(
            name,
            lambda entry: now() < entry.next_at,
            None,
            make,
            least_seconds=LEAST_PAUSE_SECONDS,
            asks_others=asks_others,
        )

    async def _get(
        self,
        name: str,
        is_fresh: Callable[[_Entry], bool],
        version: Hashable,
        make: Make,
        *,
        least_seconds: float,
        asks_others: bool = False,
    ) -> Document:
        lock = self._making.setdefault(name, asyncio.Lock())
        try:
            async with lock:  # who asks meanwhile waits for the one being made
                entry = self._kept.get(name)
                if entry is None or not is_fresh(entry):
                    started, before = self._clock.monotonic(), self._spent()
                    value = await make()
                    making = self._spent() - before
                    document, packing = await asyncio.to_thread(self._pack, value)
                    ended = self._clock.monotonic()
                    cost = ended - started if asks_others else making + packing
                    entry = _Entry(version=version, document=document, asked_at=ended)
                    self._keep(name, entry)
                    share = SHARE_OF_TIME / self._in_use(ended)
                    entry.next_at = ended + max(least_seconds, _pause_after(cost, share))
                entry.asked_at = self._clock.monotonic()
                self._kept.move_to_end(name)
                return entry.document
        finally:
            if not lock.locked():
                self._making.pop(name, None)

    def _pack(self, value: Any) -> tuple[Document, float]:
        before = self._spent()
        document = _pack(value)
        return document, self._spent() - before

    def _in_use(self, now: float) -> int:
        return sum(now - entry.asked_at < IN_USE_SECONDS for entry in self._kept.values())

    def _keep(self, name: str, entry: _Entry) -> None:
        old = self._kept.pop(name, None)
        self._bytes += _size(entry) - (_size(old) if old is not None else 0)
        self._kept[name] = entry
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


class Paced(Generic[_T]):
    """One value that is costly to make, made anew when asked for, within a share of the time."""

    def __init__(self, clock: Clock, make: Callable[[], _T], *, share: float) -> None:
        self._clock = clock
        self._share = share
        self._make = make
        self._value: _T | None = None
        self._next_at = 0.0

    def get(self) -> _T:
        """The value, perhaps a little old."""
        started = self._clock.monotonic()
        if self._value is None or started >= self._next_at:
            self._value = self._make()
            ended = self._clock.monotonic()
            self._next_at = ended + _pause_after(ended - started, self._share)
        return self._value


def answer(document: Document, request: web.Request) -> web.Response:
    """The document, or 304 to who has it already."""
    headers = {"ETag": document.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == document.etag:
        return web.Response(status=304, headers=headers)
    body = document.body
    if document.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = document.packed
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers, content_type="application/json", charset="utf-8")


def _pack(value: Any) -> Document:
    body = json.dumps(value, separators=(",", ":")).encode()
    packed = gzip.compress(body, compresslevel=3, mtime=0) if len(body) > _SMALL_BYTES else b""
    return Document(body=body, packed=packed, etag=f'W/"{hashlib.sha256(body).hexdigest()[:24]}"')


def _pause_after(seconds: float, share: float) -> float:
    return seconds * (1 / share - 1)


def _size(entry: _Entry) -> int:
    return len(entry.document.body) + len(entry.document.packed)
