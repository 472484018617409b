"""A proxy in front of a node: passes JSON-RPC on, and lies, stalls or fails as a test orders."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

Ask = dict[str, Any]
Forward = Callable[[Ask], Any]
"""Hands a request to the node; returns its whole answer."""
Rule = Callable[[Ask, Forward], Any]
"""The whole answer to one request; or raises `HttpError` or `Dropped`."""


class HttpError(Exception):
    """Answer with this HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Dropped(Exception):
    """Close the connection without an answer."""


class FaultProxy:
    """Serves loopback; set `rule` at any time. `asked` counts requests by method."""

    def __init__(self, node: str) -> None:
        self.rule: Rule = passing
        self.asked: dict[str, int] = {}
        self._node = node
        self._local = threading.local()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    many = isinstance(asked, list)
                    answers = [proxy._answer(each) for each in (asked if many else [asked])]
                except HttpError as error:
                    self.send_response(error.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                except Dropped:
                    self.close_connection = True
                    return
                body = json.dumps(answers if many else answers[0]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True, name="fault-proxy").start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, ask: Ask) -> Any:
        self.asked[ask["method"]] = self.asked.get(ask["method"], 0) + 1
        return self.rule(ask, self._forward)

    def _forward(self, ask: Ask) -> Any:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        return session.post(self._node, json=ask, timeout=30).json()


@contextmanager
def fault_proxy(node: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(node)
    try:
        yield proxy
    finally:
        proxy.close()


def passing(ask: Ask, forward: Forward) -> Any:
    return forward(ask)


def down(ask: Ask, forward: Forward) -> Any:
    """As if nobody listened there."""
    raise Dropped


def telling_no_logs(ask: Ask, forward: Forward) -> Any:
    """Logs are always empty, and receipts cannot be had another way."""
    if ask["method"] == "eth_getLogs":
        return {"jsonrpc": "2.0", "id": ask["id"], "result": []}
    if ask["method"] == "eth_getBlockReceipts":
        return {"jsonrpc": "2.0", "id": ask["id"], "error": {"code": -32601, "message": "unknown method"}}
    return forward(ask)


def narrow(most_blocks: int) -> Rule:
    """Refuses logs of more blocks than that, as public nodes do."""

    def rule(ask: Ask, forward: Forward) -> Any:
        if blocks_asked(ask) > most_blocks:
            error = {"code": -32005, "message": f"query exceeds max block range {most_blocks}"}
            return {"jsonrpc": "2.0", "id": ask["id"], "error": error}
        return forward(ask)

    return rule


def overloaded(most_blocks: int, failure: Callable[[], Any]) -> Rule:
    """Fails by HTTP, or in time, over logs of more blocks than that."""

    def rule(ask: Ask, forward: Forward) -> Any:
        if blocks_asked(ask) > most_blocks:
            failure()
        return forward(ask)

    return rule


def too_many_requests() -> None:
    raise HttpError(429)


def stall(seconds: float) -> Callable[[], None]:
    return lambda: time.sleep(seconds)


def behind(blocks: int) -> Rule:
    """A node so many blocks behind: what is newer does not exist for it."""

    def rule(ask: Ask, forward: Forward) -> Any:
        method, params = ask["method"], ask["params"]
        number = int(forward({"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []})["result"], 16)
        newest = max(0, number - blocks)
        if method == "eth_getBlockByNumber" and params[0] in ("latest", "pending"):
            return forward({**ask, "params": [hex(newest), *params[1:]]})
        if method == "eth_getBlockByNumber" and params[0].startswith("0x") and int(params[0], 16) > newest:
            return {"jsonrpc": "2.0", "id": ask["id"], "result": None}
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return forward({**ask, "params": [hex(max(0, newest - 2)), *params[1:]]})
        return forward(ask)

    return rule


def blocks_asked(ask: Ask) -> int:
    """How many blocks a query of logs by range spans; 0 for anything else."""
    if ask["method"] != "eth_getLogs" or "fromBlock" not in ask["params"][0]:
        return 0
    query = ask["params"][0]
    return int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1
