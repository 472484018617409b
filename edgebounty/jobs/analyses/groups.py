"""Count, sum, mean, variance, minimum and maximum of every column within each group of rows that share a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, last_state, part_columns, plan_part, told
from edgebounty.jobs.analyses.rows import Rows, chosen_columns
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob

SMALL_CELLS_OUT: Final = 512
CELLS_OUT: Final = 16_384
ROUNDS: Final = 2
_FIELDS: Final = {"sum": "sum_of", "mean": "mean", "variance": "variance", "minimum": "minimum", "maximum": "maximum"}


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Aggregates by the values of the column `key` (text or numbers); variance is that of the population."""

    key: str
    columns: tuple[str, ...] | None = None
    name = "groupby"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        columns = chosen_columns(rows, self.columns, without=[self.key])
        keys = rows.distinct(self.key)
        if len(keys) > CELLS_OUT:
            raise JobError(f"column {self.key!r} has {len(keys)} different values; at most {CELLS_OUT} groups are kept")
        if not keys:
            raise JobError("the table is empty: it has no rows")
        at_once = max(1, CELLS_OUT // len(keys))
        return tuple(
            plan_part(
                rows,
                [self.key, *part],
                cutting,
                program="table.groups",
                small=len(keys) * len(part) <= SMALL_CELLS_OUT,
                rounds=ROUNDS,
                params={"groups": len(keys)},
                about={"analysis": self.name, "key": self.key, "groups": list(keys)},
                keys={self.key: keys},
            )
            for part in (columns[i : i + at_once] for i in range(0, len(columns), at_once))
        )

    def read(self, parts: Sequence[Finished]) -> Found:
        keys = told(parts, "groups", list)
        columns: dict[str, dict[str, Any]] = {}
        counts = np.zeros(len(keys), np.int64)
        for part in parts:
            state, names = last_state(part), part_columns(part)[1:]
            counts = np.array(state["count"][: len(keys)])
            cells = len(keys) * len(names)
            for field, stored in _FIELDS.items():
                table = state[stored][:cells].reshape(len(keys), len(names))
                for i, name in enumerate(names):
                    columns.setdefault(name, {})[field] = table[:, i]
        groups = [
            {
                "key": key,
                "count": int(counts[g]),
                **{name: {field: float(values[g]) for field, values in one.items()} for name, one in columns.items()},
            }
            for g, key in enumerate(keys)
        ]
        document = {"analysis": self.name, "key": told(parts, "key", str), "columns": list(columns), "groups": groups}
        arrays = {
            "key": np.array(keys),
            "count": counts,
            **{field: np.stack([one[field] for one in columns.values()], axis=1) for field in _FIELDS},
        }
        return Found(document=document, arrays=arrays)
