"""Real HTTP servers on loopback for tests: our gateway, and one that lies in whatever way a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from aiohttp import web

from edgebounty.content.gateway import routes
from edgebounty.content.permission import Authorise
from edgebounty.content.store import ContentStore


@contextlib.contextmanager
def serve(application: Callable[[], web.Application]) -> Iterator[str]:
    """The URL of an application running in a thread of its own."""
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()
    url: list[str] = []

    async def run() -> None:
        runner = web.AppRunner(application(), shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert started.wait(60)
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextlib.contextmanager
def serve_store(store: ContentStore, authorise: Authorise | None = None) -> Iterator[str]:
    """The URL of our gateway before this store."""

    def application() -> web.Application:
        app = web.Application()
        app.add_routes(routes(store, authorise))
        return app

    with serve(application) as url:
        yield url


@contextlib.contextmanager
def serve_bytes(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads one request and then does what `answer` says with the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    closing = threading.Event()

    def accept() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                answer(connection)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
