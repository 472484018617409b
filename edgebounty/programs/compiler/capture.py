"""Turns a tensor function into C: tinygrad traces it once, every kernel it would launch becomes a C function.

Nothing is computed while tracing: the device is tinygrad's null device with its C renderer for one fixed processor, so
the C is the same on every machine. tinygrad reads its settings when it is imported, therefore this module runs as a
process of its own: `python -m edgebounty.programs.compiler.capture train|infer 64-128-10 BATCH` prints the C.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """`code` defines `static void step(void)` and every scratch buffer it needs. It reads and writes the buffers of
    `inputs` (given by the caller before each step) and `kept` (live from step to step) by those names, as floats or
    ints; they are for the caller to declare."""

    code: str
    inputs: tuple[str, ...]
    kept: tuple[str, ...]


def capture(*arguments: str) -> Captured:
    """Runs this module in a process with the right settings. Raises `CaptureFailed` or `CompilerMissing`."""
    command = ["edgebounty.programs.compiler.capture", *arguments]
    done = run_python(command, needs="tinygrad", settings=SETTINGS)
    if done.returncode:
        raise CaptureFailed(f"capture {' '.join(arguments)} failed:\n{done.stderr.strip()[-4000:]}")
    found = json.loads(done.stdout)
    return Captured(code=found["code"], inputs=tuple(found["inputs"]), kept=tuple(found["kept"]))


@dataclass(slots=True)
class _Emitter:
    """Collects kernels, scratch buffers and calls. Refuses a program that reads what nothing has written."""

    names: dict[int, str]  # id of a buffer -> name of a kept one
    inputs: tuple[str, ...]
    scratch: dict[int, tuple[str, int]] = field(default_factory=dict)
    kernels: dict[str, str] = field(default_factory=dict)  # source -> name
    typedefs: dict[str, None] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    written: set[tuple[int, int]] = field(default_factory=set)

    def call(self, source: str, arguments: list[Any], outputs: set[int], reads: set[int]) -> None:
        for position in sorted(reads):
            self._check_written(arguments[position])
        references = [self._reference(argument) for argument in arguments]
        for position in outputs:
            self._mark(arguments[position])
        self.calls.append(f"  {self._kernel(source)}({', '.join(references)});")

    def copy(self, to: Any, source: Any, nbytes: int) -> None:
        self._check_written(source)
        references = f"{self._reference(to)}, {self._reference(source)}"
        self._mark(to)
        self.calls.append(f"  memcpy({references}, {nbytes});")

    def _kernel(self, source: str) -> str:
        if source not in self.kernels:
            function = re.search(r"^void (\w+)\(", source, re.MULTILINE)
            if function is None:
                raise CaptureFailed("a kernel has no function")
            name = f"k{len(self.kernels)}_{function[1]}"
            self.typedefs |= dict.fromkeys(re.findall(r"^typedef .*$", source, re.MULTILINE))
            body = re.sub(r"^typedef .*\n", "", source, flags=re.MULTILINE).strip()
            body = body.replace(f"void {function[1]}(", f"static __attribute__((noinline)) void {name}(", 1)
            self.functions.append(body)
            self.kernels[source] = name
        return self.kernels[source]

    def _reference(self, argument: Any) -> str:
        if isinstance(argument, int):
            return f"(void *){self.inputs[argument]}"
        base, offset = argument.base, argument.offset
        if id(base) in self.names:
            return f"(void *)((char *){self.names[id(base)]} + {offset})"
        name, _ = self.scratch.setdefault(id(base), (f"t{len(self.scratch)}", base.nbytes))
        return f"(void *)({name} + {offset})"

    def _check_written(self, argument: Any) -> None:
        if isinstance(argument, int) or id(argument.base) in self.names:
            return
        if (id(argument.base), argument.offset) not in self.written:
            raise CaptureFailed("the program reads a buffer that nothing has written: realise it before the capture")

    def _mark(self, argument: Any) -> None:
        if not isinstance(argument, int):
            self.written.add((id(argument.base), argument.offset))

    def code(self) -> str:
        scratch = [f"static char {name}[{size}] __attribute__((aligned(64)));" for name, size in self.scratch.values()]
        steps = ["static void step(void) {", *self.calls, "}"]
        return "\n".join([*self.typedefs, *scratch, *self.functions, *steps]) + "\n"


def emit(jit: Any, inputs: tuple[str, ...], kept: dict[str, Any]) -> Captured:
    """C of a captured `TinyJit`. `inputs` in the order of its arguments; `kept`: realised tensors by name."""
    from tinygrad.uop.ops import Ops

    emitter = _Emitter({id(tensor.uop.buffer.base): name for name, tensor in kept.items()}, inputs)

    def resolve(argument: Any) -> Any:
        return argument.arg.slot if argument.op is Ops.PARAM else argument.buffer

    for call in jit.captured._linear.src:
        program = call.src[0]
        arguments = [source for source in call.src[1:] if not source.is_bound_var]
        if program.op is Ops.COPY:
            to, source = (resolve(argument) for argument in arguments[:2])
            emitter.copy(to, source, to.nbytes)
        elif program.op is Ops.PROGRAM:
            if program.arg.vars or tuple(program.arg.global_size) != (1, 1, 1):
                raise CaptureFailed("a kernel has a variable size or several threads")
            source = next(part.arg for part in program.src if part.op is Ops.SOURCE)
            positions = list(program.arg.globals)
            outputs = {positions.index(slot) for slot in program.arg.outs}
            reads = {positions.index(slot) for slot in program.arg.ins}
            emitter.call(source, [resolve(arguments[slot]) for slot in positions], outputs, reads)
        else:
            raise CaptureFailed(f"tinygrad gave a step of kind {program.op}, which has no C")
    return Captured(code=emitter.code(), inputs=inputs, kept=tuple(kept))


def _trace(function: Callable[..., Any], make_arguments: Callable[[], list[Any]]) -> Any:
    """The `TinyJit` of `function` after its capture (the third call replays it)."""
    from tinygrad import TinyJit

    jit = TinyJit(function)
    for _ in range(3):
        jit(*make_arguments())
    return jit


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
    jit = _trace(step, lambda: [_zeros(shape, integer=name == "batch_y") for name, shape in shapes.items()])
    return emit(jit, tuple(shapes), dict(zip(_names("now_"), weights, strict=True)))


def mlp_infer_step(sizes: tuple[int, int, int], batch: int) -> Captured:
    """Softmax probabilities of one batch of rows."""
    weights = _weights(sizes)
    result = _zeros((batch, sizes[2]))

    def step(x: Any) -> None:
        result.assign(_mlp(x, weights).softmax()).realize()

    jit = _trace(step, lambda: [_zeros((batch, sizes[0]))])
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


def main(arguments: list[str]) -> None:
    kind, model, batch = arguments
    inside, hidden, outside = (int(size) for size in model.split("-"))

    from tinygrad.dtype import dtypes
    from tinygrad.renderer.cstyle import ClangRenderer
    from tinygrad.runtime.support.compiler_cpu import ClangCompiler

    # tinygrad would write int64 as `long`, which has 32 bits in wasm32; and no machine code is wanted here.
    ClangRenderer.type_map = {**ClangRenderer.type_map, dtypes.int64: "long long", dtypes.uint64: "unsigned long long"}
    ClangCompiler.compile = lambda self, source: source.encode()

    trace = {"train": mlp_train_step, "infer": mlp_infer_step}[kind]
    found = trace((inside, hidden, outside), int(batch))
    json.dump({"code": found.code, "inputs": found.inputs, "kept": found.kept}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
