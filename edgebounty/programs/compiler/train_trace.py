"""Traces one training step to C: loss, gradients, optimiser."""

from collections.abc import Callable, Mapping
from typing import Any

from edgebounty.programs.compiler.arrays import ArraySpec, symbol
from edgebounty.programs.compiler.emit import capture_calls, emit
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.forward_trace import forward_pass
from edgebounty.programs.compiler.optimizers import Optimizer
from edgebounty.programs.compiler.traced import Traced, load_function, read_array, zeros


def trace_training(request: Mapping[str, Any]) -> Traced:
    """One step of an optimiser. What is learnt lives in the arrays now_*, the rest is given for each step."""
    from tinygrad import Tensor

    optimizer = Optimizer(**request["optimizer"])
    inputs = [read_array(value) for value in request["inputs"]]
    labels, state = read_array(request["labels"]), [read_array(value) for value in request["state"]]
    batch, frozen = labels.shape[0], set(request["frozen"])
    names = {array.name: symbol(request["symbol"], index, array.name) for index, array in enumerate(state)}
    slots = {array.name: zeros(array) for array in state if _is_slot(array, optimizer)}
    weights = {array.name: zeros(array) for array in state if not _is_slot(array, optimizer)}
    weights.pop("steps")
    learnt = {name: weights[name] for name in weights if name not in frozen}
    fixed = [array for array in state if array.name in frozen]
    forward = forward_pass(request["model"])
    loss = load_function(request["loss"]) if ":" in request["loss"] else request["loss"]
    shapes: dict[str, tuple[int, ...]] = {"batch_mask": (batch,), "batch_count": (1,), "batch_rate": (1,)}
    shapes["batch_corrections"] = (2,)
    facts: dict[str, int] = {}

    def step(*tensors: Any) -> None:
        given, y = tensors[: len(inputs)], tensors[len(inputs)]
        still = dict(zip([array.name for array in fixed], tensors[len(inputs) + 1 : -4], strict=True))
        mask, count, rate, corrections = tensors[-4:]
        outputs = forward({**dict(zip([array.name for array in inputs], given, strict=True)), **learnt, **still})
        made = next(iter(outputs.values()))
        facts["classes"] = made.shape[-1] if loss == "cross_entropy" else 0
        losses = row_losses(loss, made, y)
        if losses.shape != (batch,):
            raise BadSource(
                f"the loss has the shape {list(losses.shape)}, one number for each of {batch} rows is wanted"
            )
        total = (losses * mask).sum() / count.reshape(())
        gradients = dict(zip(learnt, total.gradient(*learnt.values()), strict=True))
        both = (corrections[0], corrections[1])
        new = updates(optimizer, learnt, slots, gradients, rate, both)
        every = {**learnt, **slots}
        Tensor.realize(*(every[name].assign(value) for name, value in new.items()))

    def arguments() -> list[Any]:
        made = [zeros(array) for array in (*inputs, labels, *fixed)]
        return made + [zeros(ArraySpec(name=name, dtype="f32", shape=shape)) for name, shape in shapes.items()]

    given = tuple(f"batch_{symbol('i', index, array.name)}" for index, array in enumerate((*inputs, labels)))
    jit = capture_calls(step, arguments)
    kept = {f"now_{names[name]}": value for name, value in (*learnt.items(), *slots.items())}
    given = (*given, *(names[array.name] for array in fixed), *shapes)
    captured = emit(jit, given, kept, replaced=request["kernels"])
    return Traced(code=captured.code, outputs=(), notes=(), facts=facts)


def _is_slot(array: ArraySpec, optimizer: Optimizer) -> bool:
    return array.name.split(".")[0] in optimizer.slots and "." in array.name


def row_losses(loss: str | Callable[..., Any], outputs: Any, y: Any) -> Any:
    """The loss of each row: the mean over whatever one row holds."""
    from tinygrad import Tensor

    if callable(loss):
        found = loss(outputs, y)
    elif loss == "cross_entropy":
        classes = outputs.shape[-1]
        if y.shape != outputs.shape[:-1]:
            raise BadSource(
                f"labels have the shape {list(y.shape)}, the model's outputs {list(outputs.shape)}; "
                "cross entropy wants one class number for each but the last size of the outputs"
            )
        wanted = (y.unsqueeze(-1) == Tensor.arange(classes)).float()
        found = -(outputs.log_softmax(-1) * wanted).sum(-1)
    else:
        if y.shape != outputs.shape:
            raise BadSource(f"targets have the shape {list(y.shape)}, the model's outputs {list(outputs.shape)}")
        found = (outputs - y).square()
    rows = y.shape[0]
    return found.reshape(rows, -1).mean(1)


def updates(
    optimizer: Optimizer,
    weights: Mapping[str, Any],
    slots: Mapping[str, Any],
    gradients: Mapping[str, Any],
    rate: Any,
    corrections: tuple[Any, Any],
) -> dict[str, Any]:
    """New values of weights and slots by name.

    Momentum after Polyak (1964); Adam after Kingma and Ba (2015), algorithm 1; AdamW after Loshchilov and Hutter
    (2019), algorithm 2. `corrections` are 1 / (1 - beta^t) of both moments.
    """
    new: dict[str, Any] = {}
    for name, weight in weights.items():
        gradient = gradients[name]
        if optimizer.weight_decay and not optimizer.decoupled:
            gradient = gradient + optimizer.weight_decay * weight
        step = gradient
        if optimizer.kind == "momentum":
            step = new[f"m.{name}"] = optimizer.momentum * slots[f"m.{name}"] + gradient
        elif optimizer.has_moments:
            first = optimizer.beta1 * slots[f"m.{name}"] + (1 - optimizer.beta1) * gradient
            # A mean over workers may round below zero, which the root must not see.
            second = optimizer.beta2 * slots[f"v.{name}"].maximum(0) + (1 - optimizer.beta2) * gradient * gradient
            new[f"m.{name}"], new[f"v.{name}"] = first, second
            step = first * corrections[0] / ((second * corrections[1]).sqrt() + optimizer.epsilon)
        if optimizer.weight_decay and optimizer.decoupled:
            step = step + optimizer.weight_decay * weight
        new[name] = weight - rate * step
    return new
