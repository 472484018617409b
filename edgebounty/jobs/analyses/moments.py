"""Correlation, linear regression and principal components: all from means and products of deviations (two rounds).

More columns than one job takes are cut into groups, with one job for each pair of groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, last_state, part_columns, plan_part, told
from edgebounty.jobs.analyses.rows import Rows, chosen_columns
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob

SMALL_COLUMNS: Final = 16
COLUMNS: Final = 128
ROUNDS: Final = 2

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Rows, means, and the sums of products of deviations from the means, of all columns."""

    columns: list[str]
    rows: int
    mean: Matrix
    product: Matrix

    @property
    def covariance(self) -> Matrix:
        """Of the population: divided by the rows."""
        return self.product / self.rows


def plan_moments(rows: Rows, columns: Sequence[str], cutting: Cutting, about: dict[str, Any]) -> tuple[PlannedJob, ...]:
    """Raises `JobError`."""
    half = COLUMNS // 2
    groups = [columns[i : i + half] for i in range(0, len(columns), half)]
    wholes: list[Sequence[str]] = [columns]
    if len(columns) > COLUMNS:
        wholes = [[*a, *b] for a, b in combinations_with_replacement(groups, 2) if a is not b]
    return tuple(
        plan_part(
            rows,
            whole,
            cutting,
            program="table.moments",
            small=len(whole) <= SMALL_COLUMNS,
            rounds=ROUNDS,
            about={**about, "all_columns": list(columns)} if len(wholes) > 1 else about,
        )
        for whole in wholes
    )


def read_moments(parts: Sequence[Finished]) -> Moments:
    """Puts the parts together. Raises `JobError`."""
    columns = part_columns(parts[0]) if len(parts) == 1 else [str(n) for n in told(parts, "all_columns", list)]
    place = {name: i for i, name in enumerate(columns)}
    mean, product = np.zeros(len(columns)), np.full((len(columns), len(columns)), np.nan)
    count = 0
    for part in parts:
        state, names = last_state(part), part_columns(part)
        at, width = [place[name] for name in names], len(names)
        count = int(state["rows"][0])
        mean[at] = state["mean"][:width]
        product[np.ix_(at, at)] = state["product"][:width, :width]
    if np.isnan(product).any() or count < 1:
        raise JobError("a part of the matrix is missing: not all jobs of this analysis are here")
    return Moments(columns=columns, rows=count, mean=mean, product=product)


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's correlation and the covariance (of the population) of every pair of columns."""

    columns: tuple[str, ...] | None = None
    name = "correlation"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        return plan_moments(rows, chosen_columns(rows, self.columns), cutting, {"analysis": self.name})

    def read(self, parts: Sequence[Finished]) -> Found:
        """A column that never changes has no correlation: None in the document, NaN in the array."""
        moments = read_moments(parts)
        spread = np.sqrt(np.diag(moments.product))
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = np.clip(moments.product / np.outer(spread, spread), -1, 1)
        document = {
            "analysis": self.name,
            "columns": moments.columns,
            "rows": moments.rows,
            "mean": moments.mean.tolist(),
            "covariance": moments.covariance.tolist(),
            "correlation": [[None if np.isnan(v) else float(v) for v in row] for row in matrix],
        }
        return Found(document=document, arrays={"correlation": matrix, "covariance": moments.covariance})


@dataclass(frozen=True, slots=True)
class LinearRegression:
    """Least squares of one column on the others, with a constant; `ridge` is added to the squares of the features."""

    target: str
    features: tuple[str, ...] | None = None
    ridge: float = 0.0
    name = "linear"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        if not self.ridge >= 0:
            raise JobError(f"a ridge is a number from 0, this is {self.ridge}")
        chosen = (*chosen_columns(rows, self.features, without=[self.target]), self.target)
        about = {"analysis": self.name, "target": self.target, "ridge": float(self.ridge)}
        return plan_moments(rows, chosen_columns(rows, chosen), cutting, about)

    def read(self, parts: Sequence[Finished]) -> Found:
        """The coefficients; columns are scaled before the system is solved, so units do not matter."""
        moments = read_moments(parts)
        target = moments.columns.index(str(told(parts, "target", str)))
        rest = [i for i in range(len(moments.columns)) if i != target]
        scale = np.sqrt(np.diag(moments.product))
        if not scale[target]:
            raise JobError(f"column {moments.columns[target]!r} never changes: there is nothing to explain")
        safe = np.where(scale > 0, scale, 1.0)
        gram = moments.product[np.ix_(rest, rest)] / np.outer(safe[rest], safe[rest])
        gram[np.diag_indices(len(rest))] += float(parts[0][0].about.get("ridge", 0.0)) / safe[rest] ** 2
        found, _, rank, _ = np.linalg.lstsq(gram, moments.product[rest, target] / safe[rest], rcond=None)
        weights = found / safe[rest]
        constant = moments.mean[target] - weights @ moments.mean[rest]
        explained = (
            2 * weights @ moments.product[rest, target] - weights @ moments.product[np.ix_(rest, rest)] @ weights
        )
        document = {
            "analysis": self.name,
            "target": moments.columns[target],
            "rows": moments.rows,
            "intercept": float(constant),
            "coefficients": {moments.columns[i]: float(w) for i, w in zip(rest, weights, strict=True)},
            "r_squared": float(explained / moments.product[target, target]),
            "rank": int(rank),
        }
        return Found(document=document, arrays={"coefficients": weights, "intercept": np.array([constant])})


@dataclass(frozen=True, slots=True)
class PrincipalComponents:
    """The directions in which the table varies most, largest first; each with its largest weight positive."""

    components: int | None = None
    columns: tuple[str, ...] | None = None
    name = "pca"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        columns = chosen_columns(rows, self.columns)
        count = len(columns) if self.components is None else self.components
        if not 1 <= count <= len(columns):
            raise JobError(f"{len(columns)} columns have 1 to {len(columns)} components, not {count}")
        return plan_moments(rows, columns, cutting, {"analysis": self.name, "components": count})

    def read(self, parts: Sequence[Finished]) -> Found:
        moments = read_moments(parts)
        count = int(told(parts, "components", int))
        values, vectors = np.linalg.eigh(moments.covariance)
        values, vectors = values[::-1][:count].clip(0), vectors[:, ::-1][:, :count].T
        signs = np.sign(vectors[np.arange(count), np.abs(vectors).argmax(axis=1)])
        vectors = vectors * signs[:, None]
        share = values / max(float(np.trace(moments.covariance)), np.finfo(float).tiny)
        document = {
            "analysis": self.name,
            "columns": moments.columns,
            "rows": moments.rows,
            "mean": moments.mean.tolist(),
            "explained_variance": values.tolist(),
            "explained_share": share.tolist(),
            "components": vectors.tolist(),
        }
        return Found(
            document=document, arrays={"components": vectors, "explained_variance": values, "mean": moments.mean}
        )
