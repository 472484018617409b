"""ONNX models as programs: equal to onnxruntime and scikit-learn; refused with node and remedy where they cannot be."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.programs.compiler.api import build_onnx
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.errors import ProgramRejected
from tests.edgebounty.programs.compiled_kit import (
    OnnxGraph,
    convolver,
    forward,
    lenet,
    mobile,
    onnxruntime_outputs,
    perceptron,
    run,
)

pytestmark = pytest.mark.integration

IMAGES = np.random.default_rng(0).random((20, 1, 28, 28)).astype(np.float32)


@pytest.mark.parametrize("make", [lenet, mobile])
def test_network__twenty_images__equals_onnxruntime(make, tmp_path):
    path = make(tmp_path / "net.onnx")
    built = build_onnx(path, rows=32, batch=8)

    (found,) = forward(built, IMAGES).values()

    np.testing.assert_allclose(found, onnxruntime_outputs(path, x=IMAGES)[0], atol=1e-6)


def test_quantised_network__in_8_bits__equals_onnxruntime_but_for_ties(tmp_path):
    path = perceptron(tmp_path / "net.onnx", (37, 50, 11), quantised=True)
    x = np.random.default_rng(3).normal(size=(20, 37)).astype(np.float32)
    built = build_onnx(path, rows=20, batch=7)

    (found,) = forward(built, x).values()

    steps = (found - onnxruntime_outputs(path, x=x)[0]) / 0.02
    assert abs(steps).max() < 1.01  # one step, where a product lies half-way and onnxruntime rounds another product
    assert (abs(steps) > 0.5).mean() < 0.03
    assert built.notes == ()


def test_quantised_convolutions__in_8_bits__equal_onnxruntime_but_for_ties(tmp_path):
    path = convolver(tmp_path / "net.onnx")
    built = build_onnx(path, rows=20, batch=6)

    (found,) = forward(built, IMAGES).values()

    wanted = onnxruntime_outputs(path, x=IMAGES)[0]
    assert len(np.unique(wanted)) > 20
    steps = (found - wanted) / 0.02
    assert abs(steps).max() < 2.01  # a step at a tie, and what the layers after it make of it
    assert (abs(steps) > 0.5).mean() < 0.01
    assert built.c_source.count("tiles_pairs(") == 4  # its definition, and all but the depthwise one


@pytest.mark.parametrize("scale", [0.5, 3.25])
def test_requantising__every_value__rounds_ties_to_even_and_stays_in_8_bits(scale, tmp_path):
    graph = OnnxGraph((1,), dtype=TensorProto.UINT8)
    one, zero = np.float32(1), np.uint8(5)
    product = "x", one, np.uint8(128), np.ones((1, 1), np.int8), np.float32(scale), np.int8(0), one, zero
    path = graph.save(tmp_path / "net.onnx", graph.node("QLinearMatMul", *product), dtype=TensorProto.UINT8)
    x = np.arange(256, dtype=np.uint8).reshape(256, 1)

    (found,) = forward(build_onnx(path, rows=256, batch=256), x).values()

    scaled = (x.astype(np.float32) - 128) * np.float32(scale)
    np.testing.assert_array_equal(found, np.clip(np.rint(scaled) + 5, 0, 255))


@pytest.mark.parametrize("op", ["ConvInteger", "MatMulInteger"])
def test_integer_operator__with_zero_points__is_exact(op, tmp_path):
    graph = OnnxGraph((3, 9, 16), dtype=TensorProto.UINT8)
    shape, options = ((5, 3, 3, 3), {"pads": [1, 1, 0, 2]}) if op == "ConvInteger" else ((16, 7), {})
    weights = graph.generator.integers(0, 256, shape).astype(np.uint8)
    y = graph.node(op, "x", weights, np.uint8(100), np.uint8(77), **options)
    path = graph.save(tmp_path / "net.onnx", y, dtype=TensorProto.INT32)
    x = np.random.default_rng(4).integers(0, 256, (8, 3, 9, 16)).astype(np.uint8)

    (found,) = forward(build_onnx(path, rows=8, batch=4), x).values()

    np.testing.assert_array_equal(found, onnxruntime_outputs(path, x=x)[0])


def single(op: str, *inputs, **attributes):
    def make(graph: OnnxGraph) -> str:
        return graph.node(op, "x", *inputs, **attributes)

    return make


def exported_reshape(graph: OnnxGraph) -> str:
    """What PyTorch writes for `x.view(x.size(0), -1)`: shapes computed in the graph."""
    batch = graph.node("Gather", graph.node("Shape", "x"), np.array(0), axis=0)
    shape = graph.node("Concat", graph.node("Unsqueeze", batch, np.array([0])), np.array([-1]), axis=0)
    return graph.node("Reshape", "x", shape)


def attention(graph: OnnxGraph) -> str:
    """softmax(q k^T / sqrt(d)) v over rows of 6 tokens of 4 numbers."""
    tokens = graph.node("Reshape", "x", np.array([0, 6, 4]))
    q, k, v = (graph.node("MatMul", tokens, graph.normal(4, 4)) for _ in range(3))
    scores = graph.node("MatMul", q, graph.node("Transpose", k, perm=[0, 2, 1]))
    weights = graph.node("Softmax", graph.node("Div", scores, np.float32(2)), axis=-1)
    return graph.node("Flatten", graph.node("MatMul", weights, v))


GRAPHS = {
    "sigmoid": single("Sigmoid"),
    "tanh": single("Tanh"),
    "gelu by erf": single("Erf"),
    "softplus": single("Softplus"),
    "clip": single("Clip", np.float32(-0.5), np.float32(0.5)),
    "leaky": single("LeakyRelu", alpha=0.1),
    "log softmax": single("LogSoftmax", axis=-1),
    "layer normalisation": single("LayerNormalization", np.ones(24, np.float32), np.zeros(24, np.float32), axis=-1),
    "reduce mean": single("ReduceMean", axes=[1], keepdims=1),
    "power": single("Pow", np.float32(2)),
    "slice": single("Slice", np.array([1]), np.array([20]), np.array([1]), np.array([3])),
    "pad": single("Pad", np.array([0, 2, 0, 1]), np.float32(1.5)),
    "gather columns": single("Gather", np.array([3, 1, 7]), axis=1),
    "exported reshape": exported_reshape,
    "attention": attention,
}


@pytest.fixture(scope="module")
def operators(tmp_path_factory):
    """All graphs in one model, an output for each: what the program gives, and what onnxruntime does."""
    graph = OnnxGraph((24,))
    results = [make(graph) for make in GRAPHS.values()]
    path = graph.save(tmp_path_factory.mktemp("operators") / "net.onnx", *results)
    x = np.random.default_rng(2).normal(size=(7, 24)).astype(np.float32)
    found = forward(build_onnx(path, rows=8, batch=4), x)
    return dict(zip(GRAPHS, zip(found.values(), onnxruntime_outputs(path, x=x), strict=True), strict=True))


@pytest.mark.parametrize("name", GRAPHS)
def test_operator__random_rows__equals_onnxruntime(name, operators):
    found, wanted = operators[name]

    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-6)


def test_integers__64_bits__are_kept(tmp_path):
    graph = OnnxGraph((3,), dtype=TensorProto.INT64)
    path = graph.save(
        tmp_path / "net.onnx", graph.node("Mul", "x", np.array([3, 5, 7], np.int64)), dtype=TensorProto.INT64
    )
    x = np.array([[2**40, -(2**50), 1], [0, -1, 2**61]], np.int64)

    (found,) = forward(build_onnx(path, rows=4, batch=2), x).values()

    np.testing.assert_array_equal(found, onnxruntime_outputs(path, x=x)[0])


@pytest.mark.parametrize("rows", [0, 1, 4, 5])
def test_shard__empty_or_short__gives_zeros_beyond_its_rows(rows, tmp_path):
    graph = OnnxGraph((24,))
    path = graph.save(tmp_path / "net.onnx", graph.node("Add", "x", np.float32(1)))
    built = build_onnx(path, rows=5, batch=4)
    x = np.ones((rows, 24), np.float32)

    (found,) = forward(built, x).values()

    np.testing.assert_array_equal(found, x + 1)
    assert run(built, rows=6).failure == "status_2"


@pytest.mark.parametrize(
    "name", ["MLPClassifier", "MLPRegressor", "LogisticRegression", "LinearRegression", "Pipeline"]
)
def test_scikit_learn_export__digits__equals_the_estimator(name, tmp_path):
    skl2onnx = pytest.importorskip("skl2onnx")
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_digits(return_X_y=True)
    x = x[:300].astype(np.float32)
    y = y[:300]
    made = {
        "MLPClassifier": lambda: MLPClassifier(hidden_layer_sizes=(16,), max_iter=20, random_state=0),
        "MLPRegressor": lambda: MLPRegressor(hidden_layer_sizes=(16,), max_iter=20, random_state=0),
        "LogisticRegression": lambda: LogisticRegression(max_iter=50),
        "LinearRegression": LinearRegression,
        "Pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=50)),
    }[name]().fit(x, y)
    options = {"zipmap": False} if hasattr(made, "predict_proba") else None
    path = tmp_path / "model.onnx"
    path.write_bytes(skl2onnx.to_onnx(made, x[:1], options=options, target_opset=17).SerializeToString())

    found = list(forward(build_onnx(path, rows=300, batch=50), x, "X").values())

    if options is None:
        np.testing.assert_allclose(found[0].ravel(), made.predict(x).ravel(), rtol=1e-3, atol=1e-3)
    else:
        np.testing.assert_array_equal(found[0].ravel(), made.predict(x))
        np.testing.assert_allclose(found[1], made.predict_proba(x), atol=1e-5)


REFUSED = {
    "unknown operator": (
        lambda g: g.node("Nonsense", "x", name="odd one"),
        r"node 0 'odd one' \(Nonsense\) is not sup",
    ),
    "custom domain": (lambda g: g.node("Thing", "x", domain="com.example"), r"node 0 \(com.example.Thing\) is not sup"),
    "trees": (
        lambda g: g.node("TreeEnsembleRegressor", "x", domain="ai.onnx.ml"),
        r"node 0 \(ai.onnx.ml.TreeEnsembleRegressor\) is not supported",
    ),
    "random": (lambda g: g.node("RandomNormalLike", "x"), r"node 0 \(RandomNormalLike\) draws random numbers"),
    "float16": (lambda g: g.node("Add", "x", np.float16(1)), "is float16, which WebAssembly has no arithmetic for"),
    "not of the input": (
        lambda g: g.node("Add", np.ones(3, np.float32), np.float32(1)),
        "does not depend on the input",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_model__with_what_no_program_can_do__is_refused_by_name(name, tmp_path):
    graph = OnnxGraph((24,))
    make, words = REFUSED[name]
    path = graph.save(tmp_path / "net.onnx", make(graph))

    with pytest.raises(BadSource, match=words):
        build_onnx(path, rows=4, batch=2)


def broken(path: Path, change) -> Path:
    graph = OnnxGraph((24,))
    y = graph.node("Relu", graph.node("MatMul", "x", graph.normal(24, 3)))
    model = onnx.load(str(graph.save(path, y)))
    changed = change(model)
    path.write_bytes(changed if isinstance(changed, bytes) else model.SerializeToString())
    return path


def make_cyclic(model) -> None:
    model.graph.node[0].input[0] = model.graph.node[1].output[0]


def claim_billions(model) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 20, 1 << 20])


def point_outside(model) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def leave_a_size_open(model) -> None:
    dim = model.graph.input[0].type.tensor_type.shape.dim.add()
    dim.dim_param = "tokens"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.SerializeToString()[:-40], "damaged|not a valid"),
        (lambda m: b"\x00" * 200, "damaged"),
        (lambda m: b"", "holds no operators"),
        (lambda m: os.urandom(4096), "damaged|no operators|not a valid"),
        (make_cyclic, "not a valid ONNX model"),
        (claim_billions, "elements, at most"),
        (point_outside, "is kept in another file"),
        (leave_a_size_open, "leaves size 2 open"),
    ],
)
def test_file__broken_or_hostile__is_refused_before_it_is_used(change, words, tmp_path):
    with pytest.raises(BadSource, match=words):
        build_onnx(broken(tmp_path / "bad.onnx", change), rows=4, batch=2)


def test_file__not_there__is_refused(tmp_path):
    with pytest.raises(BadSource, match="cannot be read"):
        build_onnx(tmp_path / "none.onnx")


def test_model__larger_than_a_device_holds__is_refused(tmp_path):
    graph = OnnxGraph((24,))
    x = graph.node("MatMul", "x", np.ones((24, 4096), np.float32))
    path = graph.save(tmp_path / "net.onnx", graph.node("MatMul", x, np.ones((4096, 20_000), np.float32)))

    with pytest.raises(ProgramRejected, match="memory"):
        build_onnx(path, rows=4, batch=2)
