"""Programs from what people have: an ONNX file, a function of arrays, a model to train, a reducer.

    built = build_onnx(Path("net.onnx"), rows=256, batch=32)
    built.module      # the WebAssembly that workers run
    built.state       # the model's weights, as the bytes that a job's state starts from
    built.layout      # which arrays it reads and writes, with their names, types and shapes

Every builder compiles in seconds, gives the same bytes for the same source on any machine, and raises
`CompilerMissing` (install the extra), `BadSource` (the model or function has to change; says where and how),
`CaptureFailed` or `CompilerFailed` (ours) or `ProgramRejected` (larger than a program may be). Nothing is ever run on
data here, and no module leaves without having passed the validator.

`simd=False` is for engines without 128-bit SIMD, `tile=False` leaves all sums as plain loops. Neither changes a bit of
any result: every sum runs in the order of its index.

**Functions** are Python functions of tinygrad `Tensor`s, whose operators are numpy's: `FILE.py:NAME`. A parameter is an
array by name; what is returned is one Tensor (`out`), a tuple (`out0`, `out1`, …) or a dict by name. They are traced
once, so Python's `if` and `for` see shapes and not values.

**Rows.** Data comes in shards of up to `rows` rows. A program's first shard array is then `rows` (i32[1]), how many of
them are filled, so that the last shard may be short or empty. In a *rowwise* program (`batch` given) every other shard
array and every output has `rows` as its first size, the function sees `batch` rows at a time, and the first output is
`out_rows`. In a *whole* program the function sees the shard at once, and gets `rows` if it takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.programs.compiler import entry
from edgebounty.programs.compiler.arrays import ArraySpec, buffers, check_names, symbol
from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.models import Model, function_model, mlp_model, onnx_model, pack_arrays, read_weights
from edgebounty.programs.compiler.optimizers import Optimizer
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec, program_name
from edgebounty.programs.compiler.trace import trace
from edgebounty.programs.compiler.traced import OUTPUT_PREFIX, Traced
from edgebounty.programs.compiler.training import Trained, build_training
from edgebounty.programs.validator import ProgramLimits
from edgebounty.protocol.layout import Buffer, Layout

__all__ = [
    "ArraySpec",
    "Built",
    "Model",
    "Optimizer",
    "Trained",
    "build_forward",
    "build_function",
    "build_onnx",
    "build_reducer",
    "build_training",
    "function_model",
    "mlp_model",
    "onnx_model",
    "read_weights",
]

ROWS, BATCH = 128, 32
_INPUT_PREFIX = "i"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A finished program or reducer."""

    module: bytes
    layout: Layout
    c_source: str  # the whole C file it was compiled from
    state: bytes = b""  # what the role `state` starts from; empty when the program has none, or the caller brings it
    params: Mapping[str, float] = field(default_factory=dict)  # a sensible value for each parameter
    notes: tuple[str, ...] = ()  # what the author may want to know, such as kernels that are not tiled


def build_forward(
    model: Model, *, rows: int = ROWS, simd: bool = True, tile: bool = True, limits: ProgramLimits | None = None
) -> Built:
    """A rowwise program for a model's forward pass. Its weights become the state, by their own names."""
    _checked(rows, model.batch)
    arrays = [*model.inputs, *model.weight_arrays()]
    check_names(arrays)
    traced = _trace_rows("model", arrays, model.batch, model=model.request(), source=model.source, tile=tile)
    content = pack_arrays(model.weights, model.weight_arrays())
    return _rowwise(model.name, arrays, traced, rows=rows, batch=model.batch, simd=simd, limits=limits, state=content)


def build_onnx(
    model: Path,
    *,
    rows: int = ROWS,
    batch: int = BATCH,
    simd: bool = True,
    tile: bool = True,
    limits: ProgramLimits | None = None,
) -> Built:
    """`build_forward` of an ONNX file."""
    read = onnx_model(model, batch=_checked(rows, batch))
    return build_forward(read, rows=rows, simd=simd, tile=tile, limits=limits)


def build_function(
    source: str,
    arrays: Sequence[ArraySpec],
    *,
    batch: int | None = None,
    state: Mapping[str, "np.ndarray[Any, Any]"] | None = None,
    params: Mapping[str, float] | None = None,
    simd: bool = True,
    tile: bool = True,
    limits: ProgramLimits | None = None,
) -> Built:
    """A program from `FILE.py:FUNCTION`. `arrays` are its parameters: of role shard, state or params.

    With `batch` it is rowwise: shapes of shard arrays are given for the whole shard, the function sees `batch` rows.
    `state` gives what the state arrays start from (zeros where it does not), `params` the parameters' values.
    """
    check_names(arrays)
    path, _, name = source.rpartition(":")
    if not path:
        raise BadSource(f"{source!r} names no function; write FILE.py:FUNCTION")
    source = f"{Path(path).resolve()}:{name}"
    states = tuple(array for array in arrays if array.role == "state")
    unknown = (state or {}).keys() - {array.name for array in states}
    if unknown:
        raise BadSource(f"no state array is called {', '.join(sorted(unknown))}; declare it")
    content = pack_arrays(state or {}, states)
    shard = [array for array in arrays if array.role == "shard" and array.name != "rows"]
    rows = max((array.shape[0] for array in shard), default=1)
    common: dict[str, Any] = {"simd": simd, "limits": limits, "state": content, "params": params or {}}
    if batch is None:
        return _whole(
            name, arrays, trace("function", source=source, tile=tile, **_request(arrays)), rows=rows, **common
        )
    _checked(rows, batch)
    short = [array for array in shard if array.shape[0] != rows]
    if short:
        raise BadSource(f"{short[0].name} has {short[0].shape[0]} rows and others {rows}; give all the same first size")
    seen = [_first_size(array, batch) if array in shard else array for array in arrays if array.name != "rows"]
    traced = _trace_rows("function", seen, batch, source=source, tile=tile)
    return _rowwise(name, seen, traced, rows=rows, batch=batch, **common)


def build_reducer(
    source: str,
    *,
    program: Layout,
    simd: bool = True,
    limits: ProgramLimits | None = None,
) -> Built:
    """A reducer from `FILE.py:NAME`, an object (or class, or module) with three functions:

    `start()` gives a dict of numpy arrays, what the sums begin with; `step(acc, output)` takes those and one task's
    output, as dicts of Tensors by name, and gives the new sums; `finish(state, acc)` gives the next state. Outputs
    arrive in task order. `program` is the layout of the program whose outputs are joined. What `finish` gives must be
    the arrays of its state, same types and order, if the job has more than one round.
    """
    path, _, name = source.rpartition(":")
    if not path:
        raise BadSource(f"{source!r} names no reducer; write FILE.py:NAME")
    source = f"{Path(path).resolve()}:{name}"
    state = [_array_of(buffer, "state") for buffer in program.role("state")]
    given = [_array_of(buffer, "input") for buffer in program.role("output")]
    started = trace("start", source=source)
    traced = trace(
        "reducer",
        source=source,
        state=[asdict(array) for array in state],
        inputs=[asdict(array) for array in given],
        acc=[asdict(array) for array in started.outputs],
    )
    states, inputs = buffers(state, "s"), buffers(given, "i")
    outputs = _outputs(traced.outputs, [*states, *inputs])
    held = [f"acc_{symbol('a', index, array.name)}" for index, array in enumerate(started.outputs)]
    spec = ModuleSpec(
        name=program_name(name),
        kind="reducer",
        buffers=(*states, *inputs, *outputs),
        source="\n".join([started.code, traced.code, entry.reducer_entries(held, states, inputs, outputs)]),
        simd=simd,
    )
    return _built(spec, traced, limits, b"", {})


def _array_of(buffer: Buffer, role: str) -> ArraySpec:
    return ArraySpec(name=buffer.name, dtype=buffer.dtype, shape=buffer.shape, role=role)


def _checked(rows: int, batch: int) -> int:
    if not 1 <= batch <= rows:
        raise BadSource(f"a batch of {batch} does not fit a shard of {rows} rows; choose 1 <= batch <= rows")
    return batch


def _request(arrays: Sequence[ArraySpec]) -> dict[str, Any]:
    listed = [{"name": a.name, "dtype": a.dtype, "shape": a.shape, "role": a.role} for a in arrays]
    return {"arrays": listed, "symbol": _INPUT_PREFIX}


def _trace_rows(kind: str, arrays: Sequence[ArraySpec], batch: int, **request: Any) -> Traced:
    traced = trace(kind, **_request(arrays), batch=batch, **request)
    for output in traced.outputs:
        if output.shape[0] != batch:
            raise BadSource(
                f"output {output.name!r} has the shape {list(output.shape)}, not the batch of {batch} first; "
                "build it without --batch if it says something of all rows together"
            )
    return traced


def _rowwise(
    name: str,
    arrays: Sequence[ArraySpec],
    traced: Traced,
    *,
    rows: int,
    batch: int,
    simd: bool,
    limits: ProgramLimits | None,
    state: bytes = b"",
    params: Mapping[str, float] | None = None,
) -> Built:
    widened = [_first_size(array, rows) if array.role == "shard" else array for array in arrays]
    inputs = buffers(widened, _INPUT_PREFIX)
    outputs = _outputs([_first_size(output, rows) for output in traced.outputs], inputs)
    shard = [buffer for buffer in inputs if buffer.role == "shard"]
    code = [
        *entry.batch_declarations([*shard, *outputs], batch),
        traced.code,
        entry.rowwise_run(
            shard=shard, fixed=[b for b in inputs if b.role != "shard"], outputs=outputs, rows=rows, batch=batch
        ),
    ]
    count = BufferSpec(name="rows", dtype="i32", shape=(1,), role="shard")
    counted = BufferSpec(name="out_rows", dtype="i32", shape=(1,), role="output")
    spec = ModuleSpec(
        name=program_name(name),
        kind="program",
        buffers=(*_by_role(inputs, "state"), count, *shard, *_by_role(inputs, "params"), counted, *outputs),
        source="\n".join(code),
        simd=simd,
    )
    return _built(spec, traced, limits, state, params or {})


def _whole(
    name: str,
    arrays: Sequence[ArraySpec],
    traced: Traced,
    *,
    rows: int,
    simd: bool,
    limits: ProgramLimits | None,
    state: bytes,
    params: Mapping[str, float],
) -> Built:
    inputs = buffers(arrays, _INPUT_PREFIX)
    outputs = _outputs(traced.outputs, inputs)
    counted = next((buffer for buffer in inputs if buffer.name == "rows"), None)
    alias = [f"static int *const rows = {counted.c_name};"] if counted is not None else []
    run = entry.whole_run(inputs=inputs, outputs=outputs, rows=rows if counted is not None else None)
    spec = ModuleSpec(
        name=program_name(name),
        kind="program",
        buffers=(
            *_by_role(inputs, "state"),
            *([counted] if counted is not None else []),
            *(buffer for buffer in _by_role(inputs, "shard") if buffer is not counted),
            *_by_role(inputs, "params"),
            *outputs,
        ),
        source="\n".join([*alias, traced.code, run]),
        simd=simd,
    )
    return _built(spec, traced, limits, state, params)


def _built(
    spec: ModuleSpec, traced: Traced, limits: ProgramLimits | None, state: bytes, params: Mapping[str, float]
) -> Built:
    module = build(spec, limits)
    return Built(
        module=module,
        layout=Layout.of_module(module),
        c_source=spec.c_text(),
        state=state,
        params=params,
        notes=traced.notes,
    )


def _outputs(made: Sequence[ArraySpec], inputs: Sequence[BufferSpec]) -> list[BufferSpec]:
    """Outputs that carry an input's name get `out_` before it: a layout's names are unique."""
    taken = {"rows", "out_rows", *(buffer.name for buffer in inputs)}
    found = buffers(made, OUTPUT_PREFIX)
    return [replace(buffer, name=f"out_{buffer.name}") if buffer.name in taken else buffer for buffer in found]


def _by_role(found: Sequence[BufferSpec], role: str) -> list[BufferSpec]:
    return [buffer for buffer in found if buffer.role == role]


def _first_size(array: ArraySpec, size: int) -> ArraySpec:
    return ArraySpec(name=array.name, dtype=array.dtype, shape=(size, *array.shape[1:]), role=array.role)
