"""Options that say what a job computes; shared by `job post` and `job run-local`, so both plan the same job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgebounty.cli.job.questions import question_options, take_question
from edgebounty.cli.job.train_options import FOLLOWING, LEARNING
from edgebounty.cli.options import FILE, FILE_OR_FOLDER
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, WasmRequest

F = TypeVar("F", bound=Callable[..., Any])

_SHARDS = click.IntRange(1, 1_000_000)
_MODEL = click.option(
    "--model", default="mlp:64-128-10", show_default=True, help="The sizes of the layers, or MODEL.onnx."
)
_FAN_IN = click.option(
    "--fan-in",
    type=click.IntRange(2),
    metavar="N",
    help="Reduce in a tree whose tasks fold N outputs each (default: one task folds all).",
)
_SHARDS_OPTION = click.option("--shards", type=_SHARDS, help="Parts to cut the rows into (default: as few as fit).")


def train_options(function: F) -> F:
    return _apply(
        function,
        click.option("--data", type=FILE, required=True, help="NPZ with x and y, or CSV with a column label."),
        _MODEL,
        click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="Training rounds."),
        _SHARDS_OPTION,
        _FAN_IN,
        *LEARNING,
        *FOLLOWING,
    )


def infer_options(function: F) -> F:
    return _apply(
        function,
        click.option(
            "--data",
            type=FILE_OR_FOLDER,
            required=True,
            help="Rows: NPY, NPZ with x, CSV, Parquet, or a folder of images.",
        ),
        click.option(
            "--model",
            default="mlp:64-128-10",
            show_default=True,
            help="MODEL.onnx, a built PROGRAM.wasm, or the sizes of the layers.",
        ),
        click.option("--weights", metavar="JOB|CID|FILE", help="What a train job made; needed for mlp: models."),
        _SHARDS_OPTION,
    )


def wasm_options(function: F) -> F:
    return _apply(
        function,
        click.option("--program", type=FILE, required=True, help="The module that every task runs."),
        click.option("--reducer", type=FILE, help="The module that joins their outputs."),
        click.option("--combiner", type=FILE, help="Joins outputs to one of the same kind, for --fan-in."),
        _FAN_IN,
        click.option("--shard", type=FILE, multiple=True, help="One task's data, byte for byte; once for each task."),
        click.option("--data", type=FILE_OR_FOLDER, help="Rows (NPY, CSV, Parquet, …), cut as the layout says."),
        click.option("--state", type=FILE, help="What the first round starts from (default: zeros)."),
        click.option("--param", "params", multiple=True, metavar="NAME=NUMBER", help="A parameter of the programs."),
        click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Needs a reducer."),
    )


def take_wasm(options: dict[str, Any]) -> WasmRequest:
    """The request in the options of `wasm`; they are taken out of `options`."""
    found = {name: options.pop(name) for name in WasmRequest.__dataclass_fields__}
    if bool(found["shard"]) == (found["data"] is not None):
        raise click.UsageError("name the data once: with --shard for every task, or with --data")
    try:
        pairs = [text.partition("=") for text in found["params"]]
        found["params"] = {name: float(value) if "." in value else int(value) for name, _, value in pairs}
    except ValueError:
        raise click.UsageError("a parameter is NAME=NUMBER, for example --param rate=0.5") from None
    return WasmRequest(**found)


def analyze_options(function: F) -> F:
    return _apply(
        function,
        click.option(
            "--data",
            type=FILE_OR_FOLDER,
            required=True,
            help="CSV with a header line, Parquet (file or folder), or NPZ with values.",
        ),
        _SHARDS_OPTION,
        _FAN_IN,
        question_options,
    )


def take_request(kind: type[InferRequest] | type[AnalyzeRequest], options: dict[str, Any]) -> Request:
    """The request in a command's options; they are taken out of `options`."""
    if kind is AnalyzeRequest:
        taken = {name: options.pop(name) for name in ("data", "shards", "fan_in")}
        return AnalyzeRequest(**taken, question=take_question(options))
    return kind(**{name: options.pop(name) for name in kind.__dataclass_fields__})


def _apply(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function
