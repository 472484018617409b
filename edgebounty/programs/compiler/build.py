"""C to a finished module: compiled, stripped to what a program may have, laid out, instrumented, validated.

The same source gives the same bytes on every machine and in every folder: the compiler is pinned (`ziglang`), sees one
file of a fixed name, and nothing of its environment enters the module.
"""

import tempfile
from pathlib import Path

from edgebounty.programs import binary, counter, leb, opcodes
from edgebounty.programs.binary import Section
from edgebounty.programs.compiler.errors import CompilerFailed
from edgebounty.programs.compiler.process import run_python
from edgebounty.programs.compiler.spec import ModuleSpec
from edgebounty.programs.validator import ENTRY_POINTS, ProgramLimits, validate
from edgebounty.protocol.layout import SECTION, Buffer, Layout

SHADOW_STACK_BYTES = 65_536


def build(spec: ModuleSpec, limits: ProgramLimits | None = None) -> bytes:
    """The distributed module of `spec`. Raises `CompilerMissing`, `CompilerFailed` or `ProgramRejected`."""
    linked = compile_c(spec.c_text(), [*ENTRY_POINTS[spec.kind], *(b.c_name for b in spec.buffers)], simd=spec.simd)
    module = counter.instrument(finish(linked, spec))
    validate(module, limits)
    return module


def compile_c(source: str, exports: list[str], *, simd: bool) -> bytes:
    """A linked wasm32 module exporting `exports` (functions and data symbols). Raises as `build`."""
    command = ["ziglang", "cc", "-target", "wasm32-freestanding"]
    command += ["-mcpu=mvp+simd128" if simd else "-mcpu=mvp", "-O3", "-std=c17", "-nostdlib", "-ffreestanding"]
    command += ["-fno-builtin", "-ffp-contract=off", "-fno-math-errno", "-fno-strict-aliasing", "-fno-sanitize=all"]
    command += ["-Wall", "-Werror", "-Wno-unused-function", "-Wno-unused-variable", "-Wl,--no-entry", "-Wl,--strip-all"]
    command += [f"-Wl,-z,stack-size={SHADOW_STACK_BYTES}", *(f"-Wl,--export={name}" for name in exports)]
    with tempfile.TemporaryDirectory(prefix="edgebounty-build-") as folder:
        Path(folder, "program.c").write_text(source, encoding="utf-8")
        done = run_python(
            [*command, "-o", "program.wasm", "program.c"],
            needs="ziglang",
            folder=Path(folder),
            settings={"ZIG_LOCAL_CACHE_DIR": str(Path(folder, "zig-cache"))},
        )
        if done.returncode:
            raise CompilerFailed(done.stderr.strip()[-4000:])
        return Path(folder, "program.wasm").read_bytes()


def finish(linked: bytes, spec: ModuleSpec) -> bytes:
    """The linked module with fixed memory, only the exports of its kind, and its layout section. No counter yet."""
    sections = [s for s in binary.read_sections(linked) if s.id != binary.CUSTOM]
    exports = _section(sections, binary.EXPORT)
    variables = _section(sections, binary.GLOBAL)
    listed = {export.name: export for export in binary.read_exports(exports.body, 100_000)}
    values = binary.read_globals(variables.body, 100_000)

    buffers = []
    for buffer in spec.buffers:
        offset = values[listed[buffer.c_name].index].init
        assert offset is not None
        buffers.append(
            Buffer(name=buffer.name, dtype=buffer.dtype, shape=buffer.shape, offset=offset, role=buffer.role)
        )
    layout = Layout(name=spec.name, kind=spec.kind, simd=spec.simd, buffers=tuple(buffers))

    kept = [listed[name] for name in ("memory", *ENTRY_POINTS[spec.kind])]
    entries = (leb.encode_name(e.name) + bytes((e.kind,)) + leb.encode_unsigned(e.index) for e in kept)
    exports.body = leb.encode_unsigned(len(kept)) + b"".join(entries)

    used = _globals_used(sections)  # the addresses of data symbols are globals that no code reads
    variables.body = leb.encode_unsigned(used) + b"".join(v.raw for v in values[:used])

    memory = _section(sections, binary.MEMORY)
    _, minimum, _, _ = binary.read_limits(memory.body, 1)
    memory.body = b"\x01\x01" + leb.encode_unsigned(minimum) * 2

    sections.append(Section(id=binary.CUSTOM, name=SECTION, body=layout.encode()))
    return binary.write_module(sections)


def _section(sections: list[Section], section_id: int) -> Section:
    found = binary.find(sections, section_id)
    if found is None:
        raise CompilerFailed(f"the linked module has no {binary.SECTION_NAMES[section_id]} section")
    return found


def _globals_used(sections: list[Section]) -> int:
    used = 0
    for body in binary.read_bodies(_section(sections, binary.CODE).body, 100_000):
        at = 0
        while at < len(body.code):
            start = at
            op, at = opcodes.next_op(body.code, at)
            if op in (opcodes.GLOBAL_GET, opcodes.GLOBAL_SET):
                used = max(used, leb.unsigned(body.code, start + 1)[0] + 1)
    return used
