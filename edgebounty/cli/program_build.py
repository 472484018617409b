"""`edgebounty program build`: from a model or function to a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebounty.cli.options import FILE, example, output_options
from edgebounty.cli.output import Output

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built

ARRAY = "NAME:TYPE[SHAPE]"


@click.command(
    short_help="Compile a model or a function to a program.",
    epilog=example(
        "edgebounty program build net.onnx --rows 256 -o prog.wasm\n  "
        "edgebounty program build stats.py:moments --input 'x:f32[4096,8]' --input rows:i32 -o moments.wasm"
    ),
)
@click.argument("source")
@click.option("-o", "--output", type=FILE, required=True, help="Write the module here, its C and its state beside it.")
@click.option("--rows", type=click.IntRange(min=1), default=128, show_default=True, help="Rows of a shard (ONNX).")
@click.option("--batch", type=click.IntRange(min=1), help="Rows computed at a time; 32 for ONNX, all for a function.")
@click.option("--input", "inputs", multiple=True, metavar=ARRAY, help="An array of the shard that the function takes.")
@click.option("--state", "states", multiple=True, metavar=ARRAY, help="An array of the state that the function takes.")
@click.option("--param", "params", multiple=True, metavar="NAME:TYPE", help="A number of the job that it takes.")
@click.option("--reduces", type=FILE, metavar="PROGRAM", help="Build a reducer for the outputs of PROGRAM.")
@click.option("--no-simd", is_flag=True, help="For engines without 128-bit SIMD: same results, slower.")
@click.option("--no-tiling", is_flag=True, help="Leave all sums as plain loops: same results, slower, C easy to read.")
@output_options
def build(out: Output, source: str, output: Path, **options: Any) -> None:
    """Compile SOURCE to a program: MODEL.onnx, or FILE.py:FUNCTION of tinygrad Tensors.

    Beside PROG.wasm it writes PROG.c (for reading) and, where the source brings weights, PROG.state (what a job starts
    from). The same source gives the same bytes on every machine.
    """
    built = _built(source, **options)
    output.write_bytes(built.module)
    written = [output, output.with_suffix(".c")]
    written[1].write_text(built.c_source, encoding="utf-8")
    if built.state:
        written.append(output.with_suffix(".state"))
        written[2].write_bytes(built.state)
    _tell(out, built, written)


def _built(
    source: str,
    *,
    rows: int,
    batch: int | None,
    inputs: tuple[str, ...],
    states: tuple[str, ...],
    params: tuple[str, ...],
    reduces: Path | None,
    no_simd: bool,
    no_tiling: bool,
) -> Built:
    from edgebounty.programs.compiler import api
    from edgebounty.programs.validator import validate

    common: dict[str, Any] = {"simd": not no_simd, "tile": not no_tiling}
    if reduces is not None:
        return api.build_reducer(source, program=validate(reduces.read_bytes()), simd=not no_simd)
    if source.endswith(".onnx"):
        if inputs or states or params:
            raise click.UsageError("an ONNX model names its inputs itself; leave out --input, --state and --param")
        return api.build_onnx(Path(source), rows=rows, batch=batch or min(rows, api.BATCH), **common)
    if ":" not in source:
        raise click.UsageError(f"{source!r} is neither MODEL.onnx nor FILE.py:FUNCTION")
    given = {"shard": inputs, "state": states, "params": params}
    arrays = [api.ArraySpec.parse(text, role) for role, texts in given.items() for text in texts]
    return api.build_function(source, arrays, batch=batch, **common)


def _tell(out: Output, built: Built, written: list[Path]) -> None:
    from edgebounty.protocol.unixfs import root_cid

    files = [str(path) for path in written]
    facts = {"cid": str(root_cid(built.module)), "bytes": len(built.module), "written": files}
    if out.as_json:
        out.document({"name": built.layout.name, **facts, "notes": list(built.notes)})
        return
    buffers = [f"{b.name} {b.dtype}[{','.join(map(str, b.shape))}]" for b in built.layout.buffers if b.role == "output"]
    out.facts({**facts, "bytes": f"{len(built.module):,}", "written": ", ".join(files)})
    out.facts({"gives": ", ".join(buffers)})
    for note in built.notes:
        out.say(f"note: {note}")
