"""What one sees while the demo runs: the jobs' boards and the workers."""

from __future__ import annotations

import re
import threading
import time

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.cast import CAST
from edgebounty.chain.market import MarketContracts
from edgebounty.cli.job.board import LEGEND, job_board
from edgebounty.cli.up import plain
from edgebounty.client.endpoints import TestAccount
from edgebounty.client.history import History
from edgebounty.client.market import Token

ROLE_STYLES = {"honest": "green", "liar": "red", "killed": "magenta", "slow": "yellow"}
_LINE_LENGTH = 58


class LiveView:
    """A renderable that rich draws again and again. Log lines come from other threads."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._lines: dict[str, str] = {}
        self._lock = threading.Lock()
        self.step = "starting"
        self.history: History | None = None
        self.contracts: MarketContracts | None = None
        self.token: Token | None = None
        self.titles: dict[int, str] = {}
        self.accounts: dict[str, TestAccount] = {}
        self.now = 0

    def hear(self, name: str, line: str) -> None:
        """A log line of a child process."""
        text = plain(line)
        if re.match(r"(Traceback|\s)", text):
            return
        with self._lock:
            self._lines[name] = text

    def tell(self, name: str, text: str) -> None:
        """What the demo itself did to a worker."""
        with self._lock:
            self._lines[name] = text

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self.history is not None and self.token is not None:
            parts += [
                job_board(job, self.token, self.now, title=self.titles.get(job.id), with_legend=False)
                for job in list(self.history.jobs.values())
            ]
            parts.append(Text(LEGEND + "\n", "dim"))
        if self.accounts:
            parts.append(self._workers())
        seconds = time.monotonic() - self._started
        title = f"[bold]Edgebounty demo[/]  {seconds:5.1f} s  {self.step}"
        return Panel(Group(*parts), title=title, title_align="left", border_style="dim")

    def _workers(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name, justify in (("worker", "left"), ("role", "left"), ("paid", "right"), ("earned", "right")):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        table.add_column("now", no_wrap=True, overflow="ellipsis")
        with self._lock:
            lines = dict(self._lines)
        for member in CAST:
            account = self.accounts.get(member.name)
            if account is None:
                continue
            record = self.history.workers.get(account.address) if self.history is not None else None  # type: ignore[call-overload]
            table.add_row(
                member.name,
                Text(member.role, ROLE_STYLES[member.role]),
                str(record.tasks_paid if record else 0),
                f"{(record.earned if record else 0) / 10**18:.3f}",
                Text(lines.get(member.name, "")[:_LINE_LENGTH], "dim"),
            )
        return table
