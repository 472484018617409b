"""Programs that look at a table in a few rounds: moments, groups, quantiles, k-means, logistic regression.

All leave the same kind of partial result (sums as pairs, ends, counts), so one fold joins them, and one `combine`
module joins them inside a tree of reduces.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec

_C = Path(__file__).parent / "c"
QUANTILE_BITS = 11

Fields = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Name, element type and shape of each buffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysis: its state after `phase`, `columns` and `rows`, and how many sums, ends and counts a shard gives."""

    name: str
    stem: str  # of the two C files
    cells: int
    state: Fields
    params: Fields = ()
    pairs: int = 1
    ends: int = 1
    counts: int = 1
    constants: dict[str, int] = field(default_factory=dict)
    headers: tuple[str, ...] = ("pairs.h",)


def analysis(what: Analysis, *, simd: bool = True) -> Iterator[ModuleSpec]:
    """The program, its reducer `NAME.reduce`, and `NAME.combine` for the inner nodes of a tree."""
    constants = {"CELLS": what.cells, "PAIRS": what.pairs, "ENDS": what.ends, "COUNTS": what.counts, **what.constants}
    head: Fields = (("phase", "i32", (1,)), ("columns", "i32", (1,)), ("rows", "i64", (1,)))
    state = _buffers((*head, *what.state), "state")
    params = _buffers(what.params, "params")
    shard: Fields = (("rows", "i32", (1,)), ("columns", "i32", (1,)), ("x", "f64", (what.cells,)))
    sums: Fields = (
        ("sum", "f64", (what.pairs,)),
        ("sum_low", "f64", (what.pairs,)),
        ("low", "f64", (what.ends,)),
        ("high", "f64", (what.ends,)),
        ("counts", "i64", (what.counts,)),
    )
    # The program's shard has rows and columns of its own.
    renamed: Fields = tuple(
        (f"state_{name}" if name in ("rows", "columns") else name, dtype, shape)
        for name, dtype, shape in (*head, *what.state)
    )
    yield ModuleSpec(
        name=what.name,
        kind="program",
        buffers=(
            *_buffers(renamed, "state"),
            *_buffers(shard, "shard"),
            *params,
            *_buffers(head, "output", "out_"),
            *_buffers(sums, "output"),
        ),
        source=_source(*what.headers, "partial.c", f"{what.stem}.c"),
        constants=constants,
        simd=simd,
    )
    folded = (*_buffers(head, "input", "in_"), *_buffers(sums, "input"))
    for suffix, output, ending in (
        ("reduce", _buffers((*head, *what.state), "output", "out_"), f"{what.stem}_finish.c"),
        ("combine", _buffers((*head, *sums), "output", "out_"), "combine.c"),
    ):
        yield ModuleSpec(
            name=f"{what.name}.{suffix}",
            kind="reducer",
            buffers=(*state, *folded, *params, *output),
            source=_source(*what.headers, "fold.c", ending),
            constants=constants,
            simd=simd,
        )


def analyses(suffix: str, *, cells: int, columns: int, cells_out: int, slots: int) -> Iterator[Analysis]:
    """One of each, for shards of `cells` numbers; names end in `suffix`.

    `columns`: the most that moments and regression take; `cells_out`: the most groups x columns, or centres x columns;
    `slots`: the most quantiles of a job.
    """
    wide, square, out = (columns,), (columns, columns), (cells_out,)
    yield Analysis(
        name=f"table.moments{suffix}",
        stem="moments",
        cells=cells,
        state=(("mean", "f64", wide), ("mean_low", "f64", wide), ("product", "f64", square)),
        pairs=columns * columns,
        constants={"COLUMNS": columns},
    )
    names = ("mean", "mean_low", "sum_of", "minimum", "maximum", "variance")
    yield Analysis(
        name=f"table.groups{suffix}",
        stem="groups",
        cells=cells,
        state=(*((name, "f64", out) for name in names), ("count", "i64", out)),
        params=(("groups", "i32", (1,)),),
        pairs=cells_out,
        ends=cells_out,
        counts=cells_out,
        constants={"CELLS_OUT": cells_out},
    )
    yield Analysis(
        name=f"table.quantiles{suffix}",
        stem="quantiles",
        cells=cells,
        state=(
            ("slots", "i32", (1,)),
            ("column_of", "i32", (slots,)),
            ("prefix", "i64", (slots,)),
            ("rank", "i64", (slots,)),
        ),
        counts=slots << QUANTILE_BITS,
        constants={"SLOTS": slots, "BITS": QUANTILE_BITS, "BINS": 1 << QUANTILE_BITS},
        headers=("pairs.h", "ordered.h"),
    )
    yield Analysis(
        name=f"table.kmeans{suffix}",
        stem="kmeans",
        cells=cells,
        state=(("centre", "f64", out), ("inertia", "f64", (1,)), ("count", "i64", out)),
        params=(("clusters", "i32", (1,)),),
        pairs=cells_out + 1,
        counts=cells_out,
        constants={"CELLS_OUT": cells_out},
    )
    yield Analysis(
        name=f"table.logistic{suffix}",
        stem="logistic",
        cells=cells,
        state=(
            ("weights", "f64", wide),
            ("best", "f64", wide),
            ("move", "f64", wide),
            ("best_loss", "f64", (1,)),
            ("slope", "f64", (1,)),
        ),
        params=(("ridge", "f64", (1,)),),
        pairs=columns * columns + columns + 1,
        constants={"COLUMNS": columns},
        headers=("pairs.h", "exponential.h"),
    )


def _buffers(fields: Fields, role: str, prefix: str = "") -> tuple[BufferSpec, ...]:
    return tuple(BufferSpec(name=prefix + name, dtype=dtype, shape=shape, role=role) for name, dtype, shape in fields)


def _source(*names: str) -> str:
    return "\n".join((_C / name).read_text(encoding="utf-8") for name in names)
