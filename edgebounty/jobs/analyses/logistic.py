"""Logistic regression by Newton's method, one step a round; a step that made it worse is halved in the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, last_state, part_columns, plan_part
from edgebounty.jobs.analyses.rows import Rows, chosen_columns
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob

SMALL_COLUMNS: Final = 16
COLUMNS: Final = 128


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """How the columns say whether `target` is 0 or 1. `ridge` / 2 times the squares of the weights (not of the
    constant) is added to the loss: scikit-learn's C is 1 / ridge."""

    target: str
    features: tuple[str, ...] | None = None
    ridge: float = 1.0
    rounds: int = 12
    name = "logistic"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        features = chosen_columns(rows, self.features, without=[self.target])
        chosen_columns(rows, [self.target])
        if len(features) >= COLUMNS:
            raise JobError(f"{len(features)} features; at most {COLUMNS - 1} fit: name some, or train a model instead")
        if not self.ridge >= 0 or self.rounds < 1:
            raise JobError(f"a ridge from 0 and at least one round are needed, not {self.ridge} and {self.rounds}")
        classes = rows.distinct(self.target)
        if not set(classes) <= {0, 1}:
            raise JobError(f"column {self.target!r} has to hold 0 and 1, it holds {', '.join(map(str, classes[:5]))}")
        part = plan_part(
            rows,
            [*features, self.target],
            cutting,
            program="table.logistic",
            small=len(features) < SMALL_COLUMNS,
            rounds=self.rounds,
            params={"ridge": float(self.ridge)},
            about={"analysis": self.name, "target": self.target},
        )
        return (part,)

    def read(self, parts: Sequence[Finished]) -> Found:
        """The best weights that were tried. `slope`: the loss's steepest derivative there, 0 where it is smallest."""
        state, columns = last_state(parts[0]), part_columns(parts[0])
        weights = np.array(state["best"][: len(columns)])
        document = {
            "analysis": self.name,
            "target": columns[-1],
            "intercept": float(weights[-1]),
            "coefficients": {name: float(w) for name, w in zip(columns[:-1], weights[:-1], strict=True)},
            "loss": float(state["best_loss"][0]),
            "slope": float(state["slope"][0]),
        }
        return Found(document=document, arrays={"coefficients": weights[:-1], "intercept": weights[-1:]})
