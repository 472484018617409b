"""What happened: counts per seat for what is still held back, and sums for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.simulation.fleet import Fleet, Floats, Seats

PARTS: Final = 10  # of a run
WINDOW_PARTS: Final = 5  # how long a result is held back


@dataclass(kw_only=True)
class Outcome:
    """Sums of one run. Money in task prices."""

    tasks: int
    computed: int = 0
    first_wrong: int = 0  # wrong when they were first told
    final_wrong: int = 0  # wrong and past the window, or at the end of a run in which no liar is left
    final_tasks: int = 0
    lies: int = 0  # wrong answers given
    gained: float = 0.0  # by wrong answers that stay
    slashed: float = 0.0
    forgone: float = 0.0  # held-back pay for right answers, lost when caught
    caught: int = 0
    honest_hurt: int = 0  # right answers that were outvoted
    liars_at_start: int = 0
    liars_left: int = 0
    gone_after: int | None = None  # tasks
    curve: list[tuple[float, float]] = field(default_factory=list)  # per chunk: wrong when told, share of liars at work

    @property
    def overhead(self) -> float:
        return self.computed / self.tasks

    @property
    def wrong_per_million(self) -> float:
        return 1e6 * self.final_wrong / max(1, self.final_tasks)

    @property
    def first_wrong_per_million(self) -> float:
        return 1e6 * self.first_wrong / self.tasks

    @property
    def profit_per_lie(self) -> float:
        """Gain of the liars over honest work, in prices: what stays of lies, less the stake that was lost.

        Held-back pay for honest answers, which they lose too, is left out: `forgone`.
        """
        return (self.gained - self.slashed) / max(1, self.lies)


@dataclass(kw_only=True)
class Held:
    """Results that are not final, by part of the run and by the seat that answers for them."""

    fleet: Fleet
    random: np.random.Generator
    done: NDArray[np.int32] = field(init=False)
    wrong: NDArray[np.int32] = field(init=False)
    gain: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.done = np.zeros((PARTS, self.fleet.seats), dtype=np.int32)
        self.wrong = np.zeros((PARTS, self.fleet.seats), dtype=np.int32)
        self.gain = np.zeros((PARTS, self.fleet.seats), dtype=np.float32)

    def enter(self, part: int, seats: Seats, wrong: NDArray[np.bool_], gains: Floats) -> None:
        """Results of one chunk."""
        np.add.at(self.done[part], seats, 1)
        np.add.at(self.wrong[part], seats[wrong], 1)
        np.add.at(self.gain[part], seats[wrong], gains[wrong].astype(np.float32))

    def run_again(self, part: int, caught: Seats, liar: NDArray[np.bool_]) -> tuple[int, int]:
        """Gives what the caught did in this window to others; answers how many results, and how many were right.

        A wrong one stays if the new worker is a liar too: it is told the answer that suits.
        """
        results = right = 0
        for open_part in range(max(0, part - WINDOW_PARTS + 1), part + 1):
            done, wrong = int(self.done[open_part, caught].sum()), int(self.wrong[open_part, caught].sum())
            gain = float(self.gain[open_part, caught].sum())
            for counts in (self.done, self.wrong, self.gain):
                counts[open_part, caught] = 0
            if not done:
                continue
            results, right = results + done, right + done - wrong
            workers = self.fleet.drawn(self.random.random(done))
            np.add.at(self.done[open_part], workers, 1)
            again = workers[:wrong][liar[workers[:wrong]]]
            np.add.at(self.wrong[open_part], again, 1)
            np.add.at(self.gain[open_part], again, gain / max(1, wrong))
        return results, right

    def close(self, outcome: Outcome, sizes: NDArray[np.int64]) -> None:
        """Counts what is final."""
        wrong = self.wrong.sum(axis=1, dtype=np.int64)
        if outcome.gone_after is not None:
            outcome.final_wrong, outcome.final_tasks = int(wrong.sum()), outcome.gone_after
        else:
            final = PARTS - WINDOW_PARTS
            outcome.final_wrong, outcome.final_tasks = int(wrong[:final].sum()), int(sizes[:final].sum())
        outcome.gained = float(self.gain.sum(dtype=np.float64))
