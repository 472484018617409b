"""Reads and writes the sections of a WebAssembly module, as far as programs are allowed to use them.

Everything read here may be hostile: whatever is malformed or out of range raises `ProgramRejected`, nothing else.
Source of the format: WebAssembly Core Specification 2.0, chapter 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.leb import byte_at, encode_name, encode_unsigned, name_at, signed, take, unsigned
from edgebounty.programs.opcodes import END

MAGIC = b"\0asm\x01\0\0\0"

CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA = range(12)
SECTION_NAMES = {
    CUSTOM: "custom",
    TYPE: "type",
    IMPORT: "import",
    FUNCTION: "function",
    TABLE: "table",
    MEMORY: "memory",
    GLOBAL: "global",
    EXPORT: "export",
    START: "start",
    ELEMENT: "element",
    CODE: "code",
    DATA: "data",
}

PAGE_BYTES = 65536
I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
VALUE_TYPES = frozenset((I32, I64, F32, F64, V128))


@dataclass(slots=True, kw_only=True)
class Section:
    """One section. `name` is set for custom sections only, whose `body` then starts after the name."""

    id: int
    body: bytes
    name: str = ""

    def encode(self) -> bytes:
        body = encode_name(self.name) + self.body if self.id == CUSTOM else self.body
        return bytes((self.id,)) + encode_unsigned(len(body)) + body


def read_sections(module: bytes) -> list[Section]:
    """All sections in file order. Raises `ProgramRejected` for unknown, doubled or disordered ones."""
    if module[:8] != MAGIC:
        raise ProgramRejected("malformed", "this is not a WebAssembly 1.0 binary module")
    sections: list[Section] = []
    at, last = 8, 0
    while at < len(module):
        section_id = module[at]
        size, at = unsigned(module, at + 1)
        body, at = take(module, at, size)
        if section_id > DATA:
            raise ProgramRejected("section", f"section {section_id} is not allowed (bulk memory, exceptions)")
        if section_id == CUSTOM:
            name, start = name_at(body, 0)
            sections.append(Section(id=CUSTOM, name=name, body=body[start:]))
            continue
        if section_id <= last:
            raise ProgramRejected("malformed", f"the {SECTION_NAMES[section_id]} section is doubled or out of order")
        last = section_id
        sections.append(Section(id=section_id, body=body))
    return sections


def write_module(sections: list[Section]) -> bytes:
    return MAGIC + b"".join(section.encode() for section in sections)


def find(sections: list[Section], section_id: int) -> Section | None:
    return next((section for section in sections if section.id == section_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionType:
    parameters: tuple[int, ...]
    results: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    name: str
    kind: int  # 0 function, 1 table, 2 memory, 3 global
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalVariable:
    type: int
    mutable: bool
    init: int | None  # value of i32.const / i64.const, None for floats
    raw: bytes


@dataclass(slots=True, kw_only=True)
class Body:
    """One function body: declared locals (count, type) and code, `code` starting at the first instruction."""

    locals: tuple[tuple[int, int], ...]
    head: bytes
    code: bytes


def vector(data: bytes, at: int, limit: int, what: str) -> tuple[int, int]:
    """The length of a vector, refused above `limit`."""
    count, at = unsigned(data, at)
    if count > limit:
        raise ProgramRejected("size", f"{count} {what}, at most {limit} are allowed")
    return count, at


def read_types(body: bytes, limit: int) -> list[FunctionType]:
    count, at = vector(body, 0, limit, "types")
    types = []
    for _ in range(count):
        if byte_at(body, at) != 0x60:
            raise ProgramRejected("malformed", f"type form {body[at]:#x} is not a function type")
        parameters, at = _value_types(body, at + 1)
        results, at = _value_types(body, at)
        types.append(FunctionType(parameters=parameters, results=results))
    _no_rest(body, at, "type")
    return types


def _value_types(body: bytes, at: int) -> tuple[tuple[int, ...], int]:
    count, at = vector(body, at, 1000, "parameters or results")
    raw, at = take(body, at, count)
    for value_type in raw:
        _check_value_type(value_type)
    return tuple(raw), at


def _check_value_type(value_type: int) -> None:
    if value_type not in VALUE_TYPES:
        raise ProgramRejected("opcode", f"value type {value_type:#x} is not allowed (references)")


def _no_rest(body: bytes, at: int, what: str) -> None:
    if at != len(body):
        raise ProgramRejected("malformed", f"the {what} section has {len(body) - at} bytes too many")


def read_functions(body: bytes, limit: int) -> list[int]:
    count, at = vector(body, 0, limit, "functions")
    indices = []
    for _ in range(count):
        index, at = unsigned(body, at)
        indices.append(index)
    _no_rest(body, at, "function")
    return indices


def read_limits(body: bytes, at: int) -> tuple[int, int, int | None, int]:
    """flags, minimum, maximum or None, position after."""
    flags = byte_at(body, at)
    minimum, at = unsigned(body, at + 1, 64)
    if not flags & 1:
        return flags, minimum, None, at
    maximum, at = unsigned(body, at, 64)
    return flags, minimum, maximum, at


def read_globals(body: bytes, limit: int) -> list[GlobalVariable]:
    count, at = vector(body, 0, limit, "globals")
    found = []
    for _ in range(count):
        start = at
        value_type, mutable = byte_at(body, at), byte_at(body, at + 1)
        _check_value_type(value_type)
        if mutable > 1:
            raise ProgramRejected("threads", "shared globals are not allowed")
        init, at = read_constant(body, at + 2)
        found.append(GlobalVariable(type=value_type, mutable=bool(mutable), init=init, raw=body[start:at]))
    _no_rest(body, at, "global")
    return found


def read_constant(body: bytes, at: int) -> tuple[int | None, int]:
    """One constant expression: a single const instruction and `end`."""
    op, after = byte_at(body, at), at
    value: int | None = None
    if op == 0x41:
        value, after = signed(body, at + 1, 32)
    elif op == 0x42:
        value, after = signed(body, at + 1, 64)
    elif op in (0x43, 0x44):
        after = take(body, at + 1, 4 if op == 0x43 else 8)[1]
    elif op == 0xFD and byte_at(body, at + 1) == 12:
        after = take(body, at + 2, 16)[1]
    else:
        raise ProgramRejected("opcode", f"constant expression starts with {op:#x}, only plain constants are allowed")
    if byte_at(body, after) != END:
        raise ProgramRejected("opcode", "a constant expression must be one constant")
    return value, after + 1


def read_exports(body: bytes, limit: int) -> list[Export]:
    count, at = vector(body, 0, limit, "exports")
    exports = []
    for _ in range(count):
        name, at = name_at(body, at)
        kind = byte_at(body, at)
        index, at = unsigned(body, at + 1)
        exports.append(Export(name=name, kind=kind, index=index))
    _no_rest(body, at, "export")
    return exports


def read_bodies(body: bytes, limit: int) -> Iterator[Body]:
    count, at = vector(body, 0, limit, "function bodies")
    for _ in range(count):
        size, at = unsigned(body, at)
        raw, at = take(body, at, size)
        groups, inner = vector(raw, 0, 10_000, "groups of locals")
        found = []
        for _ in range(groups):
            number, inner = unsigned(raw, inner)
            value_type = byte_at(raw, inner)
            _check_value_type(value_type)
            inner += 1
            found.append((number, value_type))
        yield Body(locals=tuple(found), head=raw[:inner], code=raw[inner:])
    _no_rest(body, at, "code")
