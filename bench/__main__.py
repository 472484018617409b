"""Runs every benchmark (or those named), prints one table, and fails only if a benchmark itself fails.

    python -m bench                 all of them
    python -m bench sharding        one

A missed target is printed, not hidden, and does not change the exit status: machines are noisy, people decide.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figure import Figure

_NOT_QUESTIONS = {"__init__", "__main__", "figure"}


def questions() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NOT_QUESTIONS)


def table_of(figures: list[Figure]) -> Table:
    table = Table(title="Benchmarks")
    for column in ("name", "value", "peer", "ratio", "target", ""):
        table.add_column(column, justify="left" if column in ("name", "peer") else "right")
    for figure in figures:
        peer = "-" if figure.peer_value is None else f"{figure.peer}: {figure.peer_value:,.4g}"
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.3f}"
        sign = "<=" if figure.better == "lower" else ">="
        met = "[green]met[/green]" if figure.met else "[red]missed[/red]"
        table.add_row(
            figure.name, f"{figure.value:,.6g} {figure.unit}", peer, ratio, f"{sign} {figure.target:,.6g}", met
        )
    return table


def main() -> int:
    console = Console()
    asked = sys.argv[1:] or questions()
    unknown = sorted(set(asked) - set(questions()))
    if unknown:
        console.print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(questions())}")
        return 2
    figures: list[Figure] = []
    failed = False
    for name in asked:
        console.print(f"running {name} …")
        try:
            figures.extend(importlib.import_module(f"bench.{name}").run())
        except Exception as error:  # one broken benchmark must not hide the others
            failed = True
            console.print(f"[red]{name} failed:[/red] {type(error).__name__}: {error}")
    console.print(table_of(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
