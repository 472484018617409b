"""C of tinygrad's element-wise expressions, as far as rewriting a kernel needs it.

Only operators whose C is the same as tinygrad's own are written here: a kernel with an exponential or a logarithm is
split, and tinygrad writes that part itself. So a rewritten kernel gives the bits that the plain one gives.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

BINARY = {
    "ADD": "({}+{})",
    "MUL": "({}*{})",
    "SUB": "({}-{})",
    "CMPLT": "({}<{})",
    "CMPNE": "({}!={})",
    "CMPEQ": "({}=={})",
    "AND": "({}&{})",
    "OR": "({}|{})",
    "XOR": "({}^{})",
    "WHERE": "({}?{}:{})",
    "NEG": "(-{})",
}
_INDEX_ONLY = {"CDIV": "({}/{})", "FLOORDIV": "({}/{})", "CMOD": "({}%{})", "FLOORMOD": "({}%{})"}
_TYPES = {
    "float": "float",
    "weakfloat": "float",
    "int": "int",
    "weakint": "int",
    "bool": "_Bool",
    "long": "long long",
    "uint": "unsigned",
    "short": "short",
    "ushort": "unsigned short",
    "uchar": "unsigned char",
    "char": "signed char",
}


class NotTiled(Exception):
    """The kernel stays as tinygrad wrote it; says why."""


def c_type(uop: Any) -> str:
    name = str(uop.dtype).rsplit(".", maxsplit=1)[-1]
    if name not in _TYPES:
        raise NotTiled(f"element type {name}")
    return _TYPES[name]


def size(loop: Any) -> int:
    return int(loop.vmax) + 1


def total(loops: Sequence[Any]) -> int:
    return math.prod(size(loop) for loop in loops)


def name(loop: Any) -> str:
    return "r" + "_".join(str(part) for part in loop.arg[:-1])


def linear(loops: Sequence[Any]) -> str:
    """The running number of a nest of loops."""
    text = "0"
    for loop in loops:
        text = f"({text}*{size(loop)}+{name(loop)})" if text != "0" else name(loop)
    return text


def head(loop: Any, step: int = 1) -> str:
    return f"for (int {name(loop)} = 0; {name(loop)} < {size(loop)}; {name(loop)} += {step}) {{"


def nest(loops: Sequence[Any], body: str) -> str:
    return " ".join(head(loop) for loop in loops) + body + "}" * len(loops)


class Expression:
    """Lines of C that compute a value. `known` maps parts of the graph to C that stands for them."""

    def __init__(self, known: Mapping[Any, str] | None = None) -> None:
        self.lines: list[str] = []
        self._known: dict[Any, str] = dict(known or {})

    @property
    def body(self) -> str:
        return " ".join(self.lines)

    def of(self, uop: Any) -> str:
        if uop not in self._known:
            self._known[uop] = self._write(uop)
        found: str = self._known[uop]
        return found

    def _temporary(self, uop: Any, text: str) -> str:
        made = f"v{len(self.lines)}"
        self.lines.append(f"{c_type(uop)} {made} = {text};")
        return made

    def _write(self, uop: Any) -> str:
        kind = uop.op.name
        if kind == "CONST":
            return _constant(uop)
        if kind == "RANGE":
            return name(uop)
        if kind == "INDEX":
            return self._load(uop)
        if kind == "CAST":
            return self._temporary(uop, f"({c_type(uop)})({self.of(uop.src[0])})")
        if kind == "BITCAST":
            return self._temporary(uop, f"__builtin_bit_cast({c_type(uop)}, {self.of(uop.src[0])})")
        if kind == "MUL" and any(factor.op.name == "RECIPROCAL" for factor in uop.src):
            return self._quotient(uop)
        parts = [self.of(source) for source in uop.src]
        if kind == "RECIPROCAL":
            return self._temporary(uop, f"1.0f/{parts[0]}")
        if kind == "TRUNC" and c_type(uop) == "float":
            return self._temporary(uop, f"__builtin_truncf({parts[0]})")
        if kind == "SQRT":
            return self._temporary(uop, f"__builtin_sqrtf({parts[0]})")
        if kind == "MAX":
            return self._temporary(uop, f"({parts[0]}<{parts[1]}?{parts[1]}:{parts[0]})")
        if kind in _INDEX_ONLY:
            if uop.src[0].vmin < 0 or uop.src[1].vmin <= 0:
                raise NotTiled(f"{kind} of what may be negative")
            return self._temporary(uop, _INDEX_ONLY[kind].format(*parts))
        if kind not in BINARY:
            raise NotTiled(f"operator {kind}")
        return self._temporary(uop, BINARY[kind].format(*parts))

    def _quotient(self, uop: Any) -> str:
        """a * (1 / b) is a / b, as tinygrad has it."""
        a, b = uop.src if uop.src[1].op.name == "RECIPROCAL" else uop.src[::-1]
        return self._temporary(uop, f"{self.of(a)}/{self.of(b.src[0])}")

    def _load(self, uop: Any) -> str:
        if uop.src[0].op.name != "PARAM" or len(uop.src) != 2:
            raise NotTiled("an index into something computed")
        array, place = f"data{uop.src[0].arg.slot}", uop.src[1]
        if place.op.name == "WHERE" and is_invalid(place.src[2]):
            return self._temporary(uop, f"{self.of(place.src[0])} ? {array}[{self.of(place.src[1])}] : 0")
        return self._temporary(uop, f"{array}[{self.of(place)}]")


def is_invalid(uop: Any) -> bool:
    return "Invalid" in repr(getattr(uop, "val", getattr(uop, "arg", None)))


def _constant(uop: Any) -> str:
    value = uop.val if hasattr(uop, "val") else uop.arg
    if is_invalid(uop):
        raise NotTiled("an invalid index")
    if isinstance(value, bool):
        return "1" if value else "0"
    if "float" in str(uop.dtype):
        if math.isnan(value):
            raise NotTiled("a NaN")
        if math.isinf(value):
            return "__builtin_inff()" if value > 0 else "(-__builtin_inff())"
        return f"{float(value)!r}f"
    return f"({int(value)})"


def has_unit_stride(load: Any, loop: Any) -> bool:
    """Does the load's address move by one element when the loop does?"""
    if load.op.name != "INDEX":
        return False
    return any(term is loop for term in terms(load))


def terms(load: Any) -> list[Any]:
    from tinygrad.uop.ops import Ops

    place = load.src[1]
    if place.op.name == "WHERE":
        place = place.src[1]
    return list(place.split_uop(Ops.ADD))


def moves_only_by_one(load: Any, loop: Any) -> bool:
    """A plain load whose address is the loop's counter plus something that does not depend on it."""
    if load.op.name != "INDEX" or load.src[1].op.name == "WHERE":
        return False
    return has_unit_stride(load, loop) and all(term is loop or loop not in term.ranges for term in terms(load))


def stride(load: Any, loop: Any) -> int:
    """How far the load's address moves with the loop; 0 if that cannot be said."""
    found = 0
    for term in terms(load):
        if term is loop:
            found += 1
        elif term.op.name == "MUL" and term.src[0] is loop and term.src[1].op.name == "CONST":
            found += int(term.src[1].val)
        elif loop in term.ranges:
            return 0
    return found
