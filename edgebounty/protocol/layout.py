"""What a program reads and writes, and where: named buffers in its memory, kept in its own custom section.

The bytes of a role are its buffers joined in listed order, little endian. Roles of a program: state, shard, params,
output. Of a reducer: state, input (one task's output), params, output (the next state).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SECTION: Final = "edgebounty.layout"
ITEM_BYTES: Final[Mapping[str, int]] = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "u8": 1, "i8": 1}
NUMPY_TYPES: Final[Mapping[str, str]] = {"f32": "<f4", "f64": "<f8", "i32": "<i4", "i64": "<i8", "u8": "u1", "i8": "i1"}
ROLES: Final[Mapping[str, frozenset[str]]] = {
    "program": frozenset({"state", "shard", "params", "output"}),
    "reducer": frozenset({"state", "input", "params", "output"}),
}
_STRUCT = {"f32": "f", "f64": "d", "i32": "i", "i64": "q", "u8": "B", "i8": "b"}
_MEMORY_MAX = 1 << 32
_MAX_BUFFERS = 1024


class LayoutError(ValueError):
    """A layout that is malformed, or a value that does not fit it; names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """One array in the program's memory."""

    name: str
    dtype: str  # f32 f64 i32 i64 u8 i8
    shape: tuple[int, ...]
    offset: int  # bytes from the start of memory
    role: str

    @property
    def items(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.items * ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The buffers of one module."""

    name: str
    kind: str  # program | reducer
    simd: bool
    buffers: tuple[Buffer, ...]

    @classmethod
    def parse(cls, text: bytes | str) -> Layout:
        """Raises `LayoutError` naming the field that is wrong."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LayoutError(f"layout is not JSON: {error}") from error
        fields = _record(value, "layout", {"version", "name", "kind", "simd", "buffers"})
        if fields["version"] != 1 or isinstance(fields["version"], bool):
            raise LayoutError(f"version: 1 is known, this is {fields['version']!r}")
        kind = _text(fields["kind"], "kind")
        if kind not in ROLES:
            raise LayoutError(f"kind: program or reducer, this is {kind!r}")
        if not isinstance(fields["simd"], bool):
            raise LayoutError("simd: true or false")
        if not isinstance(fields["buffers"], list) or not 0 < len(fields["buffers"]) <= _MAX_BUFFERS:
            raise LayoutError(f"buffers: a list of 1 to {_MAX_BUFFERS}")
        buffers = tuple(_buffer(b, f"buffers[{i}]", kind) for i, b in enumerate(fields["buffers"]))
        names = [b.name for b in buffers]
        if len(set(names)) != len(names):
            raise LayoutError("buffers: two carry the same name")
        if not any(b.role == "output" for b in buffers):
            raise LayoutError("buffers: none has the role output")
        return cls(name=_text(fields["name"], "name"), kind=kind, simd=fields["simd"], buffers=buffers)

    @classmethod
    def of_module(cls, module: bytes) -> Layout:
        """The layout inside a wasm module. Checks nothing else of the module. Raises `LayoutError`."""
        return cls.parse(custom_section(module, SECTION))

    def encode(self) -> bytes:
        """The JSON that `parse` reads."""
        buffers = [
            {"name": b.name, "dtype": b.dtype, "shape": list(b.shape), "offset": b.offset, "role": b.role}
            for b in self.buffers
        ]
        value = {"version": 1, "name": self.name, "kind": self.kind, "simd": self.simd, "buffers": buffers}
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def role(self, role: str) -> tuple[Buffer, ...]:
        """The buffers of a role, in order."""
        return tuple(b for b in self.buffers if b.role == role)

    def role_bytes(self, role: str) -> int:
        """How many bytes a role takes; 0 when no buffer has it."""
        return sum(b.nbytes for b in self.role(role))

    def buffer(self, name: str) -> Buffer:
        """Raises `LayoutError` if there is none of this name."""
        for found in self.buffers:
            if found.name == name:
                return found
        raise LayoutError(f"{self.name} has no buffer {name!r}")

    def pack_params(self, params: Mapping[str, float]) -> bytes:
        """The bytes of the role params, one number per buffer. Raises `LayoutError` if names or values do not fit."""
        wanted = self.role("params")
        unknown = params.keys() - {b.name for b in wanted}
        if unknown:
            raise LayoutError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return b"".join(_pack_number(b, params) for b in wanted)


def custom_section(module: bytes, name: str) -> bytes:
    """The content of a wasm custom section. Raises `LayoutError` if it is missing or the module is cut short."""
    if module[:8] != b"\x00asm\x01\x00\x00\x00":
        raise LayoutError("not a WebAssembly module")
    at = 8
    try:
        while at < len(module):
            section = module[at]
            size, at = _leb(module, at + 1)
            end = at + size
            if end > len(module):
                raise LayoutError("the module is cut short")
            if section == 0:
                length, start = _leb(module, at)
                if module[start : start + length] == name.encode() and start + length <= end:
                    return module[start + length : end]
            at = end
    except IndexError as error:
        raise LayoutError("the module is cut short") from error
    raise LayoutError(f"the module has no section {name}: it was not made for this market")


def _leb(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 35:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise LayoutError("a section length of more than 32 bits")


def _pack_number(buffer: Buffer, params: Mapping[str, float]) -> bytes:
    if buffer.items != 1:
        raise LayoutError(f"parameter {buffer.name} is an array; a manifest holds single numbers")
    if buffer.name not in params:
        raise LayoutError(f"parameter {buffer.name} is missing")
    value = params[buffer.name]
    code = _STRUCT[buffer.dtype]
    try:
        return struct.pack("<" + code, value if code in "fd" else _whole(value))
    except (struct.error, OverflowError, ValueError) as error:
        raise LayoutError(f"parameter {buffer.name}: {value!r} is no {buffer.dtype}") from error


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError("not a whole number")
    return int(value)


def _buffer(value: Any, where: str, kind: str) -> Buffer:
    fields = _record(value, where, {"name", "dtype", "shape", "offset", "role"})
    dtype, role = _text(fields["dtype"], f"{where}.dtype"), _text(fields["role"], f"{where}.role")
    if dtype not in ITEM_BYTES:
        raise LayoutError(f"{where}.dtype: one of {' '.join(ITEM_BYTES)}, this is {dtype!r}")
    if role not in ROLES[kind]:
        raise LayoutError(f"{where}.role: a {kind} has {' '.join(sorted(ROLES[kind]))}, this is {role!r}")
    shape = fields["shape"]
    if not isinstance(shape, list) or not 1 <= len(shape) <= 8:
        raise LayoutError(f"{where}.shape: a list of 1 to 8 sizes")
    sizes = tuple(_size(n, f"{where}.shape", 1) for n in shape)
    offset = _size(fields["offset"], f"{where}.offset", 0)
    found = Buffer(name=_text(fields["name"], f"{where}.name"), dtype=dtype, shape=sizes, offset=offset, role=role)
    if offset + found.nbytes > _MEMORY_MAX:
        raise LayoutError(f"{where}: ends beyond 4 GiB")
    return found


def _record(value: Any, where: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LayoutError(f"{where}: an object")
    for name in names ^ value.keys():
        raise LayoutError(f"{where}: field {name[:60]!r} is {'missing' if name in names else 'unknown'}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise LayoutError(f"{where}: text of 1 to 100 characters")
    return value


def _size(value: Any, where: str, low: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= _MEMORY_MAX:
        raise LayoutError(f"{where}: a whole number from {low} to 2^32")
    return value
