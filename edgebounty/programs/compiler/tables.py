"""`table.stats`, its reducer and combiner: count, mean, ends, population variance and histogram of each column."""

from dataclasses import replace
from pathlib import Path

from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec

_C = Path(__file__).parent / "c"


def _state(prefix: str, role: str, columns: int, bins: int) -> tuple[BufferSpec, ...]:
    """What round r leaves for round r + 1. After round 1 it is the result. All zero before round 0."""
    wide = (columns,)
    names = ("mean", "mean_low", "minimum", "maximum", "variance")
    return (
        BufferSpec(name=f"{prefix}phase", dtype="i32", shape=(1,), role=role),
        BufferSpec(name=f"{prefix}columns", dtype="i32", shape=(1,), role=role),
        BufferSpec(name=f"{prefix}rows", dtype="i64", shape=(1,), role=role),
        *(BufferSpec(name=f"{prefix}{name}", dtype="f64", shape=wide, role=role) for name in names),
        BufferSpec(name=f"{prefix}histogram", dtype="i64", shape=(columns, bins), role=role),
    )


def _partial(prefix: str, role: str, columns: int, bins: int) -> tuple[BufferSpec, ...]:
    """What one task says of its shard."""
    names = ("sum", "sum_low", "low", "high")
    return (
        BufferSpec(name=f"{prefix}phase", dtype="i32", shape=(1,), role=role),
        BufferSpec(name=f"{prefix}columns", dtype="i32", shape=(1,), role=role),
        BufferSpec(name=f"{prefix}rows", dtype="i64", shape=(1,), role=role),
        *(BufferSpec(name=name, dtype="f64", shape=(columns,), role=role) for name in names),
        BufferSpec(name="counts", dtype="i64", shape=(columns, bins), role=role),
    )


def table_stats(name: str, *, cells: int, columns: int, bins: int, simd: bool = True) -> tuple[ModuleSpec, ...]:
    """The program, its reducer and, for the inner nodes of a tree, its combiner.

    For shards of up to `cells` values in rows of up to `columns`.
    """
    constants = {"CELLS": cells, "COLUMNS": columns, "BINS": bins}
    state = _state("", "state", columns, bins)
    # The program's shard has rows and columns of its own, so its state carries a prefix where the names would clash.
    renamed = {"rows": "state_rows", "columns": "state_columns"}
    program_state = tuple(
        BufferSpec(name=renamed.get(b.name, b.name), dtype=b.dtype, shape=b.shape, role=b.role) for b in state
    )
    shard = (
        BufferSpec(name="rows", dtype="i32", shape=(1,), role="shard"),
        BufferSpec(name="columns", dtype="i32", shape=(1,), role="shard"),
        BufferSpec(name="x", dtype="f64", shape=(cells,), role="shard"),
    )
    program = ModuleSpec(
        name=name,
        kind="program",
        buffers=(*program_state, *shard, *_partial("out_", "output", columns, bins)),
        source=(_C / "table_stats.c").read_text(encoding="utf-8"),
        constants=constants,
        simd=simd,
    )
    reducer = ModuleSpec(
        name=f"{name}.reduce",
        kind="reducer",
        buffers=(*state, *_partial("in_", "input", columns, bins), *_state("out_", "output", columns, bins)),
        source=_source("table_stats_fold.c", "table_stats_finish.c"),
        constants=constants,
        simd=simd,
    )
    combined = tuple(
        replace(buffer, name=f"out_{buffer.name.removeprefix('out_')}")
        for buffer in _partial("out_", "output", columns, bins)
    )
    combiner = ModuleSpec(
        name=f"{name}.combine",
        kind="reducer",
        buffers=(*state, *_partial("in_", "input", columns, bins), *combined),
        source=_source("table_stats_fold.c", "combine.c"),
        constants={**constants, "PAIRS": columns},
        simd=simd,
    )
    return program, reducer, combiner


def _source(*names: str) -> str:
    return "\n".join((_C / name).read_text(encoding="utf-8") for name in names)
