"""A table as the planner reads it: named columns, rows that come in blocks, nothing held at once that need not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgebounty.jobs.arrays import Array
from edgebounty.jobs.check import JobError

Key = str | int | float
Block = NDArray[np.float64]


class Rows(Protocol):
    """Rows of named columns. May be read several times, always in the same order."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names, each once."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """The names of the columns that hold numbers."""

    def count(self) -> int:
        """How many rows there are."""

    def distinct(self, column: str) -> tuple[Key, ...]:
        """The different values of a column, sorted."""

    def blocks(self, columns: Sequence[str], keys: Mapping[str, Sequence[Key]]) -> Iterator[Block]:
        """These columns as float64, some rows at a time. Of a column in `keys`, the place of its value in that list."""


class ArrayRows:
    """A table in memory."""

    def __init__(self, columns: Mapping[str, Array]) -> None:
        """Raises `JobError` unless every column is one-dimensional and all are equally long."""
        self._columns = {str(name): np.asarray(values) for name, values in columns.items()}
        if not self._columns:
            raise JobError("the table is empty: it has no columns")
        for name, values in self._columns.items():
            if values.ndim != 1:
                raise JobError(f"column {name!r} has shape {values.shape}: a column is one value for each row")
        if len({len(values) for values in self._columns.values()}) > 1:
            told = ", ".join(f"{name}: {len(values)}" for name, values in list(self._columns.items())[:5])
            raise JobError(f"the columns differ in length: {told}")

    @classmethod
    def of(cls, values: Array, columns: Sequence[str] | None = None) -> ArrayRows:
        """From rows and columns of numbers; without names they are column_0, column_1, … Raises `JobError`."""
        if values.ndim != 2:
            raise JobError(f"a table has rows and columns; this array has shape {values.shape}")
        names = [f"column_{i}" for i in range(values.shape[1])] if columns is None else list(columns)
        if len(names) != values.shape[1]:
            raise JobError(f"{len(names)} column names for {values.shape[1]} columns")
        if repeated := {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else None:
            raise JobError(f"two columns are called {sorted(repeated)[0]!r}")
        return cls({name: values[:, i] for i, name in enumerate(names)})

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)

    @property
    def numeric(self) -> tuple[str, ...]:
        return tuple(name for name, values in self._columns.items() if values.dtype.kind in "fiub")

    def count(self) -> int:
        return len(next(iter(self._columns.values())))

    def distinct(self, column: str) -> tuple[Key, ...]:
        return tuple(np.unique(self._columns[column]).tolist())

    def blocks(self, columns: Sequence[str], keys: Mapping[str, Sequence[Key]]) -> Iterator[Block]:
        for first in range(0, self.count(), 65_536):
            part = slice(first, first + 65_536)
            yield np.column_stack([self._column(name, part, keys.get(name)) for name in columns])

    def _column(self, name: str, part: slice, keys: Sequence[Key] | None) -> Any:
        values = self._columns[name][part]
        if keys is not None:
            return np.searchsorted(np.asarray(keys), values).astype(np.float64)
        return values.astype(np.float64)


def chosen_columns(rows: Rows, wanted: Sequence[str] | None, *, without: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns to look at: `wanted`, or all that hold numbers. Raises `JobError` naming one that will not do."""
    known, numeric = set(rows.columns), set(rows.numeric)
    for name in (*(wanted or ()), *without):
        if name not in known:
            raise JobError(f"there is no column {name!r}; there are {', '.join(rows.columns[:12])}")
    chosen = tuple(name for name in (wanted or rows.numeric) if name not in without)
    for name in chosen:
        if name not in numeric:
            raise JobError(f"column {name!r} holds no numbers: leave it out, or group by it")
    if not chosen:
        raise JobError("the table is empty: no column of numbers is left to look at")
    return chosen


def read_cut(
    rows: Rows, columns: Sequence[str], sizes: Iterable[int], keys: Mapping[str, Sequence[Key]] | None = None
) -> Iterator[Block]:
    """The rows in parts of these sizes, each number finite. Raises `JobError` naming row and column."""
    stored: list[Block] = []
    held = seen = 0
    blocks = rows.blocks(columns, keys or {})
    for size in sizes:
        while held < size:
            block = next(blocks, None)
            if block is None:
                raise JobError(f"the data ended after {seen} rows: it changed while it was read")
            _check_finite(block, seen, columns)
            stored.append(block)
            held += len(block)
            seen += len(block)
        joined = stored[0] if len(stored) == 1 else np.concatenate(stored)
        yield np.ascontiguousarray(joined[:size])
        stored, held = [joined[size:]], held - size


def _check_finite(block: Block, first: int, columns: Sequence[str]) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        row, column = map(int, np.argwhere(~finite)[0])
        raise JobError(f"row {first + row + 1}, column {columns[column]!r} is {block[row, column]}: fill or drop it")
