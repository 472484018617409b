"""Every built-in program gives the same bytes and the same work units in wasmtime and in node's V8."""

import numpy as np
import pytest

from edgebounty.programs import builtin
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol.layout import Layout
from tests.edgebounty.programs.analysis_inputs import analysis_inputs
from tests.edgebounty.programs.perceptron_kit import MODELS, init_state, make_rows, train
from tests.edgebounty.programs.program_kit import make_module, make_reducer, pack, run_in_node
from tests.edgebounty.programs.stats_kit import map_task, reduce_task
from tests.edgebounty.programs.test_runtime import FAILURES

pytestmark = pytest.mark.integration

LIMIT = 10**11


def inputs_of(name: str) -> tuple[bytes, bytes, dict[str, float], list[bytes]]:
    """Realistic state, shard, params and reducer inputs of a built-in program."""
    layout = builtin.info(name).layout
    if name.startswith("table") and not name.startswith("table.stats"):
        return analysis_inputs(name)
    if name.startswith("table"):
        table = np.random.default_rng(0).normal(3, 5, size=(200, 20))
        program = name.removesuffix(".reduce").removesuffix(".combine")
        state = bytes(layout.role_bytes("state"))
        first = [map_task(program, part, state).output for part in np.array_split(table, 3)]
        state = reduce_task(program, first, state).output
        outputs = [map_task(program, part, state).output for part in np.array_split(table, 3)]
        return state, pack_shard(layout, rows=200, columns=20, x=table), {}, outputs
    model = next(m for m in MODELS if m in name)
    x, y = make_rows(model, 100)
    params = {"learning_rate": 0.25, "epochs": 3} if name.endswith(".train") else {}
    outputs = [train(model, *make_rows(model, rows, seed=rows)).output for rows in (40, 77)]
    return init_state(model, 1), pack_shard(layout, rows=100, x=x, y=y), params, outputs


def pack_shard(layout: Layout, **values) -> bytes:
    names = {buffer.name for buffer in layout.role("shard")}
    return pack(layout, "shard", {name: value for name, value in values.items() if name in names})


def in_both(folder, runtime: Runtime, module: bytes, state: bytes, shard: bytes, params, inputs, limit) -> Execution:
    layout = runtime.layout(module)
    packed = layout.pack_params(params)
    common = {"state": state, "params": packed, "work_limit": limit}
    if layout.kind == "program":
        done = runtime.run_program(module, shard=shard, output_limit=1 << 24, **common)
        other = run_in_node(folder, module, shard=shard, **common)
    else:
        done = runtime.run_reducer(module, inputs=inputs, **common)
        other = run_in_node(folder, module, inputs=inputs, **common)
    assert other == (done.output, done.work_units, done.failure)
    return done


@pytest.mark.parametrize("name", builtin.names())
def test_builtin__in_node__gives_equal_bytes_and_work_units(name, runtime, tmp_path):
    state, shard, params, inputs = inputs_of(name)

    done = in_both(tmp_path, runtime, builtin.load(name), state, shard, params, inputs, LIMIT)

    assert done.failure is None
    assert done.work_units > 1000


@pytest.mark.parametrize("name", builtin.names())
def test_builtin__out_of_work__ends_at_the_same_count_in_node(name, runtime, tmp_path):
    state, shard, params, inputs = inputs_of(name)

    done = in_both(tmp_path, runtime, builtin.load(name), state, shard, params, inputs, 2000)

    assert (done.failure, done.work_units) == ("work_limit", 2000)


@pytest.mark.parametrize("name", FAILURES)
def test_failure__in_node__is_the_same_result(name, runtime, tmp_path):
    _, body, layout = FAILURES[name]
    module = make_module(body, functions="(type $t (func)) (table 8 8 funcref) (func $nothing)", layout=layout)

    done = in_both(tmp_path, runtime, module, b"", b"", {}, [], 100_000)

    assert done.failure == FAILURES[name][0]


@pytest.mark.parametrize("entry", ["start", "step", "finish"])
def test_reducer_failure__in_node__is_the_same_result(entry, runtime, tmp_path):
    module = make_reducer(**{entry: "unreachable"})

    assert in_both(tmp_path, runtime, module, b"", b"", {}, [bytes(4)] * 3, 999).failure == "trap"


@pytest.mark.parametrize("name", [n for n in builtin.names() if n.endswith((".train", ".infer"))])
def test_builtin__denormals_and_infinities__equal_in_node(name, runtime, tmp_path):
    state, _, params, _ = inputs_of(name)
    layout = builtin.info(name).layout
    columns = layout.buffer("x").shape[1]
    x = np.random.default_rng(2).normal(size=(40, columns)).astype(np.float32) * np.float32(1e-40)
    x[3, 1], x[7, 2], x[9, 3] = -0.0, 1e38, 1e-45

    in_both(
        tmp_path, runtime, builtin.load(name), state, pack_shard(layout, rows=40, x=x, y=[1] * 40), params, [], LIMIT
    )
