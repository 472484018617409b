"""Runs what the compiler made, and draws models to compile."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgebounty.programs.compiler.api import Built
from edgebounty.programs.runtime import Execution, Runtime
from edgebounty.protocol.layout import Layout
from tests.edgebounty.programs.program_kit import pack, unpack

RUNTIME = Runtime()
LIMIT = 10**12


def run(built: Built, state: bytes | None = None, params: Mapping[str, float] | None = None, **shard: Any) -> Execution:
    """One task of a program. `shard` by name; what is too short is filled with zeros."""
    return RUNTIME.run_program(
        built.module,
        state=built.state if state is None else state,
        shard=pack(built.layout, "shard", shard),
        params=built.params if params is None else params,
        work_limit=LIMIT,
        output_limit=1 << 26,
    )


def outputs(layout: Layout, execution: Execution) -> dict[str, np.ndarray]:
    assert execution.failure is None, execution.failure
    return unpack(layout, "output", execution.output)


def forward(built: Built, x: np.ndarray, name: str = "x") -> dict[str, np.ndarray]:
    """The outputs of the rows `x`, without the rows that were not filled."""
    found = outputs(built.layout, run(built, rows=len(x), **{name: x}))
    assert found.pop("out_rows") == len(x)
    for value in found.values():
        assert not value[len(x) :].any()
    return {key: value[: len(x)] for key, value in found.items()}


class OnnxGraph:
    """Adds nodes one by one: `x = graph.node("Relu", x)`."""

    def __init__(self, shape: tuple[int, ...], *, dtype: int = TensorProto.FLOAT) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.generator = np.random.default_rng(1)
        self.input = helper.make_tensor_value_info("x", dtype, ["N", *shape])

    def node(self, op: str, *inputs: Any, outputs: int = 1, name: str = "", domain: str = "", **attributes: Any) -> Any:
        """Arrays among the inputs become initializers."""
        names = [value if isinstance(value, str) else self.weight(value) for value in inputs]
        made = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, names, made, name=name, domain=domain, **attributes))
        return made[0] if outputs == 1 else made

    def weight(self, value: Any) -> str:
        name = f"weight.{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def normal(self, *shape: int) -> np.ndarray:
        scale = 1 / np.sqrt(max(1, np.prod(shape[1:])))
        return (self.generator.normal(size=shape) * scale).astype(np.float32)

    def save(self, path: Path, *results: str, dtype: int = TensorProto.FLOAT, opset: int = 17) -> Path:
        made = [helper.make_tensor_value_info(name, dtype, None) for name in results]  # shapes are inferred below
        graph = helper.make_graph(self.nodes, "g", [self.input], made, self.weights)
        domains = {node.domain for node in self.nodes if node.domain}
        imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 3) for domain in domains)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=9)
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
        return path


def lenet(path: Path) -> Path:
    """Two convolutions, two poolings, three layers: LeCun et al. 1998, with rectifiers."""
    graph = OnnxGraph((1, 28, 28))
    x = graph.node("Conv", "x", graph.normal(6, 1, 5, 5), graph.normal(6), pads=[2, 2, 2, 2])
    x = graph.node("MaxPool", graph.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = graph.node("Conv", x, graph.normal(16, 6, 5, 5), graph.normal(16))
    x = graph.node("MaxPool", graph.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = graph.node("Flatten", x)
    for inside, outside in ((400, 120), (120, 84)):
        x = graph.node("Relu", graph.node("Gemm", x, graph.normal(outside, inside), graph.normal(outside), transB=1))
    x = graph.node("Gemm", x, graph.normal(10, 84), graph.normal(10), transB=1)
    return graph.save(path, graph.node("Softmax", x, axis=1))


def mobile(path: Path, blocks: tuple[tuple[int, int], ...] = ((32, 1), (64, 2), (64, 1), (128, 2))) -> Path:
    """Depthwise and pointwise convolutions with batch normalisation: Howard et al. 2017, small."""
    graph = OnnxGraph((1, 28, 28))

    def normalised(x: str, channels: int) -> str:
        drawn = graph.generator
        scale, mean = drawn.uniform(0.5, 1.5, channels), drawn.normal(0, 0.1, channels)
        variance, bias = drawn.uniform(0.5, 1.5, channels), drawn.normal(0, 0.1, channels)
        values = (value.astype(np.float32) for value in (scale, bias, mean, variance))
        return graph.node("Relu", graph.node("BatchNormalization", x, *values))

    x = normalised(graph.node("Conv", "x", graph.normal(16, 1, 3, 3), pads=[1] * 4, strides=[2, 2]), 16)
    channels = 16
    for wide, stride in blocks:
        depthwise = graph.normal(channels, 1, 3, 3)
        x = graph.node("Conv", x, depthwise, pads=[1] * 4, strides=[stride] * 2, group=channels)
        x = normalised(graph.node("Conv", normalised(x, channels), graph.normal(wide, channels, 1, 1)), wide)
        channels = wide
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    x = graph.node("Gemm", x, graph.normal(10, channels), graph.normal(10), transB=1)
    return graph.save(path, graph.node("Softmax", x, axis=1))


def perceptron(path: Path, sizes: tuple[int, ...] = (784, 512, 512, 10), *, quantised: bool) -> Path:
    """Layers of products, in float32 or in 8 bits as onnxruntime's quantiser writes them (its QOperator format)."""
    graph = OnnxGraph((sizes[0],))
    one, middle = np.float32(0.02), np.uint8(128)
    x = graph.node("QuantizeLinear", "x", one, middle) if quantised else "x"
    for inside, outside in pairwise(sizes):
        if quantised:
            weights = np.clip(np.round(graph.generator.normal(size=(inside, outside)) * 30), -127, 127).astype(np.int8)
            scales = one, middle, weights, np.float32(0.001), np.int8(0), one, middle
            x = graph.node("QLinearMatMul", x, *scales)
        else:
            x = graph.node("MatMul", x, graph.normal(inside, outside))
    return graph.save(path, graph.node("DequantizeLinear", x, one, middle) if quantised else graph.node("Relu", x))


def convolver(path: Path) -> Path:
    """Convolutions in 8 bits: odd sums, strides, padding on some sides, one or many scales, pointwise, depthwise."""
    graph = OnnxGraph((1, 28, 28))
    scale, middle = np.float32(0.02), np.uint8(131)

    def convolved(
        x: str, inside: int, outside: int, size: int, *, group: int = 1, scales: int = 1, **options: Any
    ) -> str:
        drawn = graph.generator.normal(size=(outside, inside // group, size, size))
        weights = np.clip(np.round(drawn * 30), -127, 127).astype(np.int8)
        scale_of = (np.linspace(0.8, 1.2, scales) / 30 / np.sqrt(np.prod(drawn.shape[1:]))).astype(np.float32)
        zeros = np.zeros(scales, np.int8)
        bias = (graph.generator.normal(size=outside) * 500).astype(np.int32)
        values = (scale_of, zeros) if scales > 1 else (scale_of[0], zeros[0])
        return graph.node(
            "QLinearConv", x, scale, middle, weights, *values, scale, middle, bias, group=group, **options
        )

    x = graph.node("QuantizeLinear", "x", scale, middle)
    x = convolved(x, 1, 6, 3, pads=[1, 1, 1, 1])
    x = convolved(x, 6, 16, 3, scales=16, pads=[1, 0, 0, 1], strides=[2, 2])
    x = convolved(x, 16, 16, 3, group=16, scales=16, pads=[1, 1, 1, 1])
    x = convolved(x, 16, 8, 1)
    return graph.save(path, graph.node("DequantizeLinear", x, scale, middle))


def onnxruntime_outputs(path: Path, **inputs: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)
