"""A program from a requester's own C, or from a module that another compiler linked (see docs/own-programs.md)."""

from collections.abc import Sequence
from pathlib import Path

from edgebounty.programs import counter
from edgebounty.programs.compiler.api import Built
from edgebounty.programs.compiler.arrays import ArraySpec, check_names
from edgebounty.programs.compiler.build import build, finish
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec, program_name
from edgebounty.programs.errors import ProgramError, ProgramRejected
from edgebounty.programs.validator import ProgramLimits, validate
from edgebounty.protocol.layout import Layout


def build_own(
    source: Path, arrays: Sequence[ArraySpec], *, reduces: Layout | None = None, limits: ProgramLimits | None = None
) -> Built:
    """The module of a `.c` file that uses `arrays` by name, or of a linked `.wasm` that exports them as data symbols.

    With `reduces`, the layout of a program, it is a reducer: that program's state and outputs are declared too, its
    outputs with `in_` before their names where these would be taken. Raises `BadSource`, `CompilerFailed` (with the C
    compiler's words), `CompilerMissing` and `ProgramRejected`.
    """
    declared = list(arrays)
    if reduces is not None:
        taken = {array.name for array in declared}
        state = [ArraySpec(name=b.name, dtype=b.dtype, shape=b.shape, role="state") for b in reduces.role("state")]
        taken |= {array.name for array in state}
        given = [
            ArraySpec(name=f"in_{b.name}" if b.name in taken else b.name, dtype=b.dtype, shape=b.shape, role="input")
            for b in reduces.role("output")
        ]
        declared = [*state, *given, *declared]
    check_names(declared)
    if not any(array.role == "output" for array in declared):
        raise BadSource(f"{source.name} gives nothing; declare what it writes with --gives NAME:TYPE[SHAPE]")
    for array in declared:
        if not array.name.isidentifier():
            raise BadSource(f"{array.name!r} is no name in C; choose another")
    buffers = tuple(BufferSpec(name=a.name, dtype=a.dtype, shape=a.shape, role=a.role) for a in declared)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise BadSource(f"{source} cannot be read: {error.strerror}; check the path") from error
    spec = ModuleSpec(
        name=program_name(source.stem),
        kind="program" if reduces is None else "reducer",
        buffers=buffers,
        source=content.decode("utf-8", "replace") if source.suffix == ".c" else "",
    )
    module = build(spec, limits) if source.suffix == ".c" else _linked(content, spec, limits)
    text = spec.c_text() if source.suffix == ".c" else ""
    return Built(module=module, layout=Layout.of_module(module), c_source=text)


def _linked(content: bytes, spec: ModuleSpec, limits: ProgramLimits | None) -> bytes:
    try:
        module = counter.instrument(finish(content, spec))
    except ProgramError:
        raise
    except KeyError as error:
        raise ProgramRejected("exports", f"the module does not export {error}: see docs/own-programs.md") from error
    validate(module, limits)
    return module
