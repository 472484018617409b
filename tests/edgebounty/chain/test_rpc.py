from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.errors import ChainError, NodeUnreachable, WrongChain
from edgebounty.chain.rpc import connect

pytestmark = pytest.mark.integration


def test_connect__right_chain__answers(anvil: Anvil) -> None:
    assert connect(anvil.url, 31337).eth.chain_id == 31337


def test_connect__wrong_chain_id__names_both(anvil: Anvil) -> None:
    with pytest.raises(WrongChain, match=r"chain id 31337.*chain id 11155111"):
        connect(anvil.url, 11155111)


def test_connect__nobody_listens__says_where() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NodeUnreachable, match=f"127.0.0.1:{port}.*connection refused"):
        connect(f"http://127.0.0.1:{port}")


def test_connect__silent_server__times_out() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NodeUnreachable, match="timed out"):
            connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.3)


@pytest.fixture
def web_server() -> Iterator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_connect__a_web_page__is_not_a_node(web_server: str) -> None:
    with pytest.raises(NodeUnreachable, match="not JSON-RPC"):
        connect(web_server)


def test_connect__no_scheme__says_how_to_write_it() -> None:
    with pytest.raises(ChainError, match="http://127"):
        connect("127.0.0.1:8545")
