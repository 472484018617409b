"""Where the batches of one job begin and end. A receipt names its batch's first task, so that is fixed early.

A batch takes tasks until it is *cut*: the next one begins behind the last task that anybody has. Once no receipt can
come any more it is *sealed*: what it holds is what will be posted. The chain takes no batch without a receipt and no
gap between two, so a batch is cut only when it has one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(slots=True)
class JobBatches:
    """The batches of a job of `tasks` tasks. The last one is open."""

    tasks: int
    starts: list[int] = field(default_factory=lambda: [0])
    sealed: set[int] = field(default_factory=set)  # by first task
    last_taken: int = -1  # the highest task that anybody was given
    paid_since: int | None = None  # when the open batch got its first receipt

    @property
    def open_first(self) -> int:
        return self.starts[-1]

    def of(self, task: int) -> tuple[int, int]:
        """The tasks [first, end) of the batch that this task is in. The open one's end may yet come nearer."""
        at = bisect_right(self.starts, task)
        return self.starts[at - 1], self.starts[at] if at < len(self.starts) else self.tasks

    def take(self, task: int) -> None:
        self.last_taken = max(self.last_taken, task)

    def pay(self, task: int, now: int) -> None:
        if task >= self.open_first and self.paid_since is None:
            self.paid_since = now

    def cut(self, end: int) -> None:
        """Raises `ValueError` where a task was given out for the batch already, or nothing of it is paid."""
        if self.paid_since is None or not max(self.open_first, self.last_taken) < end < self.tasks:
            raise ValueError(
                f"no batch can end at task {end}: it began at {self.open_first}, task {self.last_taken} is given"
            )
        self.starts.append(end)
        self.paid_since = None

    def keep(self, first: int, end: int) -> None:
        """The open batch, which begins at `first`, ended before `end` and was posted.

        Raises `ValueError` if no such batch can be.
        """
        if first != self.open_first or not first < end <= self.tasks:
            raise ValueError(f"the open batch begins at {self.open_first}: tasks {first} to {end - 1} are no batch")
        self.last_taken = max(self.last_taken, end - 1)
        self.sealed.add(first)
        self.paid_since = None
        if end < self.tasks:
            self.starts.append(end)

    def seal(self, first: int) -> None:
        """Raises `ValueError` if no batch begins there."""
        if first not in self.starts:
            raise ValueError(f"no batch begins at task {first}")
        self.sealed.add(first)
