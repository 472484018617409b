"""A job as people see it: one cell for each task, a line for each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from edgebounty.client.history import JobHistory, TaskHistory
    from edgebounty.client.market import Token

CELLS = {
    "waiting": ("·", "dim"),
    "claimed": ("◔", "cyan"),
    "revealing": ("◑", "yellow"),
    "settled": ("●", "green"),
    "refunded": ("○", "red"),
}
LEGEND = "· waiting  ◔ claimed  ◑ revealing  ● settled  ○ refunded"
MAX_ROUNDS_SHOWN = 12
MAX_CELLS = 60


def job_board(
    job: JobHistory, token: Token, now: int, *, title: str | None = None, with_legend: bool = True
) -> RenderableType:
    """The whole job in a few lines."""
    terms = job.terms
    left = max(0, terms.deadline - now)
    head = Text.assemble(
        (title or f"job {job.id}", "bold"),
        f"  {job.finished}/{terms.total_tasks} tasks  ",
        f"paid {token.short(job.paid)} of {token.short(job.escrowed)} {token.symbol}",
        (f"  claims close in {left // 60}:{left % 60:02d}" if not job.done else "", "dim"),
    )
    if job.stopped:
        head.append("  stopped", "yellow")
    if job.failed_task is not None:
        head.append(f"  failed in task {job.failed_task}", "red")
    return Group(head, _grid(job), *([Text(LEGEND, "dim")] if with_legend else []))


def _grid(job: JobHistory) -> Table:
    grid = Table.grid(padding=(0, 1))
    per_round = job.terms.tasks_per_round
    shown = range(job.terms.rounds)
    if len(shown) > MAX_ROUNDS_SHOWN:  # the rounds around the one that is going on
        current = min(job.finished // per_round, job.terms.rounds - 1)
        first = max(0, min(current - MAX_ROUNDS_SHOWN // 2, job.terms.rounds - MAX_ROUNDS_SHOWN))
        shown = range(first, first + MAX_ROUNDS_SHOWN)
    for number in shown:
        tasks = [job.tasks.get(number * per_round + i) for i in range(per_round)]
        grid.add_row(Text(f"round {number + 1}", "dim"), _cells(tasks, job.terms.map_tasks))
    return grid


def _cells(tasks: list[TaskHistory | None], map_tasks: int) -> Text:
    line = Text()
    if len(tasks) > MAX_CELLS:
        settled = sum(task is not None and task.state == "settled" for task in tasks)
        return Text(f"{settled}/{len(tasks)} settled")
    for i, task in enumerate(tasks):
        if i == map_tasks:
            line.append(" → ", "dim")
        line.append(*CELLS["waiting" if task is None else task.state])
    return line
