"""The operators LSTM and GRU, step after step, as the ONNX specification (version 22) writes them."""

from collections.abc import Callable, Sequence
from typing import Any

from edgebounty.programs.compiler.errors import BadSource

Cell = Callable[[Any, tuple[Any, ...], Any, Any], tuple[Any, ...]]
"""New states from one step's x W^T + Wb, the states before, R and Rb; the first state is what it gives out."""


def lstm(
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    p: Any = None,
    *,
    hidden_size: int,
    input_forget: int = 0,
    **options: Any,
) -> tuple[Any, ...]:
    """Y, Y_h and Y_c; gates in the order input, output, forget, cell."""
    _refuse(p is not None and "peepholes", input_forget and "coupled gates")

    def cell(given: Any, states: tuple[Any, ...], r: Any, rb: Any) -> tuple[Any, ...]:
        i, o, f, c = (given + states[0] @ r.transpose() + rb).chunk(4, dim=-1)
        memory = f.sigmoid() * states[1] + i.sigmoid() * c.tanh()
        return o.sigmoid() * memory.tanh(), memory

    gates = ("Sigmoid", "Tanh", "Tanh")
    return _recurrent(x, w, r, b, sequence_lens, (initial_h, initial_c), cell, hidden_size, gates, **options)


def gru(
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    *,
    hidden_size: int,
    linear_before_reset: int = 0,
    **options: Any,
) -> tuple[Any, ...]:
    """Y and Y_h; gates in the order update, reset, hidden."""

    def cell(given: Any, states: tuple[Any, ...], r: Any, rb: Any) -> tuple[Any, ...]:
        before, size = states[0], hidden_size
        both = (given[:, : 2 * size] + before @ r[: 2 * size].transpose() + rb[: 2 * size]).sigmoid()
        update, reset = both[:, :size], both[:, size:]
        if linear_before_reset:
            hidden = reset * (before @ r[2 * size :].transpose() + rb[2 * size :])
        else:
            hidden = (reset * before) @ r[2 * size :].transpose() + rb[2 * size :]
        return ((1 - update) * (given[:, 2 * size :] + hidden).tanh() + update * before,)

    return _recurrent(x, w, r, b, sequence_lens, (initial_h,), cell, hidden_size, ("Sigmoid", "Tanh"), **options)


def _recurrent(
    x: Any,
    w: Any,
    r: Any,
    b: Any,
    sequence_lens: Any,
    initial: tuple[Any, ...],
    cell: Cell,
    size: int,
    gates: tuple[str, ...],
    *,
    direction: str = "forward",
    layout: int = 0,
    clip: float = 0,
    activations: Sequence[str] = (),
    **_: Any,
) -> tuple[Any, ...]:
    from tinygrad import Tensor

    ways = 2 if direction == "bidirectional" else 1
    _refuse(
        sequence_lens is not None and "lengths of its sequences",
        clip and "clipping",
        layout and "the batch first",
        tuple(activations) not in ((), gates * ways) and f"the activations {', '.join(activations)}",
    )
    steps, batch = x.shape[:2]
    rows = r.shape[1]
    outputs, ends = [], []
    for way in range(ways):
        backward = direction == "reverse" or way == 1
        wb, rb = (b[way, :rows], b[way, rows:]) if b is not None else (Tensor.zeros(rows), Tensor.zeros(rows))
        states = tuple(Tensor.zeros(batch, size) if one is None else one[way] for one in initial)
        given = x @ w[way].transpose() + wb  # of all steps at once: what does not wait for the step before
        seen = []
        for step in reversed(range(steps)) if backward else range(steps):
            states = tuple(state.contiguous() for state in cell(given[step], states, r[way], rb))
            seen.append(states[0])
        outputs.append(Tensor.stack(*(reversed(seen) if backward else seen)))
        ends.append(states)
    last = (Tensor.stack(*(states[i] for states in ends)) for i in range(len(initial)))
    return (Tensor.stack(*outputs, dim=1), *last)


def _refuse(*found: Any) -> None:
    for what in found:
        if what:
            raise BadSource(f"it has {what}, which is not supported")
