"""How many operands a function may hold at once, following the stack rules of the WebAssembly specification.

Types are not checked here (wasmtime does that afterwards); a malformed body only gives a number without meaning.
"""

from edgebounty.programs import leb, opcodes
from edgebounty.programs.binary import FunctionType
from edgebounty.programs.errors import ProgramRejected


def _plain_changes() -> dict[int, int]:
    """Values pushed minus values popped, by opcode. Opcodes that are not listed change nothing."""
    changes = dict.fromkeys((0x1A, opcodes.LOCAL_SET, opcodes.GLOBAL_SET, opcodes.BR_IF), -1)
    changes |= dict.fromkeys((opcodes.LOCAL_GET, opcodes.GLOBAL_GET, 0x3F, 0x41, 0x42, 0x43, 0x44), 1)
    changes |= dict.fromkeys((0x1B, 0x1C), -2)  # select
    changes |= dict.fromkeys(range(0x36, 0x3F), -2)  # stores
    binaries = (range(0x46, 0x50), range(0x51, 0x67), range(0x6A, 0x79), range(0x7C, 0x8B))
    for span in (*binaries, range(0x92, 0x99), range(0xA0, 0xA7)):
        changes |= dict.fromkeys(span, -1)
    return changes


def _simd_changes() -> dict[int, int]:
    changes = dict.fromkeys(range(35, 256), -1)  # most take two vectors and give one
    unary = (*range(94, 101), *range(103, 107), 116, 117, 122, *range(124, 130), 131, 132, *range(135, 139), 148)
    unary += (160, 161, 163, 164, *range(167, 171), 192, 193, 195, 196, *range(199, 203), 224, 225, 227, 236, 237, 239)
    changes |= dict.fromkeys((77, 83, 92, 93, *unary, *range(248, 256)), 0)
    changes |= dict.fromkeys((11, 82, *range(88, 92)), -2)
    changes |= dict.fromkeys((13, 14, 23, 26, 28, 30, 32, 34), -1)
    changes[12] = 1
    return changes


_PLAIN = _plain_changes()
_SIMD = _simd_changes()
_LEAVES = frozenset((opcodes.UNREACHABLE, opcodes.BR, opcodes.BR_TABLE_OP, opcodes.RETURN))


def operand_height(code: bytes, types: list[FunctionType], functions: list[int]) -> int:
    """The most operands on the stack at any point of `code`."""
    blocks = [(0, 0, 0)]  # (height below the block, its parameters, its results)
    height = highest = at = 0
    while at < len(code) and blocks:
        start = at
        op, at = opcodes.next_op(code, at)
        floor = blocks[-1][0]
        if op in (opcodes.BLOCK_OP, opcodes.LOOP, opcodes.IF):
            height -= op == opcodes.IF
            parameters, results = _block_type(code, start + 1, types)
            blocks.append((max(height - parameters, 0), parameters, results))
        elif op == opcodes.ELSE:
            height = floor + blocks[-1][1]
        elif op == opcodes.END:
            height = floor + blocks.pop()[2]
        elif op in _LEAVES:
            height = floor
        elif op == opcodes.CALL:
            height += _call(types, functions, leb.unsigned(code, start + 1)[0])
        elif op == opcodes.CALL_INDIRECT_OP:
            signature = types[leb.unsigned(code, start + 1)[0]]
            height += len(signature.results) - len(signature.parameters) - 1
        elif op == 0xFD:
            height += _SIMD.get(leb.unsigned(code, start + 1)[0], 0)
        else:
            height += _PLAIN.get(op, 0)
        height = max(height, blocks[-1][0] if blocks else 0)
        highest = max(highest, height)
    return highest


def _call(types: list[FunctionType], functions: list[int], callee: int) -> int:
    signature = types[functions[callee]]
    return len(signature.results) - len(signature.parameters)


def _block_type(code: bytes, at: int, types: list[FunctionType]) -> tuple[int, int]:
    value, _ = leb.signed(code, at, 33)
    if value < 0:
        return 0, int(value != -0x40)
    if value >= len(types):
        raise ProgramRejected("malformed", f"a block has type {value}, which does not exist")
    return len(types[value].parameters), len(types[value].results)
