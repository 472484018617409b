"""Messages between the worker and its sandbox: one JSON head, then as many raw bytes as the head says."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")
MAX_HEAD_BYTES = 64 << 20


def write_message(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    text = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(text), len(body)) + text)
    stream.write(body)
    stream.flush()


def read_message(stream: IO[bytes], *, max_body_bytes: int) -> tuple[dict[str, Any], bytes] | None:
    """The next message, or None at the end of the stream. Raises `ValueError` when it is longer than allowed."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if head_bytes > MAX_HEAD_BYTES or body_bytes > max_body_bytes:
        raise ValueError(f"a message of {head_bytes} + {body_bytes} bytes is longer than allowed")
    text, body = stream.read(head_bytes), stream.read(body_bytes)
    if len(text) < head_bytes or len(body) < body_bytes:
        return None
    head = json.loads(text)
    if not isinstance(head, dict):
        raise ValueError("a message's head is an object")
    return head, body
