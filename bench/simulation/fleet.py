"""Phones, and who gets which task: the same draws for every policy.

Every random number has a name (seed, chunk of tasks, column), so a policy that needs fewer copies leaves the others' as
they were. Work is shared in proportion to speed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Seats = NDArray[np.int32]

# Real phones: a floating-point score of AI Benchmark, 333 models; median 100, from 2 to 1,364.
MEDIAN_SPEED: Final = 100.0
SPREAD: Final = 1.55  # standard deviation of the logarithm
SLOWEST, FASTEST = 2.0, 1364.0
_TABLE_PER_SEAT: Final = 16


class Column(IntEnum):
    """The random numbers of a task; copies follow from COPY on."""

    CHECK = 0
    COIN = 1  # the liars toss one coin per task, together
    VALUE = 2
    AUDITOR = 3
    LUCK = 4
    EVENTS = 5
    COPY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """The random numbers of a run."""

    seed: int
    tasks: int
    chunk: int

    def sizes(self) -> list[int]:
        whole, rest = divmod(self.tasks, self.chunk)
        return [self.chunk] * whole + ([rest] if rest else [])

    def generator(self, chunk: int, column: int) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence((self.seed, chunk, column))))

    def numbers(self, chunk: int, column: int, size: int) -> Floats:
        return self.generator(chunk, column).random(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Workers that may get tasks, one a seat. Who is thrown out leaves its seat to a phone of like speed."""

    speeds: Floats
    table: Seats  # seats, each as often as its share of the work

    @property
    def seats(self) -> int:
        return len(self.speeds)

    def drawn(self, numbers: Floats) -> Seats:
        return self.table[(numbers * len(self.table)).astype(np.int64)]

    def crew(self, draws: Draws, chunk: int, size: int, copies: int) -> Seats:
        """Distinct seats for each task, as (task, copy)."""
        crew = np.empty((size, copies), dtype=np.int32, order="F")
        for copy in range(copies):
            drawn = self.drawn(draws.numbers(chunk, Column.COPY + copy, size))
            crew[:, copy] = self.apart(drawn, crew[:, :copy])
        return crew

    def apart(self, drawn: Seats, others: Seats) -> Seats:
        """The drawn seats, moved on where a task has them already."""
        for _ in range(others.shape[1] if others.ndim > 1 else 0):
            taken = np.zeros(len(drawn), dtype=np.bool_)
            for other in others.T:
                taken |= other == drawn
            if not taken.any():
                break
            drawn = np.where(taken, (drawn + 1) % self.seats, drawn).astype(np.int32)
        return drawn


def phone_speeds(count: int, seed: int, listed: Path | None = None) -> Floats:
    """Speeds of `count` phones: log-normal, or drawn from a list of AI Benchmark results in JSON."""
    random = np.random.default_rng((seed, count))
    if listed is not None:
        scores = [float(phone["FP32_Score"]) for phone in json.loads(listed.read_text()) if phone.get("FP32_Score")]
        return random.choice(np.array(scores), size=count)
    return np.clip(MEDIAN_SPEED * np.exp(SPREAD * random.standard_normal(count)), SLOWEST, FASTEST)


def make_fleet(speeds: Floats, seats: int, seed: int) -> Fleet:
    """The first `seats` phones that came, in an order that has nothing to do with their speed."""
    chosen = (
        speeds if seats >= len(speeds) else np.random.default_rng((seed, seats)).choice(speeds, seats, replace=False)
    )
    ends = np.cumsum(chosen) / chosen.sum()
    size = max(1 << 16, _TABLE_PER_SEAT * len(chosen))
    table = np.searchsorted(ends, (np.arange(size) + 0.5) / size).astype(np.int32)
    return Fleet(speeds=chosen, table=table)
