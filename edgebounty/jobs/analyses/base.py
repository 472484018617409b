"""What all analyses share: the cutting of a table into the shards of one job, and the reading of its last state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from edgebounty.jobs.analyses.rows import Key, Rows, read_cut
from edgebounty.jobs.arrays import Array, describe_buffers, pack_role, read_buffers, unpack
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import WORK_UNITS, PlannedJob, ProgramPair, assemble, split_rows
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import MAX_WORK_UNITS, Manifest

SMALL_CELLS: Final = (1 << 13) - 1
SMALL_SHARDS: Final = 16
"""Up to so many small shards are used: they are quick to fetch and leave work for several devices."""

LoadProgram = Callable[[str], bytes]
"""A module by its name."""
Finished = tuple[Manifest, bytes]
"""One finished part: its manifest, and its result's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How the table is cut, and where the blocks are put (see `assemble`)."""

    load: LoadProgram
    shards: int | None = None
    fan_in: int | None = None
    blocks: MutableMapping[Cid, bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an analysis found: as a JSON document and as arrays."""

    document: dict[str, Any]
    arrays: dict[str, Array] = field(repr=False)


class Analysis(Protocol):
    """One question to a table."""

    @property
    def name(self) -> str:
        """As it stands in manifests and on the command line."""

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        """The jobs that answer it: one, or several where there are more columns than one takes. Raises `JobError`."""

    def read(self, parts: Sequence[Finished]) -> Found:
        """The answer, from the results of those jobs in their order. Raises `JobError`."""


def plan_part(
    rows: Rows,
    columns: Sequence[str],
    cutting: Cutting,
    *,
    program: str,
    small: bool,
    rounds: int,
    about: Mapping[str, Any],
    params: Mapping[str, float] | None = None,
    state: Callable[[ProgramPair], bytes] | None = None,
    keys: Mapping[str, Sequence[Key]] | None = None,
) -> PlannedJob:
    """One job over these columns. `small`: whether its state fits the small program. Raises `JobError`."""
    count = rows.count()
    if count < 1:
        raise JobError("the table is empty: it has no rows")
    width = len(columns)
    wanted = SMALL_SHARDS if cutting.shards is None else max(cutting.shards, 1)
    fits = small and width <= SMALL_CELLS and -(-count // max(SMALL_CELLS // width, 1)) <= wanted
    name = program if fits else f"{program}.large"
    combiner = None if cutting.fan_in is None else cutting.load(f"{name}.combine")
    pair = ProgramPair(cutting.load(name), cutting.load(f"{name}.reduce"), combiner)
    layout, reducer = pair.layout, pair.reducer_layout
    assert reducer is not None
    capacity = layout.buffer("x").items // width
    if capacity < 1:
        raise JobError(f"a row of {width} columns does not fit into a shard of {layout.buffer('x').items} numbers")
    sizes = [cut.stop - cut.start for cut in split_rows(count, capacity, cutting.shards)]
    packed = (
        (pack_role(layout, "shard", {"rows": len(part), "columns": width, "x": part}), len(part))
        for part in read_cut(rows, columns, sizes, keys)
    )
    return assemble(
        kind="analyze",
        pair=pair,
        shards=packed,
        state=None if state is None else state(pair),
        rounds=rounds,
        params=params or {},
        about={
            "columns": list(columns),
            "rows": count,
            "result": describe_buffers(reducer.role("output")),
            **about,
        },
        work_units=min(MAX_WORK_UNITS, WORK_UNITS * 16),
        blocks=cutting.blocks,
        fan_in=cutting.fan_in,
    )


def last_state(part: Finished) -> dict[str, Array]:
    """The arrays of a job's last state, by name without `out_`. Raises `JobError`."""
    manifest, content = part
    found = unpack(read_buffers(manifest.about.get("result")), content)
    return {name.removeprefix("out_"): array for name, array in found.items()}


def told(parts: Sequence[Finished], name: str, kind: type) -> Any:
    """An entry of the first part's `about`. Raises `JobError` unless it is of this type."""
    value = parts[0][0].about.get(name)
    if not isinstance(value, kind):
        raise JobError(f"the manifest's `about` does not say {name}")
    return value


def part_columns(part: Finished) -> list[str]:
    """The columns of one part. Raises `JobError`."""
    return [str(name) for name in told([part], "columns", list)]
