"""Running a trained model over many inputs: one task per shard of rows, outputs joined by a list of CIDs.

Any rowwise program will do: its shard is `rows` and arrays with the rows as their first size, and so is its output. The
rows are cut into shards in their order, the last one is padded, and what comes back is in the order of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.model import Model, checked_inputs
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble, split_rows
from edgebounty.jobs.shape import parse_result_list
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import Buffer, Layout
from edgebounty.protocol.manifest import MAX_WORK_UNITS, Manifest


def plan_infer(
    x: Array,
    pair: ProgramPair,
    *,
    model: str,
    state: bytes,
    shards: int | None = None,
    work_units: int = WORK_UNITS,
) -> PlannedJob:
    """The job that runs `model` with the weights `state` (a train job's result) over rows `x`. Raises `JobError`."""
    network = Model.parse(model)
    rows = checked_inputs(x, network)
    if len(state) != pair.layout.role_bytes("state"):
        raise JobError(f"these weights have {len(state)} bytes; {network} has {pair.layout.role_bytes('state')}")
    return plan_forward(rows, pair, model=str(network), state=state, shards=shards, work_units=work_units)


def plan_forward(
    x: Array | Mapping[str, Array],
    pair: ProgramPair,
    *,
    model: str,
    state: bytes,
    shards: int | None = None,
    params: Mapping[str, float] | None = None,
    work_units: int | None = None,
) -> PlannedJob:
    """The job that runs a rowwise program over the rows of `x`, or of several arrays by name. Raises `JobError`."""
    layout = pair.layout
    inputs = _row_inputs(layout)
    arrays = dict(x) if isinstance(x, Mapping) else {inputs[0].name: x}
    if set(arrays) != {buffer.name for buffer in inputs}:
        wanted = ", ".join(f"{b.name} {b.dtype}{list(b.shape[1:])}" for b in inputs)
        raise JobError(f"{model} takes {wanted} for each row; there are {', '.join(sorted(arrays))}")
    shaped = {buffer.name: _rows_of(arrays[buffer.name], buffer, model) for buffer in inputs}
    counts = {len(array) for array in shaped.values()}
    if len(counts) > 1:
        raise JobError(f"the inputs differ in length: {', '.join(f'{n}: {len(a)}' for n, a in shaped.items())}")
    count = counts.pop()
    if len(state) != layout.role_bytes("state"):
        raise JobError(f"the weights have {len(state)} bytes; {layout.name} has {layout.role_bytes('state')}")
    for name, array in unpack(layout.role("state"), state).items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise JobError(f"the weights hold NaN or infinity in {name}")
    cuts = split_rows(count, inputs[0].shape[0], shards)
    packed = ((_pack(layout, shaped, cut), cut.stop - cut.start) for cut in cuts)
    weights = sum(buffer.items for buffer in layout.role("state"))
    limit = min(MAX_WORK_UNITS, max(WORK_UNITS, 4096 * weights * inputs[0].shape[0]))
    return assemble(
        kind="infer",
        pair=pair,
        shards=packed,
        state=state if state else None,
        rounds=1,
        params=params or {},
        about={"model": model, "rows": count, "result": describe_buffers(layout.role("output"))},
        work_units=work_units or limit,
    )


def decode_infer(manifest: Manifest, result: bytes, fetch: Callable[[Cid], bytes]) -> dict[str, Array]:
    """Every output of the program with a row for each input, in the order of the inputs.

    `labels` int64[rows], the largest of each row, is added to what gives `probabilities`. `fetch` gives the task
    outputs that `result` lists. Raises `JobError` if they do not read so.
    """
    try:
        cids = parse_result_list(result)
    except ValueError as error:
        raise JobError(f"the result is no list of outputs: {error}") from error
    if len(cids) != len(manifest.shards):
        raise JobError(f"the result lists {len(cids)} outputs of {len(manifest.shards)} tasks")
    buffers = read_buffers(manifest.about.get("result"))
    parts: dict[str, list[Array]] = {buffer.name: [] for buffer in buffers if buffer.name != "out_rows"}
    if len(parts) == len(buffers) or not parts:
        raise JobError("the outputs do not say how many rows they hold")
    for shard, cid in zip(manifest.shards, cids, strict=True):
        found = unpack(buffers, fetch(cid))
        rows = int(found["out_rows"][0])
        if rows != shard.rows or any(rows > len(found[name]) for name in parts):
            raise JobError(f"an output has {rows} rows, its shard {shard.rows}")
        for name, pieces in parts.items():
            pieces.append(found[name][:rows])
    joined = {name: np.concatenate(pieces) for name, pieces in parts.items()}
    if "probabilities" in joined:
        joined["labels"] = joined["probabilities"].argmax(axis=1)
    return joined


def row_bytes(layout: Layout) -> int:
    """What one row of a rowwise program's shard takes. Raises `JobError` if it is none."""
    return sum(buffer.nbytes // buffer.shape[0] for buffer in _row_inputs(layout))


def row_shape(layout: Layout) -> tuple[int, ...]:
    """The shape of one row of the first input. Raises `JobError` if the program is not rowwise."""
    return _row_inputs(layout)[0].shape[1:]


def _row_inputs(layout: Layout) -> tuple[Buffer, ...]:
    shard = layout.role("shard")
    inputs = tuple(buffer for buffer in shard if buffer.name != "rows")
    outputs = [buffer for buffer in layout.role("output") if buffer.name != "out_rows"]
    sizes = {buffer.shape[0] for buffer in (*inputs, *outputs)}
    if len(inputs) == len(shard) or not inputs or len(sizes) != 1 or len(outputs) == len(layout.role("output")):
        raise JobError(f"{layout.name} does not give a row for each row: build it with a batch, or post it as wasm")
    return inputs


def _rows_of(x: Array, buffer: Buffer, model: str) -> Array:
    wanted = buffer.shape[1:]
    if x.dtype.kind not in "fiub":
        raise JobError(f"{model} takes numbers as {buffer.name}, this is {x.dtype}")
    if x.ndim < 1 or len(x) == 0:
        raise JobError("the data set is empty: it has no rows")
    if x.shape[1:] != wanted and int(np.prod(x.shape[1:])) != int(np.prod(wanted)):
        raise JobError(f"{model} takes rows of shape {list(wanted)} as {buffer.name}; these are {list(x.shape[1:])}")
    return x.reshape(len(x), *wanted)


def _pack(layout: Layout, arrays: Mapping[str, Array], cut: slice) -> bytes:
    part: dict[str, Any] = {name: array[cut] for name, array in arrays.items()}
    for name, rows in part.items():
        finite = np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
        if not finite.all():
            row = cut.start + int(np.argmin(finite)) + 1
            raise JobError(f"row {row} of {name} holds NaN or infinity: a result computed from it means nothing")
    return pack_role(layout, "shard", {"rows": cut.stop - cut.start, **part})
