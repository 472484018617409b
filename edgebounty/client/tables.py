"""Tables for `analyze`: arrays in memory, CSV and Parquet files read a piece at a time (extra `data`)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgebounty.client.data import load_table
from edgebounty.client.errors import Rejected
from edgebounty.jobs.analyses.rows import ArrayRows, Block, Key, Rows
from edgebounty.jobs.check import JobError

PARQUET: Final = (".parquet", ".pq")
MAX_KEYS: Final = 1_000_000
_BAD_CELL: Final = re.compile(
    r"In CSV column #(?P<column>[0-9]+): (Row #(?P<row>[0-9]+): )?"
    r"CSV conversion error to \w+: invalid value '(?P<cell>.*)'"
)

TableData = Path | str | np.ndarray[Any, Any] | Mapping[str, Any] | Rows
"""A file (CSV, Parquet, NPZ), a folder of Parquet files, a 2-D array, columns by name, or a pyarrow table."""


def open_rows(data: TableData) -> Rows:
    """Raises `Rejected` for a file that cannot be read and `JobError` for columns that make no table."""
    if isinstance(data, str | Path):
        return _open_file(Path(data))
    if isinstance(data, np.ndarray):
        return ArrayRows.of(data)
    if isinstance(data, Mapping):
        return ArrayRows({str(name): np.asarray(values) for name, values in data.items()})
    if hasattr(data, "to_batches"):
        return ArrowTable(data)
    if hasattr(data, "to_numpy") and hasattr(data, "columns"):  # a data frame
        frame: Any = data
        return ArrayRows({str(name): frame[name].to_numpy() for name in frame.columns})
    return data


def _open_file(path: Path) -> Rows:
    if path.suffix == ".npz":
        table = load_table(path)
        return ArrayRows.of(table.values, table.columns)
    if path.is_dir() or path.suffix in PARQUET:
        return ParquetFiles(path)
    try:
        import pyarrow.csv  # noqa: F401
    except ImportError:
        table = load_table(path)
        return ArrayRows.of(table.values, table.columns)
    return CsvFile(path)


class _Arrow:
    """What the readers below share. Subclasses give the schema's names and the batches."""

    names: tuple[str, ...]
    number_columns: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def numeric(self) -> tuple[str, ...]:
        return self.number_columns

    def count(self) -> int:
        raise NotImplementedError

    def batches(self, columns: Sequence[str], keys: Sequence[str] = ()) -> Iterator[Any]:
        """Record batches of these columns; those in `keys` need not be numbers."""
        raise NotImplementedError

    def distinct(self, column: str) -> tuple[Key, ...]:
        import pyarrow.compute as compute

        found: set[Any] = set()
        for batch in self.batches([column], [column]):
            found.update(compute.unique(batch.column(0)).to_pylist())
            if None in found:
                raise JobError(f"column {column!r} has empty cells: fill them, or drop those rows")
            if len(found) > MAX_KEYS:
                raise JobError(f"column {column!r} has more than {MAX_KEYS:,} different values")
        keys = [key if isinstance(key, str | int | float) else str(key) for key in found]
        if any(isinstance(key, float) and not math.isfinite(key) for key in keys):
            raise JobError(f"column {column!r} holds NaN or infinity")
        return tuple(sorted(keys))

    def blocks(self, columns: Sequence[str], keys: Mapping[str, Sequence[Key]]) -> Iterator[Block]:
        for batch in self.batches(columns, tuple(keys)):
            if batch.num_rows:
                read = [_numbers(batch.column(i), keys.get(name)) for i, name in enumerate(columns)]
                yield np.column_stack(read)


def _numbers(column: Any, keys: Sequence[Key] | None) -> Block:
    import pyarrow
    import pyarrow.compute as compute

    if keys is not None:
        values = column if pyarrow.types.is_primitive(column.type) else column.cast(pyarrow.string())
        places = compute.index_in(values, value_set=pyarrow.array(list(keys), values.type))
        return np.asarray(places.to_numpy(zero_copy_only=False), np.float64)
    whole = column.cast(pyarrow.float64()) if not pyarrow.types.is_decimal(column.type) else column.cast("float64")
    return np.asarray(whole.to_numpy(zero_copy_only=False), np.float64)


class ParquetFiles(_Arrow):
    """One Parquet file, or all those in a folder, by name. Only the columns that are asked for are read."""

    def __init__(self, path: Path) -> None:
        arrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
        self._paths = sorted(p for p in path.iterdir() if p.suffix in PARQUET) if path.is_dir() else [path]
        if not self._paths:
            raise Rejected(f"{path} holds no Parquet file", remedy="name a folder with .parquet files, or one file")
        try:
            files = [parquet.ParquetFile(file) for file in self._paths]
        except (OSError, arrow.ArrowInvalid) as error:
            raise _unreadable(path, error) from error
        schema = files[0].schema_arrow
        for file, opened in zip(self._paths, files, strict=True):
            if opened.schema_arrow.names != schema.names:
                raise Rejected(f"{file} has other columns than {self._paths[0]}", remedy="keep one table in one folder")
        self._count = sum(int(file.metadata.num_rows) for file in files)
        self.names, self.number_columns = _schema(schema)

    def count(self) -> int:
        return self._count

    def batches(self, columns: Sequence[str], keys: Sequence[str] = ()) -> Iterator[Any]:
        arrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
        for path in self._paths:
            try:
                with parquet.ParquetFile(path) as file:
                    for batch in file.iter_batches(batch_size=65_536, columns=list(columns)):
                        yield batch.select(list(columns))
            except (OSError, arrow.ArrowInvalid) as error:
                raise _unreadable(path, error) from error


class CsvFile(_Arrow):
    """A CSV file with a header line. Every column is read as numbers, except one to group by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        arrow = _pyarrow("pyarrow")
        with self._open(None, {}) as reader:
            schema = reader.schema
        if len(set(schema.names)) < len(schema.names):
            twice = next(name for name in schema.names if schema.names.count(name) > 1)
            raise Rejected(f"{path}: two columns are called {twice!r}", remedy="rename one of them")
        if all(_is_number(name) for name in schema.names):
            raise Rejected(
                f"{path}: the first line holds numbers, not names",
                remedy="put a header line with the columns' names on top",
            )
        self._flags = {field.name for field in schema if arrow.types.is_boolean(field.type)}
        numbers = (arrow.types.is_integer, arrow.types.is_floating)
        self._text = {f.name for f in schema if not any(is_number(f.type) for is_number in numbers)} - self._flags
        self.names = self.number_columns = tuple(schema.names)
        self._count: int | None = None

    def count(self) -> int:
        if self._count is None:
            self._count = sum(batch.num_rows for batch in self.batches(self.names[:1], self.names[:1]))
        return self._count

    def batches(self, columns: Sequence[str], keys: Sequence[str] = ()) -> Iterator[Any]:
        # Types are told, not guessed from the first rows: 1 may be followed by 1.5, and 12 by a name.
        arrow = _pyarrow("pyarrow")
        types = {
            name: arrow.string() if name in keys and name in self._text else arrow.float64()
            for name in columns
            if name not in self._flags
        }
        try:
            with self._open(columns, types) as reader:
                yield from reader
        except arrow.ArrowInvalid as error:
            raise self._bad_cell(error) from error

    def _open(self, columns: Sequence[str] | None, types: Mapping[str, Any]) -> Any:
        arrow, csv = _pyarrow("pyarrow"), _pyarrow("pyarrow.csv")
        try:
            return csv.open_csv(
                self._path,
                read_options=csv.ReadOptions(use_threads=False, block_size=1 << 20),
                convert_options=csv.ConvertOptions(
                    include_columns=None if columns is None else list(columns), column_types=types
                ),
            )
        except arrow.ArrowInvalid as error:
            raise self._bad_cell(error) from error
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._path, error) from error

    def _bad_cell(self, error: Exception) -> Rejected:
        found = _BAD_CELL.search(str(error))
        if found is None:
            return _unreadable(self._path, error)
        where = f"row {int(found['row']) - 1}, " if found["row"] else ""
        return Rejected(
            f"{self._path}: {where}column {self.names[int(found['column'])]!r} is {found['cell'][:40]!r}, not a number",
            whose="yours (the data)",
            remedy="fill that cell, drop the row or the column, or name the columns to look at",
        )


class ArrowTable(_Arrow):
    """A pyarrow table in memory."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.names, self.number_columns = _schema(table.schema)

    def count(self) -> int:
        return int(self._table.num_rows)

    def batches(self, columns: Sequence[str], keys: Sequence[str] = ()) -> Iterator[Any]:
        yield from self._table.select(list(columns)).to_batches(max_chunksize=65_536)


def _schema(schema: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    types = _pyarrow("pyarrow").types
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise Rejected(f"two columns are called {twice!r}", remedy="rename one of them")
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return tuple(schema.names), tuple(field.name for field in schema if any(test(field.type) for test in tests))


def _pyarrow(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Rejected(
            "reading this file needs pyarrow", whose="nobody's", remedy="pip install 'edgebounty[data]'"
        ) from error


def _unreadable(path: Path, error: Exception) -> Rejected:
    said = str(error).strip().splitlines()
    what = getattr(error, "strerror", None) or (said[0][:300] if said else type(error).__name__)
    return Rejected(f"cannot read {path}: {what}", whose="yours (the data)", remedy="check the file")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
