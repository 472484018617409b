"""Quantiles by a radix search over the bits of the numbers: every round fixes 11 more bits of each.

Six rounds are exact. After fewer, what is found is an interval that certainly holds the order statistic: its ends
differ by at most 2^(12 - 11 * rounds) of its size (12 bits are sign and exponent), so 5e-7 of it after three rounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, last_state, part_columns, plan_part, told
from edgebounty.jobs.analyses.rows import Rows, chosen_columns
from edgebounty.jobs.arrays import pack_role
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob, ProgramPair

SMALL_SLOTS: Final = 8
SLOTS: Final = 64
BITS: Final = 11
EXACT_ROUNDS: Final = 6


@dataclass(frozen=True, slots=True)
class Quantiles:
    """For each column the value with the share q of the rows below it: row floor(q (n - 1)) in order, without
    interpolation (numpy's method `lower`)."""

    quantiles: tuple[float, ...] = (0.25, 0.5, 0.75)
    columns: tuple[str, ...] | None = None
    rounds: int = 3
    name = "quantiles"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        columns = chosen_columns(rows, self.columns)
        if not 1 <= len(self.quantiles) <= SLOTS or not all(0 <= q <= 1 for q in self.quantiles):
            raise JobError(f"1 to {SLOTS} quantiles from 0 to 1 can be asked for, not {self.quantiles}")
        if not 1 <= self.rounds <= EXACT_ROUNDS:
            raise JobError(f"1 to {EXACT_ROUNDS} rounds find a quantile ({EXACT_ROUNDS} exactly), not {self.rounds}")
        at_once = SLOTS // len(self.quantiles)
        return tuple(self._part(rows, columns[i : i + at_once], cutting) for i in range(0, len(columns), at_once))

    def _part(self, rows: Rows, columns: Sequence[str], cutting: Cutting) -> PlannedJob:
        slots = len(columns) * len(self.quantiles)
        last = rows.count() - 1

        def state(pair: ProgramPair) -> bytes:
            return pack_role(
                pair.layout,
                "state",
                {
                    "phase": 0,
                    "state_columns": len(columns),
                    "state_rows": 0,
                    "slots": slots,
                    "column_of": np.repeat(np.arange(len(columns)), len(self.quantiles)),
                    "prefix": np.zeros(slots, np.int64),
                    "rank": np.tile([math.floor(q * last) for q in self.quantiles], len(columns)),
                },
            )

        return plan_part(
            rows,
            columns,
            cutting,
            program="table.quantiles",
            small=slots <= SMALL_SLOTS,
            rounds=self.rounds,
            about={"analysis": self.name, "quantiles": list(self.quantiles)},
            state=state,
        )

    def read(self, parts: Sequence[Finished]) -> Found:
        wanted = [float(q) for q in told(parts, "quantiles", list)]
        known = min(64, BITS * parts[0][0].rounds)
        columns: dict[str, list[dict[str, Any]]] = {}
        for part in parts:
            prefixes = iter(last_state(part)["prefix"].tolist())
            for name in part_columns(part):
                columns[name] = [_interval(q, next(prefixes), known) for q in wanted]
        table = {end: np.array([[one[end] for one in column] for column in columns.values()]) for end in _ENDS}
        document = {"analysis": self.name, "exact": known == 64, "columns": columns}
        return Found(document=document, arrays={"columns": np.array(list(columns)), "q": np.array(wanted), **table})


_ENDS: Final = ("value", "low", "high")


def _interval(q: float, prefix: int, known: int) -> dict[str, Any]:
    prefix &= (1 << 64) - 1
    low = _number(prefix << (64 - known))
    high = _number((prefix << (64 - known)) | ((1 << (64 - known)) - 1))
    value = low if low == high else low + (high - low) / 2
    return {"q": q, "value": value, "low": low, "high": high}


def _number(key: int) -> float:
    """The double of an ordered key; what lies beyond the finite ones is cut to them."""
    bits = key & ~(1 << 63) if key >> 63 else ~key & ((1 << 64) - 1)
    value = float(np.array([bits], np.uint64).view(np.float64)[0])
    largest = float(np.finfo(np.float64).max)
    if math.isnan(value):
        return largest if key >> 63 else -largest
    return min(max(value, -largest), largest)
