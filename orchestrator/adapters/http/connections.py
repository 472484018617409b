"""Connections of strangers: so many in all, so many of one address, and each has to say soon what it wants.

The HTTP library ends idle connections after their first request; before it, a peer could stay silent, or send a header
a minute, for ever ("slow loris"), and enough of them would use up the process's file descriptors.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import cast


class Connections:
    """Counts and bounds the connections of one server. `refused` and `open` are for the metrics."""

    def __init__(self, *, most: int = 512, most_of_one: int = 64, first_request_seconds: float = 15.0) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._first_request_seconds = first_request_seconds
        self._of: Counter[str] = Counter()
        self._waiting: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self.open = 0
        self.refused = 0

    def wrap(self, make: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The same protocols, guarded: for `loop.create_server`."""
        return lambda: _Guarded(make, self)

    def served(self, transport: asyncio.BaseTransport | None) -> None:
        """A whole request has come over this connection."""
        timer = self._waiting.pop(transport, None) if transport is not None else None
        if timer is not None:
            timer.cancel()

    def begin(self, address: str, transport: asyncio.BaseTransport) -> bool:
        """Whether the connection may stay."""
        if self.open >= self._most or self._of[address] >= self._most_of_one:
            self.refused += 1
            return False
        self.open += 1
        self._of[address] += 1
        loop = asyncio.get_running_loop()
        self._waiting[transport] = loop.call_later(self._first_request_seconds, self._too_slow, transport)
        return True

    def end(self, address: str, transport: asyncio.BaseTransport) -> None:
        self.served(transport)
        self.open -= 1
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]

    def _too_slow(self, transport: asyncio.BaseTransport) -> None:
        self._waiting.pop(transport, None)
        self.refused += 1
        cast(asyncio.Transport, transport).abort()


class _Guarded(asyncio.Protocol):
    """Hands everything on to the protocol that it makes, unless the connection is refused."""

    def __init__(self, make: Callable[[], asyncio.Protocol], connections: Connections) -> None:
        self._make = make
        self._connections = connections
        self._inner: asyncio.Protocol | None = None
        self._address = ""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._connections.begin(self._address, transport):
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = transport
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._inner is not None and self._transport is not None:
            self._connections.end(self._address, self._transport)
            self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()
