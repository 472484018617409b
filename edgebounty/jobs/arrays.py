"""Arrays to the bytes of a role and back, by a program's layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebounty.jobs.check import JobError
from edgebounty.protocol.layout import ITEM_BYTES, NUMPY_TYPES, Buffer, Layout

Array = NDArray[Any]


def pack_role(layout: Layout, role: str, arrays: Mapping[str, Array | int]) -> bytes:
    """The bytes of a role, each buffer filled row by row from its array and with zeros after it.

    Raises `JobError` when a name is missing, an array does not fit, or a number does not survive the buffer's type.
    """
    parts = []
    for buffer in layout.role(role):
        if buffer.name not in arrays:
            raise JobError(f"{layout.name} wants {buffer.name} in its {role}; there are {', '.join(sorted(arrays))}")
        parts.append(_fill(buffer, np.asarray(arrays[buffer.name])))
    return b"".join(parts)


def unpack(buffers: Sequence[Buffer], content: bytes) -> dict[str, Array]:
    """The named arrays in a role's bytes (read-only views). Raises `JobError` on a wrong length."""
    expected = sum(buffer.nbytes for buffer in buffers)
    if len(content) != expected:
        raise JobError(f"{len(content)} bytes where {expected} belong")
    found: dict[str, Array] = {}
    at = 0
    for buffer in buffers:
        flat = np.frombuffer(content, NUMPY_TYPES[buffer.dtype], buffer.items, at)
        found[buffer.name] = flat.reshape(buffer.shape)
        at += buffer.nbytes
    return found


def describe_buffers(buffers: Sequence[Buffer]) -> list[dict[str, Any]]:
    """Buffers as JSON for a manifest's `about`, so that a result can be read without the program."""
    return [{"name": b.name, "dtype": b.dtype, "shape": list(b.shape)} for b in buffers]


def read_buffers(value: Any) -> tuple[Buffer, ...]:
    """What `describe_buffers` wrote; a stranger may have written it. Raises `JobError`."""
    try:
        buffers = tuple(
            Buffer(name=str(b["name"]), dtype=b["dtype"], shape=tuple(b["shape"]), offset=0, role="output")
            for b in value
        )
        sound = all(b.dtype in ITEM_BYTES and all(type(n) is int and 0 < n < 1 << 32 for n in b.shape) for b in buffers)
    except (TypeError, KeyError) as error:
        raise JobError("the manifest's `about` does not say how to read the result") from error
    if not buffers or not sound:
        raise JobError("the manifest's `about` describes no readable result")
    return buffers


def _fill(buffer: Buffer, array: Array) -> bytes:
    if array.size > buffer.items:
        raise JobError(f"{buffer.name} has room for {buffer.items} numbers, {array.size} were given")
    wanted = np.dtype(NUMPY_TYPES[buffer.dtype])
    flat = np.ascontiguousarray(array).reshape(-1)
    if wanted.kind == "f":
        with np.errstate(over="ignore"):
            cast = flat.astype(wanted)
        if not np.isfinite(cast).all():
            raise JobError(f"{buffer.name} holds NaN, infinity or a number too large for {buffer.dtype}")
    else:
        cast = flat.astype(wanted)
        if not np.array_equal(cast, flat):
            raise JobError(f"{buffer.name} holds numbers that are no {buffer.dtype}")
    return cast.tobytes() + bytes(buffer.nbytes - cast.nbytes)
