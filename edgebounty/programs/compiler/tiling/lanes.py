"""Element-wise expressions of four neighbours at a time, each lane the same operations in the same order as alone."""

from collections.abc import Mapping
from typing import Any

from edgebounty.programs.compiler.tiling.expression import (
    BINARY,
    Expression,
    NotTiled,
    c_type,
    head,
    moves_only_by_one,
    name,
    size,
)

_IN_LANES = ("ADD", "MUL", "SUB", "NEG")


def in_fours(store: Any, reduce: Any, loop: Any, lanes: str, before: str = "") -> str:
    """C of the loop over `loop` that stores four results a turn. `lanes` stands for four values of `reduce`; `before`
    computes them. The counter of the loop is that of the first lane. Raises `NotTiled`.

    The last piece begins early rather than reach beyond the row; its overlap is written twice, alike.
    """
    target = store.src[0]
    if size(loop) < 4 or not moves_only_by_one(target, loop) or c_type(target) != "float":
        raise NotTiled("results that are not four neighbours")
    if any(u.op.name == "INDEX" and u.src[0] is target.src[0] for u in store.src[1].backward_slice_with_self):
        raise NotTiled("results that replace what they are made of")
    value = _Lanes(loop, {reduce: lanes})
    written = value.of(store.src[1])
    address = value.scalar.of(target.src[1])
    body = (
        f"{before} {value.scalar.body} *(tile_v4 *)(data{target.src[0].arg.slot} + {address}) = (tile_v4)({written});"
    )
    width, counter = size(loop), name(loop)
    if width % 4 == 0:
        return head(loop, 4) + body + "}"
    return (
        f"for (int piece = 0; piece < {width}; piece += 4) {{ "
        f"int {counter} = piece + 4 > {width} ? {width - 4} : piece; {body} }}"
    )


class _Lanes:
    """Like `Expression`, whose lines it shares: what does not move with the loop is one number, else a `tile_v4`."""

    def __init__(self, loop: Any, known: Mapping[Any, str]) -> None:
        self.scalar = Expression()
        self._loop = loop
        self._known: dict[Any, str] = dict(known)

    def of(self, uop: Any) -> str:
        if uop not in self._known:
            self._known[uop] = self._write(uop) if self._loop in uop.ranges else self.scalar.of(uop)
        return self._known[uop]

    def _write(self, uop: Any) -> str:
        kind = uop.op.name
        if c_type(uop) != "float" or (kind == "MUL" and any(u.op.name == "RECIPROCAL" for u in uop.src)):
            raise NotTiled(f"{kind} in lanes")
        if kind == "INDEX":
            if uop.src[0].op.name != "PARAM" or len(uop.src) != 2 or not moves_only_by_one(uop, self._loop):
                raise NotTiled("lanes that are no neighbours")
            array, address = f"data{uop.src[0].arg.slot}", self.scalar.of(uop.src[1])
            return self._temporary(f"*(const tile_v4 *)({array} + {address})")
        if kind == "MAX":
            first, second = (self.of(source) for source in uop.src)
            return self._temporary(f"tile_max((tile_v4)({first}), (tile_v4)({second}))")
        if kind not in _IN_LANES:
            raise NotTiled(f"{kind} in lanes")
        return self._temporary(BINARY[kind].format(*(self.of(source) for source in uop.src)))

    def _temporary(self, text: str) -> str:
        lines = self.scalar.lines
        made = f"v{len(lines)}"
        lines.append(f"tile_v4 {made} = {text};")
        return made
