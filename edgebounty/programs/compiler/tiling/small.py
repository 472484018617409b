"""Short sums and maxima, as in a depthwise convolution or a pooling: four neighbouring outputs at a time, in order."""

from typing import Any

from edgebounty.programs.compiler.tiling.expression import (
    Expression,
    NotTiled,
    head,
    linear,
    nest,
    size,
    stride,
    total,
)
from edgebounty.programs.compiler.tiling.lanes import in_fours

LONGEST = 32  # terms; the sum is unrolled


def short_sum(reduce: Any, store: Any) -> tuple[str, str]:
    """C of the kernel's body, and what it is. Raises `NotTiled`."""
    loops = _loops(reduce, store)
    if reduce.arg[0].name != "ADD" or reduce.src[0].op.name != "MUL":
        raise NotTiled("a short sum without products")
    k, last = list(reduce.src[1:]), loops[-1]
    still = [factor for factor in reduce.src[0].src if last not in factor.ranges]
    moving = [factor for factor in reduce.src[0].src if last in factor.ranges]
    if len(still) != 1 or len(moving) != 1 or moving[0].op.name != "INDEX":
        raise NotTiled("a short sum of two moving factors")
    weight = Expression()
    value = weight.of(still[0])
    weights = f"float weight[{total(k)}];" + nest(k, f"{weight.body} weight[{linear(k)}] = {value};")
    depth = max((loops.index(loop) + 1 for loop in loops[:-1] if loop in still[0].ranges), default=0)
    step = f"four += {{}} * (tile_v4)(weight[{linear(k)}]);"
    row = _four_at_a_time(reduce, store, moving[0], last, "0.f", step)
    code = ""
    for position, loop in enumerate(loops[:-1]):
        code += (weights if position == depth else "") + head(loop)
    code += weights if depth == len(loops) - 1 else ""
    return code + row + "}" * (len(loops) - 1), f"{total(loops)} sums of {total(k)}"


def short_maximum(reduce: Any, store: Any) -> tuple[str, str]:
    """As `short_sum`, of the largest of some neighbours. A plain loop would become branches that are guessed wrong."""
    loops = _loops(reduce, store)
    if reduce.arg[0].name != "MAX" or reduce.src[0].op.name != "INDEX":
        raise NotTiled("no short maximum of what is in memory")
    row = _four_at_a_time(reduce, store, reduce.src[0], loops[-1], "-__builtin_inff()", "four = tile_max(four, {});")
    return nest(loops[:-1], row), f"{total(loops)} maxima of {total(list(reduce.src[1:]))}"


def _loops(reduce: Any, store: Any) -> list[Any]:
    """The loops of the result. Raises `NotTiled` when it is not a short sum or maximum."""
    k, loops = list(reduce.src[1:]), sorted(store.src[0].ranges, key=lambda loop: loop.arg)
    if total(k) > LONGEST or not loops or size(loops[-1]) < 4 or str(reduce.dtype) != "dtypes.float":
        raise NotTiled("nothing short over neighbours")
    if any(u.op.name == "WHERE" for u in reduce.backward_slice):
        raise NotTiled("a short sum with conditions")
    return loops


def _four_at_a_time(reduce: Any, store: Any, load: Any, last: Any, first: str, step: str) -> str:
    """The loop over `last`: from `first`, one `step` for each four of the neighbours in memory that `load` names."""
    k, apart = list(reduce.src[1:]), stride(load, last)
    if apart not in (1, 2):
        raise NotTiled(f"a short sum over every {apart}th neighbour")
    place = Expression()
    address = place.of(load.src[1])
    array = f"data{load.src[0].arg.slot}"
    lanes = f"*(const tile_v4 *)({array} + {address})"
    if apart == 2:  # elements 0 2 4 6, without touching the eighth
        lanes = f"__builtin_shufflevector({lanes}, *(const tile_v4 *)({array} + {address} + 3), 0, 2, 5, 7)"
    unrolled = "".join("TILE_UNROLL " + head(loop) for loop in k)
    steps = f"{unrolled}{place.body} {step.format(lanes)}" + "}" * len(k)
    return in_fours(store, reduce, last, "four", f"tile_v4 four = (tile_v4)({first}); {{ {steps} }}")
