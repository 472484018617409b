"""Who may upload to a gateway: accounts that sign an `Upload` for it, shown in the Authorization header.

`Authorization: Edgebounty <address>:<until>:<signature hex>`; `until` is a Unix second not far ahead. Signed is also
the origin of the gateway that the client talks to, as a browser would name it. A gateway takes only what was signed for
one of its own origins, so that another, which was shown a permission, cannot use it here.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from edgebounty.protocol.cid import Cid
from edgebounty.protocol.messages import Domain, Upload, address_of_key, is_signed, sign
from edgebounty.protocol.types import Address, to_address

SCHEME: Final = "Edgebounty"
LIFE_SECONDS: Final = 600
MAX_LIFE_SECONDS: Final = 3600


class UploadRefused(Exception):
    """An upload that is not allowed; `status` is the HTTP answer: 401 not signed rightly, 403 not for this account."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


Authorise = Callable[[str | None, Cid, int, tuple[str, ...]], None]
"""(Authorization header, CID, bytes, the origins of where it arrived) -> None, or raises `UploadRefused`."""

_DEFAULT_PORT: Final = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an address, in lower case and without the usual port, as browsers write it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    port = "" if parts.port in (None, _DEFAULT_PORT.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def origins_at(address: str, port: int) -> tuple[str, ...]:
    """How the socket at which a request arrived may be called: what a header says of that is the caller's word."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    names = (host, "localhost") if ip.is_loopback else (host,)
    return tuple(origin_of(f"http://{name}:{port}") for name in names)


class UploadSigner:
    """Makes the header for one account at one gateway, signing anew when the last permission nears its end."""

    def __init__(self, domain: Domain, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._domain = domain
        self._key = key
        self._account = address_of_key(key)
        self._clock = clock
        self._lock = threading.Lock()
        self._gateway = ""
        self._until = 0
        self._header = ""

    def __call__(self, gateway_url: str) -> str:
        """The header's value now, for this gateway."""
        with self._lock:
            now, gateway = int(self._clock()), origin_of(gateway_url)
            if self._until < now + LIFE_SECONDS // 2 or self._gateway != gateway:
                self._until, self._gateway = now + LIFE_SECONDS, gateway
                message = Upload(account=self._account, gateway=gateway, until=self._until)
                signature = sign(self._domain, message, self._key).hex()
                self._header = f"{SCHEME} {self._account}:{self._until}:{signature}"
            return self._header


def who_uploads(header: str | None, domain: Domain, origins: Iterable[str], now: float) -> Address:
    """The account that signed the header for one of these origins, which are the gateway's own.

    Raises `UploadRefused` (401) saying what is wrong with it.
    """
    ours = tuple(dict.fromkeys(origins))
    if not header:
        raise UploadRefused(401, f"uploads need a signed permission: Authorization: {SCHEME} ADDRESS:UNTIL:SIGNATURE")
    scheme, _, value = header.partition(" ")
    parts = value.strip().split(":")
    if scheme != SCHEME or len(parts) != 3 or len(header) > 400:
        raise UploadRefused(401, f"the permission is not of the form {SCHEME} ADDRESS:UNTIL:SIGNATURE")
    try:
        account = to_address(parts[0])
        until = int(parts[1]) if parts[1].isascii() and parts[1].isdigit() else -1
        signature = bytes.fromhex(parts[2].removeprefix("0x"))
        messages = (Upload(account=account, gateway=each, until=until) for each in ours)
        right = any(is_signed(domain, message, signature) for message in messages)
    except ValueError as error:
        raise UploadRefused(401, f"the permission cannot be read: {error}") from error
    if until <= now:
        raise UploadRefused(
            401, f"the permission ended at {until} and it is {int(now)}: sign anew, or check your clock"
        )
    if until > now + MAX_LIFE_SECONDS:
        raise UploadRefused(401, f"the permission lasts longer than {MAX_LIFE_SECONDS} s: check your clock")
    if not right:
        raise UploadRefused(
            401,
            f"the signature is not by {account} for chain {domain.chain_id}, contract {domain.verifying_contract} and "
            f"this gateway ({', '.join(ours)}): if you know it by another address, its operator has to set public_url",
        )
    return account


def signed_by(
    domain: Domain, allowed: Callable[[Address, Cid, int], bool], clock: Callable[[], float] = time.time
) -> Authorise:
    """Lets accounts upload that signed for it and of which `allowed(account, cid, bytes)` says yes."""

    def authorise(header: str | None, cid: Cid, size: int, origins: tuple[str, ...]) -> None:
        account = who_uploads(header, domain, origins, clock())
        if not allowed(account, cid, size):
            raise UploadRefused(403, f"{account} may not upload here now")

    return authorise
