"""C of a captured tensor function: each kernel that tinygrad would launch becomes a C function, called in its order."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgebounty.programs.compiler.errors import BadSource, CaptureFailed

CONSTANT_BYTES = 1 << 20  # of arrays written into a function; the module carries them
SCRATCH_BYTES = 1 << 30  # more than any device class holds, but not more than an int counts
_HOST_DEVICES = ("NPY", "PYTHON")  # where tinygrad keeps arrays that were made from numpy or lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """`code` defines `static void step(void)` and every scratch buffer it needs. It reads and writes the buffers of
    `inputs` (given by the caller before each step) and `kept` (live from step to step) by those names, as floats or
    ints; they are for the caller to declare."""

    code: str
    inputs: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(slots=True)
class _Emitter:
    """Collects kernels, scratch buffers and calls. Refuses a program that reads what nothing has written."""

    names: dict[int, str]  # id of a buffer -> name of a kept one
    inputs: tuple[str, ...]
    prefix: str
    replaced: dict[str, str]
    scratch: dict[int, tuple[str, int]] = field(default_factory=dict)
    kernels: dict[str, str] = field(default_factory=dict)  # source -> name
    typedefs: dict[str, None] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    constant_bytes: int = 0
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
        if not isinstance(source, int) and source.device in _HOST_DEVICES:
            reference = self._constant(bytes(source.as_memoryview(allow_zero_copy=True)), nbytes)
        else:
            self._check_written(source)
            reference = self._reference(source)
        references = f"{self._reference(to)}, {reference}"
        self._mark(to)
        self.calls.append(f"  memcpy({references}, {nbytes});")

    def _constant(self, content: bytes, nbytes: int) -> str:
        """An array that the function carries inside itself."""
        self.constant_bytes += nbytes
        if self.constant_bytes > CONSTANT_BYTES:
            raise BadSource(
                f"the function carries more than {CONSTANT_BYTES} bytes of arrays inside itself; take them as state"
            )
        name = f"{self.prefix}c{len(self.constants)}"
        values = ",".join(map(str, content[:nbytes]))
        self.constants.append(
            f"static const unsigned char {name}[{nbytes}] __attribute__((aligned(64))) = {{{values}}};"
        )
        return name

    def _kernel(self, source: str) -> str:
        if source not in self.kernels:
            function = re.search(r"^void (\w+)\(", source, re.MULTILINE)
            if function is None:
                raise CaptureFailed("a kernel has no function")
            name = f"{self.prefix}k{len(self.kernels)}_{function[1]}"
            source_text = self.replaced.get(function[1], source)
            self.typedefs |= dict.fromkeys(re.findall(r"^typedef .*$", source_text, re.MULTILINE))
            body = re.sub(r"^typedef .*\n", "", source_text, flags=re.MULTILINE).strip()
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
        name, _ = self.scratch.setdefault(id(base), (f"{self.prefix}t{len(self.scratch)}", base.nbytes))
        return f"(void *)({name} + {offset})"

    def _check_written(self, argument: Any) -> None:
        if isinstance(argument, int) or id(argument.base) in self.names:
            return
        if (id(argument.base), argument.offset) not in self.written:
            raise CaptureFailed(
                "the program reads a buffer that nothing has written (an array kept outside the function, or optimiser "
                "state that was never set); make it an input or state of the function"
            )

    def _mark(self, argument: Any) -> None:
        if not isinstance(argument, int):
            self.written.add((id(argument.base), argument.offset))

    def code(self) -> str:
        total = sum(size for _, size in self.scratch.values())
        if total > SCRATCH_BYTES:
            raise BadSource(
                f"the program needs {total:,} bytes of working memory, at most {SCRATCH_BYTES:,} can be had; "
                "use a smaller batch or a smaller model"
            )
        scratch = [f"static char {name}[{size}] __attribute__((aligned(64)));" for name, size in self.scratch.values()]
        steps = [f"static void {self.prefix}step(void) {{", *self.calls, "}"]
        return "\n".join([*self.typedefs, *self.constants, *scratch, *self.functions, *steps]) + "\n"


def emit(
    jit: Any,
    inputs: tuple[str, ...],
    kept: dict[str, Any],
    *,
    prefix: str = "",
    replaced: dict[str, str] | None = None,
) -> Captured:
    """C of a captured `TinyJit`. `inputs` in the order of its arguments; `kept`: realised tensors by name.

    All names begin with `prefix`, so that one file can hold several. `replaced` gives other C for kernels by name.
    Raises `BadSource` or `CaptureFailed`.
    """
    from tinygrad.uop.ops import Ops

    names = {id(tensor.uop.buffer.base): name for name, tensor in kept.items()}
    emitter = _Emitter(names, inputs, prefix, replaced or {})

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


def capture_calls(function: Callable[..., Any], make_arguments: Callable[[], list[Any]]) -> Any:
    """The `TinyJit` of `function` after its capture (the third call replays it)."""
    from tinygrad import TinyJit

    jit = TinyJit(function)
    for _ in range(3):
        jit(*make_arguments())
    return jit
