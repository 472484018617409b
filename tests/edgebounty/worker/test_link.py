"""An orchestrator is asked for hints only; whatever it answers, the worker goes on."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest
from eth_account import Account

from edgebounty.protocol.messages import Domain, Hello, is_signed
from edgebounty.protocol.types import Address, to_address
from edgebounty.worker.link import Backoff, Offer, OrchestratorLink, OrchestratorUnreachable

ME = to_address(Account.from_key("0x" + "11" * 32).address)
DOMAIN = Domain(chain_id=7, verifying_contract=to_address("0x" + "22" * 20))


class Server:
    """Answers what a test says, and keeps what it was told."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.paths: list[str] = []
        self.told: list[dict[str, object]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.body)

            def do_POST(self) -> None:
                outer.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.mark.integration
def test_work__offers__read(server: Server) -> None:
    server.body = b'{"offers": [{"job_id": 3, "task_index": 5, "draw_epoch": 1}], "reason": null}'
    answer = OrchestratorLink(server.url).work(ME)
    assert answer.offers == (Offer(job_id=3, task_index=5),)  # type: ignore[arg-type]
    assert answer.reason is None
    assert server.paths == [f"/v1/work?worker={ME}"]


@pytest.mark.integration
def test_work__no_offer__its_reason(server: Server) -> None:
    server.body = b'{"offers": [], "reason": "no open task"}'
    assert OrchestratorLink(server.url).work(ME).reason == "no open task"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"oops"),
        (429, b"slow down"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"offers": 3}'),
        (200, b'{"offers": [{"job_id": "x", "task_index": 0}]}'),
        (200, b'{"offers": [{"job_id": -1, "task_index": 0}]}'),
        (200, b'{"offers": [{"job_id": true, "task_index": 0}]}'),
        (200, b'{"offers": [{"job_id": 1' + b"0" * 100 + b', "task_index": 0}]}'),  # no contract takes it
        (200, b'{"offers": [{"job_id": 1, "task_index": 9999999999}]}'),
        (200, b"[" * 500_000),
        (200, b"x" * (2 << 20)),
    ],
)
def test_work__nonsense__unreachable_and_says_who(server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body
    with pytest.raises(OrchestratorUnreachable, match=server.url):
        OrchestratorLink(server.url).work(ME)


@pytest.mark.integration
def test_hello__signed_for_this_deployment_in_the_chain_s_time(server: Server) -> None:
    key = bytes.fromhex("11" * 32)
    OrchestratorLink(server.url).hello(domain=DOMAIN, worker=ME, key=key, capabilities={"simd": True}, now=1000.7)
    (told,) = server.told
    assert told["until"] == 1600
    message = Hello(worker=Address(str(told["worker"])), capabilities=str(told["capabilities"]), until=1600)
    assert is_signed(DOMAIN, message, bytes.fromhex(str(told["signature"])[2:]))


@pytest.mark.integration
def test_work__after_a_hello__asks_with_its_ticket(server: Server) -> None:
    link = OrchestratorLink(server.url)
    server.body = b'{"ticket": "t-1"}'
    link.hello(domain=DOMAIN, worker=ME, key=bytes.fromhex("11" * 32), capabilities={}, now=1000)
    server.body = b'{"offers": []}'
    link.work(ME)
    assert server.paths[-1] == f"/v1/work?worker={ME}&ticket=t-1"


@pytest.mark.unit
def test_backoff__failures__ever_longer_up_to_the_most() -> None:
    now = [0.0]
    backoff = Backoff(first=1, most=4, clock=lambda: now[0])
    pauses = []
    for _ in range(4):
        backoff.failed()
        pauses.append(_until_ready(backoff, now))
    assert pauses == [1, 2, 4, 4]
    backoff.worked()
    assert backoff.ready


def _until_ready(backoff: Backoff, now: list[float]) -> float:
    start = now[0]
    while not backoff.ready:
        now[0] += 0.5
    return now[0] - start
