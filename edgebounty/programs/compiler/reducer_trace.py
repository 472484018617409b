"""Traces a reducer's `step` and `finish` to C, and writes down what its `start` gives."""

from collections.abc import Mapping
from typing import Any

from edgebounty.programs.compiler.arrays import ArraySpec, symbol
from edgebounty.programs.compiler.emit import capture_calls, emit
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.models import dtype_of
from edgebounty.programs.compiler.spec import C_TYPES
from edgebounty.programs.compiler.traced import (
    OUTPUT_PREFIX,
    Traced,
    load_object,
    named_outputs,
    output_spec,
    read_array,
    zeros,
)


def trace_reducer(request: Mapping[str, Any]) -> Traced:
    """`step` and `finish` of a reducer: two pieces of C around the arrays acc_*."""
    from tinygrad import Tensor

    reducer = load_reducer(request["source"])
    state, given = ([read_array(value) for value in request[role]] for role in ("state", "inputs"))
    acc = [read_array(value) for value in request["acc"]]
    states = tuple(symbol("s", index, array.name) for index, array in enumerate(state))
    inputs = tuple(symbol("i", index, array.name) for index, array in enumerate(given))
    held = {f"acc_{symbol('a', index, array.name)}": zeros(array) for index, array in enumerate(acc)}
    running = dict(zip([array.name for array in acc], held.values(), strict=True))

    def step(*tensors: Any) -> None:
        made = named_outputs(reducer.step(dict(running), dict(zip([a.name for a in given], tensors, strict=True))))
        if made.keys() != running.keys():
            raise BadSource(
                f"step gives {', '.join(made)}, start gave {', '.join(running)}; both return the same arrays"
            )
        for name, value in made.items():
            if value.shape != running[name].shape:
                shapes = f"{list(value.shape)}, start gave {list(running[name].shape)}"
                raise BadSource(f"step gives {name!r} the shape {shapes}; keep it")
        Tensor.realize(*(running[name].assign(value.cast(running[name].dtype)) for name, value in made.items()))

    stepped = emit(
        capture_calls(step, lambda: [zeros(array) for array in given]),
        inputs,
        held,
        prefix="step_",
        replaced=request["kernels"],
    )

    def result(*tensors: Any) -> dict[str, Any]:
        before = dict(zip([array.name for array in state], tensors, strict=True))
        return named_outputs(reducer.finish(before, dict(running)))

    outputs = [output_spec(name, value) for name, value in result(*(zeros(array) for array in state)).items()]
    results = [zeros(output) for output in outputs]

    def finish(*tensors: Any) -> None:
        made = result(*tensors)
        Tensor.realize(
            *(
                to.assign(made[output.name].reshape(output.shape).cast(to.dtype))
                for to, output in zip(results, outputs, strict=True)
            )
        )

    kept = held | {symbol(OUTPUT_PREFIX, i, output.name): results[i] for i, output in enumerate(outputs)}
    ended = emit(
        capture_calls(finish, lambda: [zeros(array) for array in state]),
        states,
        kept,
        prefix="finish_",
        replaced=request["kernels"],
    )
    return Traced(code=stepped.code + ended.code, outputs=tuple(outputs), notes=())


def load_reducer(source: str) -> Any:
    """`FILE.py:NAME`, something with `start`, `step` and `finish`. Raises `BadSource`."""
    found = load_object(source)
    for name in ("start", "step", "finish"):
        if not callable(getattr(found, name, None)):
            raise BadSource(f"{source} has no {name}(); a reducer has start, step and finish")
    return found() if isinstance(found, type) else found


def trace_start(request: Mapping[str, Any]) -> Traced:
    """What a reducer's sums begin with: its `start` is run here and now, on no data."""
    import numpy as np
    from tinygrad import Tensor

    found = load_reducer(request["source"]).start()
    if not isinstance(found, dict) or not found:
        raise BadSource("start has to return a dict of numpy arrays by name")
    arrays, lines = [], []
    for index, (name, value) in enumerate(found.items()):
        if isinstance(value, Tensor):
            raise BadSource(f"start gives {name!r} as a Tensor; return numpy arrays")
        value = np.asarray(value)
        value = (
            value.astype(np.float32) if value.dtype == np.float64 and not isinstance(found[name], np.ndarray) else value
        )
        array = ArraySpec(name=name, dtype=dtype_of(name, value), shape=value.shape or (1,), role="output")
        arrays.append(array)
        c_name = f"acc_{symbol('a', index, name)}"
        content = ",".join(map(str, np.ascontiguousarray(value).tobytes())) if value.any() else "0"
        size = value.nbytes
        lines += [
            f"static {C_TYPES[array.dtype]} {c_name}[{value.size}] __attribute__((aligned(64)));",
            f"static const unsigned char first_{c_name}[{size}] __attribute__((aligned(64))) = {{{content}}};",
        ]
    return Traced(code="\n".join(lines) + "\n", outputs=tuple(arrays), notes=())
