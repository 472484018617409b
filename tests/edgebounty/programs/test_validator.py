"""Every rule of a program, each with a module that breaks it alone."""

import struct

import pytest
import wasmtime

from edgebounty.programs import binary, counter, leb
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.validator import ProgramLimits, validate
from tests.edgebounty.programs.program_kit import (
    RUN,
    buffer,
    custom_section,
    make_layout,
    make_module,
    make_reducer,
    with_layout,
)

pytestmark = pytest.mark.unit


def rule_of(module: bytes, limits: ProgramLimits | None = None) -> str:
    with pytest.raises(ProgramRejected) as caught:
        validate(module, limits)
    assert caught.value.detail
    return caught.value.rule


def test_validate__good_program__gives_its_layout():
    layout = make_layout(buffer("x", "shard", 16, dtype="f64", shape=(4, 2)), buffer("out", "output", 0))

    assert validate(make_module(layout=layout)) == layout


def test_validate__good_reducer__gives_its_layout():
    assert validate(make_reducer()).kind == "reducer"


HOSTILE = {
    "imports": ("imports", {"functions": '(import "env" "clock" (func))'}, False),
    "imported memory": ("imports", {"memory": '(import "a" "b" (memory 1 1)) (export "memory" (memory 0))'}, False),
    "start function": ("start", {"functions": "(func $s) (start $s)"}, True),
    "growing memory": ("memory_grow", {"memory": '(memory (export "memory") 1 2)'}, True),
    "memory without a maximum": ("memory_grow", {"memory": '(memory (export "memory") 1)'}, True),
    "shared memory": ("threads", {"memory": '(memory (export "memory") 1 1 shared)'}, True),
    "64-bit memory": ("memory", {"memory": '(memory (export "memory") i64 1 1)'}, True),
    "no memory": ("memory", {"memory": ""}, True),
    "two memories": ("memory", {"memory": '(memory (export "memory") 1 1) (memory 1 1)'}, True),
    "memory bomb": ("memory", {"memory": '(memory (export "memory") 65536 65536)'}, True),
    "memory not exported": ("exports", {"memory": "(memory 1 1)"}, True),
    "no run": ("exports", {"run": '(func (export "walk") (result i32) i32.const 0)'}, True),
    "run with a parameter": ("exports", {"run": '(func (export "run") (param i32) (result i32) i32.const 0)'}, True),
    "run without a result": ("exports", {"run": '(func (export "run"))'}, True),
    "memory.grow": ("memory_grow", {"body": "i32.const 1 memory.grow"}, False),
    "memory.copy": ("bulk_memory", {"body": "i32.const 0 i32.const 0 i32.const 9 memory.copy i32.const 0"}, False),
    "memory.fill": ("bulk_memory", {"body": "i32.const 0 i32.const 0 i32.const 9 memory.fill i32.const 0"}, False),
    "atomics": ("threads", {"body": "i32.const 0 i32.atomic.load"}, False),
    "relaxed SIMD": (
        "relaxed_simd",
        {"body": "v128.const i64x2 0 0 v128.const i64x2 0 0 i8x16.relaxed_swizzle i32x4.extract_lane 0"},
        False,
    ),
    "tail call": ("opcode", {"functions": "(func $f (result i32) i32.const 0)", "body": "return_call $f"}, False),
    "reference": ("opcode", {"body": "ref.null func ref.is_null"}, False),
    "recursion": ("recursion", {"functions": "(func $f call $f)", "body": "call $f i32.const 0"}, True),
    "recursion through the table": (
        "recursion",
        {"functions": "(type $t (func)) (table 1 1 funcref) (elem (i32.const 0) $f)"
         "(func $f i32.const 0 call_indirect (type $t))"},
        True,
    ),
    "huge frame": ("stack", {"functions": f"(func $f {'(local v128)' * 5000})"}, True),
    "deep operands": ("stack", {"body": "i32.const 1 " * 5000 + "i32.add " * 4999}, True),
    "passive segment": ("bulk_memory", {"functions": '(data "abc")'}, True),
    "data outside memory": ("memory", {"functions": '(data (i32.const 65534) "abc")'}, True),
    "elements outside the table": (
        "size",
        {"functions": "(table 1 1 funcref) (func $f) (elem (i32.const 1) $f)"},
        True,
    ),
    "huge table": ("size", {"functions": "(table 100000 100000 funcref)"}, True),
    "deep nesting": ("size", {"body": "block " * 600 + "end " * 600 + "i32.const 0"}, True),
    "no counter": ("counter", {"instrumented": False}, False),
    "wrong types": ("malformed", {"body": "f32.const 0"}, True),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_validate__hostile_module__is_refused_by_its_rule(name):
    rule, parts, can_be_instrumented = HOSTILE[name]
    run = parts.get("run", RUN).replace("{body}", parts.get("body", "i32.const 0"))
    memory = parts.get("memory", '(memory (export "memory") 1 1)')
    module = _assemble(f"(module {parts.get('functions', '')} {memory} {run})")
    module = with_layout(module, make_layout())
    if can_be_instrumented:
        module = counter.instrument(module)

    assert rule_of(module) == rule


def _assemble(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


@pytest.mark.parametrize(
    ("rule", "layout"),
    [
        ("layout", make_layout(buffer("out", "output", 65536))),
        ("layout", make_layout(buffer("out", "output", 65533))),
        ("layout", make_layout(buffer("out", "output", 2))),
        ("layout", make_layout(buffer("a", "shard", 0, shape=(4,)), buffer("out", "output", 12))),
        ("layout", b'{"version":1}'),
        ("layout", b"not JSON"),
        ("layout", b"[" * 50_000),
        ("layout", make_layout().encode() + b" " * 70_000),
    ],
    ids=["outside", "over the edge", "unaligned", "overlapping", "incomplete", "no JSON", "deep JSON", "long"],
)
def test_validate__bad_layout__is_refused(rule, layout):
    assert rule_of(counter.instrument(with_layout(_assemble(_plain()), layout))) == rule


def _plain() -> str:
    return f'(module (memory (export "memory") 1 1) {RUN.replace("{body}", "i32.const 0")})'


def test_validate__no_layout__is_refused():
    assert rule_of(counter.instrument(_assemble(_plain()))) == "layout"


def test_validate__two_layouts__are_refused():
    module = with_layout(with_layout(_assemble(_plain()), make_layout()), make_layout(buffer("out", "output", 8)))

    assert rule_of(counter.instrument(module)) == "layout"


def test_validate__output_above_the_jobs_limit__is_refused():
    layout = make_layout(buffer("out", "output", 0, shape=(64,)))

    assert rule_of(make_module(layout=layout), ProgramLimits(output_bytes=255)) == "output_size"
    assert validate(make_module(layout=layout), ProgramLimits(output_bytes=256)) == layout


def test_validate__memory_above_the_jobs_limit__is_refused():
    assert rule_of(make_module(), ProgramLimits(memory_bytes=65535)) == "memory"


def test_validate__reducer_without_step__is_refused():
    layout = make_layout(buffer("in", "input", 0), buffer("out", "output", 8), kind="reducer")

    assert rule_of(make_module(layout=layout)) == "exports"


def test_validate__too_long_module__is_refused():
    assert rule_of(make_module() + custom_section("padding", bytes(5 << 20))) == "size"


def test_validate__too_long_function__is_refused():
    assert rule_of(make_module("nop " * 1_100_000 + "i32.const 0")) == "size"


@pytest.mark.parametrize("twice", [True, False])
def test_validate__doubled_or_disordered_section__is_refused(twice):
    sections = binary.read_sections(make_module())
    memory = next(s for s in sections if s.id == binary.MEMORY)
    if not twice:
        sections.remove(memory)
    sections.append(memory)

    with pytest.raises(ProgramRejected, match="the memory section is doubled or out of order"):
        validate(binary.write_module(sections))


def test_validate__many_custom_sections__are_refused():
    assert rule_of(make_module() + custom_section("x", b"") * 20) == "size"


def test_validate__data_count_section__is_refused():
    assert rule_of(make_module() + b"\x0c\x01\x00") == "section"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff" * 5,
        b"\xff" * 20,
        b"\x80\x80\x80\x80\x10",
        leb.encode_unsigned(1 << 31),
        b"",
    ],
    ids=["unending number", "long number", "33 bits", "two thousand million", "empty"],
)
@pytest.mark.parametrize("section", range(1, 12))
def test_validate__hostile_section__raises_nothing_but_rejected(section, body):
    sections = [s for s in binary.read_sections(make_module()) if s.id != section]
    at = next((i for i, s in enumerate(sections) if s.id == binary.CUSTOM or s.id > section), len(sections))
    sections.insert(at, binary.Section(id=section, body=body))

    rule_of(binary.write_module(sections))


def test_validate__module_cut_anywhere__raises_nothing_but_rejected():
    module = make_module(functions='(table 1 1 funcref) (func $f) (elem (i32.const 0) $f) (data (i32.const 4) "ab")')
    validate(module)

    for length in range(len(module)):
        rule_of(module[:length])


def test_validate__any_byte_changed__is_valid_or_rejected():
    module = make_module(
        "block loop i32.const 1 br_if 1 br 0 end end f64.const 1 i32.trunc_f64_s drop "
        "v128.const i64x2 1 2 i8x16.all_true drop i64.const -5 i32.wrap_i64"
    )
    validate(module)

    for position in range(len(module)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, module[position] ^ 4):
            changed = module[:position] + struct.pack("B", value) + module[position + 1 :]
            try:
                validate(changed)
            except ProgramRejected:
                continue
