"""Kernels rewritten for SIMD give the bits of the plain loops, in fewer work units, and the rest is said by name."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.programs.compiler.api import (
    ArraySpec,
    Optimizer,
    build_function,
    build_onnx,
    build_training,
    function_model,
    mlp_model,
)
from edgebounty.programs.timing import made_up_inputs
from edgebounty.protocol.layout import Layout
from tests.edgebounty.programs import gpt_kit
from tests.edgebounty.programs.compiled_kit import LIMIT, RUNTIME, convolver, lenet, mobile, outputs, run
from tests.edgebounty.programs.compiled_kit import perceptron as in_layers
from tests.edgebounty.programs.test_function_programs import FILE

pytestmark = pytest.mark.integration


def network(make, folder: Path, **options):
    built = build_onnx(make(folder / "net.onnx"), rows=16, batch=8, **options)
    return built.module, built.state, built.params, built.notes


def perceptron(folder: Path, **options):
    trained = build_training(mlp_model("mlp:64-128-10", batch=32), rows=64, optimizer=Optimizer(kind="adam"), **options)
    return trained.program, trained.state, trained.params, trained.notes


def transformer(folder: Path, **options):
    weights = gpt_kit.first_weights(vocabulary=24, tokens=16, wide=32, layers=1)
    x, y = ArraySpec.parse("x:i32[4,16]"), ArraySpec.parse("y:i32[4,16]")
    model = function_model(f"{gpt_kit.__file__}:gpt", x, weights, batch=4)
    trained = build_training(model, rows=4, labels=y, optimizer=Optimizer(kind="momentum"), **options)
    return trained.program, trained.state, trained.params, trained.notes


def products(folder: Path, **options):
    """Sizes that fill no tile, a transposed factor, a batch of products, a sum that is no product."""
    arrays = [ArraySpec.parse(text) for text in ("a:f32[3,13,37]", "b:f32[3,37,11]", "c:f32[3,11,37]")]
    built = build_function(f"{FILE}:products", arrays, **options)
    return built.module, built.state, built.params, built.notes


def quantised(folder: Path, **options):
    path = in_layers(folder / "net.onnx", (64, 128, 10), quantised=True)
    built = build_onnx(path, rows=32, batch=16, **options)
    return built.module, built.state, built.params, built.notes


MODELS = {
    "convolver": lambda folder, **options: network(convolver, folder, **options),
    "quantised": quantised,
    "lenet": lambda folder, **options: network(lenet, folder, **options),
    "mobile": lambda folder, **options: network(mobile, folder, **options),
    "perceptron": perceptron,
    "transformer": transformer,
    "products": products,
}


@cache
def made(name: str, folder: Path, simd: bool, tile: bool):
    return MODELS[name](folder, simd=simd, tile=tile)


def result(module: bytes, state: bytes, params):
    layout = Layout.of_module(module)
    inputs = made_up_inputs(layout)
    done = RUNTIME.run_program(
        module,
        state=state,
        shard=inputs["shard"],
        params=layout.pack_params(params),
        work_limit=LIMIT,
        output_limit=1 << 26,
    )
    assert done.failure is None
    return done


@pytest.mark.parametrize("name", MODELS)
def test_tiling__on_or_off__gives_the_same_bytes(name, tmp_path):
    tiled, plain = (result(*made(name, tmp_path, True, tile)[:3]) for tile in (True, False))

    assert tiled.output == plain.output
    assert tiled.work_units < 0.8 * plain.work_units


@pytest.mark.parametrize("name", ["lenet", "transformer", "quantised", "convolver"])
def test_tiled_program__without_simd__gives_the_same_bytes(name, tmp_path):
    with_simd, without = (result(*made(name, tmp_path, simd, True)[:3]) for simd in (True, False))

    assert with_simd.output == without.output


def test_products__of_odd_sizes__equal_numpy(tmp_path):
    module, state, params, _ = made("products", tmp_path, True, True)
    layout = Layout.of_module(module)
    content, at, arrays = made_up_inputs(layout)["shard"], 0, []
    for buffer in layout.role("shard"):
        arrays.append(np.frombuffer(content[at : at + buffer.nbytes], np.float32).reshape(buffer.shape))
        at += buffer.nbytes
    a, b, c = arrays

    found = np.frombuffer(result(module, state, params).output, np.float32)

    wanted = [np.maximum(a @ b, 0), a @ c.transpose(0, 2, 1) + 1]
    np.testing.assert_allclose(found, np.concatenate([w.ravel() for w in wanted]), atol=1e-6)


def test_maxima__of_rows_that_fill_no_vector__equal_numpy():
    built = build_function(f"{FILE}:pooled", [ArraySpec.parse("x:f32[2,3,8,13]")])
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 13)).astype(np.float32) - 3  # all below zero

    found = outputs(built.layout, run(built, x=x))

    windows = np.lib.stride_tricks.sliding_window_view
    np.testing.assert_array_equal(found["out0"], windows(x, (2, 2), (2, 3))[:, :, ::2, ::2].max((4, 5)))
    np.testing.assert_array_equal(found["out1"], windows(x, (3, 2), (2, 3)).max((4, 5)))
    assert built.c_source.count("maxima of") == 2


def test_integer_products__of_odd_and_even_sizes__are_exact():
    shapes = {"a": ("i8", (13, 37)), "b": ("u8", (37, 11)), "c": ("i8", (37, 16)), "d": ("i8", (16, 40))}
    arrays = [ArraySpec(name=name, dtype=dtype, shape=shape) for name, (dtype, shape) in shapes.items()]
    built = build_function(f"{FILE}:integer_products", arrays)
    generator = np.random.default_rng(0)
    a, c, d = (generator.integers(-128, 128, shapes[name][1]).astype(np.int8) for name in "acd")
    b = generator.integers(0, 256, shapes["b"][1]).astype(np.uint8)

    found = outputs(built.layout, run(built, a=a, b=b, c=c, d=d))

    np.testing.assert_array_equal(found["out0"], a.astype(int) @ b)
    np.testing.assert_array_equal(found["out1"], np.maximum(a.astype(int) @ c, 0))
    np.testing.assert_array_equal(found["out2"], c.astype(int) @ d)
    assert built.c_source.count("tiles_pairs(") == 4  # its definition, and the products
    assert "tiles_pairs(40, columns," in built.c_source  # of the last, 32 columns and then 8


def test_kernel__that_no_tile_fits__is_named():
    built = build_function(f"{FILE}:long_maximum", [ArraySpec.parse("x:f32[512,512]")])
    assert built.notes == ("not tiled: MAX of float (262,144 additions a step)",)
