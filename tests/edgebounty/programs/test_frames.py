"""No valid program reaches the end of a native stack: the bound is counted right and it is low enough."""

import pytest
import wasmtime

from edgebounty.programs import binary, builtin, call_graph
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.frames import operand_height
from edgebounty.programs.validator import validate
from tests.edgebounty.programs.program_kit import make_module, run_in_node

HEIGHTS = {
    "one constant": (1, "i32.const 1"),
    "sum of two": (2, "i32.const 1 i32.const 2 i32.add"),
    "sum of many": (4, "i32.const 1 i32.const 2 i32.const 3 i32.const 4 i32.add i32.add i32.add"),
    "chain": (2, "i32.const 1 " + "i32.const 2 i32.add " * 50),
    "store and load": (2, "i32.const 8 i32.const 9 i32.store i32.const 8 i32.load"),
    "select": (3, "i32.const 1 i32.const 2 i32.const 3 select"),
    "block result": (3, "i32.const 1 block (result i32) i32.const 2 i32.const 3 i32.add end i32.add"),
    "if else": (1, "i32.const 1 if (result i32) i32.const 2 else i32.const 3 end"),
    "dead code": (2, "block i32.const 1 i32.const 2 drop drop br 0 i32.const 1 drop end i32.const 1"),
    "calls": (2, "i32.const 1 i32.const 2 call $two call $two"),
    "simd": (
        3,
        "v128.const i64x2 0 0 v128.const i64x2 0 0 v128.const i64x2 0 0 v128.bitselect f32x4.sqrt f32x4.abs "
        "i32x4.neg f64x2.ceil i32.const 1 i32x4.shl i32x4.extract_lane 0",
    ),
}


@pytest.mark.unit
@pytest.mark.parametrize("name", HEIGHTS)
def test_operand_height__known_code__is_counted(name):
    expected, body = HEIGHTS[name]
    two = "(func $two (param i32 i32) (result i32 i32) local.get 0 local.get 1)"
    if name == "calls":
        body += " drop"
    text = f"(module (memory 1 1) {two} (func (result i32) {body}))"
    sections = binary.read_sections(bytes(wasmtime.wat2wasm(text)))
    parts = {section.id: section.body for section in sections}
    types = binary.read_types(parts[binary.TYPE], 10)
    functions = binary.read_functions(parts[binary.FUNCTION], 10)
    bodies = list(binary.read_bodies(parts[binary.CODE], 10))

    assert operand_height(bodies[1].code, types, functions) == expected


@pytest.mark.unit
def test_frames__builtin_programs__are_far_below_the_bound(monkeypatch):
    monkeypatch.setattr(call_graph, "STACK_VALUES", 1000)

    for name in builtin.names():
        validate(builtin.load(name))


def deepest_chain(locals_each: int, depth: int) -> bytes:
    """A chain of calls in which every local lives across the call."""
    loads = "".join(f"(local.set {i} (v128.load (i32.const {16 * (i % 4000)})))" for i in range(locals_each))
    stores = "".join(f"(v128.store (i32.const {16 * (i % 4000)}) (local.get {i}))" for i in range(locals_each))
    declared = "(local " + "v128 " * locals_each + ")"
    chain = "".join(
        f"(func $f{level} {declared} {loads} {f'call $f{level + 1}' if level + 1 < depth else ''} {stores})"
        for level in range(depth)
    )
    return make_module("call $f0 i32.const 0", functions=chain)


@pytest.mark.integration
@pytest.mark.parametrize(("locals_each", "depth"), [(4000, 3), (58, 199)])
def test_frames__deepest_program_allowed__runs_in_both_engines(locals_each, depth, runtime, tmp_path):
    module = deepest_chain(locals_each, depth)
    done = runtime.run_program(module, state=b"", shard=b"", params={}, work_limit=10**7, output_limit=9)

    assert done.failure is None
    other = run_in_node(tmp_path, module, state=b"", params=b"", shard=b"", work_limit=10**7)
    assert other == (done.output, done.work_units, None)


@pytest.mark.integration
@pytest.mark.parametrize(("locals_each", "depth"), [(4000, 4), (4200, 1), (1, 201)])
def test_frames__deeper_program__is_refused(locals_each, depth):
    with pytest.raises(ProgramRejected) as caught:
        validate(deepest_chain(locals_each, depth))
    assert caught.value.rule == "stack"
