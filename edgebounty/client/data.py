"""Reads the requester's files: tables as CSV, samples as NPZ.

Nothing that could not be computed leaves here: empty tables, text where a number belongs, NaN and infinity are
refused with the row and column they stand in.
"""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebounty.client.errors import Rejected

INPUT_NAMES = ("x", "X", "data", "inputs", "images")
LABEL_NAMES = ("y", "Y", "target", "labels")

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Named columns of finite float64 numbers."""

    columns: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Rows of finite float32 features, and the class of each row where the file has one."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64] | None


def load_table(path: Path) -> Table:
    """A CSV with a header line, or an NPZ with `values` (and `columns`). Raises `Rejected` naming the cell."""
    if path.suffix == ".npz":
        arrays = _load_npz(path)
        values = _first(arrays, ("values", *INPUT_NAMES), path)
        if values.ndim != 2:
            raise Rejected(
                f"{path}: a table has rows and columns, this has shape {values.shape}", remedy="save a 2-D array"
            )
        columns = tuple(str(name) for name in arrays.get("columns", [f"column_{i}" for i in range(values.shape[1])]))
    else:
        columns, values = _load_csv(path)
    if len(columns) != values.shape[1]:
        raise Rejected(f"{path}: {len(columns)} names for {values.shape[1]} columns", remedy="name every column once")
    if repeated := next((name for name in columns if columns.count(name) > 1), None):
        raise Rejected(f"{path}: two columns are called {repeated!r}", remedy="rename one of them")
    _refuse_unusable(values, columns, path)
    return Table(columns=columns, values=np.ascontiguousarray(values, np.float64))


def load_samples(path: Path, *, labels_required: bool) -> Samples:
    """An NPZ with `x` (and `y`), or a CSV whose column `label` is the class. Raises `Rejected` naming the cell."""
    labels: Array | None
    if path.suffix == ".npz":
        arrays = _load_npz(path)
        inputs = _first(arrays, INPUT_NAMES, path)
        labels = next((arrays[name] for name in LABEL_NAMES if name in arrays), None)
    else:
        columns, values = _load_csv(path)
        at = next((i for i, name in enumerate(columns) if name in ("label", *LABEL_NAMES)), None)
        labels = None if at is None else values[:, at]
        inputs = values if at is None else np.delete(values, at, axis=1)
    if inputs.ndim < 2:
        raise Rejected(f"{path}: samples are rows of numbers, this has shape {inputs.shape}", remedy="save a 2-D array")
    if inputs.size == 0:
        raise Rejected(f"{path} is empty: it has no samples", remedy="pass a file with at least one row of data")
    inputs = inputs.reshape(len(inputs), -1)
    _refuse_unusable(inputs, None, path)
    if labels is None and labels_required:
        raise Rejected(f"{path} has no labels", remedy="add an array y (NPZ) or a column named label (CSV)")
    with np.errstate(over="ignore"):
        features = np.ascontiguousarray(inputs, np.float32)
    _refuse_unusable(features, None, path)
    return Samples(inputs=features, labels=None if labels is None else _classes(labels, len(inputs), path))


def _classes(labels: Array, rows: int, path: Path) -> NDArray[np.int64]:
    if labels.shape != (rows,):
        raise Rejected(f"{path}: {rows} samples but labels of shape {labels.shape}", remedy="give one class per sample")
    _refuse_unusable(labels.reshape(rows, 1), ("label",), path)
    wrong = np.flatnonzero((labels < 0) | (labels != np.floor(labels)))
    if len(wrong):
        raise Rejected(
            f"{path}: row {wrong[0] + 1} has the label {labels[wrong[0]]}, which is no class number",
            remedy="number the classes 0, 1, 2, …",
        )
    return labels.astype(np.int64)


def _refuse_unusable(values: Array, columns: tuple[str, ...] | None, path: Path) -> None:
    if values.size == 0:
        raise Rejected(f"{path} is empty: it has no rows of data", remedy="pass a file with at least one row of data")
    if not np.issubdtype(values.dtype, np.number) or np.issubdtype(values.dtype, np.complexfloating):
        raise Rejected(f"{path} holds {values.dtype}, not numbers", remedy="save integers or floats")
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        name = columns[column] if columns else f"{column + 1}"
        raise Rejected(
            f"{path}: row {row + 1}, column {name} is {values[row, column]}; a result computed from it means nothing",
            whose="yours (the data)",
            remedy="drop or fill that row first",
        )


def _load_csv(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise _unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected(
            f"{path} is not a CSV file: {error}", remedy="pass a text file with comma-separated numbers"
        ) from error
    if not rows:
        raise Rejected(f"{path} is empty", remedy="pass a CSV with a header line and at least one row of data")
    header, body = tuple(name.strip() for name in rows[0]), rows[1:]
    if all(_is_number(name) for name in header):
        raise Rejected(
            f"{path}: the first line holds numbers, not names",
            remedy="put a header line with the columns' names on top",
        )
    if not body:
        raise Rejected(
            f"{path} is empty: it has a header but no rows", remedy="pass a file with at least one row of data"
        )
    values = np.empty((len(body), len(header)))
    for i, row in enumerate(body):
        if len(row) != len(header):
            raise Rejected(
                f"{path}: row {i + 1} has {len(row)} cells, the header has {len(header)}", remedy="fix that row"
            )
        for j, cell in enumerate(row):
            try:
                values[i, j] = float(cell)
            except ValueError:
                raise Rejected(
                    f"{path}: row {i + 1}, column {header[j]} is {cell[:40]!r}, not a number",
                    whose="yours (the data)",
                    remedy="fill that cell, or drop the row or the column",
                ) from None
    return header, values


def _load_npz(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:  # a pickle could run code
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise Rejected(
            f"{path} is not an NPZ file of plain arrays: {error}", remedy="write it with numpy.savez"
        ) from error


def _first(arrays: dict[str, Array], names: tuple[str, ...], path: Path) -> Array:
    for name in names:
        if name in arrays:
            return arrays[name]
    raise Rejected(f"{path} has the arrays {', '.join(arrays) or 'nothing'}", remedy=f"name the data {names[0]}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _unreadable(path: Path, error: OSError) -> Rejected:
    return Rejected(f"cannot read {path}: {error.strerror or error}", remedy="check the path and your rights on it")
