"""Options that say what a job computes; shared by `job post` and `job run-local`, so both plan the same job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgebounty.cli.job.questions import question_options, take_question
from edgebounty.cli.options import FILE, FILE_OR_FOLDER
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, TrainRequest

F = TypeVar("F", bound=Callable[..., Any])

_SHARDS = click.IntRange(1, 1_000_000)
_MODEL = click.option("--model", default="mlp:64-128-10", show_default=True, help="Sizes of the layers.")
_SHARDS_OPTION = click.option("--shards", type=_SHARDS, help="Parts to cut the rows into (default: as few as fit).")


def train_options(function: F) -> F:
    return _apply(
        function,
        click.option("--data", type=FILE, required=True, help="NPZ with x and y, or CSV with a column label."),
        _MODEL,
        click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="Training rounds."),
        _SHARDS_OPTION,
        click.option(
            "--epochs", type=click.IntRange(1), default=5, show_default=True, help="Passes over a shard in each round."
        ),
        click.option(
            "--learning-rate",
            type=click.FloatRange(0, min_open=True),
            default=0.1,
            show_default=True,
            help="Step size.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the first weights and the shuffle."),
    )


def infer_options(function: F) -> F:
    return _apply(
        function,
        click.option("--data", type=FILE, required=True, help="NPZ with x, or CSV of features."),
        _MODEL,
        click.option("--weights", required=True, metavar="JOB|CID|FILE", help="What a train job made."),
        _SHARDS_OPTION,
    )


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
        question_options,
    )


def take_request(
    kind: type[TrainRequest] | type[InferRequest] | type[AnalyzeRequest], options: dict[str, Any]
) -> Request:
    """The request in a command's options; they are taken out of `options`."""
    if kind is AnalyzeRequest:
        return AnalyzeRequest(data=options.pop("data"), shards=options.pop("shards"), question=take_question(options))
    return kind(**{name: options.pop(name) for name in kind.__dataclass_fields__})


def _apply(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function
