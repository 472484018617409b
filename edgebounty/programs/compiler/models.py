"""What can be trained or run forward: a perceptron by its sizes, an ONNX file, or a function with its weights."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from edgebounty.programs.compiler.arrays import ArraySpec
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.onnx_model import read_onnx
from edgebounty.protocol.layout import NUMPY_TYPES

Array = np.ndarray[Any, Any]
_MLP = re.compile(r"mlp:([1-9][0-9]{0,5}(?:-[1-9][0-9]{0,5})+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A forward pass over a batch of rows and the weights it starts from.

    `inputs` have the batch as their first size. `frozen` weights are used but not trained. `source` is what the tracing
    process reads: a path, `FILE.py:NAME`, or the sizes of a perceptron.
    """

    kind: str  # onnx | function | mlp
    name: str
    source: str
    batch: int
    inputs: tuple[ArraySpec, ...]
    weights: Mapping[str, Array]
    frozen: frozenset[str] = frozenset()

    def request(self) -> dict[str, Any]:
        """What the tracing process is told."""
        return {"kind": self.kind, "source": self.source, "batch": self.batch, "input": self.inputs[0].name}

    def weight_arrays(self) -> tuple[ArraySpec, ...]:
        return tuple(
            ArraySpec(name=name, dtype=dtype_of(name, value), shape=value.shape or (1,), role="state")
            for name, value in self.weights.items()
        )


def onnx_model(path: Path, *, batch: int) -> Model:
    """Raises `BadSource`. The running statistics of batch normalisation and everything that is no float are frozen."""
    read = read_onnx(path, batch=batch)
    wrong = [array.name for array in read.inputs if array.shape[0] != batch]
    if wrong:
        raise BadSource(f"input {wrong[0]!r} has no batch as its first size; add one")
    frozen = read.statistics | {name for name, value in read.weights.items() if value.dtype != np.float32}
    return Model(
        kind="onnx",
        name=path.stem,
        source=str(path.resolve()),
        batch=batch,
        inputs=read.inputs,
        weights=read.weights,
        frozen=frozenset(frozen),
    )


def function_model(source: str, x: ArraySpec, weights: Mapping[str, Array], *, batch: int) -> Model:
    """`FILE.py:NAME`, a function of a batch of `x` and a dict of weights by name.

    The first size of `x` is replaced by the batch. Raises `BadSource`.
    """
    path, _, name = source.rpartition(":")
    if not path:
        raise BadSource(f"{source!r} names no function; write FILE.py:FUNCTION")
    if not weights:
        raise BadSource("a model function needs weights to start from; give them by name")
    shaped = ArraySpec(name=x.name, dtype=x.dtype, shape=(batch, *x.shape[1:]))
    return Model(
        kind="function",
        name=name,
        source=f"{Path(path).resolve()}:{name}",
        batch=batch,
        inputs=(shaped,),
        weights={name: np.asarray(value) for name, value in weights.items()},
        frozen=frozenset(name for name, value in weights.items() if np.asarray(value).dtype != np.float32),
    )


def mlp_model(text: str, *, batch: int, seed: int = 0) -> Model:
    """`mlp:64-128-10`: fully connected layers with rectifiers between them; weights w1 (64, 128), b1, w2, b2, …

    They start uniform within sqrt(6 / inputs) (He et al. 2015) around zero, biases at zero.
    """
    found = _MLP.fullmatch(text)
    if found is None:
        raise BadSource(f"{text!r} is no perceptron; write mlp:INPUTS-HIDDEN-CLASSES, for example mlp:64-128-10")
    sizes = [int(size) for size in found[1].split("-")]
    generator = np.random.default_rng(seed)
    weights: dict[str, Array] = {}
    for layer, (inside, outside) in enumerate(pairwise(sizes), 1):
        bound = np.sqrt(6 / inside)
        weights[f"w{layer}"] = generator.uniform(-bound, bound, (inside, outside)).astype(np.float32)
        weights[f"b{layer}"] = np.zeros(outside, np.float32)
    return Model(
        kind="mlp",
        name="mlp-" + found[1],
        source=found[1],
        batch=batch,
        inputs=(ArraySpec(name="x", dtype="f32", shape=(batch, sizes[0])),),
        weights=weights,
    )


def read_weights(path: Path) -> dict[str, Array]:
    """Arrays by name from an .npz file; nothing pickled is read. Raises `BadSource`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BadSource(
            f"{path} cannot be read as an .npz file of arrays ({error}); write it with numpy.savez"
        ) from error


def dtype_of(name: str, value: Array) -> str:
    """The layout's word for a numpy type. Raises `BadSource`."""
    for word, numpy_type in NUMPY_TYPES.items():
        if np.dtype(numpy_type) == value.dtype:
            return word
    raise BadSource(f"{name} is {value.dtype}; convert it to one of {', '.join(NUMPY_TYPES)}")


def pack_arrays(arrays: Mapping[str, Array], specs: tuple[ArraySpec, ...]) -> bytes:
    """The bytes of a role, from arrays by name; zeros where one is missing. Raises `BadSource` for a wrong shape."""
    parts = []
    for spec in specs:
        value = np.asarray(arrays[spec.name]) if spec.name in arrays else np.zeros(spec.shape)
        if (value.shape or (1,)) != spec.shape:
            raise BadSource(f"{spec.name!r} has the shape {list(value.shape)}, {list(spec.shape)} is wanted")
        parts.append(np.ascontiguousarray(value, NUMPY_TYPES[spec.dtype]).tobytes())
    return b"".join(parts)
