"""The work counter counts what runs, stops what does not end, and cannot be touched."""

import pytest
import wasmtime

from edgebounty.programs import binary, builtin, counter, leb
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.validator import validate
from tests.edgebounty.programs.program_kit import make_layout, make_module, with_layout

pytestmark = pytest.mark.unit

LOOP = """(local $i i32)
  loop $l
    local.get $i i32.const 1 i32.add local.set $i
    local.get $i i32.const {n} i32.lt_u br_if $l
  end
  i32.const 0"""


def run(module: bytes, limit: int = 1 << 40) -> int:
    """Work units of one run. Raises wasmtime.Trap."""
    store = wasmtime.Store()
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, module), []).exports(store)
    exports["work_left"].set_value(store, wasmtime.Val.i64(limit))
    exports["run"](store)
    return limit - exports["work_left"].value(store)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_instrument__loop__counts_each_turn(n):
    # Before the loop: `loop` itself; each turn: 8 instructions; after it: `i32.const 0`.
    assert run(make_module(LOOP.replace("{n}", str(n)))) == 1 + 8 * n + 1


def test_instrument__branches__count_only_what_runs():
    text = "i32.const {c} if nop i32.const 1 drop i32.const 1 drop else i32.const 2 drop end i32.const 0"

    taken, not_taken = (run(make_module(text.replace("{c}", c))) for c in "10")
    assert taken - not_taken == 2


def test_instrument__calls__count_the_callee():
    body = "call $f drop call $f"
    functions = "(func $f (result i32) i32.const 7 i32.const 7 i32.sub)"

    assert run(make_module(body, functions=functions)) == 3 + 2 * 3


def test_instrument__endless_loop__traps_at_the_limit():
    with pytest.raises(wasmtime.Trap) as caught:
        run(make_module("loop br 0 end i32.const 0"), limit=1000)
    assert caught.value.trap_code == wasmtime.TrapCode.UNREACHABLE


def test_instrument__fresh_instance__does_not_run_before_the_host_sets_a_limit():
    store = wasmtime.Store()
    module = make_module("i32.const 0")
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, module), []).exports(store)

    with pytest.raises(wasmtime.Trap):
        exports["run"](store)


def test_strip__instrumented_module__gives_the_original_back():
    plain = make_module(LOOP.replace("{n}", "9"), functions="(global $g (mut i32) (i32.const 3))", instrumented=False)

    assert counter.strip(counter.instrument(plain)) == plain


def test_instrument__twice__is_refused():
    with pytest.raises(ProgramRejected, match="already exports"):
        counter.instrument(make_module())


@pytest.mark.parametrize("name", builtin.names())
def test_check__every_builtin__is_exactly_what_instrument_makes(name):
    counter.check(builtin.load(name))


def tampered(wat_body: str, *, extra: str = "", init: int = 0) -> bytes:
    """A module that brings a global of the counter's name itself, with any body."""
    text = f"""(module (memory (export "memory") 1 1) (global $left (mut i64) (i64.const {init})) {extra}
      (func (export "run") (result i32) {wat_body}) (export "work_left" (global $left)))"""
    return with_layout(bytes(wasmtime.wat2wasm(text)), make_layout())


CHARGE = "global.get $left i64.const {cost} i64.sub global.set $left "
CHECK = "global.get $left i64.const 0 i64.lt_s if unreachable end "

TAMPERED = {
    "no charge at all": "i32.const 0",
    "charge without check": CHARGE.replace("{cost}", "1") + "i32.const 0",
    "too cheap": CHARGE.replace("{cost}", "0") + CHECK + "i32.const 0",
    "negative price": CHARGE.replace("{cost}", "-1000") + CHECK + "i32.const 0",
    "charged twice": CHARGE.replace("{cost}", "1") + CHECK + CHARGE.replace("{cost}", "-9") + "i32.const 0",
    "own refill": CHARGE.replace("{cost}", "3") + CHECK + "i64.const 999 global.set $left i32.const 0",
    "own read": CHARGE.replace("{cost}", "2") + CHECK + "global.get $left i32.wrap_i64",
    "no check in the loop": CHARGE.replace("{cost}", "1") + CHECK
    + "loop " + CHARGE.replace("{cost}", "1") + "br 0 end i32.const 0",
}  # fmt: skip


def test_tampered__with_the_right_sequence__is_the_honest_form():
    validate(tampered(CHARGE.replace("{cost}", "1") + CHECK + "i32.const 0"))


@pytest.mark.parametrize("name", TAMPERED)
def test_validate__tampered_counter__is_refused(name):
    with pytest.raises(ProgramRejected) as caught:
        validate(tampered(TAMPERED[name]))
    assert caught.value.rule == "counter"


def test_validate__counter_under_a_second_name__is_refused():
    module = tampered(CHARGE.replace("{cost}", "1") + CHECK + "i32.const 0", extra='(export "mine" (global $left))')

    with pytest.raises(ProgramRejected, match="second name"):
        validate(module)


def test_validate__counter_with_a_start_value__is_refused():
    with pytest.raises(ProgramRejected) as caught:
        validate(tampered(CHARGE.replace("{cost}", "1") + CHECK + "i32.const 0", init=1 << 40))
    assert caught.value.rule == "counter"


def test_validate__counter_of_another_type__is_refused():
    text = """(module (memory (export "memory") 1 1) (global $left (mut i32) (i32.const 0))
      (func (export "run") (result i32) i32.const 0) (export "work_left" (global $left)))"""
    with pytest.raises(ProgramRejected) as caught:
        validate(with_layout(bytes(wasmtime.wat2wasm(text)), make_layout()))
    assert caught.value.rule == "counter"


def test_validate__global_index_written_in_a_longer_form__is_refused():
    module = make_module("i32.const 0")
    sections = binary.read_sections(module)
    code = binary.find(sections, binary.CODE)
    assert code is not None
    bodies = list(binary.read_bodies(code.body, 10))
    longer = bodies[0].head + bodies[0].code.replace(b"\x23\x00", b"\x23\x80\x00", 1)
    code.body = b"\x01" + leb.encode_unsigned(len(longer)) + longer

    with pytest.raises(ProgramRejected) as caught:
        validate(binary.write_module(sections))
    assert caught.value.rule == "counter"
