"""Running a trained model over many inputs: one task per shard of rows, outputs joined by a list of CIDs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.model import Model, checked_inputs
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble, split_rows
from edgebounty.jobs.shape import parse_result_list
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest


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
    layout = pair.layout
    if len(state) != layout.role_bytes("state"):
        raise JobError(f"these weights have {len(state)} bytes; {network} has {layout.role_bytes('state')}")
    for name, array in unpack(layout.role("state"), state).items():
        if not np.isfinite(array).all():
            raise JobError(f"the weights hold NaN or infinity in {name}")
    capacity = layout.buffer("x").shape[0]
    packed = [
        (pack_role(layout, "shard", {"rows": cut.stop - cut.start, "x": rows[cut]}), cut.stop - cut.start)
        for cut in split_rows(len(rows), capacity, shards)
    ]
    about = {"model": str(network), "rows": len(rows), "result": describe_buffers(layout.role("output"))}
    return assemble(
        kind="infer", pair=pair, shards=packed, state=state, rounds=1, params={}, about=about, work_units=work_units
    )


def decode_infer(manifest: Manifest, result: bytes, fetch: Callable[[Cid], bytes]) -> dict[str, Array]:
    """`probabilities` float32[rows, classes] and `labels` int64[rows], in the order of the inputs.

    `fetch` gives the task outputs that `result` lists. Raises `JobError` if they do not read so.
    """
    try:
        cids = parse_result_list(result)
    except ValueError as error:
        raise JobError(f"the result is no list of outputs: {error}") from error
    if len(cids) != len(manifest.shards):
        raise JobError(f"the result lists {len(cids)} outputs of {len(manifest.shards)} tasks")
    buffers = read_buffers(manifest.about.get("result"))
    parts = []
    for shard, cid in zip(manifest.shards, cids, strict=True):
        found = unpack(buffers, fetch(cid))
        try:
            rows, probabilities = int(found["out_rows"][0]), found["probabilities"]
        except KeyError as error:
            raise JobError("the outputs are no probabilities") from error
        if rows != shard.rows or rows > len(probabilities):
            raise JobError(f"an output has {rows} rows, its shard {shard.rows}")
        parts.append(probabilities[:rows])
    joined = np.concatenate(parts)
    return {"probabilities": joined, "labels": joined.argmax(axis=1)}
