"""Models as the exporters of PyTorch and Keras write them, and what those libraries said (exported/export.py)."""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.programs.compiler.api import build_onnx, build_training, onnx_model
from edgebounty.programs.compiler.errors import BadSource
from tests.edgebounty.programs.compiled_kit import OnnxGraph, forward, onnxruntime_outputs

pytestmark = pytest.mark.integration
FILES = sorted((Path(__file__).parent / "exported").glob("*.onnx"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exported__by_pytorch_or_keras__says_what_the_library_and_onnxruntime_say(path):
    kept = np.load(path.with_suffix(".npz"))
    name = onnx.load(path).graph.input[0].name

    (found,) = forward(build_onnx(path, rows=8, batch=4), kept["x"], name).values()  # 5 rows: a short last batch

    np.testing.assert_allclose(found, onnxruntime_outputs(path, **{name: kept["x"]})[0], atol=1e-6)
    np.testing.assert_allclose(found, kept["y"], atol=1e-6)


def test_exported__there_are_all_of_them():
    exporters = {path.stem.partition("-")[0] for path in FILES}
    assert (exporters, len(FILES)) == ({"torch", "torchscript", "keras"}, 13)


def test_exported__can_be_trained():
    path = next(path for path in FILES if path.stem == "torch-convolutions")

    trained = build_training(onnx_model(path, batch=4), rows=8)

    assert {f"d_{weight}" for weight in trained.weights} & {buffer.name for buffer in trained.layout.role("output")}


RECURRENT = [
    ("LSTM", 4, {"direction": "bidirectional"}),
    ("LSTM", 4, {"direction": "reverse"}),
    ("GRU", 3, {"direction": "bidirectional", "linear_before_reset": 0}),
    ("GRU", 3, {"linear_before_reset": 1}),
]


def recurrent(graph: OnnxGraph, op: str, gates: int, attributes) -> str:
    """Rows of 5 steps of 3 numbers through one recurrent operator with weights and biases."""
    ways, size = (2 if attributes.get("direction") == "bidirectional" else 1), 4
    steps = graph.node("Transpose", graph.node("Reshape", "x", np.array([0, 5, 3])), perm=[1, 0, 2])
    weights = [graph.normal(ways, gates * size, 3), graph.normal(ways, gates * size, size)]
    y = graph.node(op, steps, *weights, graph.normal(ways, 2 * gates * size), hidden_size=size, **attributes)
    return graph.node("Flatten", graph.node("Transpose", y, perm=[2, 0, 1, 3]))


def test_recurrent__each_direction__equals_onnxruntime(tmp_path):
    graph = OnnxGraph((15,))
    path = graph.save(tmp_path / "net.onnx", *(recurrent(graph, *one) for one in RECURRENT))
    x = np.random.default_rng(1).normal(size=(6, 15)).astype(np.float32)

    found = forward(build_onnx(path, rows=8, batch=4), x).values()

    for one, wanted in zip(found, onnxruntime_outputs(path, x=x), strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-6)


def test_recurrent__of_a_kind_that_is_not_there__is_refused_by_name(tmp_path):
    graph = OnnxGraph((15,))
    path = graph.save(tmp_path / "net.onnx", recurrent(graph, "GRU", 3, {"activations": ["Relu", "Tanh"]}))

    with pytest.raises(BadSource, match=r"\(GRU\) cannot be compiled: it has the activations Relu, Tanh, which"):
        build_onnx(path, rows=8, batch=4)
