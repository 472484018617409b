"""Short sums, as in a depthwise convolution: four neighbouring outputs at a time, the sum in order."""

from typing import Any

from edgebounty.programs.compiler.tiling.contraction import stored
from edgebounty.programs.compiler.tiling.expression import (
    Expression,
    NotTiled,
    head,
    linear,
    name,
    nest,
    size,
    stride,
    total,
)

LONGEST = 32  # terms; the sum is unrolled


def short_sum(reduce: Any, store: Any) -> tuple[str, str]:
    """C of the kernel's body, and what it is. Raises `NotTiled`."""
    k, loops = list(reduce.src[1:]), sorted(store.src[0].ranges, key=lambda loop: loop.arg)
    if total(k) > LONGEST or not loops or size(loops[-1]) < 4 or reduce.arg[0].name != "ADD":
        raise NotTiled("no short sum over neighbours")
    if reduce.src[0].op.name != "MUL" or str(reduce.dtype) != "dtypes.float":
        raise NotTiled("a short sum without products")
    if any(u.op.name == "WHERE" for u in reduce.backward_slice):
        raise NotTiled("a short sum with conditions")
    last = loops[-1]
    still = [factor for factor in reduce.src[0].src if last not in factor.ranges]
    moving = [factor for factor in reduce.src[0].src if last in factor.ranges]
    if len(still) != 1 or len(moving) != 1 or moving[0].op.name != "INDEX":
        raise NotTiled("a short sum of two moving factors")
    step = stride(moving[0], last)
    if step not in (1, 2):
        raise NotTiled(f"a short sum over every {step}th neighbour")
    weight = Expression()
    value = weight.of(still[0])
    weights = f"float weight[{total(k)}];" + nest(k, f"{weight.body} weight[{linear(k)}] = {value};")
    depth = max((loops.index(loop) + 1 for loop in loops[:-1] if loop in still[0].ranges), default=0)
    code = ""
    for position, loop in enumerate(loops[:-1]):
        code += (weights if position == depth else "") + head(loop)
    code += weights if depth == len(loops) - 1 else ""
    code += _four_at_a_time(reduce, store, moving[0], last, step) + "}" * (len(loops) - 1)
    return code, f"{total(loops)} sums of {total(k)}"


def _four_at_a_time(reduce: Any, store: Any, load: Any, last: Any, step: int) -> str:
    """The last piece begins early rather than reach beyond the row; its overlap is written twice, alike."""
    k = list(reduce.src[1:])
    place = Expression()
    address = place.of(load.src[1])
    array = f"data{load.src[0].arg.slot}"
    lanes = f"*(const tile_v4 *)({array} + {address})"
    if step == 2:  # elements 0 2 4 6, without touching the eighth
        lanes = f"__builtin_shufflevector({lanes}, *(const tile_v4 *)({array} + {address} + 3), 0, 2, 5, 7)"
    unrolled = "".join("TILE_UNROLL " + head(loop) for loop in k)
    sums = f"{unrolled}{place.body} four += {lanes} * (tile_v4)(weight[{linear(k)}]);" + "}" * len(k)
    width, counter = size(last), name(last)
    ending = stored(store, {reduce: "sum"}, "float sum = four[lane];")
    return (
        f"for (int piece = 0; piece < {width}; piece += 4) {{ "
        f"int first = piece + 4 > {width} ? {width - 4} : piece; tile_v4 four = (tile_v4)(0.f); "
        f"{{ int {counter} = first; {sums} }} "
        f"TILE_UNROLL for (int lane = 0; lane < 4; lane++) {{ int {counter} = first + lane; {ending} }} }}"
    )
