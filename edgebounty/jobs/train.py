"""Training in rounds: every shard takes some passes of SGD from the round's weights, the changes are averaged by rows.

(Federated averaging, McMahan et al. 2017, arXiv:1602.05629, with every shard in every round.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.model import Model, checked_inputs, checked_labels, first_weights
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble, shuffled, split_rows
from edgebounty.protocol.manifest import MAX_WORK_UNITS, Manifest

_UNITS_PER_WEIGHT: Final = 64
"""Work units for one weight, row and epoch: the built-in programs take 8."""


def plan_train(
    x: Array,
    y: Array,
    pair: ProgramPair,
    *,
    model: str,
    rounds: int,
    shards: int | None = None,
    epochs: int = 1,
    learning_rate: float = 0.1,
    seed: int = 0,
    work_units: int | None = None,
    state: bytes | None = None,
    params: Mapping[str, float] | None = None,
    fan_in: int | None = None,
) -> PlannedJob:
    """The job that trains `model` on rows `x` with classes `y`; rows are shuffled by `seed` before they are cut.

    `epochs`: passes over each shard in each round. `work_units`: limit of one task; left out, a wide margin over what
    this model, shard size and number of epochs take. `state`: what an earlier job made, to go on from; else the first
    weights of `seed`. `params`: further parameters, of another reducer. Raises `JobError` saying what does not fit.
    """
    network = Model.parse(model)
    rows = checked_inputs(x, network)
    labels = checked_labels(y, len(rows), network)
    if epochs < 1:
        raise JobError(f"at least one round of one epoch trains; these are {rounds} and {epochs}")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise JobError(f"a learning rate is a positive number, this is {learning_rate}")
    return plan_training(
        {"x": rows, "y": labels},
        pair,
        model=str(network),
        state=first_weights(network, pair.layout, seed) if state is None else state,
        rounds=rounds,
        params={"learning_rate": learning_rate, "epochs": epochs, **(params or {})},
        shards=shards,
        seed=seed,
        work_units=work_units,
        fan_in=fan_in,
    )


def plan_training(
    arrays: Mapping[str, Array],
    pair: ProgramPair,
    *,
    model: str,
    state: bytes,
    rounds: int,
    params: Mapping[str, float],
    shards: int | None = None,
    seed: int = 0,
    work_units: int | None = None,
    fan_in: int | None = None,
) -> PlannedJob:
    """The job that trains any model: `arrays` by the names of the program's shard, rows first, shuffled by `seed`.

    Raises `JobError` saying what does not fit.
    """
    layout, reducer = pair.layout, pair.reducer_layout
    if reducer is None:
        raise JobError("training needs a reducer that averages")
    if rounds < 1:
        raise JobError(f"at least one round trains; these are {rounds}")
    wanted = {buffer.name: buffer for buffer in layout.role("shard") if buffer.name != "rows"}
    if arrays.keys() != wanted.keys():
        raise JobError(f"{model} trains on {', '.join(wanted)}; there are {', '.join(sorted(arrays))}")
    counts = {len(array) for array in arrays.values()}
    if len(counts) > 1:
        raise JobError(f"the arrays differ in length: {', '.join(f'{n}: {len(a)}' for n, a in arrays.items())}")
    for name, array in arrays.items():
        if math.prod(array.shape[1:]) != math.prod(wanted[name].shape[1:]):
            raise JobError(f"{name} has rows of shape {list(array.shape[1:])}, not {list(wanted[name].shape[1:])}")
    count = counts.pop()
    if len(state) != layout.role_bytes("state"):
        raise JobError(f"the state has {len(state)} bytes; {layout.name} has {layout.role_bytes('state')}")
    order = shuffled(count, seed)
    capacity = next(iter(wanted.values())).shape[0]
    packed = (
        (pack_role(layout, "shard", {"rows": len(part), **{n: a[part] for n, a in arrays.items()}}), len(part))
        for part in (order[cut] for cut in split_rows(count, capacity, shards))
    )
    weights = sum(buffer.items for buffer in layout.role("state"))
    passes = max(1, int(params.get("epochs", 1)), int(params.get("local_steps", 0)))
    limit = min(MAX_WORK_UNITS, max(WORK_UNITS, _UNITS_PER_WEIGHT * weights * capacity * passes))
    return assemble(
        kind="train",
        pair=pair,
        shards=packed,
        state=state,
        rounds=rounds,
        params=params,
        about={"model": model, "rows": count, "seed": seed, "result": describe_buffers(reducer.role("output"))},
        work_units=work_units or limit,
        fan_in=fan_in,
    )


def decode_train(manifest: Manifest, result: bytes) -> dict[str, Array]:
    """The trained weights by name (`w1`, `b1`, ...). Raises `JobError`."""
    found = unpack(read_buffers(manifest.about.get("result")), result)
    return {name.removeprefix("out_"): array for name, array in found.items()}
