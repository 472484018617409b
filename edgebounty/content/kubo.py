"""An IPFS node (Kubo) as a store, through its RPC API and `ipfshttpclient`. What it serves is re-hashed like any other.

Works with every Kubo since 0.9: the library's own version check knows none above 0.8, so `connect()` is not used. A CID
that no peer has would hang, so each call carries a time limit that the node itself keeps.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import ipfshttpclient
from ipfshttpclient import exceptions

from edgebounty.content.store import (
    MAX_BLOCK_BYTES,
    ContentCorrupt,
    ContentError,
    ContentMissing,
    ContentUnavailable,
    check_block,
)
from edgebounty.protocol.cid import RAW, Cid

_ABSENT: Final = ("not found", "could not find", "deadline exceeded", "not pinned")
_CODEC_NAMES: Final = {RAW: "raw"}
_SEND_BYTES: Final = 256 << 10
# The library sets an option that urllib3 ignores, and drops in its version 3, which `requests` does not allow yet.
warnings.filterwarnings("ignore", "The 'strict' parameter is no longer needed", FutureWarning, "urllib3.poolmanager")


class KuboStore:
    """Safe for several threads.

    `address`: of the RPC API, as `http://127.0.0.1:5001` or `/ip4/127.0.0.1/tcp/5001/http`; never open it to others.
    `timeout_seconds`: how long the node may look for one block among its peers.
    """

    def __init__(self, address: str, *, timeout_seconds: float = 30) -> None:
        self.address = address
        self._limit = {"timeout": f"{int(timeout_seconds * 1000)}ms"}
        # the node answers "deadline exceeded" itself; ours is for a node that does not even do that
        self._client = ipfshttpclient.Client(_multiaddr(address), timeout=timeout_seconds + 5, chunk_size=_SEND_BYTES)

    def put_block(self, cid: Cid, block: bytes) -> None:
        check_block(cid, block)
        options = {"cid-codec": _CODEC_NAMES.get(cid.codec, "dag-pb"), "mhtype": "sha2-256", **self._limit}
        answer = self._ask(cid, lambda: self._client.block.put(io.BytesIO(block), opts=options))
        if answer["Key"] != str(cid):
            raise ContentUnavailable(cid, f"the IPFS node at {self.address} calls these bytes {answer['Key']}")

    def get_block(self, cid: Cid) -> bytes:
        block: bytes = self._ask(cid, lambda: self._read(cid))
        check_block(cid, block)
        return block

    def has(self, cid: Cid) -> bool:
        """Whether the node itself holds the block, asking no peer."""
        try:
            self._ask(cid, lambda: self._client.block.stat(str(cid), offline=True, opts=dict(self._limit)))
        except ContentMissing:
            return False
        return True

    def pin(self, cid: Cid) -> None:
        """Keep the whole tree below; blocks the node lacks are fetched from peers within the time limit."""
        self._ask(cid, lambda: self._client.pin.add(str(cid), opts=dict(self._limit)))

    def unpin(self, cid: Cid) -> None:
        try:
            self._ask(cid, lambda: self._client.pin.rm(str(cid), opts=dict(self._limit)))
        except ContentMissing:
            return  # was not pinned

    def version(self) -> str:
        """The node's version. Raises `ContentUnavailable` if it does not answer: a check at start-up."""
        return str(self._ask(Cid.of(b""), self._client.version)["Version"])

    def _read(self, cid: Cid) -> bytes:
        block = bytearray()
        with self._client.block.get(str(cid), stream=True, opts=dict(self._limit)) as parts:
            for part in parts:
                block += part
                if len(block) > MAX_BLOCK_BYTES:
                    raise ContentCorrupt(cid, f"the IPFS node at {self.address} sends more than a block")
        return bytes(block)

    def _ask(self, cid: Cid, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ContentError:
            raise
        except exceptions.ErrorResponse as error:
            text = str(error)
            if any(word in text for word in _ABSENT):
                raise ContentMissing(cid, f"not at the IPFS node {self.address}: {text}") from error
            raise ContentUnavailable(cid, f"the IPFS node at {self.address} refuses: {text}") from error
        except exceptions.TimeoutError as error:
            raise ContentMissing(cid, f"not found by the IPFS node at {self.address} in time") from error
        except (exceptions.Error, OSError) as error:  # the library lets errors of the body's transfer through
            detail = (
                f"the IPFS node at {self.address} does not answer ({type(error).__name__}): is `ipfs daemon` running?"
            )
            raise ContentUnavailable(cid, detail) from error


def _multiaddr(address: str) -> str:
    if address.startswith("/"):
        return address
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"an IPFS node's address is http://HOST:PORT or a multiaddr, this is {address!r}")
    host = parts.hostname
    kind = "ip6" if ":" in host else "ip4" if host.replace(".", "").isdigit() else "dns"
    return f"/{kind}/{host}/tcp/{parts.port or 5001}/{parts.scheme}"
