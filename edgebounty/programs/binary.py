"""Reads and writes the WebAssembly binary format, as far as programs are allowed to use it.

Everything read here may be hostile: whatever is malformed or out of range raises `ProgramRejected`, nothing else.
Source of the format: WebAssembly Core Specification 2.0, chapter 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edgebounty.programs.errors import ProgramRejected

MAGIC = b"\0asm\x01\0\0\0"

CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA = range(12)
SECTION_NAMES = "custom type import function table memory global export start element code data".split()

PAGE_BYTES = 65536
I32, I64, F32, F64, V128 = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B
VALUE_TYPES = frozenset((I32, I64, F32, F64, V128))

# How the immediate operands of an opcode are laid out.
NONE, INDEX, MEMARG, BLOCK, BR_TABLE, CALL_INDIRECT, CONST_I32, CONST_I64, SKIP_4, SKIP_8, SELECT_T = range(11)
PREFIX_FC, PREFIX_FD = 20, 21

UNREACHABLE, NOP, BLOCK_OP, LOOP, IF, ELSE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE_OP, RETURN, CALL, CALL_INDIRECT_OP = 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11
LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET = 0x20, 0x21, 0x22, 0x23, 0x24


def _immediates() -> tuple[int | None, ...]:
    table: list[int | None] = [None] * 256
    for op in (UNREACHABLE, NOP, ELSE, END, RETURN, 0x1A, 0x1B, *range(0x45, 0xC5)):
        table[op] = NONE
    for op in (BR, BR_IF, CALL, LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET, 0x3F):
        table[op] = INDEX
    for op in range(0x28, 0x3F):
        table[op] = MEMARG
    for op in (BLOCK_OP, LOOP, IF):
        table[op] = BLOCK
    table[BR_TABLE_OP] = BR_TABLE
    table[CALL_INDIRECT_OP] = CALL_INDIRECT
    table[0x1C] = SELECT_T
    table[0x41], table[0x42], table[0x43], table[0x44] = CONST_I32, CONST_I64, SKIP_4, SKIP_8
    table[0xFC], table[0xFD] = PREFIX_FC, PREFIX_FD
    return tuple(table)


IMMEDIATES = _immediates()

_REFUSED = {
    0x40: ("memory_grow", "memory.grow: the memory of a program is fixed (minimum = maximum)"),
    0x12: ("opcode", "tail calls are not allowed"),
    0x13: ("opcode", "tail calls are not allowed"),
    0x25: ("opcode", "table.get is not allowed"),
    0x26: ("opcode", "table.set is not allowed"),
    0xFB: ("opcode", "garbage collection is not allowed"),
    0xFE: ("threads", "atomic instructions are not allowed"),
}


def unsigned(data: bytes, at: int, bits: int = 32) -> tuple[int, int]:
    """An unsigned LEB128 number and the position after it."""
    value = shift = 0
    start = at
    while True:
        if at >= len(data) or shift >= bits + 6:
            raise ProgramRejected("malformed", f"number at byte {start} is cut off or longer than {bits} bits")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if value >> bits:
        raise ProgramRejected("malformed", f"number at byte {start} does not fit {bits} bits")
    return value, at


def signed(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """A signed LEB128 number and the position after it."""
    value = shift = 0
    start = at
    while True:
        if at >= len(data) or shift >= bits + 6:
            raise ProgramRejected("malformed", f"number at byte {start} is cut off or longer than {bits} bits")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if byte & 0x40:
        value -= 1 << shift
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ProgramRejected("malformed", f"number at byte {start} does not fit {bits} bits")
    return value, at


def encode_unsigned(value: int) -> bytes:
    """The shortest unsigned LEB128 form."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if not value:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def encode_signed(value: int) -> bytes:
    """The shortest signed LEB128 form."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def take(data: bytes, at: int, count: int) -> tuple[bytes, int]:
    """`count` bytes and the position after them."""
    end = at + count
    if end > len(data):
        raise ProgramRejected("malformed", f"{count} bytes wanted at byte {at}, only {len(data) - at} are left")
    return data[at:end], end


def byte_at(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ProgramRejected("malformed", f"cut off at byte {at}")
    return data[at]


def name_at(data: bytes, at: int) -> tuple[str, int]:
    length, at = unsigned(data, at)
    raw, at = take(data, at, length)
    try:
        return raw.decode("utf-8"), at
    except UnicodeDecodeError as error:
        raise ProgramRejected("malformed", f"a name before byte {at} is not UTF-8") from error


def encode_name(name: str) -> bytes:
    raw = name.encode("utf-8")
    return encode_unsigned(len(raw)) + raw


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


def next_op(body: bytes, at: int) -> tuple[int, int]:
    """The opcode at `at` and the position after its operands. Raises `ProgramRejected` for a forbidden opcode."""
    op = byte_at(body, at)
    kind = IMMEDIATES[op]
    at += 1
    if kind == NONE:
        return op, at
    if kind == INDEX:
        return op, unsigned(body, at)[1]
    if kind == MEMARG:
        return op, unsigned(body, unsigned(body, at)[1])[1]
    if kind == CONST_I32:
        return op, signed(body, at, 32)[1]
    if kind == PREFIX_FD:
        return op, _skip_simd(body, at)
    if kind == BLOCK:
        return op, signed(body, at, 33)[1]
    if kind == CONST_I64:
        return op, signed(body, at, 64)[1]
    if kind == SKIP_4:
        return op, take(body, at, 4)[1]
    if kind == SKIP_8:
        return op, take(body, at, 8)[1]
    if kind == CALL_INDIRECT:
        return op, unsigned(body, unsigned(body, at)[1])[1]
    if kind == BR_TABLE or kind == SELECT_T:
        count, at = unsigned(body, at)
        if count > len(body):
            raise ProgramRejected("malformed", f"{count} branch targets in a body of {len(body)} bytes")
        for _ in range(count + (kind == BR_TABLE)):
            at = unsigned(body, at)[1]
        return op, at
    if kind == PREFIX_FC:
        sub, at = unsigned(body, at)
        if sub > 7:
            raise ProgramRejected("bulk_memory", f"instruction 0xfc {sub}: its cost depends on data; build without bulk memory")
        return op, at
    rule, detail = _REFUSED.get(op, ("opcode", f"opcode {op:#04x} is not allowed (exceptions, references, tail calls)"))
    raise ProgramRejected(rule, detail)


def _skip_simd(body: bytes, at: int) -> int:
    sub, at = unsigned(body, at)
    if sub >= 0x100:
        raise ProgramRejected("relaxed_simd", f"relaxed SIMD instruction {sub:#x}: its result depends on the device")
    if sub <= 11 or sub in (92, 93):
        return unsigned(body, unsigned(body, at)[1])[1]
    if sub in (12, 13):
        return take(body, at, 16)[1]
    if 21 <= sub <= 34:
        return take(body, at, 1)[1]
    if 84 <= sub <= 91:
        return take(body, unsigned(body, unsigned(body, at)[1])[1], 1)[1]
    return at


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
