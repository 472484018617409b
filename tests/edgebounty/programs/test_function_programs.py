"""A user's own functions and reducers as programs: right, and refused with a reason where they cannot be."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.programs.compiler.api import ArraySpec, build_function, build_reducer
from edgebounty.programs.compiler.errors import BadSource, CaptureFailed
from edgebounty.protocol.layout import NUMPY_TYPES
from tests.edgebounty.programs.compiled_kit import LIMIT, RUNTIME, forward, outputs, run
from tests.edgebounty.programs.program_kit import pack, unpack

pytestmark = pytest.mark.integration

FILE = Path(__file__).with_name("functions_kit.py")
X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)


def arrays(*texts: str) -> list[ArraySpec]:
    return [ArraySpec.parse(text) for text in texts]


@cache
def moments():
    return build_function(f"{FILE}:moments", arrays("x:f32[100,3]", "rows:i32"))


@pytest.mark.parametrize("rows", [100, 37, 0])
def test_whole_function__short_or_empty_shard__sees_how_many_rows_are_filled(rows):
    built = moments()

    found = outputs(built.layout, run(built, rows=rows, x=X))

    np.testing.assert_allclose(found["total"], X[:rows].sum(0, dtype=np.float64), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["squares"], (X[:rows] ** 2).sum(0, dtype=np.float64), rtol=1e-5)
    assert found["out_rows"] == rows


def test_whole_function__more_rows_than_fit__fails():
    assert run(moments(), rows=101, x=X).failure == "status_2"


def test_whole_function__nan_in_the_shard__fails_as_nan():
    bad = X.copy()
    bad[99, 2] = np.nan

    assert run(moments(), rows=50, x=bad).failure == "nan"


def test_rowwise_function__last_batch_is_short__gives_only_filled_rows():
    w, bias = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32), 0.25
    declared = [
        *arrays("x:f32[100,3]"),
        ArraySpec.parse("w:f32[3,2]", "state"),
        ArraySpec.parse("bias:f32", "params"),
    ]
    built = build_function(f"{FILE}:affine", declared, batch=8, state={"w": w}, params={"bias": bias})

    found = forward(built, X[:77])["out"]

    np.testing.assert_allclose(found, np.maximum(X[:77] @ w + bias, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("i64", [2**40, -(2**41), 5]),
        ("i32", [7, -8, 9]),
        ("f64", [1e-300, 3e-310, 5.0]),
        ("f32", [1e-40, np.inf, -1e-45]),
    ],
)
def test_function__every_type_and_edge_value__equals_numpy(dtype, values):
    built = build_function(f"{FILE}:wide_sum", arrays(f"x:{dtype}[2,3]"))
    x = np.array([values, values], NUMPY_TYPES[dtype])

    np.testing.assert_array_equal(outputs(built.layout, run(built, x=x))["out"], x.sum(0))


def test_function__array_written_into_it__travels_in_the_module():
    built = build_function(f"{FILE}:carries_an_array", arrays("x:f32[100,3]"))

    found = outputs(built.layout, run(built, x=X))["out"]

    np.testing.assert_array_equal(found, X * np.arange(3, dtype=np.float32))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uses_python_randomness", "two traces of the function differ"),
        ("uses_the_clock", "two traces of the function differ"),
        ("uses_random_tensors", "random numbers inside a program; draw them beforehand"),
        ("has_wrong_shapes", r"functions_kit.py:\d+ \(return x.reshape\(7, 11\)\)"),
        ("gives_a_number", "is a int; return Tensors"),
        ("needs_gigabytes", "bytes of working memory"),
        ("not_there", "has no function 'not_there'"),
    ],
)
def test_function__that_cannot_be_a_program__is_refused_with_the_reason(name, words):
    with pytest.raises(BadSource, match=words):
        build_function(f"{FILE}:{name}", arrays("x:f32[100,3]"))


def test_function__reads_what_nothing_wrote__is_refused():
    with pytest.raises(CaptureFailed, match="reads a buffer that nothing has written"):
        build_function(f"{FILE}:reads_a_kept_tensor", arrays("x:f32[100,3]"))


@pytest.mark.parametrize(
    "text", ["x", "x:f16[3]", "x:f32[0]", "x:f32[2,,3]", "x:f32[99999999999]", "x:f32[1,1,1,1,1,1,1,1,1]"]
)
def test_array__malformed__is_refused(text):
    with pytest.raises(BadSource):
        ArraySpec.parse(text)


def test_build__from_another_folder__gives_the_same_bytes(tmp_path):
    copy = tmp_path / "elsewhere" / FILE.name
    copy.parent.mkdir()
    copy.write_bytes(FILE.read_bytes())

    assert build_function(f"{copy}:moments", arrays("x:f32[100,3]", "rows:i32")).module == moments().module


def test_reducer__start_step_finish__equals_numpy():
    program = moments()
    reducer = build_reducer(f"{FILE}:Mean", program=program.layout)
    parts = [X[:40], X[40:41], X[:0]]
    joined = np.concatenate(parts)

    done = RUNTIME.run_reducer(
        reducer.module,
        state=b"",
        inputs=[run(program, rows=len(part), x=part).output for part in parts],
        params={},
        work_limit=LIMIT,
    )

    found = unpack(reducer.layout, "output", done.output)
    np.testing.assert_allclose(found["mean"], joined.mean(0), rtol=1e-5, atol=1e-6)
    assert found["first"] == 7
    nan = pack(program.layout, "output", {"total": [np.nan]})
    assert RUNTIME.run_reducer(reducer.module, state=b"", inputs=[nan], params={}, work_limit=LIMIT).failure == "nan"


def test_reducer__without_its_functions__is_refused():
    with pytest.raises(BadSource, match=r"has no step\(\)"):
        build_reducer(f"{FILE}:Unfinished", program=moments().layout)
