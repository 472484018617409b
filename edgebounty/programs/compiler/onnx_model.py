"""Reads an ONNX file that may be broken or hostile, fixes its batch, and takes its weights out of it.

What can be computed without the inputs is computed here with the ONNX project's own reference implementation, so that
shapes and indices are plain numbers before anything is traced.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.programs.compiler.arrays import ArraySpec
from edgebounty.programs.compiler.errors import BadSource, CompilerMissing

FILE_BYTES = 512 << 20
FOLDED_ITEMS = 1 << 16  # what is folded is shapes and indices; larger results stay in the program
WEIGHT_ITEMS = 1 << 27
REMEDY = "replace it in the model, or write the model as a function of tinygrad tensors"
_DTYPES = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "uint8": "u8", "int8": "i8"}
_RANDOM = frozenset(
    ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
)
_CONTROL = frozenset(("If", "Loop", "Scan", "SequenceMap"))

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxModel:
    """A checked model with a fixed batch. `inputs` have `batch` as their first size."""

    graph: bytes  # an ONNX model whose weights and constants are gone
    inputs: tuple[ArraySpec, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, Array]  # what becomes the program's state, in the model's order
    constants: Mapping[str, Array]  # numbers and small arrays that stay in the program
    statistics: frozenset[str]  # weights that batch normalisation measured; gradients do not change them


def read_onnx(path: Path, *, batch: int) -> OnnxModel:
    """Raises `BadSource` naming the node or tensor that cannot become a program, `CompilerMissing` without `onnx`."""
    try:
        import onnx
    except ImportError as error:
        raise CompilerMissing from error
    model = _load(onnx, path)
    _check_tensors(onnx, model.graph)
    _fix_batch(model.graph, batch)
    _check_operators(onnx, model.graph)
    initial = frozenset(tensor.name for tensor in model.graph.initializer)
    left = len(model.graph.node) + 1
    while len(model.graph.node) < left:  # what is folded makes more shapes known, and those more nodes
        left = len(model.graph.node)
        try:
            onnx.checker.check_model(model)
            model = onnx.shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
        except Exception as error:  # the checker's errors have no common class below this one
            raise BadSource(f"{path.name} is not a valid ONNX model: {_first_line(error)}; export it again") from error
        known = _fold(onnx, model)
    _check_nodes(model.graph, known)
    return _split(onnx, model, known, initial, batch)


def _load(onnx: Any, path: Path) -> Any:
    try:
        size = os.stat(path).st_size
        if size > FILE_BYTES:
            raise BadSource(f"{path.name} has {size:,} bytes, at most {FILE_BYTES:,} can be read; use a smaller model")
        content = path.read_bytes()
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}; check the path") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's DecodeError, which moves between its versions
        raise BadSource(
            f"{path.name} is damaged or is no ONNX model ({_first_line(error)}); export it again"
        ) from error
    if not model.graph.node:
        raise BadSource(f"{path.name} holds no operators (it is damaged, or no ONNX model); export it again")
    return model


def _check_tensors(onnx: Any, graph: Any) -> None:
    """Refuses what would read other files or ask for more memory than there is, before anything is computed."""
    tensors = list(graph.initializer)
    for node in graph.node:
        tensors += [attribute.t for attribute in node.attribute if attribute.HasField("t")]
    total = 0
    for tensor in tensors:
        name = tensor.name or "a constant"
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise BadSource(f"{name} is kept in another file; save the model with its weights inside one .onnx file")
        if any(size < 0 for size in tensor.dims):
            raise BadSource(f"{name} has a negative size {list(tensor.dims)}; export it again")
        total += math.prod(tensor.dims)
        if total > WEIGHT_ITEMS:
            raise BadSource(f"the weights up to {name} have {total:,} elements, at most {WEIGHT_ITEMS:,} are allowed")
        if tensor.data_type in (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16):
            raise BadSource(f"{name} is float16, which WebAssembly has no arithmetic for; export the model in float32")


def _check_operators(onnx: Any, graph: Any) -> None:
    for index, node in enumerate(graph.node):
        if not onnx.defs.has(node.op_type, "" if node.domain == "ai.onnx" else node.domain):
            raise BadSource(f"{describe(node, index)} is not supported: no operator of ONNX; {REMEDY}")


def _fix_batch(graph: Any, batch: int) -> None:
    """Puts `batch` where a size is left open. Only the first size of an input may be."""
    weights = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name in weights:
            continue
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            raise BadSource(f"input {value.name!r} is a {kind or 'value without type'}; a program reads arrays only")
        for index, size in enumerate(value.type.tensor_type.shape.dim):
            if index == 0:
                size.dim_value = batch
            elif size.WhichOneof("value") != "dim_value" or size.dim_value < 1:
                raise BadSource(f"input {value.name!r} leaves size {index} open; export the model with that size fixed")
    for value in graph.output:  # what the exporter wrote there speaks of the old batch
        for size in value.type.tensor_type.shape.dim:
            size.Clear()
    del graph.value_info[:]


def _fold(onnx: Any, model: Any) -> dict[str, Array]:
    """Computes every small node whose inputs are known, makes initializers of them, and gives all known values."""
    graph = model.graph
    known = {tensor.name: np.asarray(onnx.numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    shapes = _known_shapes(graph)
    kept = []
    for node in graph.node:
        found = _value_of(onnx, model, node, known, shapes)
        if found is None:
            kept.append(node)
        else:
            known.update(zip(node.output, found, strict=False))
    rest = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del graph.node[:]
    graph.node.extend(rest)
    before = {tensor.name for tensor in graph.initializer}
    graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in known.items() if name and name not in before
    )
    return known


def _known_shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        sizes = [size.dim_value if size.WhichOneof("value") == "dim_value" else -1 for size in tensor.shape.dim]
        if tensor.HasField("shape") and all(size >= 0 for size in sizes):
            shapes[value.name] = tuple(sizes)
    return shapes


def _value_of(
    onnx: Any, model: Any, node: Any, known: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> list[Array] | None:
    if node.op_type == "Shape" and node.input[0] in shapes:
        ends = {attribute.name: attribute.i for attribute in node.attribute}
        sizes = shapes[node.input[0]][ends.get("start", 0) : ends.get("end")]
        return [np.array(sizes, np.int64)]
    if node.op_type in _RANDOM | _CONTROL or not all(name in known for name in node.input if name):
        return None
    if node.op_type != "Constant":
        sizes_out = [math.prod(shapes[name]) if name in shapes else FOLDED_ITEMS + 1 for name in node.output if name]
        if max(sizes_out, default=0) > FOLDED_ITEMS:
            return None
    inputs = [onnx.helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(node.input) if name]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "one", inputs, outputs)
    alone = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    try:
        from onnx.reference import ReferenceEvaluator

        found = ReferenceEvaluator(alone).run(None, {name: known[name] for name in node.input if name})
    except Exception:  # an operator without a reference stays in the program, where it works or is named
        return None
    return [np.asarray(value) for value in found]


def _check_nodes(graph: Any, known: Mapping[str, Array]) -> None:
    for index, node in enumerate(graph.node):
        if node.op_type in _RANDOM:
            raise BadSource(
                f"{describe(node, index)} draws random numbers, so no two devices would agree; "
                "draw them beforehand and give them as an input"
            )
        if node.op_type == "Dropout" and len(node.input) > 2 and bool(np.any(known.get(node.input[2], False))):
            raise BadSource(f"{describe(node, index)} is in training mode; export the model for inference")


def describe(node: Any, index: int) -> str:
    """How messages speak of a node."""
    name = f" {node.name!r}" if node.name else ""
    domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
    return f"node {index}{name} ({domain}{node.op_type})"


def _split(onnx: Any, model: Any, known: Mapping[str, Array], initial: frozenset[str], batch: int) -> OnnxModel:
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    inputs = []
    for value in graph.input:
        if value.name in initial:
            continue
        tensor = value.type.tensor_type
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
        if dtype not in _DTYPES:
            raise BadSource(f"input {value.name!r} is {dtype}; convert it to one of {', '.join(_DTYPES)} in the model")
        sizes = tuple(size.dim_value for size in tensor.shape.dim) or (batch,)
        inputs.append(ArraySpec(name=value.name, dtype=_DTYPES[dtype], shape=sizes))
    weights: dict[str, Array] = {}
    constants: dict[str, Array] = {}
    for name, value in known.items():
        if name not in used:
            continue
        if value.ndim and value.size and value.dtype.name in _DTYPES and (name in initial or value.size > 1):
            weights[name] = value
        else:
            constants[name] = value
    bare = onnx.ModelProto.FromString(model.SerializeToString())
    del bare.graph.initializer[:]
    del bare.graph.value_info[:]
    names = {array.name for array in inputs}
    kept_inputs = [value for value in bare.graph.input if value.name in names]
    del bare.graph.input[:]
    bare.graph.input.extend(kept_inputs)
    if not inputs:
        raise BadSource("the model has no input; there is nothing to run it on")
    folded = [value.name for value in graph.output if value.name in known]
    if folded:
        raise BadSource(f"output {folded[0]!r} does not depend on the input; leave it out of the export")
    return OnnxModel(
        graph=bare.SerializeToString(),
        inputs=tuple(inputs),
        outputs=tuple(value.name for value in graph.output),
        weights=weights,
        constants=constants,
        statistics=frozenset(
            name for node in graph.node if node.op_type == "BatchNormalization" for name in node.input[3:5]
        ),
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
