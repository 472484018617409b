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
    c_type,
    has_unit_stride,
    head,
    linear,
    moves_only_by_one,
    name,
    nest,
    size,
    stride,
    terms,
    total,
)
from edgebounty.programs.compiler.tiling.lanes import in_fours

COLUMNS = 8
SIX_COST = 1.3  # a tile of six rows takes this much more a row than one of four: it wants all 16 registers
FEWEST_PRODUCTS = 4096  # below that, packing costs more than it saves
PANEL_ITEMS = 32_768  # of Y kept packed at once: half of a phone's second-level cache
BLOCK = 32  # columns of 8-bit weights packed at once: what is packed stays in the first-level cache or near it
NEAR = 16  # pairs of rows packed at once: they stay in the first-level cache
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
        pack_x = _pack_pairs(shape.x, shape.m, shape.k, rows, "tile_a", m_padded)
        pack_y = _pack_pairs(shape.y, shape.n, shape.k, COLUMNS, "tile_b", n_padded)
        items = (m_padded * k_padded // 2, n_padded * k_padded // 2, m_padded * n_padded)
        tiles = f"tiles_pairs({m_padded}, {n_padded}, {k_padded // 2}, tile_a, tile_b, tile_c, {n_padded});\n"
        result, kind = "((int *)tile_c)", "int"
        if not b and n == n_padded and k == k_padded and _in_rows(shape.y, shape.n, shape.k):
            pack_y, items = "", (items[0], BLOCK * k_padded // 2, items[2])
            tiles = (
                f"for (int block = 0; block < {n}; block += {BLOCK}) {{ "
                f"int columns = {n} - block < {BLOCK} ? {n} - block : {BLOCK};\n"
                + _pack_pairs_in_rows(shape.y, shape.n[0], shape.k[0], "tile_b", "block", f"columns / {COLUMNS}")
                + f"tiles_pairs({m_padded}, columns, {k // 2}, tile_a, tile_b, tile_c + block, {n}); }}\n"
            )
    else:
        pack_x = _pack(shape.x, shape.m, shape.k, rows, "tile_a", m_padded)
        pack_y = _pack(shape.y, shape.n, shape.k, COLUMNS, "tile_b", n_padded)
        items = (m_padded * k, k * n_padded, m_padded * n_padded)
        tiles = f"tiles_{rows}({m_padded}, {n_padded}, {k}, tile_a, tile_b, tile_c);\n"
        result, kind = "tile_c", "float"
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


def _pack_pairs(operand: Any, group: list[Any], k: list[Any], wide: int, array: str, padded: int) -> str:
    """As `_pack`, of 16-bit numbers, the two of neighbouring K side by side."""
    items, count = total(group), total(k)
    pairs = (count + 1) // 2
    panel = pairs * wide * 2
    code = f"memset({array}, 0, {padded * pairs * 4});\n" if items != padded or count % 2 else ""
    value = Expression()
    text = value.of(operand)
    place = f"((short *){array})[(g/{wide})*{panel}+(k/2)*{2 * wide}+(g%{wide})*2+k%2]"
    body = f"int g = {linear(group)}, k = {linear(k)}; {value.body} {place} = (short)({text});"
    loads = operand.backward_slice_with_self
    in_order = any(has_unit_stride(u, group[-1]) for u in loads)
    if not code and wide == COLUMNS and _in_rows(operand, group, k):
        return _pack_pairs_in_rows(operand, group[0], k[0], array, "0", str(padded // wide))
    in_lines = len(group) == len(k) == 1 and any(has_unit_stride(u, k[0]) for u in loads)
    if not code and wide == 4 and pairs % 4 == 0 and in_lines:
        return (
            f"for (int p = 0; p < {padded // wide}; p++) for (int q = 0; q < {pairs}; q += 4) {{ "
            f"short *to = (short *){array} + p*{panel} + q*{2 * wide}; "
            f"tile_s8 line[4]; TILE_UNROLL for (int c = 0; c < 4; c++) TILE_UNROLL for (int h = 0; h < 8; h++) {{ "
            f"int {name(group[0])} = p*{wide} + c, {name(k[0])} = 2*q + h; {value.body} "
            f"line[c][h] = (short)({text}); }} tile_turn((tile_i4 *)to, line); }}\n"
        )
    pieces = _pack_pairs_pieces(operand, group, k, wide, array, panel)
    if pieces is not None:
        return code + pieces
    return code + nest([*k, *group] if in_order else [*group, *k], body) + "\n"


def _in_rows(operand: Any, group: list[Any], k: list[Any]) -> bool:
    """Does it lie in memory as rows of K, each one a row of the group?"""
    if len(group) != 1 or len(k) != 1:
        return False
    return any(has_unit_stride(u, group[0]) for u in operand.backward_slice_with_self)


def _pack_pairs_in_rows(operand: Any, group: Any, k: Any, array: str, first: str, panels: str) -> str:
    """`_pack_pairs` of some panels from the column `first` on, eight columns at once, unrolled: clang makes vectors."""
    value = Expression()
    text = value.of(operand)
    pairs = size(k) // 2
    return (
        f"for (int near = 0; near < {pairs}; near += {NEAR}) for (int p = 0; p < {panels}; p++) "
        f"for (int q = near; q < {pairs} && q < near + {NEAR}; q++) {{ "
        f"short *to = (short *){array} + p*{size(k) * COLUMNS} + q*{2 * COLUMNS}; "
        f"TILE_UNROLL for (int h = 0; h < 2; h++) TILE_UNROLL for (int c = 0; c < {COLUMNS}; c++) {{ "
        f"int {name(group)} = {first} + p*{COLUMNS} + c, {name(k)} = 2*q + h; {value.body} "
        f"to[2*c + h] = (short)({text}); }} }}\n"
    )


def _pack_pairs_pieces(operand: Any, group: list[Any], k: list[Any], wide: int, array: str, panel: int) -> str | None:
    """16-bit numbers as they lie in memory, some of the group's last loop at once: the address is a sum of one part
    that K moves and one that the group moves, and the first is looked up. None where it does not apply."""
    load = operand.src[0] if operand.op.name == "CAST" else operand
    if load.op.name != "INDEX" or c_type(load) != "short" or load.src[1].op.name == "WHERE":
        return None
    last, step = group[-1], stride(load, group[-1])
    mixed = any(set(term.ranges) & set(group) and set(term.ranges) - set(group) for term in terms(load))
    if wide != COLUMNS or step == 0 or mixed:
        return None
    count, at_once = total(k), next(n for n in (4, 2, 1) if size(last) % n == 0)
    far = Expression(dict.fromkeys(group, "0"))
    near = Expression({loop: "0" for loop in load.ranges if loop not in group})
    start = Expression(dict.fromkeys(load.ranges, "0"))
    far_at, near_at, start_at = (each.of(load.src[1]) for each in (far, near, start))
    lanes = f"to[2*c] = one[c*{step}]; to[2*c + 1] = two[c*{step}];"
    if count % 2:
        lanes = f"to[2*c] = one[c*{step}]; to[2*c + 1] = odd ? 0 : two[c*{step}];"
    inner = (
        f"int g = {linear(group)}; {near.body} const short *one = first + {near_at}, *two = second + {near_at}; "
        f"short *to = (short *){array} + (g/{wide})*{panel} + q*{2 * wide} + (g%{wide})*2; "
        f"TILE_UNROLL for (int c = 0; c < {at_once}; c++) {{ {lanes} }}"
    )
    data = f"data{load.src[0].arg.slot}"
    return (
        f"static int far[{count + 1}]; int start; far[{count}] = 0; {{ {start.body} start = {start_at}; }} "
        + nest(k, f"{far.body} far[{linear(k)}] = {far_at} - start;")
        + f"for (int q = 0; q < {(count + 1) // 2}; q++) {{ const _Bool odd = 2*q + 1 == {count}; "
        f"const short *first = {data} + far[2*q], *second = {data} + far[2*q + 1]; "
        + nest(group[:-1], head(last, at_once) + inner + "}")
        + "}\n"
    )


def _pack(operand: Any, group: list[Any], k: list[Any], wide: int, array: str, padded: int) -> str:
    """Copies the operand into panels of `wide` rows (or columns), K by K; what is padded is zero."""
    items, count = total(group), total(k)
    panel = count * wide
    code = ""
    if items != padded:
        code += (
            f"for (int k = 0; k < {count}; k++) for (int g = {items}; g < {padded}; g++) "
            f"{array}[(g/{wide})*{panel}+k*{wide}+g%{wide}] = 0;\n"
        )
    last = group[-1]
    whole = wide == COLUMNS and moves_only_by_one(operand, last)
    if whole and len(group) == 1:
        return code + _pack_rows(operand, last, k, panel, array)
    if whole and size(last) % 2 == 0:
        return code + _pack_pieces(operand, group, k, panel, array)
    value = Expression()
    text = value.of(operand)
    place = f"{array}[(g/{wide})*{panel}+k*{wide}+g%{wide}]"
    body = f"int g = {linear(group)}, k = {linear(k)}; {value.body} {place} = {text};"
    loads = operand.backward_slice_with_self
    in_order = not any(u.op.name == "WHERE" for u in loads) and any(has_unit_stride(u, last) for u in loads)
    return code + nest([*k, *group] if in_order else [*group, *k], body) + "\n"


def _pack_rows(operand: Any, last: Any, k: list[Any], panel: int, array: str) -> str:
    """The group is one loop over neighbours in memory: whole vectors at a time."""
    place = Expression({last: "0"})
    address = place.of(operand.src[1])
    columns = size(last)
    rest = "".join(f"to[{j}] = from[{j}];" for j in range(columns % COLUMNS))
    return (
        nest(
            k,
            f"float *to = {array} + {linear(k)}*{COLUMNS}; {place.body} "
            f"const float *from = data{operand.src[0].arg.slot} + {address}; "
            f"for (int p = 0; p < {columns // COLUMNS}; p++) {{ *(tile_v4 *)to = *(const tile_v4 *)from; "
            f"*(tile_v4 *)(to + 4) = *(const tile_v4 *)(from + 4); from += {COLUMNS}; to += {panel}; }} {rest}",
        )
        + "\n"
    )


def _pack_pieces(operand: Any, group: list[Any], k: list[Any], panel: int, array: str) -> str:
    """Only the group's last loop runs over neighbours, in pieces of 4 or 2."""
    last = group[-1]
    lanes = 4 if size(last) % 4 == 0 else 2
    place = Expression()
    address = place.of(operand.src[1])
    inner = (
        f"int g = {linear(group)}, k = {linear(k)}; {place.body} "
        f"*(tile_v{lanes} *)({array} + (g/{COLUMNS})*{panel}+k*{COLUMNS}+g%{COLUMNS}) = "
        f"*(const tile_v{lanes} *)(data{operand.src[0].arg.slot} + {address});"
    )
    return nest([*k, *group[:-1]], head(last, lanes) + inner + "}") + "\n"
