"""Prints a command's answer: for people as tables, with --json as one document on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgebounty.cli import faults
from edgebounty.client.errors import Rejected


class Output:
    """Where a command writes and asks. With `as_json` nothing but the document reaches stdout; `yes` answers all."""

    def __init__(self, *, as_json: bool, yes: bool = False) -> None:
        self.as_json = as_json
        self._yes = yes
        self.console = Console(stderr=as_json, highlight=False, soft_wrap=True)

    def document(self, value: Any) -> None:
        """The whole answer as JSON. NaN would be no JSON, so it is an error here."""
        json.dump(value, sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
        sys.stdout.flush()

    def line(self, value: Any) -> None:
        """One JSON document on one line, for streams."""
        print(json.dumps(value, allow_nan=False), flush=True)

    def say(self, text: str) -> None:
        """A line for people; with --json it goes to stderr."""
        self.console.print(text)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
        self.console.print(make_table(columns, rows, title=title))

    def facts(self, facts: Mapping[str, object]) -> None:
        """Aligned `name  value` lines."""
        width = max((len(name) for name in facts), default=0)
        for name, value in facts.items():
            self.console.print(Text.assemble((name.ljust(width), "dim"), "  ", str(value)))

    def confirm(self, question: str) -> None:
        """Asks before money moves. Raises `Declined` on no, `Rejected` where nobody can answer."""
        if self._yes:
            return
        if not sys.stdin.isatty():
            raise Rejected(
                "this spends money and nobody is there to confirm it", remedy="add --yes once you agree with the price"
            )
        if not click.confirm(question, err=True):
            raise faults.Declined


def make_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """A plain table; a column whose name ends in `>` holds numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name in columns:
        is_number = name.endswith(">")
        table.add_column(name.rstrip(">"), justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def short(address: str) -> str:
    """0x1234…abcd."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
