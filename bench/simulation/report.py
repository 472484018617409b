"""The tables that the simulator prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from bench.simulation.comparison import Run

Cell = Callable[[Run], str]


def matrix(title: str, runs: Sequence[Run], cell: Cell) -> Table:
    """Policies down, strategies across."""
    strategies = list(dict.fromkeys(run.strategy for run in runs))
    table = Table(title=title, title_justify="left")
    table.add_column("policy", no_wrap=True, min_width=18)
    for strategy in strategies:
        table.add_column(strategy, justify="right")
    for policy in dict.fromkeys(run.policy for run in runs):
        found = {run.strategy: cell(run) for run in runs if run.policy == policy}
        table.add_row(policy, *(found.get(strategy, "-") for strategy in strategies))
    return table


def tables(title: str, runs: Sequence[Run]) -> list[Table]:
    return [
        matrix(
            f"{title}: wrong results per million, once final", runs, lambda run: _count(run.outcome.wrong_per_million)
        ),
        matrix(
            f"{title}: the same when first told, before the window ends",
            runs,
            lambda run: _count(run.outcome.first_wrong_per_million),
        ),
        matrix(f"{title}: copies computed per task", runs, lambda run: f"{run.outcome.overhead:.3f}"),
        matrix(
            f"{title}: what a lie gains over honest work, in prices",
            runs,
            lambda run: f"{run.outcome.profit_per_lie:+.2f}",
        ),
    ]


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
