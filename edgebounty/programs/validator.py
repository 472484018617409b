"""The rules of a program. A module that passes runs the same everywhere, ends, and touches nothing but its own memory.

Checked: no imports and no start function; one memory of fixed size under a cap; no threads, relaxed SIMD, bulk memory,
references, exceptions or tail calls; caps on every size a compiler's time grows with; no recursion and bounded locals
(the depth of the native stack differs between engines, so reaching it must be impossible); the exports of its kind; a
layout that lies inside memory; a work counter that is exactly the one `counter.instrument` makes. Types are
then checked by wasmtime.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import wasmtime

from edgebounty.programs import binary, call_graph, counter, leb, opcodes
from edgebounty.programs.binary import Export, Section
from edgebounty.programs.errors import ProgramRejected
from edgebounty.protocol.layout import ITEM_BYTES, SECTION, Layout, LayoutError

ENTRY_POINTS = {"program": ("run",), "reducer": ("start", "step", "finish")}

MODULE_BYTES = 4 << 20
BODY_BYTES = 1 << 20
TYPES, FUNCTIONS, GLOBALS, EXPORTS, SEGMENTS, CUSTOM_SECTIONS = 1_000, 10_000, 1_000, 1_000, 10_000, 16
TABLE_ELEMENTS = 10_000
NESTING = 500
LAYOUT_BYTES = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """What a job allows its programs."""

    memory_bytes: int = 256 << 20
    output_bytes: int = 64 << 20


def validate(module: bytes, limits: ProgramLimits | None = None) -> Layout:
    """The module's layout. Raises `ProgramRejected(rule, detail)` when the module breaks any rule above."""
    limits = limits or ProgramLimits()
    if len(module) > MODULE_BYTES:
        raise ProgramRejected("size", f"the module has {len(module)} bytes, at most {MODULE_BYTES} are allowed")
    sections = binary.read_sections(module)
    _check_sections(sections)
    memory_bytes = _memory(sections, limits)
    layout = _layout(module, sections, memory_bytes, limits)
    _check_code(sections)
    exports = _exports(sections)
    _check_entry_points(sections, exports, layout)
    call_graph.check(sections, FUNCTIONS)
    _check_segments(sections, memory_bytes)
    counter.check(module)
    _check_types(module)
    return layout


def _check_sections(sections: list[Section]) -> None:
    imports = binary.find(sections, binary.IMPORT)
    if imports is not None and leb.unsigned(imports.body, 0)[0]:
        raise ProgramRejected("imports", "a program may import nothing (no clock, no network, no files)")
    if binary.find(sections, binary.START) is not None:
        raise ProgramRejected("start", "a start function is not allowed: nothing runs before the inputs are in place")
    if sum(section.id == binary.CUSTOM for section in sections) > CUSTOM_SECTIONS:
        raise ProgramRejected("size", f"more than {CUSTOM_SECTIONS} custom sections")


def _memory(sections: list[Section], limits: ProgramLimits) -> int:
    section = binary.find(sections, binary.MEMORY)
    if section is None or leb.unsigned(section.body, 0)[0] != 1:
        raise ProgramRejected("memory", "a program has exactly one memory")
    flags, minimum, maximum, _ = binary.read_limits(section.body, leb.unsigned(section.body, 0)[1])
    if flags & 2:
        raise ProgramRejected("threads", "shared memory is not allowed")
    if flags & ~1:
        raise ProgramRejected("memory", "64-bit memory and custom page sizes are not allowed")
    if maximum != minimum:
        raise ProgramRejected("memory_grow", f"memory must not grow: minimum {minimum}, maximum {maximum} pages")
    size = minimum * binary.PAGE_BYTES
    if size > limits.memory_bytes:
        raise ProgramRejected("memory", f"the program wants {size} bytes of memory, {limits.memory_bytes} are allowed")
    return size


def _layout(module: bytes, sections: list[Section], memory_bytes: int, limits: ProgramLimits) -> Layout:
    found = [section for section in sections if section.id == binary.CUSTOM and section.name == SECTION]
    if len(found) != 1:
        raise ProgramRejected("layout", f"{len(found)} sections named {SECTION}, exactly one is needed")
    if len(found[0].body) > LAYOUT_BYTES:
        raise ProgramRejected("layout", f"the layout has {len(found[0].body)} bytes, at most {LAYOUT_BYTES}")
    try:
        layout = Layout.parse(found[0].body)
    except LayoutError as error:
        raise ProgramRejected("layout", str(error)) from error
    for buffer in layout.buffers:
        if buffer.offset % ITEM_BYTES[buffer.dtype]:
            raise ProgramRejected("layout", f"{buffer.name} at {buffer.offset} is not aligned to its {buffer.dtype}")
        if buffer.offset + buffer.nbytes > memory_bytes:
            raise ProgramRejected("layout", f"{buffer.name} ends outside the memory of {memory_bytes} bytes")
    for left, right in pairwise(sorted(layout.buffers, key=lambda b: b.offset)):
        if left.offset + left.nbytes > right.offset:
            raise ProgramRejected("layout", f"{left.name} and {right.name} overlap")
    output_bytes = layout.role_bytes("output")
    if output_bytes > limits.output_bytes:
        raise ProgramRejected("output_size", f"the output has {output_bytes} bytes, {limits.output_bytes} are allowed")
    return layout


def _exports(sections: list[Section]) -> dict[str, Export]:
    section = binary.find(sections, binary.EXPORT)
    if section is None:
        raise ProgramRejected("exports", "the module exports nothing")
    exports = binary.read_exports(section.body, EXPORTS)
    by_name = {export.name: export for export in exports}
    if len(by_name) != len(exports):
        raise ProgramRejected("malformed", "two exports carry the same name")
    return by_name


def _check_entry_points(sections: list[Section], exports: dict[str, Export], layout: Layout) -> None:
    memory = exports.get("memory")
    if memory is None or memory.kind != 2:
        raise ProgramRejected("exports", "the memory must be exported as 'memory'")
    types, functions = _signatures(sections)
    for name in ENTRY_POINTS[layout.kind]:
        export = exports.get(name)
        if export is None or export.kind != 0:
            raise ProgramRejected("exports", f"a {layout.kind} exports a function {name!r}")
        if export.index >= len(functions) or functions[export.index] >= len(types):
            raise ProgramRejected("malformed", f"export {name!r} names a function that does not exist")
        signature = types[functions[export.index]]
        if signature.parameters or signature.results != (binary.I32,):
            raise ProgramRejected("exports", f"{name!r} must take nothing and return one i32")

    variables = binary.find(sections, binary.GLOBAL)
    found = binary.read_globals(variables.body, GLOBALS) if variables else []
    left = exports.get(counter.EXPORT_NAME)
    if left is None or left.kind != 3 or left.index >= len(found):
        raise ProgramRejected("counter", f"there is no exported global {counter.EXPORT_NAME!r}: instrument the module")
    if found[left.index].type != binary.I64 or not found[left.index].mutable:
        raise ProgramRejected("counter", f"{counter.EXPORT_NAME!r} must be a mutable i64")


def _signatures(sections: list[Section]) -> tuple[list[binary.FunctionType], list[int]]:
    types = binary.find(sections, binary.TYPE)
    functions = binary.find(sections, binary.FUNCTION)
    if types is None or functions is None:
        raise ProgramRejected("exports", "the module has no functions")
    return binary.read_types(types.body, TYPES), binary.read_functions(functions.body, FUNCTIONS)


def _check_code(sections: list[Section]) -> None:
    """Every opcode is an allowed one; bodies and nesting are bounded."""
    section = binary.find(sections, binary.CODE)
    if section is None:
        raise ProgramRejected("exports", "the module has no code")
    openers = (opcodes.BLOCK_OP, opcodes.LOOP, opcodes.IF)
    for number, body in enumerate(binary.read_bodies(section.body, FUNCTIONS)):
        if len(body.code) > BODY_BYTES:
            raise ProgramRejected("size", f"function {number} has {len(body.code)} bytes, at most {BODY_BYTES}")
        at, depth = 0, 1
        while at < len(body.code):
            if depth == 0:
                raise ProgramRejected("malformed", f"function {number} goes on after its end")
            op, at = opcodes.next_op(body.code, at)
            depth += (op in openers) - (op == opcodes.END)
            if depth > NESTING:
                raise ProgramRejected("size", f"function {number} nests deeper than {NESTING} blocks")
        if depth:
            raise ProgramRejected("malformed", f"function {number} has no end")


def _check_segments(sections: list[Section], memory_bytes: int) -> None:
    """Data and elements lie inside memory and table, at constant places, so that instantiation cannot fail."""
    table_size = 0
    table = binary.find(sections, binary.TABLE)
    if table is not None:
        count, at = binary.vector(table.body, 0, 1, "tables")
        if count:
            if leb.byte_at(table.body, at) != 0x70:
                raise ProgramRejected("opcode", "only tables of functions are allowed")
            flags, table_size, _, _ = binary.read_limits(table.body, at + 1)
            if flags & ~1 or table_size > TABLE_ELEMENTS:
                raise ProgramRejected("size", f"a table of {table_size} elements, at most {TABLE_ELEMENTS} are allowed")
    data = binary.find(sections, binary.DATA)
    if data is not None:
        count, at = binary.vector(data.body, 0, SEGMENTS, "data segments")
        for _ in range(count):
            start, at = _active_offset(data.body, at)
            length, at = leb.unsigned(data.body, at)
            at = leb.take(data.body, at, length)[1]
            if start + length > memory_bytes:
                raise ProgramRejected("memory", f"a data segment ends at {start + length}, outside memory")
    elements = binary.find(sections, binary.ELEMENT)
    if elements is not None:
        for start, functions in call_graph.read_elements(elements.body, SEGMENTS, TABLE_ELEMENTS):
            if start + len(functions) > table_size:
                raise ProgramRejected("size", "an element segment ends outside the table")


def _active_offset(body: bytes, at: int) -> tuple[int, int]:
    mode, at = leb.unsigned(body, at)
    if mode:
        raise ProgramRejected("bulk_memory", "passive segments are not allowed")
    offset, at = binary.read_constant(body, at)
    if offset is None:
        raise ProgramRejected("malformed", "a segment's offset must be an i32 constant")
    return offset % (1 << 32), at


def _check_types(module: bytes) -> None:
    try:
        wasmtime.Module.validate(_strict_engine(), module)
    except wasmtime.WasmtimeError as error:
        raise ProgramRejected("malformed", str(error).splitlines()[-1].strip()) from error


@cache
def _strict_engine() -> wasmtime.Engine:
    return wasmtime.Engine(strict_config())


def strict_config() -> wasmtime.Config:
    """An engine configuration with proposals off that programs may not use.

    References and bulk memory stay on, as other parts of wasmtime need them; `binary` refuses their instructions.
    """
    config = wasmtime.Config()
    config.wasm_component_model = False
    config.wasm_threads = False
    config.wasm_tail_call = False
    config.wasm_function_references = False
    config.wasm_gc = False
    config.wasm_relaxed_simd = False
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_exceptions = False
    config.wasm_stack_switching = False
    config.wasm_simd = True
    config.wasm_multi_value = True
    return config
