"""Traces a function, or a model's forward pass, to C."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgebounty.programs.compiler.arrays import ArraySpec, symbol
from edgebounty.programs.compiler.emit import capture_calls, emit
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.traced import (
    OUTPUT_PREFIX,
    Traced,
    load_function,
    named_outputs,
    output_spec,
    read_array,
    zeros,
)


def trace_function(request: Mapping[str, Any]) -> Traced:
    """A function of arrays, called by the names of its parameters."""
    function = load_function(request["source"])
    arrays = [read_array(value) for value in request["arrays"]]

    def call(*tensors: Any) -> dict[str, Any]:
        return named_outputs(function(**dict(zip([a.name for a in arrays], tensors, strict=True))))

    return traced_step(call, arrays, request)


def trace_model(request: Mapping[str, Any]) -> Traced:
    """A forward pass of any model, with its weights as arguments after its inputs."""
    arrays = [read_array(value) for value in request["arrays"]]
    forward = forward_pass(request["model"])

    def call(*tensors: Any) -> dict[str, Any]:
        return forward(dict(zip([array.name for array in arrays], tensors, strict=True)))

    return traced_step(call, arrays, request)


def forward_pass(model: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Outputs by name from inputs and weights by name."""
    if model["kind"] == "onnx":
        from edgebounty.programs.compiler.onnx_trace import forward_of

        return forward_of(model["source"], model["batch"])
    function = perceptron_forward if model["kind"] == "mlp" else load_function(model["source"])
    x = model["input"]

    def forward(tensors: Mapping[str, Any]) -> dict[str, Any]:
        weights = {name: value for name, value in tensors.items() if name != x}
        return named_outputs(function(tensors[x], weights))

    return forward


def traced_step(call: Callable[..., dict[str, Any]], arrays: Sequence[ArraySpec], request: Mapping[str, Any]) -> Traced:
    """Traces `call` twice, which must give one and the same C: else it draws on something that changes."""
    first = _traced_once(call, arrays, request)
    if _traced_once(call, arrays, request) != first:
        raise BadSource(
            "two traces of the function differ: it uses time, random numbers or a counter of its own; "
            "give such values as an input, state or parameter"
        )
    return first


def _traced_once(
    call: Callable[..., dict[str, Any]], arrays: Sequence[ArraySpec], request: Mapping[str, Any]
) -> Traced:
    from tinygrad import Tensor

    values = call(*(zeros(array) for array in arrays))
    outputs = [output_spec(name, value) for name, value in values.items()]
    results = [zeros(output) for output in outputs]

    def step(*tensors: Any) -> None:
        made = call(*tensors)
        Tensor.realize(
            *(
                result.assign(made[output.name].reshape(output.shape).cast(result.dtype))
                for result, output in zip(results, outputs, strict=True)
            )
        )

    jit = capture_calls(step, lambda: [zeros(array) for array in arrays])
    inputs = tuple(symbol(request["symbol"], index, array.name) for index, array in enumerate(arrays))
    if request.get("batch") is not None:
        inputs = tuple(
            f"batch_{name}" if array.role == "shard" else name for name, array in zip(inputs, arrays, strict=True)
        )
    prefix = "batch_" if request.get("batch") is not None else ""
    names = {
        prefix + symbol(OUTPUT_PREFIX, index, output.name): result
        for index, (output, result) in enumerate(zip(outputs, results, strict=True))
    }
    captured = emit(jit, inputs, names, replaced=request["kernels"])
    return Traced(code=captured.code, outputs=tuple(outputs), notes=())


def perceptron_forward(x: Any, weights: Mapping[str, Any]) -> Any:
    layers = len(weights) // 2
    for layer in range(1, layers + 1):
        x = x @ weights[f"w{layer}"] + weights[f"b{layer}"]
        if layer < layers:
            x = x.relu()
    return x
