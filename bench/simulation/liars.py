"""Liars who act as one: each knows the others, what the others were given, and gives the same wrong answer as they do.

They do not know who checks what, and the orchestrator is not one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.simulation.fleet import Floats

Bools = NDArray[np.bool_]

HIGH_SHARE: Final = 0.01  # of the tasks
HIGH_VALUE: Final = 20.0  # declared value, in prices; of any other task: 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """When a liar lies."""

    name: str
    rate: float = 1.0  # of the tasks that suit it
    whole: bool = False  # only when every copy is in their hands
    several: bool = False  # only where there is more than one copy
    high: bool = False  # only where the value is high

    def suits(self, coin: Floats, value: Floats, copies: NDArray[Any]) -> Bools:
        """The tasks on which they lie if the workers are right."""
        suits: Bools = np.asarray(coin < self.rate)
        if self.several:
            suits = suits & (copies > 1)
        if self.high:
            suits = suits & (value > 1)
        return suits

    def lies(self, liar: Bools, active: Bools, suits: Bools) -> Bools:
        """Who lies, as (task, copy); `active` copies only."""
        lies = liar & active & suits[:, None]
        if self.whole:
            lies &= np.asarray((liar | ~active).all(axis=1))[:, None]
        return lies


STRATEGIES: Final = (
    Strategy(name="always"),
    Strategy(name="1 in 10", rate=0.1),
    Strategy(name="1 in 150", rate=1 / 150),
    Strategy(name="whole quorum", whole=True),
    Strategy(name="whole, 2 or more", whole=True, several=True),
    Strategy(name="high value", high=True),
)


def values(numbers: Floats) -> Floats:
    """Declared values of tasks, in prices."""
    return np.where(numbers < HIGH_SHARE, HIGH_VALUE, 1.0)
