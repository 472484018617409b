"""Count, mean, variance, minimum, maximum and histogram of every column: one job for each thousand columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, plan_part
from edgebounty.jobs.analyses.rows import Rows, chosen_columns
from edgebounty.jobs.analyze import ROUNDS, SMALL_COLUMNS, decode_analyze
from edgebounty.jobs.plan import PlannedJob

COLUMNS: Final = 1024


@dataclass(frozen=True, slots=True)
class Describe:
    """Every column on its own. The histogram has equal bins from minimum to maximum."""

    columns: tuple[str, ...] | None = None
    name = "describe"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        columns = chosen_columns(rows, self.columns)
        return tuple(
            plan_part(
                rows,
                part,
                cutting,
                program="table.stats",
                small=len(columns) <= SMALL_COLUMNS,  # one number of bins for all
                rounds=ROUNDS,
                about={},
            )
            for part in (columns[i : i + COLUMNS] for i in range(0, len(columns), COLUMNS))
        )

    def read(self, parts: Sequence[Finished]) -> Found:
        columns: dict[str, dict[str, Any]] = {}
        for manifest, content in parts:
            columns |= decode_analyze(manifest, content)["columns"]
        names = ("count", "mean", "variance", "minimum", "maximum", "histogram")
        arrays = {name: np.array([column[name] for column in columns.values()]) for name in names}
        return Found(document={"columns": columns}, arrays={"columns": np.array(list(columns)), **arrays})
