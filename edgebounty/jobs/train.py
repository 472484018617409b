"""Training in rounds: every shard takes some passes of SGD from the round's weights, the changes are averaged by rows.

(Federated averaging, McMahan et al. 2017, arXiv:1602.05629, with every shard in every round.)
"""

from __future__ import annotations

import math
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
) -> PlannedJob:
    """The job that trains `model` on rows `x` with classes `y`; rows are shuffled by `seed` before they are cut.

    `epochs`: passes over each shard in each round. `work_units`: limit of one task; left out, a wide margin over what
    this model, shard size and number of epochs take. Raises `JobError` saying what does not fit.
    """
    network = Model.parse(model)
    rows = checked_inputs(x, network)
    labels = checked_labels(y, len(rows), network)
    if rounds < 1 or epochs < 1:
        raise JobError(f"at least one round of one epoch trains; these are {rounds} and {epochs}")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise JobError(f"a learning rate is a positive number, this is {learning_rate}")
    layout, reducer = pair.layout, pair.reducer_layout
    if reducer is None:
        raise JobError("training needs a reducer that averages")
    order = shuffled(len(rows), seed)
    capacity = layout.buffer("y").items
    packed = [
        (pack_role(layout, "shard", {"rows": len(part), "x": rows[part], "y": labels[part]}), len(part))
        for part in (order[cut] for cut in split_rows(len(rows), capacity, shards))
    ]
    weights = sum(buffer.items for buffer in layout.role("state"))
    limit = min(MAX_WORK_UNITS, max(WORK_UNITS, _UNITS_PER_WEIGHT * weights * capacity * epochs))
    about = {
        "model": str(network),
        "rows": len(rows),
        "seed": seed,
        "result": describe_buffers(reducer.role("output")),
    }
    return assemble(
        kind="train",
        pair=pair,
        shards=packed,
        state=first_weights(network, layout, seed),
        rounds=rounds,
        params={"learning_rate": learning_rate, "epochs": epochs},
        about=about,
        work_units=work_units or limit,
    )


def decode_train(manifest: Manifest, result: bytes) -> dict[str, Array]:
    """The trained weights by name (`w1`, `b1`, ...). Raises `JobError`."""
    found = unpack(read_buffers(manifest.about.get("result")), result)
    return {name.removeprefix("out_"): array for name, array in found.items()}
