"""Models by name: `mlp:64-128-10` is a perceptron of 64 inputs, 128 hidden units and 10 classes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgebounty.jobs.arrays import Array, pack_role
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import uniform
from edgebounty.protocol.layout import Layout

_NAME = re.compile(r"mlp:([1-9]\d{0,5}(?:-[1-9]\d{0,5}){1,8})")


@dataclass(frozen=True, slots=True)
class Model:
    """The widths of a perceptron's layers, inputs first, classes last."""

    sizes: tuple[int, ...]

    @classmethod
    def parse(cls, name: str) -> Model:
        """Raises `JobError` unless `name` is mlp:INPUTS-HIDDEN-CLASSES."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise JobError(
                f"{name[:60]!r} is no model; write it as mlp:INPUTS-HIDDEN-CLASSES, for example mlp:64-128-10"
            )
        return cls(tuple(map(int, found[1].split("-"))))

    @property
    def inputs(self) -> int:
        return self.sizes[0]

    @property
    def classes(self) -> int:
        return self.sizes[-1]

    @property
    def train_programs(self) -> tuple[str, str]:
        """Names of the built-in program and reducer that train it."""
        return f"{self._slug}.train", f"mean.{self._slug}"

    @property
    def infer_program(self) -> str:
        """Name of the built-in program that runs it."""
        return f"{self._slug}.infer"

    @property
    def _slug(self) -> str:
        return "mlp-" + "-".join(map(str, self.sizes))

    def __str__(self) -> str:
        return "mlp:" + "-".join(map(str, self.sizes))


def first_weights(model: Model, layout: Layout, seed: int) -> bytes:
    """The state training starts from: He's uniform bound sqrt(6 / inputs of the layer), biases zero.

    (He et al. 2015, arXiv:1502.01852.) Depends on seed and sizes alone.
    """
    arrays: dict[str, Array] = {}
    layers = iter(pairwise(model.sizes))
    for buffer in layout.role("state"):
        if len(buffer.shape) == 1:
            arrays[buffer.name] = np.zeros(buffer.shape)
            continue
        layer = next(layers, None)
        if layer is None or sorted(buffer.shape) != sorted(layer):
            raise JobError(f"{layout.name} is not the program of {model}: {buffer.name} has shape {buffer.shape}")
        bound = math.sqrt(6 / layer[0])
        arrays[buffer.name] = ((uniform(seed, buffer.name, buffer.items) * 2 - 1) * bound).reshape(buffer.shape)
    if next(layers, None) is not None:
        raise JobError(f"{layout.name} is not the program of {model}: it has fewer layers")
    return pack_role(layout, "state", arrays)


def checked_inputs(x: Array, model: Model) -> Array:
    """Samples as finite float32 rows of the model's width. Raises `JobError` naming row and column."""
    if x.ndim != 2 or x.shape[1] != model.inputs:
        raise JobError(f"{model} takes rows of {model.inputs} numbers; this array has shape {x.shape}")
    if len(x) == 0:
        raise JobError("the data set is empty: it has no rows")
    if x.dtype.kind not in "fiub":
        raise JobError(f"samples are numbers, this is {x.dtype}")
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(x, np.float32)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = map(int, bad[0])
        raise JobError(f"row {row + 1}, column {column + 1} is {x[row, column]}: only finite float32 numbers count")
    return rows


def checked_labels(y: Array, rows: int, model: Model) -> Array:
    """Labels as int32 classes of the model. Raises `JobError` naming the row."""
    if y.shape != (rows,):
        raise JobError(f"{rows} rows need {rows} labels; this array has shape {y.shape}")
    if y.dtype.kind not in "iub" and not (y.dtype.kind == "f" and np.array_equal(y, np.floor(y))):
        raise JobError(f"labels are whole numbers, these are {y.dtype}")
    bad = np.flatnonzero((y < 0) | (y >= model.classes))
    if len(bad):
        raise JobError(f"row {int(bad[0]) + 1} has label {y[bad[0]]}; {model} knows classes 0 to {model.classes - 1}")
    return y.astype(np.int32)
