"""A job in a notebook: how far it is, its result, what it cost, and whether it is right."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edgebounty.client.errors import Unavailable

if TYPE_CHECKING:
    from edgebounty.client.plans import Plan
    from edgebounty.client.results import JobResult
    from edgebounty.client.verification import Verification

POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many tasks of how many are finished. `state`: open, finished, or why it ended without a result."""

    finished: int
    tasks: int
    state: str = "open"

    def __str__(self) -> str:
        return f"{self.finished}/{self.tasks} tasks, {self.state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a job took, in token base units. A job on this machine costs no tokens."""

    escrowed: int = 0
    paid: int = 0
    fee: int = 0
    refunded: int = 0
    symbol: str = ""
    decimals: int = 0
    work_units: int | None = None
    """Known for a job on this machine."""
    seconds: float | None = None

    @property
    def spent(self) -> int:
        """What workers and the orchestrator were paid."""
        return self.paid + self.fee

    def __str__(self) -> str:
        if self.work_units is not None:
            return f"no tokens; {self.work_units:,} work units in {self.seconds or 0:.2f} s on this machine"
        scale = 10**self.decimals
        return f"{self.spent / scale:,.4f} {self.symbol} of {self.escrowed / scale:,.4f} escrowed"


OnRound = Callable[[int, bytes], bool]
"""Called with the number of a finished round (from 1) and the state it made; True ends the job there."""


class Job(ABC):
    """Something asked and being answered. It may consist of several jobs of the market, `plan.parts`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    @abstractmethod
    def progress(self) -> Progress:
        """How far it is now."""

    @abstractmethod
    def result(self) -> JobResult:
        """The answer, of bytes that were all checked. Raises `Rejected` while there is none."""

    @abstractmethod
    def cost(self) -> Cost:
        """What it took so far."""

    @abstractmethod
    def verify(self, *, sample: int | None = None) -> Verification:
        """Runs `sample` tasks of each part again (all without it) and compares with what was paid for."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it: no new task starts, and what the bounty is not needed for comes back."""

    @abstractmethod
    def rounds(self) -> Iterator[tuple[int, bytes]]:
        """The state after every round as it is made: (number from 1, bytes). Of the only part; waits for the next."""

    def wait(self, *, timeout: float | None = None, bar: bool = True) -> Job:
        """Returns when it has ended, well or not. Raises `Unavailable` after `timeout` seconds; the job goes on."""
        until = None if timeout is None else time.monotonic() + timeout
        with ProgressBar(self.plan.kind, self.plan.total_tasks, show=bar) as advance:
            while True:
                now = self.progress()
                advance(now.finished)
                if now.state != "open":
                    return self
                if until is not None and time.monotonic() > until:
                    raise Unavailable(f"not finished after {timeout:g} s: {now}", remedy="wait() again: it goes on")
                time.sleep(POLL_SECONDS)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.plan.kind}: {self.progress()}>"


class ProgressBar:
    """`with ProgressBar(...) as advance: advance(finished)`: a bar in terminals and notebooks, nothing elsewhere."""

    def __init__(self, title: str, total: int, *, show: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        console = Console()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = not show or not (console.is_terminal or console.is_jupyter)
        self._bar = Bar(*columns, console=console, disable=hidden)
        self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._bar.start()
        return lambda finished: self._bar.update(self._task, completed=finished)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
