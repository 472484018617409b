"""What the tracing process works with: its answers, its source files, its arrays."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebounty.programs.compiler.arrays import ArraySpec
from edgebounty.programs.compiler.errors import BadSource

OUTPUT_PREFIX = "o"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """C of one traced function: `static void PREFIXstep(void)`, with the arrays it gives."""

    code: str
    outputs: tuple[ArraySpec, ...]
    notes: tuple[str, ...]
    facts: Mapping[str, int] = field(default_factory=dict)  # numbers that the C around it needs


def read_array(value: Mapping[str, Any]) -> ArraySpec:
    return ArraySpec(name=value["name"], dtype=value["dtype"], shape=tuple(value["shape"]), role=value["role"])


def load_function(source: str) -> Callable[..., Any]:
    """`FILE.py:NAME`. Raises `BadSource`."""
    found: Callable[..., Any] = load_object(source)
    if not callable(found):
        raise BadSource(f"{source} is no function; write FILE.py:FUNCTION")
    return found


def load_object(source: str) -> Any:
    path, _, name = source.rpartition(":")
    spec = importlib.util.spec_from_file_location("edgebounty_source", path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise BadSource(f"{path!r} is no Python file; write FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).parent))
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise BadSource(f"{path} has no function {name!r}; write FILE.py:FUNCTION")
    return getattr(module, name)


def zeros(array: ArraySpec) -> Any:
    """A realised tensor: what is not realised before the capture would be computed inside it."""
    import numpy as np
    from tinygrad import Tensor

    from edgebounty.protocol.layout import NUMPY_TYPES

    return Tensor(np.zeros(array.shape, NUMPY_TYPES[array.dtype])).realize()


def named_outputs(found: Any) -> dict[str, Any]:
    """What a function may return: one Tensor (`out`), a tuple of them (`out0` …), or a dict by name."""
    if isinstance(found, dict):
        if not found:
            raise BadSource("the function returns an empty dict; return at least one array")
        return {str(name): value for name, value in found.items()}
    if isinstance(found, tuple | list):
        return {f"out{index}": value for index, value in enumerate(found)}
    return {"out": found}


def output_spec(name: str, value: Any) -> ArraySpec:
    from tinygrad import Tensor, dtypes

    if not isinstance(value, Tensor):
        raise BadSource(f"output {name!r} is a {type(value).__name__}; return Tensors")
    known = {
        dtypes.float32: "f32",
        dtypes.float64: "f64",
        dtypes.int32: "i32",
        dtypes.int64: "i64",
        dtypes.uint8: "u8",
        dtypes.int8: "i8",
        dtypes.bool: "u8",
    }
    if value.dtype not in known:
        raise BadSource(f"output {name!r} is {value.dtype.name}; cast it to float32, float64, int32, int64 or uint8")
    if not all(isinstance(size, int) and size > 0 for size in value.shape):
        raise BadSource(f"output {name!r} has the shape {value.shape}; sizes must be known and at least 1")
    return ArraySpec(name=name, dtype=known[value.dtype], shape=tuple(value.shape) or (1,), role="output")
