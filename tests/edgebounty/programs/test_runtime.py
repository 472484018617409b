"""What a run gives: an output, or a failure that is the same everywhere."""

import subprocess
import sys
import threading
import time

import pytest

from edgebounty.programs.errors import ProgramInterrupted, ProgramRejected
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol.failure import failure_bytes
from tests.edgebounty.programs.program_kit import buffer, make_layout, make_module, make_reducer

pytestmark = pytest.mark.unit

ADD = make_module(
    "i32.const 24 (i32.add (i32.load (i32.const 0)) (i32.mul (i32.load (i32.const 8)) (i32.load (i32.const 16))))"
    " i32.store i32.const 0",
    layout=make_layout(
        buffer("s", "state", 0), buffer("x", "shard", 8), buffer("factor", "params", 16), buffer("y", "output", 24)
    ),
)


def run(runtime: Runtime, module: bytes, **changes) -> Execution:
    values = {"state": b"", "shard": b"", "params": {}, "work_limit": 1_000_000, "output_limit": 1 << 20}
    return runtime.run_program(module, **(values | changes))


def test_run_program__inputs__are_read_where_the_layout_says(runtime):
    done = run(runtime, ADD, state=b"\x05\0\0\0", shard=b"\x07\0\0\0", params={"factor": 3})

    assert done == Execution(output=b"\x1a\0\0\0", work_units=11, seconds=done.seconds, failure=None)
    assert done.seconds >= 0


def test_run_program__packed_params__are_the_same(runtime):
    done = run(runtime, ADD, state=b"\x05\0\0\0", shard=b"\x07\0\0\0", params=b"\x03\0\0\0")

    assert done.output == b"\x1a\0\0\0"


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("input_size", {"state": b""}),
        ("input_size", {"state": bytes(5)}),
        ("input_size", {"shard": bytes(8)}),
        ("input_size", {"params": b""}),
        ("params", {"params": {}}),
        ("params", {"params": {"factor": 1, "speed": 2}}),
        ("params", {"params": {"factor": 1.5}}),
        ("output_size", {"output_limit": 3}),
    ],
)
def test_run_program__input_of_wrong_size__is_refused_before_running(runtime, rule, changes):
    with pytest.raises(ProgramRejected) as caught:
        run(runtime, ADD, **({"state": bytes(4), "shard": bytes(4), "params": {"factor": 1}} | changes))
    assert caught.value.rule == rule


def test_run_program__reducer__is_refused(runtime):
    with pytest.raises(ProgramRejected, match="a program is needed"):
        run(runtime, make_reducer())


def test_run_reducer__program__is_refused(runtime):
    with pytest.raises(ProgramRejected, match="a reducer is needed"):
        runtime.run_reducer(ADD, state=b"", inputs=[], params={}, work_limit=1)


@pytest.mark.parametrize("limit", [0, -1, 1 << 62])
def test_run_program__senseless_work_limit__is_refused(runtime, limit):
    with pytest.raises(ValueError, match="work limit"):
        run(runtime, ADD, work_limit=limit)


FLOAT_OUT = make_layout(buffer("out", "output", 0, dtype="f64", shape=(2,)))

FAILURES = {
    "endless loop": ("work_limit", "loop br 0 end i32.const 0", None),
    "endless calls": ("work_limit", "loop call $nothing br 0 end i32.const 0", None),
    "unreachable": ("trap", "unreachable", None),
    "division by zero": ("trap", "i32.const 1 i32.const 0 i32.div_s", None),
    "outside memory": ("trap", "i32.const 65533 i32.load", None),
    "indirect call of nothing": ("trap", "i32.const 3 call_indirect (type $t) i32.const 0", None),
    "own status": ("status_7", "i32.const 7", None),
    "large status": ("status_255", "i32.const 70000", None),
    "negative status": ("status_255", "i32.const -1", None),
    "says NaN": ("nan", "i32.const 1", None),
    "NaN unsaid": ("nan", "i32.const 8 f64.const nan f64.store i32.const 0", FLOAT_OUT),
    "NaN with a payload": ("nan", "i32.const 8 i64.const -1 i64.store i32.const 0", FLOAT_OUT),
}


@pytest.mark.parametrize("name", FAILURES)
def test_run_program__failing_program__gives_the_failure_as_result(runtime, name):
    code, body, layout = FAILURES[name]
    functions = "(type $t (func)) (table 8 8 funcref) (func $nothing)"

    done = run(runtime, make_module(body, functions=functions, layout=layout))

    assert done.failure == code
    assert done.output == failure_bytes(code)


def test_run_program__work_limit__costs_exactly_the_limit(runtime):
    assert run(runtime, make_module("loop br 0 end i32.const 0"), work_limit=12_345).work_units == 12_345


def test_run_program__exactly_enough_work__is_enough(runtime):
    units = run(runtime, make_module("i32.const 3 i32.const 3 i32.sub")).work_units

    assert run(runtime, make_module("i32.const 3 i32.const 3 i32.sub"), work_limit=units).failure is None
    assert run(runtime, make_module("i32.const 3 i32.const 3 i32.sub"), work_limit=units - 1).failure == "work_limit"


def test_run_program__infinity__is_no_failure(runtime):
    done = run(runtime, make_module("i32.const 0 f64.const inf f64.store i32.const 0", layout=FLOAT_OUT))

    assert done.failure is None


def test_run_program__again__starts_from_clean_memory(runtime):
    module = make_module("i32.const 0 (i32.add (i32.load (i32.const 0)) (i32.const 1)) i32.store i32.const 0")

    assert [run(runtime, module).output for _ in range(3)] == [b"\x01\0\0\0"] * 3


SUM = "i32.const 8 (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 0))) i32.store i32.const 0"


def test_run_reducer__inputs__are_folded_in_order(runtime):
    shifted = "i32.const 8 (i32.add (i32.mul (i32.load (i32.const 8)) (i32.const 10)) (i32.load (i32.const 0))) "
    module = make_reducer(step=shifted + "i32.store i32.const 0")
    inputs = (bytes((n, 0, 0, 0)) for n in (1, 2, 3))

    done = runtime.run_reducer(module, state=b"", inputs=inputs, params={}, work_limit=10_000)

    assert (done.output, done.failure) == (b"\x7b\0\0\0", None)


def test_run_reducer__no_inputs__still_starts_and_finishes(runtime):
    module = make_reducer(finish="i32.const 8 i32.const 5 i32.store i32.const 0")

    assert runtime.run_reducer(module, state=b"", inputs=[], params={}, work_limit=99).output == b"\x05\0\0\0"


@pytest.mark.parametrize("entry", ["start", "step", "finish"])
def test_run_reducer__entry_point_fails__ends_there(runtime, entry):
    module = make_reducer(**{entry: "i32.const 9"})

    done = runtime.run_reducer(module, state=b"", inputs=[bytes(4)] * 2, params={}, work_limit=99)

    assert done.failure == "status_9"
    assert done.work_units == {"start": 1, "step": 2, "finish": 4}[entry]


def test_run_reducer__work_limit__is_shared_by_all_steps(runtime):
    done = runtime.run_reducer(make_reducer(SUM), state=b"", inputs=[bytes(4)] * 100, params={}, work_limit=100)

    assert (done.failure, done.work_units) == ("work_limit", 100)


def test_run_reducer__input_of_wrong_size__is_refused(runtime):
    with pytest.raises(ProgramRejected, match="4 bytes of input"):
        runtime.run_reducer(make_reducer(), state=b"", inputs=[bytes(4), b""], params={}, work_limit=99)


def test_interrupt__running_program__raises_and_is_no_result():
    runtime = Runtime(interruptible=True)
    timer = threading.Timer(0.2, runtime.interrupt)
    timer.start()
    started = time.perf_counter()

    with pytest.raises(ProgramInterrupted):
        run(runtime, make_module("loop br 0 end i32.const 0"), work_limit=1 << 60)
    assert time.perf_counter() - started < 5


def test_interrupt__runtime_not_made_for_it__says_so(runtime):
    with pytest.raises(ValueError, match="interruptible"):
        runtime.interrupt()


def test_runtime__program_above_its_memory__is_refused():
    with pytest.raises(ProgramRejected) as caught:
        run(Runtime(memory_bytes=1 << 20), make_module(memory='(memory (export "memory") 17 17)'))
    assert caught.value.rule == "memory"


def test_runtime__threads__run_side_by_side(runtime):
    results: list[bytes] = []

    def work() -> None:
        results.append(run(runtime, ADD, state=b"\x05\0\0\0", shard=b"\x07\0\0\0", params={"factor": 3}).output)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [b"\x1a\0\0\0"] * 8


def test_run_program__no_memory_left_on_the_device__is_no_result(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from edgebounty.programs.errors import RuntimeUnavailable
from edgebounty.programs.runtime import Runtime
runtime, module = Runtime(), Path(sys.argv[1]).read_bytes()
runtime.layout(module)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    runtime.run_program(module, state=b"", shard=b"", params={}, work_limit=9, output_limit=9)
except RuntimeUnavailable as error:
    print(error)
"""
    (tmp_path / "module.wasm").write_bytes(make_module())
    command = [sys.executable, "-c", script, str(tmp_path / "module.wasm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert "cannot be started on this device" in done.stdout, done.stderr
