"""Statistics of every column of a table, in two rounds over the same shards.

Round 0 counts and finds mean, minimum and maximum; round 1 takes the squared distances from that mean and the histogram
between minimum and maximum. So nothing is estimated, and the result is that of one pass over the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble, split_rows
from edgebounty.protocol.manifest import Manifest

SMALL: Final = "table.stats"
LARGE: Final = "table.stats.large"
SMALL_COLUMNS: Final = 32
SMALL_CELLS: Final = 16 * 8191
"""Up to this many cells small shards are used: they are quick to fetch and leave work for several devices."""
ROUNDS: Final = 2


def program_names(rows: int, columns: int) -> tuple[str, str]:
    """Which built-in program and reducer suit a table of this size."""
    name = SMALL if columns <= SMALL_COLUMNS and rows * columns <= SMALL_CELLS else LARGE
    return name, f"{name}.reduce"


def plan_analyze(
    values: Array, columns: Sequence[str], pair: ProgramPair, *, shards: int | None = None, work_units: int = WORK_UNITS
) -> PlannedJob:
    """The job for a table of rows and columns of finite numbers. Raises `JobError` naming row and column."""
    table = _checked(values, columns)
    layout = pair.layout
    widest = layout.buffer("minimum").items
    if table.shape[1] > widest:
        raise JobError(f"{table.shape[1]} columns; {layout.name} takes {widest}: split the table into several jobs")
    capacity = layout.buffer("x").items // table.shape[1]
    cuts = list(split_rows(len(table), capacity, shards))
    packed = (
        (pack_role(layout, "shard", {"rows": len(part), "columns": table.shape[1], "x": part}), len(part))
        for part in (table[cut] for cut in cuts)
    )
    reducer = pair.reducer_layout
    if reducer is None:
        raise JobError("statistics of a table need a reducer")
    about = {"columns": list(columns), "rows": len(table), "result": describe_buffers(reducer.role("output"))}
    return assemble(
        kind="analyze",
        pair=pair,
        shards=packed,
        state=None,
        rounds=ROUNDS,
        params={},
        about=about,
        work_units=work_units,
    )


def decode_analyze(manifest: Manifest, result: bytes) -> dict[str, Any]:
    """{"columns": {NAME: {"count", "mean", "variance", "minimum", "maximum", "histogram"}}}, population variance.

    `histogram` lists the counts of equal bins from minimum to maximum. Raises `JobError`.
    """
    names = manifest.about.get("columns")
    if not isinstance(names, list):
        raise JobError("the manifest names no columns")
    found = unpack(read_buffers(manifest.about.get("result")), result)
    try:
        fields = {
            name: found[f"out_{name}"] for name in ("rows", "mean", "variance", "minimum", "maximum", "histogram")
        }
        return {
            "columns": {
                str(name): {
                    "count": int(fields["rows"][0]),
                    "mean": float(fields["mean"][i]),
                    "variance": float(fields["variance"][i]),
                    "minimum": float(fields["minimum"][i]),
                    "maximum": float(fields["maximum"][i]),
                    "histogram": [int(n) for n in fields["histogram"][i]],
                }
                for i, name in enumerate(names)
            }
        }
    except (KeyError, IndexError, TypeError) as error:
        raise JobError("the result is no table of statistics") from error


def _checked(values: Array, columns: Sequence[str]) -> Array:
    if values.ndim != 2:
        raise JobError(f"a table has rows and columns; this array has shape {values.shape}")
    if values.size == 0:
        raise JobError(f"the table is empty: {values.shape[0]} rows of {values.shape[1]} columns")
    if len(columns) != values.shape[1]:
        raise JobError(f"{len(columns)} column names for {values.shape[1]} columns")
    repeated = {name for name in columns if columns.count(name) > 1} if len(set(columns)) < len(columns) else set()
    if repeated:
        raise JobError(f"two columns are called {sorted(repeated)[0]!r}")
    if values.dtype.kind not in "fiub":
        raise JobError(f"a table holds numbers, this is {values.dtype}")
    table = np.ascontiguousarray(values, np.float64)
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = map(int, bad[0])
        raise JobError(f"row {row + 1}, column {columns[column]!r} is {table[row, column]}: only finite numbers count")
    return table
