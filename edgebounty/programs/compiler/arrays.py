"""The arrays a program takes, as its author names them: `x:f32[512,64]`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.spec import C_TYPES, BufferSpec

_TEXT = re.compile(r"(?P<name>[^:\[\]]{1,100}):(?P<dtype>[a-z0-9]+)(\[(?P<shape>[0-9, ]*)\])?")
_DIMENSIONS = 8
_ITEMS = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One array that a program reads: its name, element type (f32 f64 i32 i64 u8 i8), shape and role.

    `role` is `shard` (one task's data), `state` (what a round starts from), `params` (numbers of the job) or, for a
    reducer, `input` (one task's output).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    role: str = "shard"

    def __post_init__(self) -> None:
        if self.dtype not in C_TYPES:
            raise BadSource(f"{self.name}: element type {self.dtype!r} is not one of {' '.join(C_TYPES)}; convert it")
        if not 1 <= len(self.shape) <= _DIMENSIONS or min(self.shape) < 1:
            raise BadSource(f"{self.name}: a shape is 1 to {_DIMENSIONS} sizes from 1, this is {list(self.shape)}")
        items = 1
        for size in self.shape:
            items *= size
        if items > _ITEMS:
            raise BadSource(f"{self.name}: {items} elements; a task reads at most {_ITEMS}, cut the data into shards")

    @classmethod
    def parse(cls, text: str, role: str = "shard") -> "ArraySpec":
        """`NAME:DTYPE[SIZE,SIZE]`, or `NAME:DTYPE` for one number. Raises `BadSource`."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise BadSource(f"{text!r} is no array; write it as NAME:DTYPE[SIZE,SIZE], for example x:f32[512,64]")
        sizes = [part.strip() for part in (found["shape"] or "1").split(",")]
        if not all(sizes):
            raise BadSource(f"{text!r}: a size is missing; for example x:f32[512,64]")
        return cls(name=found["name"], dtype=found["dtype"], shape=tuple(map(int, sizes)), role=role)


def check_names(arrays: Iterable[ArraySpec]) -> None:
    """Raises `BadSource` when two carry one name."""
    seen: set[str] = set()
    for array in arrays:
        if array.name in seen:
            raise BadSource(f"two arrays are called {array.name!r}; give each a name of its own")
        seen.add(array.name)


def symbol(prefix: str, index: int, name: str) -> str:
    """A C name for an array of any name; `index` keeps it apart from others that look alike."""
    return f"{prefix}{index}_{re.sub('[^A-Za-z0-9]', '_', name)[:40]}"


def buffers(arrays: Iterable[ArraySpec], prefix: str) -> tuple[BufferSpec, ...]:
    return tuple(
        BufferSpec(
            name=array.name,
            dtype=array.dtype,
            shape=array.shape,
            role=array.role,
            symbol=symbol(prefix, index, array.name),
        )
        for index, array in enumerate(arrays)
    )
