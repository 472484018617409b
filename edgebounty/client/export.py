"""Trained weights in the formats of others: safetensors and ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.client.errors import Rejected
from edgebounty.jobs.arrays import Array
from edgebounty.jobs.model import Model


def save_safetensors(arrays: Mapping[str, Array], path: Path, about: Mapping[str, str]) -> None:
    """Writes the arrays with `about` as their metadata. Raises `Rejected` without the library."""
    save = _library("safetensors.numpy", "data").save_file
    save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, str(path), dict(about))


def load_safetensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and metadata. Raises `Rejected` for a file that is none."""
    opener = _library("safetensors", "data")
    try:
        with opener.safe_open(str(path), framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, opener.SafetensorError) as error:
        raise Rejected(f"cannot read {path}: {error}", remedy="name a checkpoint that training wrote") from error


def save_trained(arrays: Mapping[str, Array], path: Path, *, model: str, source: str, cid: str) -> bool:
    """`.safetensors`: all of the state; `.onnx`: the model that `source` names. False for another ending."""
    match path.suffix:
        case ".safetensors":
            save_safetensors(arrays, path, {"model": model, "result_cid": cid})
        case ".onnx":
            save_onnx(source, arrays, path)
        case _:
            return False
    return True


def save_onnx(model: str | Path, weights: Mapping[str, Array], path: Path) -> None:
    """Writes `mlp:A-B-C` as an ONNX model of logits, or an ONNX file with its weights replaced. Raises `Rejected`."""
    onnx = _library("onnx", "compile")
    text = str(model)
    if ":" in text and not text.startswith("mlp:"):
        raise Rejected(f"{text} is a function, which has no ONNX graph", remedy="save its weights as .safetensors")
    made = _perceptron(onnx, Model.parse(text), weights) if text.startswith("mlp:") else _replaced(onnx, text, weights)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())


def _perceptron(onnx: Any, model: Model, weights: Mapping[str, Array]) -> Any:
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes, name = [], "x"
    layers = len(model.sizes) - 1
    for layer in range(1, layers + 1):
        out = "logits" if layer == layers else f"h{layer}"
        nodes.append(helper.make_node("Gemm", [name, f"w{layer}", f"b{layer}"], [out]))
        if layer < layers:
            nodes.append(helper.make_node("Relu", [out], [f"r{layer}"]))
            name = f"r{layer}"
    kept = [n for layer in range(1, layers + 1) for n in (f"w{layer}", f"b{layer}")]
    graph = helper.make_graph(
        nodes,
        "perceptron",
        [helper.make_tensor_value_info("x", floats, ["rows", model.inputs])],
        [helper.make_tensor_value_info("logits", floats, ["rows", model.classes])],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(weights[n], np.float32), n) for n in kept],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _replaced(onnx: Any, text: str, weights: Mapping[str, Array]) -> Any:
    try:
        made = onnx.load(text)
    except Exception as error:  # what protobuf raises has no common class
        raise Rejected(f"cannot read {text}: {error}", remedy="name the ONNX file that was trained") from error
    for tensor in made.graph.initializer:
        if tensor.name in weights:
            shape = tuple(tensor.dims)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(weights[tensor.name]).reshape(shape), tensor.name))
    return made


def _library(name: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise Rejected(
            f"this needs {package}", whose="nobody's", remedy=f"pip install 'edgebounty[{extra}]'"
        ) from error
