"""An ONNX model as a function of tinygrad tensors, its weights among the arguments."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.onnx_model import REMEDY, describe, read_onnx
from edgebounty.programs.compiler.onnx_ops import OPERATORS

Forward = Callable[[Mapping[str, Any]], dict[str, Any]]


def forward_of(path: str, batch: int) -> Forward:
    """Takes inputs and weights by name, gives the outputs by name. Raises `BadSource` naming the node at fault."""
    import onnx
    import tinygrad.nn.onnx as front
    from tinygrad import Tensor

    model = read_onnx(Path(path), batch=batch)
    nodes = onnx.ModelProto.FromString(model.graph).graph.node
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(model.graph)
        file.flush()
        runner = front.OnnxRunner(file.name)
    runner.onnx_ops = runner.onnx_ops | OPERATORS
    values = {**model.weights, **model.constants}

    for index, node in enumerate(runner.graph_nodes):
        try:
            runner._select_op(node.op, node.opset_id)
        except NotImplementedError as error:
            raise BadSource(f"{describe(nodes[index], index)} is not supported; {REMEDY}") from error

    def forward(tensors: Mapping[str, Any]) -> dict[str, Any]:
        runner.graph_values = {"": None}
        for name, value in model.constants.items():
            runner.graph_values[name] = Tensor(value.item()).cast(_dtype(value)) if not value.ndim else Tensor(value)
        runner.graph_values |= {name: tensors[name] for name in model.weights}
        # What a node needs as plain numbers is known: shapes, axes, pads.
        runner._python_const_cache = {name: _plain(value) for name, value in values.items() if value.size <= 1 << 20}
        runner.const_names = set(values)
        runner.variable_dims = {}
        _run(runner, {array.name: tensors[array.name] for array in model.inputs}, nodes)
        return {name: runner.graph_values[name] for name in model.outputs}

    return forward


def _run(runner: Any, inputs: Mapping[str, Any], nodes: Any) -> None:
    """The runner's own loop, one node at a time, so that a failure can name its node."""
    every = runner.graph_nodes
    outputs = runner.graph_outputs
    runner.graph_outputs = ()
    try:
        for index, node in enumerate(every):
            runner.graph_nodes = (node,)
            try:
                runner(dict(inputs))
            except Exception as error:
                words = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
                raise BadSource(f"{describe(nodes[index], index)} cannot be compiled: {words}; {REMEDY}") from error
    finally:
        runner.graph_nodes, runner.graph_outputs = every, outputs


def _plain(value: Any) -> Any:
    return value.tobytes() if value.dtype.name == "uint8" else value.tolist()


def _dtype(value: Any) -> Any:
    from tinygrad.dtype import _from_np_dtype

    return _from_np_dtype(value.dtype)
