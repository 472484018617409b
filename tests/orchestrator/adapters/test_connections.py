"""Peers that connect and say nothing, little, or too often."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from orchestrator.adapters.http.connections import Connections

pytestmark = pytest.mark.integration


@contextlib.asynccontextmanager
async def serving(connections: Connections) -> AsyncIterator[int]:
    """An application behind the guard; yields its port."""

    async def hello(request: web.Request) -> web.Response:
        connections.served(request.transport)
        return web.Response(text="hello")

    application = web.Application()
    application.add_routes([web.get("/", hello)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    server = await asyncio.get_running_loop().create_server(connections.wrap(runner.server), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await runner.cleanup()


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return await reader.read()
    finally:
        writer.close()


async def is_ended(reader: asyncio.StreamReader) -> bool:
    """Waits until the server has let go of the connection; False if it answered."""
    try:
        return await asyncio.wait_for(reader.read(), 30) == b""
    except ConnectionError:
        return True


async def test_silent_or_slow__let_go_and_others_are_served() -> None:
    connections = Connections(first_request_seconds=0.3)
    async with serving(connections) as port:
        silent, keep = await asyncio.open_connection("127.0.0.1", port)
        dribbling, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")

        async def dribble() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"X: y\r\n")
                    await asyncio.sleep(0.05)

        sending = asyncio.create_task(dribble())
        assert b"hello" in await ask(port)
        assert await is_ended(silent)
        assert await is_ended(dribbling)
        sending.cancel()
        keep.close()
        writer.close()
        assert connections.refused == 2
        assert b"hello" in await ask(port)


async def test_asked_in_time__connection_stays_open_for_the_next_request() -> None:
    connections = Connections(first_request_seconds=0.3)
    async with serving(connections) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"hello"), 30)
            await asyncio.sleep(0.5)  # longer than a first request may take
        writer.close()
        assert connections.refused == 0


async def test_too_many__refused_until_one_ends() -> None:
    connections = Connections(most=5, most_of_one=3)
    async with serving(connections) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        while connections.open < 3:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await is_ended(reader)
        writer.close()
        for _, each in held:
            each.close()
        while connections.open:
            await asyncio.sleep(0.01)
        assert b"hello" in await ask(port)
    assert connections.open == 0
