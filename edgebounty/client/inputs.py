"""Rows for `infer`: arrays, NPY, NPZ, CSV, Parquet, and folders of images; and the writing of what comes back."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgebounty.client.data import load_samples
from edgebounty.client.errors import Rejected
from edgebounty.client.tables import PARQUET, open_rows
from edgebounty.jobs.analyses.rows import chosen_columns, read_cut
from edgebounty.jobs.arrays import Array

IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
InputData = Path | str | np.ndarray[Any, Any] | Mapping[str, Any]
"""A file or folder, an array with the rows first, or several by the names that the model gives its inputs."""


def load_inputs(data: InputData, row_shape: tuple[int, ...]) -> Array | dict[str, Array]:
    """The rows; `row_shape` is that of one row of the model's first input. Raises `Rejected`."""
    if isinstance(data, np.ndarray):
        return data
    if isinstance(data, Mapping):
        return {str(name): np.asarray(value) for name, value in data.items()}
    path = Path(data)
    if path.suffix == ".npy":
        return _npy(path)
    if path.is_dir() and not any(p.suffix in PARQUET for p in path.iterdir()):
        return _images(path, row_shape)
    if path.suffix in PARQUET or path.is_dir():
        rows = open_rows(path)
        return next(read_cut(rows, chosen_columns(rows, None), [rows.count()]))
    return load_samples(path, labels_required=False).inputs


def _npy(path: Path) -> Array:
    try:
        found = np.load(path, allow_pickle=False, mmap_mode="r")  # a pickle could run code; not all need be in memory
    except OSError as error:
        raise Rejected(f"cannot read {path}: {error.strerror or error}", remedy="check the path") from error
    except ValueError as error:
        raise Rejected(f"{path} is not an NPY file of numbers: {error}", remedy="write it with numpy.save") from error
    return np.asarray(found) if not isinstance(found, np.ndarray) else found


def _images(folder: Path, row_shape: tuple[int, ...]) -> Array:
    """Every image of a folder in the order of its names, from 0 to 1, in the model's size and order of axes."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise Rejected(
            "reading images needs Pillow", whose="nobody's", remedy="pip install 'edgebounty[data]'"
        ) from error
    names = image_names(folder)
    channels, height, width, last = _image_shape(row_shape)
    found = np.empty((len(names), *row_shape), np.float32)
    for i, name in enumerate(names):
        try:
            with Image.open(folder / name) as image:
                small = image.convert("L" if channels == 1 else "RGB").resize((width, height))
                pixels = np.asarray(small, np.float32).reshape(height, width, channels) / 255
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise Rejected(f"{folder / name} is no readable image: {error}", remedy="drop or replace it") from error
        found[i] = (pixels if last else pixels.transpose(2, 0, 1)).reshape(row_shape)
    return found


def image_names(folder: Path) -> list[str]:
    """The images of a folder, sorted. Raises `Rejected` when there are none."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in IMAGES)
    if not names:
        raise Rejected(f"{folder} holds no images", remedy=f"put files ending in {', '.join(IMAGES)} there")
    return names


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int, bool]:
    """Channels, height, width, and whether channels come last."""
    if len(shape) == 2:
        return 1, shape[0], shape[1], False
    if len(shape) == 3 and shape[0] in (1, 3):
        return shape[0], shape[1], shape[2], False
    if len(shape) == 3 and shape[2] in (1, 3):
        return shape[2], shape[0], shape[1], True
    if len(shape) == 1 and int(shape[0] ** 0.5) ** 2 == shape[0]:
        return 1, int(shape[0] ** 0.5), int(shape[0] ** 0.5), False
    raise Rejected(f"the model takes rows of shape {list(shape)}, which are no images", remedy="give it arrays")


def write_arrays(arrays: Mapping[str, Array], path: Path) -> bool:
    """Writes `.npy` (the first array) or `.parquet` (a column each, lists where a row has many). False: neither."""
    if path.suffix == ".npy":
        file = io.BytesIO()
        np.save(file, next(iter(arrays.values())))
        path.write_bytes(file.getvalue())
        return True
    if path.suffix not in PARQUET:
        return False
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise Rejected(
            "writing Parquet needs pyarrow", whose="nobody's", remedy="pip install 'edgebounty[data]'"
        ) from error
    columns = {}
    for name, array in arrays.items():
        column = pyarrow.array(np.ascontiguousarray(array).reshape(-1))
        for size in reversed(array.shape[1:]):
            column = pyarrow.FixedSizeListArray.from_arrays(column, size)
        columns[name] = column
    try:
        parquet.write_table(pyarrow.table(columns), path)
    except pyarrow.ArrowInvalid as error:
        raise Rejected(f"these arrays make no table: {error}", remedy="write them as .npz") from error
    return True
