"""`edgebounty program build`: from a model or function to a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebounty.cli.options import FILE, example, output_options
from edgebounty.cli.output import Output

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built, Model

ARRAY = "NAME:TYPE[SHAPE]"
OPTIMISERS, LOSSES, SCHEDULES = "sgd momentum adam adamw", "cross_entropy mse", "constant linear cosine"


def _training_options(function: Any) -> Any:
    for option in (
        click.option("--labels", metavar=ARRAY, help="With --train: the labels of a shard.  [default: y:i32[ROWS]]"),
        click.option("--schedule", type=click.Choice(SCHEDULES.split()), default="constant", show_default=True),
        click.option("--loss", type=click.Choice(LOSSES.split()), default="cross_entropy", show_default=True),
        click.option("--weights", type=FILE, help="With --train: what a function's weights start from (.npz)."),
        click.option("--train", "optimiser", type=click.Choice(OPTIMISERS.split()), help="Build a training step."),
    ):
        function = option(function)
    return function


@click.command(
    short_help="Compile a model or a function to a program.",
    epilog=example(
        "edgebounty program build net.onnx --rows 256 -o prog.wasm\n  "
        "edgebounty program build stats.py:moments --input 'x:f32[4096,8]' --input rows:i32 -o moments.wasm\n  "
        "edgebounty program build mlp:64-128-10 --train adam --rows 512 -o digits.wasm"
    ),
)
@click.argument("source")
@click.option("-o", "--output", type=FILE, required=True, help="Write the module here, its C and its state beside it.")
@click.option("--rows", type=click.IntRange(min=1), default=128, show_default=True, help="Rows of a shard (a model).")
@click.option(
    "--batch", type=click.IntRange(min=1), help="Rows computed at a time; 32 for a model, all for a function."
)
@click.option("--input", "inputs", multiple=True, metavar=ARRAY, help="An array of the shard that the function takes.")
@click.option("--state", "states", multiple=True, metavar=ARRAY, help="An array of the state that the function takes.")
@click.option("--param", "params", multiple=True, metavar="NAME:TYPE", help="A number of the job that it takes.")
@click.option("--gives", "outputs", multiple=True, metavar=ARRAY, help="An array that FILE.c or FILE.wasm writes.")
@click.option("--reduces", type=FILE, metavar="PROGRAM", help="Build a reducer for the outputs of PROGRAM.")
@_training_options
@click.option("--no-simd", is_flag=True, help="For engines without 128-bit SIMD: same results, slower.")
@click.option("--no-tiling", is_flag=True, help="Leave all sums as plain loops: same results, slower, C easy to read.")
@output_options
def build(out: Output, source: str, output: Path, **options: Any) -> None:
    """Compile SOURCE to a program: MODEL.onnx, mlp:64-128-10, FILE.py:FUNCTION of Tensors, FILE.c, or linked FILE.wasm.

    Beside PROG.wasm it writes PROG.c (for reading) and, where the source brings weights, PROG.state (what a job starts
    from). With --train also PROG.reduce.wasm, the mean of what tasks learnt; FUNCTION then takes a batch and a dict of
    weights. The same source gives the same bytes on every machine.
    """
    built, reducer = _built(source, **options)
    contents = {output: built.module}
    if built.c_source and not source.endswith(".c"):  # own C lies there already, perhaps under this very name
        contents[output.with_suffix(".c")] = built.c_source.encode()
    if built.state:
        contents[output.with_suffix(".state")] = built.state
    if reducer is not None:
        contents[output.with_suffix(".reduce.wasm")] = reducer
    if any(path.resolve() == Path(source).resolve() for path in contents):
        raise click.UsageError(f"{output} or a file beside it is the source itself: name another -o")
    for path, content in contents.items():
        path.write_bytes(content)
    _tell(out, built, list(contents))


def _built(source: str, *, optimiser: str | None, **options: Any) -> tuple[Built, bytes | None]:
    training = {name: options.pop(name) for name in ("weights", "loss", "schedule", "labels")}
    if optimiser is not None:
        return _trained(source, optimiser=optimiser, **training, **options)
    return _program(source, **options), None


def _trained(
    source: str,
    *,
    optimiser: str,
    rows: int,
    batch: int | None,
    inputs: tuple[str, ...],
    weights: Path | None,
    labels: str | None,
    loss: str,
    schedule: str,
    no_simd: bool,
    no_tiling: bool,
    **_: Any,
) -> tuple[Built, bytes]:
    from edgebounty.programs.compiler import api

    trained = api.build_training(
        _model(source, batch or min(rows, api.BATCH), inputs, weights),
        rows=rows,
        labels=api.ArraySpec.parse(labels) if labels is not None else None,
        loss=loss,
        optimizer=api.Optimizer(kind=optimiser),
        schedule=schedule,
        simd=not no_simd,
        tile=not no_tiling,
    )
    built = api.Built(
        module=trained.program,
        layout=trained.layout,
        c_source=trained.c_source,
        state=trained.state,
        params=trained.params,
        notes=trained.notes,
    )
    return built, trained.reducer


def _model(source: str, batch: int, inputs: tuple[str, ...], weights: Path | None) -> Model:
    from edgebounty.programs.compiler import api

    if source.endswith(".onnx"):
        return api.onnx_model(Path(source), batch=batch)
    if source.startswith("mlp:"):
        return api.mlp_model(source, batch=batch)
    if len(inputs) != 1 or weights is None:
        raise click.UsageError("a function that is trained needs one --input (a batch of rows) and --weights FILE.npz")
    return api.function_model(source, api.ArraySpec.parse(inputs[0]), api.read_weights(weights), batch=batch)


def _program(
    source: str,
    *,
    rows: int,
    batch: int | None,
    inputs: tuple[str, ...],
    states: tuple[str, ...],
    params: tuple[str, ...],
    outputs: tuple[str, ...],
    reduces: Path | None,
    no_simd: bool,
    no_tiling: bool,
) -> Built:
    from edgebounty.programs.compiler import api
    from edgebounty.programs.validator import validate

    given = {"shard": inputs, "state": states, "params": params, "output": outputs}
    arrays = [api.ArraySpec.parse(text, role) for role, texts in given.items() for text in texts]
    if source.endswith((".c", ".wasm")):
        from edgebounty.programs.compiler.own import build_own

        return build_own(Path(source), arrays, reduces=None if reduces is None else validate(reduces.read_bytes()))
    if outputs:
        raise click.UsageError("--gives is for FILE.c and FILE.wasm: a model or function says itself what it gives")
    common: dict[str, Any] = {"simd": not no_simd, "tile": not no_tiling}
    if reduces is not None:
        return api.build_reducer(source, program=validate(reduces.read_bytes()), simd=not no_simd)
    if source.endswith(".onnx"):
        if inputs or states or params:
            raise click.UsageError("an ONNX model names its inputs itself; leave out --input, --state and --param")
        return api.build_onnx(Path(source), rows=rows, batch=batch or min(rows, api.BATCH), **common)
    if source.startswith("mlp:"):
        model = api.mlp_model(source, batch=batch or min(rows, api.BATCH))
        return api.build_forward(model, rows=rows, **common)
    if ":" not in source:
        raise click.UsageError(f"{source!r} is neither MODEL.onnx, mlp:A-B-C, FILE.py:FUNCTION, FILE.c nor FILE.wasm")
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
