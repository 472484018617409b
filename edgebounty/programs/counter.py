"""The work counter: makes a module count its own work, equally in every engine.

`instrument` adds a mutable exported i64 global `work_left` and, before each straight-line run of instructions, code
that takes the number of those instructions from it. Function entries and loop heads also trap (`unreachable`) once it
is below zero, so an endless loop ends. The host sets `work_left` before a call and reads it after.

The global gets the last index, so code of the original module cannot name it. `strip` takes the counter out again;
`check` proves that a module is exactly what `instrument` makes of its stripped form, byte for byte: that is why a
distributed module can be trusted to count right, whoever made it.
"""

from edgebounty.programs import binary, leb, opcodes
from edgebounty.programs.binary import Section
from edgebounty.programs.errors import ProgramRejected

EXPORT_NAME = "work_left"

_FREE = frozenset((opcodes.END, opcodes.BLOCK_OP, opcodes.NOP, opcodes.ELSE))  # these cost nothing
_BREAKS = frozenset(
    (
        opcodes.UNREACHABLE,
        opcodes.LOOP,
        opcodes.IF,
        opcodes.ELSE,
        opcodes.END,
        opcodes.BR,
        opcodes.BR_IF,
        opcodes.BR_TABLE_OP,
        opcodes.RETURN,
    )
)  # after these a new straight-line run begins; `block` is always fallen into, so it begins none
_GLOBAL_LIMIT = 100_000
_FUNCTION_LIMIT = 100_000


def instrument(module: bytes) -> bytes:
    """The module with the counter in it. Raises `ProgramRejected` when it has one already or cannot be read."""
    sections = [s for s in binary.read_sections(module) if not (s.id == binary.GLOBAL and s.body == b"\0")]
    exports = binary.find(sections, binary.EXPORT)
    code = binary.find(sections, binary.CODE)
    if exports is None or code is None:
        raise ProgramRejected("exports", "a program without exports or code cannot be run")
    if any(export.name == EXPORT_NAME for export in binary.read_exports(exports.body, _GLOBAL_LIMIT)):
        raise ProgramRejected("counter", f"the module already exports {EXPORT_NAME!r}")
    _refuse_imports(sections)

    index = _add_global(sections)
    count, at = leb.unsigned(exports.body, 0)
    entry = leb.encode_name(EXPORT_NAME) + b"\x03" + leb.encode_unsigned(index)
    exports.body = leb.encode_unsigned(count + 1) + exports.body[at:] + entry

    injector = _Injector(index)
    bodies = [injector.inject(body.head, body.code) for body in binary.read_bodies(code.body, _FUNCTION_LIMIT)]
    code.body = _join_bodies(bodies)
    return binary.write_module(sections)


def strip(module: bytes) -> bytes:
    """The module without its counter. Raises `ProgramRejected("counter")` when it has none or code tampers with it."""
    sections = binary.read_sections(module)
    globals_section = binary.find(sections, binary.GLOBAL)
    exports = binary.find(sections, binary.EXPORT)
    code = binary.find(sections, binary.CODE)
    if globals_section is None or exports is None or code is None:
        raise ProgramRejected("counter", "the module has no work counter: pass it through `counter.instrument`")

    variables = binary.read_globals(globals_section.body, _GLOBAL_LIMIT)
    index = len(variables) - 1
    listed = binary.read_exports(exports.body, _GLOBAL_LIMIT)
    last = listed[-1] if listed else None
    if last is None or last.name != EXPORT_NAME or last.kind != 3 or last.index != index or index < 0:
        raise ProgramRejected("counter", f"the last export must be {EXPORT_NAME!r}, the last global of the module")
    if any(export.kind == 3 and export.index == index for export in listed[:-1]):
        raise ProgramRejected("counter", f"{EXPORT_NAME!r} is exported under a second name")
    globals_section.body = leb.encode_unsigned(index) + b"".join(v.raw for v in variables[:-1])
    entry = leb.encode_name(EXPORT_NAME) + b"\x03" + leb.encode_unsigned(index)
    at = leb.unsigned(exports.body, 0)[1]
    exports.body = leb.encode_unsigned(len(listed) - 1) + exports.body[at : len(exports.body) - len(entry)]
    if index == 0:
        sections.remove(globals_section)

    injector = _Injector(index)
    bodies = [injector.remove(body.head, body.code) for body in binary.read_bodies(code.body, _FUNCTION_LIMIT)]
    code.body = _join_bodies(bodies)
    return binary.write_module(sections)


def check(module: bytes) -> None:
    """Raises `ProgramRejected("counter")` unless the module is exactly what `instrument` would have made."""
    if instrument(strip(module)) != module:
        raise ProgramRejected("counter", "the work counter is not where, or not what, `counter.instrument` puts it")


def _refuse_imports(sections: list[Section]) -> None:
    imports = binary.find(sections, binary.IMPORT)
    if imports is not None and leb.unsigned(imports.body, 0)[0]:
        raise ProgramRejected("imports", "a program may import nothing (no clock, no network, no files)")


def _add_global(sections: list[Section]) -> int:
    variable = bytes((binary.I64, 1, 0x42, 0, opcodes.END))
    present = binary.find(sections, binary.GLOBAL)
    if present is not None:
        count, at = leb.unsigned(present.body, 0)
        present.body = leb.encode_unsigned(count + 1) + present.body[at:] + variable
        return count
    before = [i for i, s in enumerate(sections) if binary.CUSTOM < s.id < binary.GLOBAL]
    sections.insert(before[-1] + 1 if before else 0, Section(id=binary.GLOBAL, body=b"\x01" + variable))
    return 0


def _join_bodies(bodies: list[bytes]) -> bytes:
    return leb.encode_unsigned(len(bodies)) + b"".join(leb.encode_unsigned(len(b)) + b for b in bodies)


class _Injector:
    def __init__(self, index: int) -> None:
        operand = leb.encode_unsigned(index)
        self._index = index
        self._get = bytes((opcodes.GLOBAL_GET,)) + operand
        self._charge_head = self._get + b"\x42"
        self._charge_tail = b"\x7d" + bytes((opcodes.GLOBAL_SET,)) + operand
        # work_left < 0 -> unreachable
        self._check = self._get + b"\x42\x00\x53\x04\x40\x00\x0b"

    def inject(self, head: bytes, code: bytes) -> bytes:
        out = bytearray(head)
        at = start = cost = 0
        checked = True  # a function's entry is a check point
        while at < len(code):
            op, at = opcodes.next_op(code, at)
            if op not in _FREE:
                cost += 1
            if op in _BREAKS:
                self._flush(out, code[start:at], cost, checked)
                start, cost, checked = at, 0, op == opcodes.LOOP
        self._flush(out, code[start:at], cost, checked)
        return bytes(out)

    def _flush(self, out: bytearray, run: bytes, cost: int, checked: bool) -> None:
        if cost or checked:
            out += self._charge_head + leb.encode_signed(cost) + self._charge_tail
        if checked:
            out += self._check
        out += run

    def remove(self, head: bytes, code: bytes) -> bytes:
        out = bytearray(head)
        at = 0
        while at < len(code):
            if code.startswith(self._charge_head, at):
                after = leb.signed(code, at + len(self._charge_head), 64)[1]
                if code.startswith(self._charge_tail, after):
                    at = after + len(self._charge_tail)
                    if code.startswith(self._check, at):
                        at += len(self._check)
                    continue
            op, after = opcodes.next_op(code, at)
            if op in (opcodes.GLOBAL_GET, opcodes.GLOBAL_SET) and leb.unsigned(code, at + 1)[0] >= self._index:
                raise ProgramRejected("counter", f"code of the program reads or writes {EXPORT_NAME!r}")
            out += code[at:after]
            at = after
        return bytes(out)
