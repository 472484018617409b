"""`edgebounty program …`: make programs, look into them, check and time them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgebounty.cli import program_build
from edgebounty.cli.options import example, output_options
from edgebounty.cli.output import Output

MODULE = click.argument("module", metavar="PROGRAM")


@click.group(epilog=example("edgebounty program build model.onnx"))
def program() -> None:
    """Make programs from models and functions, look into them, check and time them."""


program.add_command(program_build.build)


def read_module(text: str) -> bytes:
    """A file, or the name of a built-in program."""
    from edgebounty.programs import builtin

    path = Path(text)
    if not path.exists() and text in builtin.names():
        return builtin.load(text)
    return path.read_bytes()


@program.command(
    short_help="Show what PROGRAM takes, gives and needs.", epilog=example("edgebounty program inspect prog.wasm")
)
@MODULE
@output_options
def inspect(out: Output, module: str) -> None:
    """Show what PROGRAM (a .wasm file, or the name of a built-in one) reads and writes."""
    from edgebounty.programs.validator import validate
    from edgebounty.protocol.hashing import sha256
    from edgebounty.protocol.unixfs import root_cid

    content = read_module(module)
    layout = validate(content)
    facts: dict[str, Any] = {
        "name": layout.name,
        "kind": layout.kind,
        "cid": str(root_cid(content)),
        "sha256": sha256(content).hex(),
        "bytes": len(content),
        "memory_bytes": memory_bytes(content),
        "simd": layout.simd,
    }
    buffers: list[dict[str, Any]] = [
        {"role": b.role, "name": b.name, "dtype": b.dtype, "shape": list(b.shape), "bytes": b.nbytes}
        for b in layout.buffers
    ]
    if out.as_json:
        out.document({**facts, "buffers": buffers})
        return
    out.facts({name.replace("_", " "): f"{v:,}" if type(v) is int else v for name, v in facts.items()})
    rows = [(b["role"], b["name"], b["dtype"], "×".join(map(str, b["shape"])), f"{b['bytes']:,}") for b in buffers]
    out.table(("role", "array", "type", "shape", "bytes>"), rows)


@program.command(short_help="Check PROGRAM as workers check it.", epilog=example("edgebounty program check prog.wasm"))
@MODULE
@output_options
def check(out: Output, module: str) -> None:
    """Check PROGRAM by every rule that workers check it by before they run it.

    No imports, memory of fixed size, no threads, no recursion, an honest work counter, and the rest. Exit status 3
    and the broken rule where it does not pass.
    """
    from edgebounty.programs.validator import validate

    layout = validate(read_module(module))
    if out.as_json:
        out.document({"valid": True, "name": layout.name, "kind": layout.kind})
    else:
        out.say(f"{layout.name} is a valid {layout.kind}.")


@program.command(
    short_help="Time PROGRAM on this machine.", epilog=example("edgebounty program bench prog.wasm --rows 100")
)
@MODULE
@click.option("--state", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Start from these weights.")
@click.option("--rows", type=click.IntRange(min=0), help="How many rows of the shard are filled; all by default.")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="The median of this many.")
@output_options
def bench(out: Output, module: str, state: Path | None, rows: int | None, runs: int) -> None:
    """Time PROGRAM on this machine with made-up inputs, with and without its work counter."""
    from edgebounty.programs.timing import time_program

    content = read_module(module)
    timed = time_program(content, state=state.read_bytes() if state is not None else None, rows=rows, runs=runs)
    facts = {
        "milliseconds": round(timed.seconds * 1e3, 3),
        "without_counter_milliseconds": round(timed.bare_seconds * 1e3, 3),
        "work_units": timed.work_units,
        "work_units_per_second": round(timed.work_units / timed.seconds),
        "failure": timed.failure,
    }
    if out.as_json:
        out.document(facts)
        return
    shown = {name.replace("_", " "): f"{v:,}" if isinstance(v, int | float) else v for name, v in facts.items()}
    if timed.failure is None:
        del shown["failure"]
    out.facts(shown)


def memory_bytes(module: bytes) -> int:
    """The fixed memory of a valid module."""
    from edgebounty.programs import binary, leb

    section = binary.find(binary.read_sections(module), binary.MEMORY)
    assert section is not None  # the validator has seen it
    _, minimum, _, _ = binary.read_limits(section.body, leb.unsigned(section.body, 0)[1])
    return minimum * binary.PAGE_BYTES
