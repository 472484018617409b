"""Operands of a contraction copied into panels, as tiles read them: K by K, the rows or columns of a tile together."""

from typing import Any

from edgebounty.programs.compiler.tiling.expression import (
    Expression,
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

COLUMNS = 8
LONGEST_UNROLLED = 8  # turns of a loop that copies
NEAR = 16  # pairs of rows packed at once: they stay in the first-level cache


def pack_pairs(operand: Any, group: list[Any], k: list[Any], wide: int, array: str, padded: int) -> str:
    """As `pack`, of 16-bit numbers, the two of neighbouring K side by side."""
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
    if not code and wide == COLUMNS and in_rows(operand, group, k):
        return pack_pairs_in_rows(operand, group[0], k[0], array, "0", str(padded // wide))
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


def in_rows(operand: Any, group: list[Any], k: list[Any]) -> bool:
    """Does it lie in memory as rows of K, each one a row of the group?"""
    if len(group) != 1 or len(k) != 1:
        return False
    return any(has_unit_stride(u, group[0]) for u in operand.backward_slice_with_self)


def pack_pairs_in_rows(operand: Any, group: Any, k: Any, array: str, first: str, panels: str) -> str:
    """`pack_pairs` of some panels from the column `first` on, eight columns at once, unrolled: clang makes vectors."""
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


def pack(operand: Any, group: list[Any], k: list[Any], wide: int, array: str, padded: int) -> str:
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
    in_pieces = panel_of_pieces(operand, group, k) if wide == COLUMNS else None
    if in_pieces is not None:
        return f"for (int p = 0; p < {padded // wide}; p++) {{ float *to = {array} + p*{panel}; {in_pieces} }}\n"
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


def panel_of_pieces(operand: Any, group: list[Any], k: list[Any]) -> str | None:
    """C that packs panel `p` into `to`, when only the group's last loop runs over neighbours, in pieces of 4 or 2. Each
    piece is copied for all K by one pointer, so that the loads of a line of K differ by constants. Columns beyond the
    last repeat those before. None where it does not apply."""
    last, items = group[-1], total(group)
    lanes = 4 if size(last) % 4 == 0 else 2
    if len(group) == 1 or size(last) % lanes or not moves_only_by_one(operand, last):
        return None
    parts: list[list[Any]] = [[], [], []]  # of the address: what K does not move, its last loop does not, that does
    for term in terms(operand):
        if set(term.ranges) & set(group) and set(term.ranges) & set(k):
            return None
        parts[2 if k[-1] in term.ranges else 1 if set(term.ranges) & set(k) else 0].append(term)
    start, line, neighbour = Expression(), Expression(), Expression()
    start_at, line_at, neighbour_at = (
        "+".join(map(written.of, part)) or "0" for written, part in zip((start, line, neighbour), parts, strict=True)
    )
    column = f"int g = p*{COLUMNS} + piece*{lanes} < {items} ? p*{COLUMNS} + piece*{lanes} : {items - lanes};"
    for loop in reversed(group):
        column += f" int {name(loop)} = g % {size(loop)}; g /= {size(loop)};"
    array = f"data{operand.src[0].arg.slot}"
    pieces = f"TILE_UNROLL for (int piece = 0; piece < {COLUMNS // lanes}; piece++)"
    unrolled = "TILE_UNROLL " if size(k[-1]) <= LONGEST_UNROLLED else ""
    return (
        f"const float *column[{COLUMNS // lanes}], *from[{COLUMNS // lanes}]; "
        f"{pieces} {{ {column} {start.body} column[piece] = {array} + {start_at}; }}\n"
        + " ".join(map(head, k[:-1]))
        + f"{line.body} {pieces} {{ from[piece] = column[piece] + {line_at}; TILE_FORGET(from[piece]); }} "
        f"float *line = to + {linear(k[:-1])}*{size(k[-1]) * COLUMNS}; TILE_FORGET(line); "
        f"{unrolled}{head(k[-1])} {neighbour.body} {pieces} *(tile_v{lanes} *)(line + {name(k[-1])}*{COLUMNS} + "
        f"piece*{lanes}) = *(const tile_v{lanes} *)(from[piece] + {neighbour_at});" + "}" * len(k)
    )
