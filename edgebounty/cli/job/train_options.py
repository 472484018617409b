"""The options of `train`: how it learns, and what is done after each round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgebounty.cli.options import DIRECTORY, FILE
from edgebounty.client.requests import TrainRequest

if TYPE_CHECKING:
    from edgebounty.client.train_plans import Outer

F = TypeVar("F", bound=Callable[..., Any])

OPTIMIZERS, SCHEDULES = ("sgd", "momentum", "adam", "adamw"), ("constant", "linear", "cosine")
OUTER = ("average", "nesterov", "trimmed", "median")
_OUTER_NUMBERS = {"outer_rate": "nesterov", "outer_momentum": "nesterov", "trim": "trimmed"}
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)

LEARNING = (
    click.option("--epochs", type=click.IntRange(1), default=5, show_default=True, help="Passes over a shard a round."),
    click.option("--local-steps", type=click.IntRange(1), metavar="H", help="Steps a round, in place of --epochs."),
    click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Rows of a step."),
    click.option("--optimizer", type=click.Choice(OPTIMIZERS), default="sgd", show_default=True, help="Of each shard."),
    click.option(
        "--learning-rate", type=click.FloatRange(0, min_open=True), help="Step size (0.1; adam and adamw: 0.001)."
    ),
    click.option("--weight-decay", type=click.FloatRange(0), default=0.0, show_default=True, help="Of each step."),
    click.option(
        "--schedule", type=click.Choice(SCHEDULES), default="constant", show_default=True, help="Of the rate."
    ),
    click.option(
        "--warmup-steps", type=click.IntRange(0), default=0, show_default=True, help="Steps in which the rate rises."
    ),
    click.option("--total-steps", type=click.IntRange(1), help="Where the rate has fallen to 0 (default: at the end)."),
    click.option("--outer", type=click.Choice(OUTER), default="average", show_default=True, help="Joins the shards."),
    click.option("--outer-rate", type=click.FloatRange(0, min_open=True), help="nesterov: its step size (0.7)."),
    click.option("--outer-momentum", type=click.FloatRange(0, 1, max_open=True), help="nesterov: its momentum (0.9)."),
    click.option("--trim", type=click.FloatRange(0, 0.5), help="trimmed: the share left out at either end (0.1)."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the first weights and the shuffle."),
)
FOLLOWING = (
    click.option("--validation", type=FILE, help="Rows and labels that every round is validated with."),
    click.option("--validation-share", type=_SHARE, help="Takes that share of the rows out for it."),
    click.option(
        "--folder",
        type=DIRECTORY,
        help="Keep every round here (safetensors), and the learning curve (curve.json, curve.svg).",
    ),
    click.option("--resume", is_flag=True, help="Go on from the last round in --folder, up to --rounds in all."),
    click.option("--patience", type=click.IntRange(1), help="End after so many rounds without a better validation."),
)
BUDGET = click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="TOKENS",
    help="End before a round that would cost more than this in all (the bounty is what the job may cost).",
)


def take_train(options: dict[str, Any]) -> TrainRequest:
    """The request in the options of `train`; they are taken out of `options`."""
    numbers = {name: options.pop(name) for name in _OUTER_NUMBERS}
    outer = options.pop("outer")
    for name, kind in _OUTER_NUMBERS.items():
        if numbers[name] is not None and kind != outer:
            raise click.UsageError(f"--{name.replace('_', '-')} is for --outer {kind}")
    names = TrainRequest.__dataclass_fields__.keys() - {"outer"}
    found = {name: options.pop(name) for name in names if name in options}
    if found["validation"] is not None and found["validation_share"] is not None:
        raise click.UsageError("name the rows to validate with once: --validation or --validation-share")
    if found["schedule"] == "constant" and (found["warmup_steps"] or found["total_steps"]):
        raise click.UsageError("--warmup-steps and --total-steps are for --schedule linear or cosine")
    return TrainRequest(**found, outer=_outer(outer, {name: n for name, n in numbers.items() if n is not None}))


def _outer(name: str, numbers: dict[str, float]) -> Outer:
    from edgebounty.client.train_plans import Average, Median, Nesterov, Trimmed

    match name:
        case "nesterov":
            return Nesterov(**{key.removeprefix("outer_"): number for key, number in numbers.items()})
        case "trimmed":
            return Trimmed(numbers.get("trim", 0.1))
        case "median":
            return Median()
        case _:
            return Average()
