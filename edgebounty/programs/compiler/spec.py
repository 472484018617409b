"""What a program to be built consists of: its buffers, constants and C."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

C_TYPES = {
    "f32": "float",
    "f64": "double",
    "i32": "int",
    "i64": "long long",
    "u8": "unsigned char",
    "i8": "signed char",
}
_FREESTANDING = Path(__file__).parent / "c" / "freestanding.h"


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSpec:
    """One named array that the host writes or reads. Its place in memory is the linker's choice.

    In C it is called `symbol`; without one, its name has to be a C name.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    role: str
    symbol: str = ""

    @property
    def c_name(self) -> str:
        return self.symbol or self.name

    def declaration(self) -> str:
        return f"{C_TYPES[self.dtype]} {self.c_name}[{math.prod(self.shape)}] __attribute__((aligned(16)));"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """A program or reducer. `source` is C that uses the buffers and constants by name and defines the entry points."""

    name: str
    kind: str  # program | reducer
    buffers: tuple[BufferSpec, ...]
    source: str
    constants: Mapping[str, int | str] = field(default_factory=dict)
    simd: bool = True

    def c_text(self) -> str:
        """The whole C file: constants, buffers, what a freestanding build needs, then the source."""
        parts = [f"/* {self.name}: a {self.kind}, made by edgebounty.programs.compiler */"]
        parts += [f"#define {name} {value}" for name, value in self.constants.items()]
        for role in dict.fromkeys(buffer.role for buffer in self.buffers):
            parts.append(f"/* {role} */")
            parts += [buffer.declaration() for buffer in self.buffers if buffer.role == role]
        parts += [_FREESTANDING.read_text(encoding="utf-8"), self.source]
        return "\n".join(parts)


def program_name(text: str) -> str:
    """What a layout calls a program made of `text`: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:100] or "program"
