"""The instructions that programs may use, and how long each is."""

from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.leb import byte_at, signed, take, unsigned

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
    if kind in (BR_TABLE, SELECT_T):
        count, at = unsigned(body, at)
        if count > len(body):
            raise ProgramRejected("malformed", f"{count} branch targets in a body of {len(body)} bytes")
        for _ in range(count + (kind == BR_TABLE)):
            at = unsigned(body, at)[1]
        return op, at
    if kind == PREFIX_FC:
        sub, at = unsigned(body, at)
        if sub > 7:
            raise ProgramRejected("bulk_memory", f"instruction 0xfc {sub}: its cost depends on data")
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
