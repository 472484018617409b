"""Who may upload to a gateway: accounts that sign an `Upload` for it, shown in the Authorization header.

`Authorization: Edgebounty <address>:<until>:<signature hex>`; `until` is a Unix second not far ahead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

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


Authorise = Callable[[str | None, Cid, int], None]
"""(Authorization header, CID, bytes) -> None, or raises `UploadRefused`."""


class UploadSigner:
    """Makes the header for one account, signing anew when the last permission nears its end."""

    def __init__(self, domain: Domain, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._domain = domain
        self._key = key
        self._account = address_of_key(key)
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0
        self._header = ""

    def __call__(self) -> str:
        """The header's value now."""
        with self._lock:
            now = int(self._clock())
            if self._until < now + LIFE_SECONDS // 2:
                self._until = now + LIFE_SECONDS
                message = Upload(account=self._account, until=self._until)
                signature = sign(self._domain, message, self._key).hex()
                self._header = f"{SCHEME} {self._account}:{self._until}:{signature}"
            return self._header


def who_uploads(header: str | None, domain: Domain, now: float) -> Address:
    """The account that signed the header. Raises `UploadRefused` (401) saying what is wrong with it."""
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
        message = Upload(account=account, until=until)
        right = is_signed(domain, message, signature)
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
            f"the signature is not by {account} for chain {domain.chain_id} and contract {domain.verifying_contract}",
        )
    return account


def signed_by(
    domain: Domain, allowed: Callable[[Address, Cid, int], bool], clock: Callable[[], float] = time.time
) -> Authorise:
    """Lets accounts upload that signed for it and of which `allowed(account, cid, bytes)` says yes."""

    def authorise(header: str | None, cid: Cid, size: int) -> None:
        account = who_uploads(header, domain, clock())
        if not allowed(account, cid, size):
            raise UploadRefused(403, f"{account} may not upload here now")

    return authorise
