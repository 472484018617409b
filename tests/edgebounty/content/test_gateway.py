import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from edgebounty.content.http import RAW_TYPE, HttpGateway
from edgebounty.content.permission import UploadSigner, origin_of, origins_at, signed_by
from edgebounty.content.store import (
    MAX_BLOCK_BYTES,
    ContentCorrupt,
    ContentError,
    ContentMissing,
    ContentStore,
    ContentUnavailable,
    MemoryStore,
    put_file,
)
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import to_address
from tests.edgebounty.content.serving import serve_bytes, serve_store

pytestmark = pytest.mark.integration
DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x22" * 20))
KEY = bytes(range(1, 33))
BLOCK = b"some block"
CID = Cid.of(BLOCK)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({CID: BLOCK})


@pytest.fixture
def url(store: MemoryStore) -> Iterator[str]:
    with serve_store(store, signed_by(DOMAIN, lambda account, cid, size: True)) as address:
        yield address


def test_get__raw_format__is_a_trustless_gateway_answer(url: str) -> None:
    for answer in (
        requests.get(f"{url}/ipfs/{CID}?format=raw", timeout=5),
        requests.get(f"{url}/ipfs/{CID}", headers={"Accept": RAW_TYPE}, timeout=5),
    ):
        assert answer.content == BLOCK
        assert answer.headers["Content-Type"] == "application/vnd.ipld.raw"
        assert answer.headers["ETag"] == f'"{CID}.raw"'
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_get__etag_known__is_not_sent_again(url: str) -> None:
    first = requests.get(f"{url}/ipfs/{CID}?format=raw", timeout=5)
    again = requests.get(f"{url}/ipfs/{CID}?format=raw", headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
    assert (again.status_code, again.content) == (304, b"")


def test_head__block_there_or_not__answers_without_a_body(url: str) -> None:
    there = requests.head(f"{url}/ipfs/{CID}?format=raw", timeout=5)
    absent = requests.head(f"{url}/ipfs/{Cid.of(b'?')}?format=raw", timeout=5)
    assert (there.status_code, there.headers["Content-Length"], there.content) == (200, str(len(BLOCK)), b"")
    assert absent.status_code == 404


def test_get__whole_file__comes_joined_with_its_length(url: str, store: MemoryStore) -> None:
    data = os.urandom((3 << 20) + 1)
    cid = put_file(store, data)

    answer = requests.get(f"{url}/ipfs/{cid}", timeout=10)

    assert answer.content == data
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert requests.head(f"{url}/ipfs/{cid}", timeout=5).headers["Content-Length"] == str(len(data))


def test_get__file_with_a_chunk_missing__breaks_off_and_is_never_taken_for_whole(url: str, store: MemoryStore) -> None:
    data = os.urandom(3 << 20)
    cid = put_file(store, data)
    del store.blocks[unixfs.links(store.blocks[cid])[2][0]]
    with pytest.raises(requests.RequestException):
        _ = requests.get(f"{url}/ipfs/{cid}", timeout=10).content


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/ipfs/nonsense", 400, "no CIDv1"),
        ("/ipfs/QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", 400, "CIDv0"),
        (f"/ipfs/{Cid.of(b'?')}", 404, "not in this store"),
        (f"/ipfs/{CID}?format=car", 406, "only format=raw"),
        (f"/ipfs/{CID}/../../etc/passwd", 404, ""),
    ],
)
def test_get__wrong_request__says_what_is_wrong(url: str, path: str, status: int, words: str) -> None:
    answer = requests.get(url + path, timeout=5)
    assert answer.status_code == status
    assert words in answer.text


def test_get__block_damaged_here__is_an_error_not_bytes(url: str, store: MemoryStore) -> None:
    store.blocks[CID] = b"damaged"
    answer = requests.get(f"{url}/ipfs/{CID}?format=raw", timeout=5)
    assert answer.status_code == 500
    assert b"damaged in this store" in answer.content


def put(url: str, body: bytes, *, header: str | None = None, cid: Cid | None = None) -> requests.Response:
    headers = {"Authorization": UploadSigner(DOMAIN, KEY)(url) if header is None else header}
    return requests.put(f"{url}/ipfs/{cid or Cid.of(body)}", data=body, headers=headers, timeout=5)


def test_put__signed__is_created_then_known(url: str, store: MemoryStore) -> None:
    assert [put(url, b"new").status_code for _ in range(2)] == [201, 200]
    assert store.get_block(Cid.of(b"new")) == b"new"


@pytest.mark.parametrize("known", [False, True])
def test_put__bytes_of_another_cid__is_refused(url: str, store: MemoryStore, known: bool) -> None:
    cid = CID if known else Cid.of(b"another")
    answer = put(url, b"bytes", cid=cid)
    assert answer.status_code == 400
    assert "do not hash" in answer.text
    assert store.has(cid) is known


def test_put__unsigned_expired_or_too_large__is_refused(url: str, store: MemoryStore) -> None:
    late = UploadSigner(DOMAIN, KEY, clock=lambda: time.time() - 7200)(url)
    early = UploadSigner(DOMAIN, KEY, clock=lambda: time.time() + 7200)(url)
    other = UploadSigner(Domain(chain_id=1, verifying_contract=DOMAIN.verifying_contract), KEY)(url)

    assert put(url, b"new", header="").status_code == 401
    assert "ended at" in put(url, b"new", header=late).text
    assert "lasts longer" in put(url, b"new", header=early).text
    assert "chain 31337" in put(url, b"new", header=other).text
    assert put(url, bytes(MAX_BLOCK_BYTES + 1)).status_code == 413
    assert not store.has(Cid.of(b"new"))


def test_put__permission_for_another_gateway__is_refused(url: str, store: MemoryStore) -> None:
    """Whoever was shown it may replay it with any header it likes: what counts is where the request arrives."""
    there = MemoryStore()
    with serve_store(there, signed_by(DOMAIN, lambda account, cid, size: True)) as other:
        shown = UploadSigner(DOMAIN, KEY)(other)
        assert put(other, b"new", header=shown).status_code == 201
        answer = requests.put(
            f"{url}/ipfs/{Cid.of(b'new')}",
            data=b"new",
            headers={"Authorization": shown, "Host": other.removeprefix("http://"), "Origin": other},
            timeout=5,
        )
    assert answer.status_code == 401
    assert f"this gateway ({url}" in answer.text
    assert "public_url" in answer.text
    assert not store.has(Cid.of(b"new"))


def test_put__gateway_called_localhost__is_the_same_gateway(url: str) -> None:
    header = UploadSigner(DOMAIN, KEY)(url.replace("127.0.0.1", "LOCALHOST") + "/")
    assert put(url, b"new", header=header).status_code == 201


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Market.Example:443/ipfs", "https://market.example"),
        ("http://market.example:80", "http://market.example"),
        ("https://market.example:80/", "https://market.example:80"),
        ("http://[::1]:8600/", "http://[::1]:8600"),
        ("http://10.0.0.7:8600", "http://10.0.0.7:8600"),
    ],
)
def test_origin__of_an_address__is_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("address", "origins"),
    [
        ("10.0.0.7", ("http://10.0.0.7:8600",)),
        ("::ffff:10.0.0.7", ("http://10.0.0.7:8600",)),
        ("127.0.0.1", ("http://127.0.0.1:8600", "http://localhost:8600")),
        ("::1", ("http://[::1]:8600", "http://localhost:8600")),
        ("fe80::1%eth0", ("http://[fe80::1]:8600",)),
    ],
)
def test_origins__of_a_socket__are_all_its_names(address: str, origins: tuple[str, ...]) -> None:
    assert origins_at(address, 8600) == origins


def test_put__account_not_allowed_or_no_uploads_at_all__is_forbidden(store: MemoryStore) -> None:
    with serve_store(store, signed_by(DOMAIN, lambda account, cid, size: False)) as url:
        assert put(url, b"new").status_code == 403
    with serve_store(store) as url:
        assert put(url, b"new").status_code == 403


def test_put__body_shorter_than_promised__keeps_nothing(url: str, store: MemoryStore) -> None:
    host, port = url.removeprefix("http://").split(":")
    head = f"PUT /ipfs/{Cid.of(b'long body')} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}Authorization: {UploadSigner(DOMAIN, KEY)(url)}\r\n\r\nlong".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(60)
        while connection.recv(4096):
            pass  # until the server has let go of it
    assert not store.has(Cid.of(b"long body"))


def test_options__from_a_browser__allows_the_upload(url: str) -> None:
    answer = requests.options(f"{url}/ipfs/{CID}", timeout=5)
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


# ---- a gateway that lies, against our client


def http(status: str, body: bytes, length: int | None = None) -> Callable[[socket.socket], None]:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\nConnection: close\r\n\r\n"
    )
    return lambda connection: connection.sendall(head.encode() + body)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (http("200 OK", b"other bytes"), ContentCorrupt, "do not hash"),
        (http("200 OK", b""), ContentCorrupt, "do not hash"),
        (http("200 OK", BLOCK + b"!"), ContentCorrupt, "do not hash"),
        (http("200 OK", bytes(MAX_BLOCK_BYTES + 100_000)), ContentCorrupt, "no block"),
        (http("200 OK", BLOCK, length=1 << 40), ContentUnavailable, "broke off"),
        (http("404 Not Found", b""), ContentMissing, "not at"),
        (http("302 Found\r\nLocation: http://127.0.0.1:1/", b""), ContentUnavailable, "redirects to"),
        (http("401 Unauthorized", b"go away"), ContentUnavailable, "go away"),
        (http("503 Busy", b"later"), ContentUnavailable, "later"),
        (lambda connection: connection.sendall(b"not http at all\r\n\r\n"), ContentUnavailable, "does not answer"),
        (lambda connection: None, ContentUnavailable, "does not answer"),
    ],
)
def test_client__gateway_that_lies_or_fails__is_never_believed(
    answer: Callable[[socket.socket], None], error: type[ContentError], words: str
) -> None:
    with serve_bytes(answer) as url, pytest.raises(error, match=words):
        HttpGateway(url, attempts=2).get_block(CID)


def test_client__gateway_that_drips_bytes__is_given_up_in_time() -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(0.1):
            connection.sendall(b"x")

    started = time.monotonic()
    with serve_bytes(drip) as url:
        with pytest.raises(ContentUnavailable, match="longer than 1 s"):
            HttpGateway(url, timeout_seconds=1, attempts=1).get_block(CID)
        stop.set()
    assert time.monotonic() - started < 5


def test_client__busy_once__tries_again_and_succeeds() -> None:
    answers = iter([http("503 Busy", b""), http("200 OK", BLOCK)])
    with serve_bytes(lambda connection: next(answers)(connection)) as url:
        assert HttpGateway(url).get_block(CID) == BLOCK


def test_client__nobody_listens_or_no_key_or_no_address__says_so() -> None:
    with pytest.raises(ContentUnavailable, match="is it running"):
        HttpGateway("http://127.0.0.1:9", attempts=1).get_block(CID)
    with pytest.raises(ContentUnavailable, match="without a key"):
        HttpGateway("http://127.0.0.1:9").put_block(CID, BLOCK)
    with pytest.raises(ValueError, match="gateway's address"):
        HttpGateway("ftp://example.org")


def test_client__refused_upload__tells_the_gateways_reason(store: ContentStore) -> None:
    with (
        serve_store(store, signed_by(DOMAIN, lambda *_: False)) as url,
        pytest.raises(ContentUnavailable, match=r"403.*may not upload"),
    ):
        HttpGateway(url, UploadSigner(DOMAIN, KEY)).put_block(Cid.of(b"n"), b"n")


def test_upload_signer__asked_often__signs_once_until_half_its_life_is_over() -> None:
    now = [1000.0]
    signer = UploadSigner(DOMAIN, KEY, clock=lambda: now[0])
    url = "https://market.example"
    first = signer(url)
    now[0] += 200
    assert signer(url + "/ipfs") == first
    assert signer("https://other.example") != first
    assert signer(url) != first
    first = signer(url)
    now[0] += 400
    assert signer(url) != first
