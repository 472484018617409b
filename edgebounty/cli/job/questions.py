"""The options of `analyze` that say what is asked of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from edgebounty.jobs.analyses.base import Analysis

# As the registry has them, which would load numpy for every --help; a test compares the two.
NAMES = ("describe", "correlation", "linear", "pca", "groupby", "quantiles", "kmeans", "logistic")

F = TypeVar("F", bound=Callable[..., Any])


def _names(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _shares(_: click.Context, __: click.Parameter, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers such as 0.25,0.5") from None


_OPTIONS = {
    "ask": click.option(
        "--ask", type=click.Choice(NAMES), default="describe", show_default=True, help="What to find out."
    ),
    "columns": click.option("--columns", callback=_names, metavar="A,B,…", help="Columns to look at (default: all)."),
    "by": click.option("--by", metavar="COLUMN", help="groupby: the column whose values make the groups."),
    "target": click.option("--target", metavar="COLUMN", help="linear, logistic: the column to explain."),
    "quantiles": click.option(
        "--quantiles", callback=_shares, default="0.25,0.5,0.75", show_default=True, help="quantiles: which ones."
    ),
    "clusters": click.option("--clusters", type=click.IntRange(1), metavar="N", help="kmeans: how many."),
    "components": click.option("--components", type=click.IntRange(1), metavar="N", help="pca: how many."),
    "ridge": click.option("--ridge", type=click.FloatRange(0), help="linear (default 0), logistic (default 1)."),
    "rounds": click.option(
        "--rounds", type=click.IntRange(1), help="quantiles (3; 6 are exact), kmeans (10), logistic (12)."
    ),
    "seed": click.option("--seed", type=int, default=0, show_default=True, help="kmeans: of the first centres."),
}


def question_options(function: F) -> F:
    for option in reversed(_OPTIONS.values()):
        function = option(function)
    return function


def take_question(options: dict[str, Any]) -> Analysis:
    """The question in a command's options; they are taken out of `options`."""
    from edgebounty.jobs.analyses.describe import Describe
    from edgebounty.jobs.analyses.groups import GroupBy
    from edgebounty.jobs.analyses.kmeans import KMeans
    from edgebounty.jobs.analyses.logistic import LogisticRegression
    from edgebounty.jobs.analyses.moments import Correlation, LinearRegression, PrincipalComponents
    from edgebounty.jobs.analyses.quantiles import Quantiles

    asked = {name: options.pop(name) for name in _OPTIONS}
    columns, rounds = asked["columns"], {} if asked["rounds"] is None else {"rounds": asked["rounds"]}
    ridge = {} if asked["ridge"] is None else {"ridge": asked["ridge"]}
    match asked["ask"]:
        case "correlation":
            return Correlation(columns)
        case "linear":
            return LinearRegression(_needed(asked, "target"), columns, **ridge)
        case "logistic":
            return LogisticRegression(_needed(asked, "target"), columns, **ridge, **rounds)
        case "pca":
            return PrincipalComponents(asked["components"], columns)
        case "groupby":
            return GroupBy(_needed(asked, "by"), columns)
        case "quantiles":
            return Quantiles(asked["quantiles"], columns, **rounds)
        case "kmeans":
            return KMeans(_needed(asked, "clusters"), columns, seed=asked["seed"], **rounds)
        case _:
            return Describe(columns)


def _needed(asked: dict[str, Any], name: str) -> Any:
    if asked[name] is None:
        raise click.UsageError(f"--ask {asked['ask']} needs --{name}")
    return asked[name]
