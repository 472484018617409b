"""Sums of products as packed register tiles: matrix products, convolutions, attention, their gradients.

A kernel `out = f(sum over K of X * Y)` has four kinds of loops: K, those of X alone (M), those of Y alone (N), and
those of both or neither (B). For each B, X is packed as rows and Y as columns (Goto and van de Geijn 2008), tiles of C
are summed over K in order, and f is applied to C.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgebounty.programs.compiler.tiling.expression import (
    Expression,
    NotTiled,
    head,
    linear,
    nest,
    total,
)
from edgebounty.programs.compiler.tiling.lanes import in_fours
from edgebounty.programs.compiler.tiling.packing import (
    COLUMNS,
    in_rows,
    pack,
    pack_pairs,
    pack_pairs_in_rows,
    panel_of_pieces,
)

SIX_COST = 1.3  # a tile of six rows takes this much more a row than one of four: it wants all 16 registers
FEWEST_PRODUCTS = 4096  # below that, packing costs more than it saves
PANEL_ITEMS = 32_768  # of Y kept packed at once: half of a phone's second-level cache
BLOCK = 32  # columns of 8-bit weights packed at once: what is packed stays in the first-level cache or near it
ARRAYS = ("tile_a", "tile_b", "tile_c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraction:
    """C of one sum. `items`: floats of `tile_a`, `tile_b` and `tile_c` it uses. `order`: the loops of the result."""

    code: str
    items: tuple[int, int, int]
    what: str
    order: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    x: Any
    y: Any
    m: list[Any]
    n: list[Any]
    k: list[Any]
    b: list[Any]


def contraction(reduce: Any, outer: Sequence[Any], *, store: Any = None, target: str = "") -> Contraction:
    """C for `reduce`. Its result goes through `store` (a STORE that contains it), or plainly into the array `target`.

    `outer`: the loops around it. Raises `NotTiled`.
    """
    shape = _shape_of(reduce, outer)
    whole = _of_small_integers(reduce)
    m, n, k = total(shape.m), total(shape.n), total(shape.k)
    rows = 6 if -(-m // 6) * 6 * SIX_COST < -(-m // 4) * 4 else 4
    m_padded, n_padded = -(-m // rows) * rows, -(-n // COLUMNS) * COLUMNS
    uses_x = [loop for loop in shape.b if loop in shape.x.ranges]
    uses_y = [loop for loop in shape.b if loop in shape.y.ranges]
    b = shape.b
    if not (uses_x and uses_y):  # the loops of one operand go inside, so that the other is packed once
        b = sorted(b, key=lambda loop: (loop in uses_x) + (loop in uses_y))
    if whole:
        rows, m_padded, k_padded = 4, -(-m // 4) * 4, k + k % 2
        pack_x = pack_pairs(shape.x, shape.m, shape.k, rows, "tile_a", m_padded)
        pack_y = pack_pairs(shape.y, shape.n, shape.k, COLUMNS, "tile_b", n_padded)
        items = (m_padded * k_padded // 2, n_padded * k_padded // 2, m_padded * n_padded)
        tiles = f"tiles_pairs({m_padded}, {n_padded}, {k_padded // 2}, tile_a, tile_b, tile_c, {n_padded});\n"
        result, kind = "((int *)tile_c)", "int"
        if not b and n == n_padded and k == k_padded and in_rows(shape.y, shape.n, shape.k):
            pack_y, items = "", (items[0], BLOCK * k_padded // 2, items[2])
            tiles = (
                f"for (int block = 0; block < {n}; block += {BLOCK}) {{ "
                f"int columns = {n} - block < {BLOCK} ? {n} - block : {BLOCK};\n"
                + pack_pairs_in_rows(shape.y, shape.n[0], shape.k[0], "tile_b", "block", f"columns / {COLUMNS}")
                + f"tiles_pairs({m_padded}, columns, {k // 2}, tile_a, tile_b, tile_c + block, {n}); }}\n"
            )
    else:
        pack_x = pack(shape.x, shape.m, shape.k, rows, "tile_a", m_padded)
        pack_y = pack(shape.y, shape.n, shape.k, COLUMNS, "tile_b", n_padded)
        items = (m_padded * k, k * n_padded, m_padded * n_padded)
        tiles = f"tiles_{rows}({m_padded}, {n_padded}, {k}, tile_a, tile_b, tile_c, {n_padded});\n"
        result, kind = "tile_c", "float"
        in_pieces = panel_of_pieces(shape.y, shape.n, shape.k)
        if in_pieces is not None and all(loop in uses_y for loop in b[-1:]):  # each panel is used once it is packed
            pack_y, items = "", (items[0], k * COLUMNS, items[2])
            tiles = (
                f"for (int p = 0; p < {n_padded // COLUMNS}; p++) {{ float *to = tile_b; {in_pieces}\n"
                f"tiles_{rows}({m_padded}, {COLUMNS}, {k}, tile_a, tile_b, tile_c + p*{COLUMNS}, {n_padded}); }}\n"
            )
    order = tuple(sorted([*shape.m, *shape.n, *shape.b], key=lambda loop: loop.arg))
    found = f"{result}[{linear(shape.m)}*{n_padded}+{linear(shape.n)}]"
    if store is None and whole:
        raise NotTiled("whole numbers that go through more than this product")
    if store is None:
        ending = nest([*shape.m, *shape.n], f"{target}[{linear(order)}] = {found};")
    else:
        ending = _ending(reduce, store, shape, kind, found)
    depth_x = max((b.index(loop) + 1 for loop in uses_x), default=0)
    depth_y = max((b.index(loop) + 1 for loop in uses_y), default=0)
    code = ""
    for depth, loop in enumerate([*b, None]):
        code += pack_x if depth == depth_x else ""
        code += pack_y if depth == depth_y else ""
        code += head(loop) if loop is not None else ""
    code += tiles + ending + "}" * len(b)
    return Contraction(
        code=code,
        items=items,
        what=f"{total(b)} × [{m}×{k}]·[{k}×{n}]",
        order=order,
    )


def _ending(reduce: Any, store: Any, shape: _Shape, kind: str, found: str) -> str:
    """What is stored, made of the sums, which are `found` in memory: four neighbours at a time where that can be."""
    if kind == "float":
        try:
            lanes = in_fours(store, reduce, shape.n[-1], "sums", f"tile_v4 sums = *(const tile_v4 *)(&{found});")
            return nest([*shape.m, *shape.n[:-1]], lanes)
        except NotTiled:
            pass
    value = Expression({reduce: "sum"})
    written = value.of(store.src[1])
    place = store.src[0]
    address = value.of(place.src[1])
    one = f"{kind} sum = {found}; {value.body} data{place.src[0].arg.slot}[{address}] = {written};"
    return nest([*shape.m, *shape.n], one)


def _shape_of(reduce: Any, outer: Sequence[Any]) -> _Shape:
    if reduce.arg[0].name != "ADD" or not (str(reduce.dtype) == "dtypes.float" or _of_small_integers(reduce)):
        raise NotTiled(f"{reduce.arg[0].name} of {str(reduce.dtype).removeprefix('dtypes.')}")
    product, k = reduce.src[0], list(reduce.src[1:])
    if product.op.name != "MUL":
        raise NotTiled("a sum without products")
    x, y = product.src

    def free(uop: Any) -> list[Any]:
        return [loop for loop in uop.ranges if loop not in k]

    every = sorted({*outer, *free(x), *free(y)}, key=lambda loop: loop.arg)
    m = [loop for loop in every if loop in free(x) and loop not in free(y)]
    n = [loop for loop in every if loop in free(y) and loop not in free(x)]
    b = [loop for loop in every if loop not in m and loop not in n]
    if not m or not n:
        raise NotTiled(f"a product of a matrix with a vector, {total(every)} sums of {total(k)}")
    if (every[-1] in m and total(m) >= 4) or total(n) < 4:
        x, y, m, n = y, x, n, m
    if total(m) * total(n) * total(k) * total(b) < FEWEST_PRODUCTS or total(m) * total(n) < 16:
        raise NotTiled("too small")
    room = PANEL_ITEMS * 2 if _of_small_integers(reduce) else PANEL_ITEMS
    while len(n) > 1 and total(n) * total(k) > room and total(n[1:]) >= COLUMNS:
        b, n = [*b, n[0]], n[1:]
    while len(m) > 1 and total(m) * total(k) > PANEL_ITEMS * 8 and total(m[1:]) >= 4:
        b, m = [*b, m[0]], m[1:]
    return _Shape(x=x, y=y, m=m, n=n, k=k, b=b)


def _of_small_integers(reduce: Any) -> bool:
    """Products of 16-bit numbers: two of them are summed by one instruction. Integer sums are exact in any order."""
    if str(reduce.dtype) != "dtypes.int" or reduce.src[0].op.name != "MUL":
        return False
    return all(factor.vmin >= -(1 << 15) and factor.vmax < 1 << 15 for factor in reduce.src[0].src)
