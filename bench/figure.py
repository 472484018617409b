"""The one form in which a benchmark answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Literal

RESULTS = Path(__file__).resolve().parent.parent / "build" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value beside its peer's; `target` bounds `ratio` where there is one, else (or if said so) `value`."""

    name: str
    value: float
    unit: str
    peer: str | None
    peer_value: float | None
    ratio: float | None
    target: float
    better: Literal["lower", "higher"]
    bounds_value: bool = False  # not part of the answer

    @property
    def met(self) -> bool:
        measured = self.value if self.ratio is None or self.bounds_value else self.ratio
        return measured <= self.target if self.better == "lower" else measured >= self.target

    def save(self) -> Figure:
        """Writes `build/bench/NAME.json`, replacing an older answer."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        answer = {name: value for name, value in asdict(self).items() if name != "bounds_value"}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(answer, indent=2) + "\n")
        return self


def interleave(runs: int, *candidates: Callable[[], object]) -> tuple[float, ...]:
    """Median seconds of each candidate, taken in turns so that a noisy machine is noisy for all of them."""
    times: list[list[float]] = [[] for _ in candidates]
    for _ in range(runs):
        for candidate, spent in zip(candidates, times, strict=True):
            start = perf_counter()
            candidate()
            spent.append(perf_counter() - start)
    return tuple(median(spent) for spent in times)
