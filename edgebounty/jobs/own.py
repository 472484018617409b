"""A requester's own program, with or without a reducer: the kind `wasm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble
from edgebounty.jobs.shape import parse_result_list
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest

ShardData = bytes | Array | Mapping[str, Array | int]
"""A shard as its very bytes, as the one array of its layout, or as arrays by name."""


def plan_own(
    shards: Iterable[ShardData],
    pair: ProgramPair,
    *,
    state: bytes | None = None,
    params: Mapping[str, float] | None = None,
    rounds: int = 1,
    work_units: int = WORK_UNITS,
    fan_in: int | None = None,
) -> PlannedJob:
    """One task for each shard; a reducer joins their outputs to the next round's state. Raises `JobError`."""
    layout, reducer = pair.layout, pair.reducer_layout
    result = layout.role("output") if reducer is None else reducer.role("output")
    packed = ((_shard(pair, shard, i), _rows(shard)) for i, shard in enumerate(shards))
    return assemble(
        kind="wasm",
        pair=pair,
        shards=packed,
        state=state,
        rounds=rounds,
        params=params or {},
        about={"result": describe_buffers(result)},
        work_units=work_units,
        fan_in=fan_in,
    )


def decode_own(manifest: Manifest, result: bytes, fetch: Callable[[Cid], bytes]) -> dict[str, Array]:
    """The reducer's arrays, or those of all tasks stacked in task order. Raises `JobError`."""
    buffers = read_buffers(manifest.about.get("result"))
    if manifest.reducer is not None:
        return {name.removeprefix("out_"): array for name, array in unpack(buffers, result).items()}
    try:
        found = [unpack(buffers, fetch(cid)) for cid in parse_result_list(result)]
    except ValueError as error:
        raise JobError(f"the result is no list of outputs: {error}") from error
    return {buffer.name: np.stack([one[buffer.name] for one in found]) for buffer in buffers}


def _shard(pair: ProgramPair, shard: ShardData, index: int) -> bytes:
    layout = pair.layout
    if isinstance(shard, bytes):
        wanted = layout.role_bytes("shard")
        if len(shard) != wanted:
            raise JobError(f"shard {index} has {len(shard)} bytes; {layout.name} reads {wanted}")
        return shard
    if isinstance(shard, Mapping):
        return pack_role(layout, "shard", shard)
    names = [buffer.name for buffer in layout.role("shard") if buffer.name != "rows"]
    if len(names) != 1:
        raise JobError(f"{layout.name} reads {', '.join(names)}: give each shard as arrays by name")
    arrays: dict[str, Array | int] = {names[0]: shard}
    if len(names) < len(layout.role("shard")):
        arrays["rows"] = len(shard)
    return pack_role(layout, "shard", arrays)


def _rows(shard: ShardData) -> int:
    if isinstance(shard, bytes):
        return 0
    if isinstance(shard, Mapping):
        told = shard.get("rows")
        return int(np.asarray(told).reshape(-1)[0]) if told is not None else 0
    return len(shard)
