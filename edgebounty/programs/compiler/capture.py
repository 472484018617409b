"""Turns a tensor function into C: tinygrad traces it once, every kernel it would launch becomes a C function.

Nothing is computed while tracing: the device is tinygrad's null device with its C renderer for one fixed processor, so
the C is the same on every machine. tinygrad reads its settings when it is imported, therefore this module runs as a
process of its own: `python -m edgebounty.programs.compiler.capture train|infer 64-128-10 BATCH` prints the C.
"""

import json
import sys
from typing import Any

from edgebounty.programs.compiler.emit import Captured, capture_calls, emit
from edgebounty.programs.compiler.errors import CaptureFailed
from edgebounty.programs.compiler.process import run_python

SETTINGS = {
    "DEV": "NULL:CLANG:x86_64,generic",  # C for one core of a plain processor; wasm knows nothing of either
    "THREADS": "0",
    "BEAM": "0",  # its choices depend on timing
    "JIT": "2",
    "TRAINING": "1",
    "CACHELEVEL": "0",
    "PARALLEL": "0",
    "PYTHONHASHSEED": "0",
}


def capture(*arguments: str) -> Captured:
    """Runs this module in a process with the right settings. Raises `CaptureFailed` or `CompilerMissing`."""
    command = ["edgebounty.programs.compiler.capture", *arguments]
    done = run_python(command, needs="tinygrad", settings=SETTINGS)
    if done.returncode:
        raise CaptureFailed(f"capture {' '.join(arguments)} failed:\n{done.stderr.strip()[-4000:]}")
    found = json.loads(done.stdout)
    return Captured(code=found["code"], inputs=tuple(found["inputs"]), kept=tuple(found["kept"]))


def mlp_train_step(sizes: tuple[int, int, int], batch: int) -> Captured:
    """One step of gradient descent on the mean softmax cross entropy of the rows whose mask is 1."""
    from tinygrad import Tensor

    inside, outside = sizes[0], sizes[2]
    weights = _weights(sizes)

    def step(x: Any, y: Any, mask: Any, count: Any, rate: Any) -> None:
        logits = _mlp(x, weights)
        wanted = (y.reshape(batch, 1) == Tensor.arange(outside).reshape(1, outside)).float()
        losses = -(logits.log_softmax() * wanted).sum(1)
        gradients = ((losses * mask).sum() / count.reshape(())).gradient(*weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign(weight - rate * gradient)
        Tensor.realize(*weights)

    shapes = {"batch_x": (batch, inside), "batch_y": (batch,), "batch_mask": (batch,), "batch_count": (1,)}
    shapes |= {"learning_rate": (1,)}
    jit = capture_calls(step, lambda: [_zeros(shape, integer=name == "batch_y") for name, shape in shapes.items()])
    return emit(jit, tuple(shapes), dict(zip(_names("now_"), weights, strict=True)))


def mlp_infer_step(sizes: tuple[int, int, int], batch: int) -> Captured:
    """Softmax probabilities of one batch of rows."""
    weights = _weights(sizes)
    result = _zeros((batch, sizes[2]))

    def step(x: Any) -> None:
        result.assign(_mlp(x, weights).softmax()).realize()

    jit = capture_calls(step, lambda: [_zeros((batch, sizes[0]))])
    return emit(jit, ("batch_x",), dict(zip((*_names(""), "batch_p"), (*weights, result), strict=True)))


def weight_shapes(sizes: tuple[int, int, int]) -> dict[str, tuple[int, ...]]:
    """The weights of a perceptron with one hidden layer, in the order of its state."""
    inside, hidden, outside = sizes
    return {"w1": (inside, hidden), "b1": (hidden,), "w2": (hidden, outside), "b2": (outside,)}


def _weights(sizes: tuple[int, int, int]) -> list[Any]:
    return [_zeros(shape) for shape in weight_shapes(sizes).values()]


def _names(prefix: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in weight_shapes((1, 1, 1)))


def _mlp(x: Any, weights: list[Any]) -> Any:
    w1, b1, w2, b2 = weights
    return (x @ w1 + b1).relu() @ w2 + b2


def _zeros(shape: tuple[int, ...], *, integer: bool = False) -> Any:
    """A realised tensor: what is not realised before the capture would be computed inside it."""
    import numpy as np
    from tinygrad import Tensor

    return Tensor(np.zeros(shape, np.int32 if integer else np.float32)).realize()


def set_up() -> None:
    """Makes tinygrad write C for a 32-bit machine, and nothing else."""
    from tinygrad.dtype import dtypes
    from tinygrad.renderer.cstyle import ClangRenderer
    from tinygrad.runtime.support.compiler_cpu import ClangCompiler

    # tinygrad would write int64 as `long`, which has 32 bits in wasm32; and no machine code is wanted here.
    ClangRenderer.type_map = {**ClangRenderer.type_map, dtypes.int64: "long long", dtypes.uint64: "unsigned long long"}
    ClangCompiler.compile = lambda self, source: source.encode()


def main(arguments: list[str]) -> None:
    kind, model, batch = arguments
    inside, hidden, outside = (int(size) for size in model.split("-"))

    set_up()
    trace = {"train": mlp_train_step, "infer": mlp_infer_step}[kind]
    found = trace((inside, hidden, outside), int(batch))
    json.dump({"code": found.code, "inputs": found.inputs, "kept": found.kept}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
