"""Content over HTTP from any gateway that speaks the trustless-gateway protocol. It is believed in nothing.

Reads: `GET URL/ipfs/CID?format=raw`, re-hashed. Writes: `PUT URL/ipfs/CID`, to gateways of this project, with a signed
permission (see `permission`). https://specs.ipfs.tech/http-gateways/trustless-gateway/
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3

from edgebounty.content.store import (
    MAX_BLOCK_BYTES,
    ContentCorrupt,
    ContentMissing,
    ContentUnavailable,
    check_block,
)
from edgebounty.protocol.cid import Cid

RAW_TYPE: Final = "application/vnd.ipld.raw"
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_READ_BYTES: Final = 64 << 10


class HttpGateway:
    """A gateway as a store. Safe for several threads.

    `timeout_seconds` bounds one whole transfer, so that a server which sends a byte a minute cannot hold a task.
    `signer` gives the Authorization header of uploads to an address; without one the gateway is read-only.
    """

    def __init__(
        self,
        url: str,
        signer: Callable[[str], str] | None = None,
        *,
        timeout_seconds: float = 30,
        attempts: int = 3,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"a gateway's address is http://HOST or https://HOST, this is {url!r}")
        self.url = url.rstrip("/")
        self._signer = signer
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._local = threading.local()
        self._through_proxy = parts.hostname not in ("localhost", "127.0.0.1", "::1")

    def get_block(self, cid: Cid) -> bytes:
        """Raises `ContentMissing`, `ContentCorrupt`, or `ContentUnavailable` after the last attempt."""
        with self._answer("GET", cid) as (answer, deadline):
            block = self._read(cid, answer, deadline)
        check_block(cid, block)
        return block

    def put_block(self, cid: Cid, block: bytes) -> None:
        """Raises `ContentUnavailable` with the gateway's reason if it refuses."""
        check_block(cid, block)
        if self._signer is None:
            raise ContentUnavailable(cid, f"{self.url} is used without a key, so nothing can be uploaded to it")
        with self._answer("PUT", cid, block):
            pass

    def has(self, cid: Cid) -> bool:
        try:
            with self._answer("HEAD", cid):
                return True
        except ContentMissing:
            return False

    def pin(self, cid: Cid) -> None:
        """A gateway keeps by its own rules; this only checks that it has the block."""
        if not self.has(cid):
            raise ContentMissing(cid, f"not at {self.url}")

    def unpin(self, cid: Cid) -> None:
        """Nothing: a gateway keeps by its own rules."""

    @contextlib.contextmanager
    def _answer(self, method: str, cid: Cid, body: bytes | None = None) -> Iterator[tuple[requests.Response, float]]:
        for attempt in range(1, self._attempts + 1):
            deadline = time.monotonic() + self._timeout
            try:
                answer = self._send(method, cid, body)
            except requests.RequestException as error:
                problem = f"{self.url} does not answer ({type(error).__name__}): is it running, is the address right?"
            else:
                with answer:
                    if answer.status_code not in _BUSY:
                        self._check_status(cid, answer)
                        yield answer, deadline
                        return
                    problem = f"{self.url} answers {answer.status_code}: {_reason(answer)}"
            if attempt < self._attempts:
                time.sleep(0.1 * 4 ** (attempt - 1))
        raise ContentUnavailable(cid, problem)

    def _send(self, method: str, cid: Cid, body: bytes | None) -> requests.Response:
        headers = {"Accept": RAW_TYPE, "Accept-Encoding": "identity"}
        if body is not None and self._signer is not None:
            headers |= {"Authorization": self._signer(self.url), "Content-Type": RAW_TYPE}
        return self._session().request(
            method,
            f"{self.url}/ipfs/{cid}",
            params={"format": "raw"},
            data=body,
            headers=headers,
            timeout=(min(5, self._timeout), self._timeout),
            allow_redirects=False,
            stream=True,
        )

    def _check_status(self, cid: Cid, answer: requests.Response) -> None:
        status = answer.status_code
        if status in (200, 201, 204):
            return
        if status in (404, 410):
            raise ContentMissing(cid, f"not at {self.url}")
        if status in (301, 302, 303, 307, 308):
            raise ContentUnavailable(cid, f"{self.url} redirects to {answer.headers.get('Location')}: use that address")
        raise ContentUnavailable(cid, f"{self.url} answers {status}: {_reason(answer)}")

    def _read(self, cid: Cid, answer: requests.Response, deadline: float) -> bytes:
        """The body, never more than a block; a server that lies about its length cannot fill our memory."""
        block = bytearray()
        try:
            while part := answer.raw.read1(
                _READ_BYTES
            ):  # what has come, not waiting for more: the deadline must be seen
                block += part
                if len(block) > MAX_BLOCK_BYTES:
                    raise ContentCorrupt(cid, f"{self.url} sends more than {MAX_BLOCK_BYTES} bytes: that is no block")
                if time.monotonic() > deadline:
                    raise ContentUnavailable(cid, f"{self.url} took longer than {self._timeout:g} s for one block")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ContentUnavailable(cid, f"{self.url} broke off ({type(error).__name__})") from error
        return bytes(block)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = self._through_proxy  # a proxy cannot reach our own loopback
        return session


def _reason(answer: requests.Response) -> str:
    """The gateway's own words, cut short."""
    with contextlib.suppress(requests.RequestException):
        text = next(answer.iter_content(500), b"").decode(errors="replace").strip()
        return text[:300] or answer.reason or "no reason given"
    return "no reason given"
