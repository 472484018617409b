"""A program's deterministic failure is a result too: the same few bytes on every device, so a quorum can agree on it.

The codes: `nan` (a NaN in an output or state), `trap` (the module trapped), `work_limit` (it counted down to the limit)
and `status_N` (it returned N). Workers are paid for finding it out; the job then fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from edgebounty.protocol.types import Digest

NAN: Final = "nan"
TRAP: Final = "trap"
WORK_LIMIT: Final = "work_limit"
_MAX_STATUS = 255


def code_of_status(status: int) -> str | None:
    """The failure that a program's return value stands for; None when it is 0. Beyond 255 all count as `status_255`."""
    if status == 0:
        return None
    if status == 1:
        return NAN
    return f"status_{status if 1 < status < _MAX_STATUS else _MAX_STATUS}"


def failure_bytes(code: str) -> bytes:
    """The result bytes of a failure. Raises `ValueError` for a code that does not exist."""
    if code not in _CODES:
        raise ValueError(f"{code[:40]!r} is no failure code")
    return b'{"failure":"%s"}' % code.encode()


def failure_digest(code: str) -> Digest:
    """What a worker reveals on chain when the program failed so."""
    return Digest(hashlib.sha256(failure_bytes(code)).digest())


def failure_of(result: bytes) -> str | None:
    """The code if `result` is a failure's bytes, else None."""
    return _BY_BYTES.get(result) if len(result) <= 40 else None


def failure_of_digest(digest: bytes) -> str | None:
    """The code if `digest` is that of a failure, else None: no fetch is needed to know."""
    return _BY_DIGEST.get(bytes(digest))


def explain(code: str) -> str:
    """One sentence for people."""
    return _WORDS.get(code, f"the program ended with status {code.removeprefix('status_')}")


_WORDS: Mapping[str, str] = {
    NAN: "a value became NaN (not a number); with training, try a smaller learning rate",
    TRAP: "the program trapped: it divided by zero, left its memory or reached unreachable code",
    WORK_LIMIT: "the program used more work units than the job's manifest allows",
}
_CODES = (*_WORDS, *(f"status_{n}" for n in range(2, _MAX_STATUS + 1)))
_BY_BYTES = {b'{"failure":"%s"}' % code.encode(): code for code in _CODES}
_BY_DIGEST = {hashlib.sha256(data).digest(): code for data, code in _BY_BYTES.items()}
