"""Inference over anything a requester brings, compared with onnxruntime and in the order of the inputs."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgebounty.cli.root import root
from edgebounty.client import Local
from edgebounty.client.errors import Rejected
from edgebounty.client.inputs import write_arrays
from edgebounty.client.models import Forward, open_forward

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolution over images of 1 x 8 x 8."""
    random = np.random.default_rng(0)
    kernel = random.normal(size=(4, 1, 3, 3)).astype(np.float32)
    last = random.normal(size=(4 * 36, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "k"], ["c"]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Flatten", ["r"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(last, "w")],
    )
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def built(net: Path) -> Forward:
    found = open_forward(net)
    assert found is not None
    return found


def reference(net: Path, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(net, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize(("rows", "shards"), [(1, 1), (33, 2), (2500, None)])
def test_infer__any_number_of_rows__is_onnxruntime_in_order(
    net: Path, built: Forward, rows: int, shards: int | None
) -> None:
    x = np.random.default_rng(rows).normal(size=(rows, 1, 8, 8)).astype(np.float32)
    job = Local().infer(built, x, shards=shards).wait(bar=False)
    np.testing.assert_allclose(job.result().arrays["y"], reference(net, x), rtol=1e-4, atol=1e-5)
    assert job.verify(sample=1).right


def test_command__onnx_and_npy__writes_npy_and_parquet(net: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(5).normal(size=(70, 1, 8, 8)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    for name in ("y.npy", "y.parquet"):
        arguments = ["--model", str(net), "--data", str(tmp_path / "x.npy"), "-o", str(tmp_path / name), "--json"]
        root(["job", "run-local", "infer", *arguments], standalone_mode=False)
    y = np.load(tmp_path / "y.npy")
    np.testing.assert_allclose(y, reference(net, x), rtol=1e-4, atol=1e-5)
    table = pq.read_table(tmp_path / "y.parquet")
    np.testing.assert_array_equal(np.array(table["y"].to_pylist(), np.float32), y)


def test_infer__a_folder_of_images__is_their_pixels_by_name(net: Path, built: Forward, tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    pixels = random.integers(0, 256, (5, 8, 8), dtype=np.uint8)
    for i in (3, 0, 4, 1, 2):
        Image.fromarray(pixels[i]).save(tmp_path / f"{i}.png")
    found = Local().infer(built, tmp_path).result().arrays["y"]
    wanted = reference(net, (pixels[:, None] / np.float32(255)).astype(np.float32))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_infer__parquet_columns__are_the_row(net: Path, built: Forward, tmp_path: Path) -> None:
    x = np.random.default_rng(7).normal(size=(40, 64)).astype(np.float32)
    assert write_arrays({f"p{i:02}": x[:, i] for i in range(64)}, tmp_path / "x.parquet")
    found = Local().infer(built, tmp_path / "x.parquet").result().arrays["y"]
    np.testing.assert_allclose(found, reference(net, x.reshape(40, 1, 8, 8)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((0, 1, 8, 8)), "no rows"),
        (np.zeros((3, 1, 8, 9)), r"takes rows of shape \[1, 8, 8\]"),
        (np.full((3, 1, 8, 8), np.nan), "row 1 of x holds NaN"),
        (np.full((2, 1, 8, 8), "a"), "takes numbers"),
        ({"z": np.zeros((3, 1, 8, 8))}, "takes x f32"),
    ],
)
def test_infer__data_of_another_shape__is_refused_before_anything_runs(built: Forward, x: Any, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        Local().infer(built, x)


def test_infer__no_model__is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x01 no model")
    (tmp_path / "bad.wasm").write_bytes(b"no module")
    for name, said in (
        ("bad.onnx", "ONNX"),
        ("bad.wasm", "no program"),
        ("none.onnx", "cannot be read"),
        ("x", "no model"),
    ):
        with pytest.raises(Rejected, match=said):
            Local().infer(tmp_path / name, np.zeros((1, 1)))
    with pytest.raises(Rejected, match="brings no weights"):
        Local().infer("mlp:2-3-4", np.zeros((1, 2)))
