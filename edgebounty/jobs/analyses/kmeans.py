"""Clusters by Lloyd's algorithm, from centres that k-means++ picks among sampled rows.

(Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding".)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgebounty.jobs.analyses.base import Cutting, Finished, Found, last_state, part_columns, plan_part, told
from edgebounty.jobs.analyses.rows import Block, Rows, chosen_columns, read_cut
from edgebounty.jobs.arrays import pack_role
from edgebounty.jobs.check import JobError
from edgebounty.jobs.plan import PlannedJob, ProgramPair, uniform

SMALL_CELLS_OUT: Final = 512
CELLS_OUT: Final = 16_384
SAMPLED_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class KMeans:
    """`clusters` centres after `rounds` moves. `start` (clusters x columns) takes the place of k-means++."""

    clusters: int
    columns: tuple[str, ...] | None = None
    rounds: int = 10
    seed: int = 0
    start: tuple[tuple[float, ...], ...] | None = None
    name = "kmeans"

    def plan(self, rows: Rows, cutting: Cutting) -> tuple[PlannedJob, ...]:
        columns = chosen_columns(rows, self.columns)
        if self.rounds < 1 or not 1 <= self.clusters <= rows.count():
            raise JobError(f"{self.clusters} clusters in {self.rounds} rounds cannot be made of {rows.count()} rows")
        cells = self.clusters * len(columns)
        if cells > CELLS_OUT:
            raise JobError(f"{self.clusters} clusters of {len(columns)} columns: at most {CELLS_OUT} numbers fit")
        centres = first_centres(rows, columns, self.clusters, self.seed) if self.start is None else self.start
        if np.shape(centres) != (self.clusters, len(columns)):
            raise JobError(f"the first centres have shape {np.shape(centres)}, not {(self.clusters, len(columns))}")

        def state(pair: ProgramPair) -> bytes:
            return pack_role(
                pair.layout,
                "state",
                {
                    "phase": 0,
                    "state_columns": 0,
                    "state_rows": 0,
                    "centre": np.asarray(centres),
                    "inertia": 0,
                    "count": 0,
                },
            )

        part = plan_part(
            rows,
            columns,
            cutting,
            program="table.kmeans",
            small=cells <= SMALL_CELLS_OUT,
            rounds=self.rounds,
            params={"clusters": self.clusters},
            about={"analysis": self.name, "clusters": self.clusters},
            state=state,
        )
        return (part,)

    def read(self, parts: Sequence[Finished]) -> Found:
        """`count` and `inertia` belong to the last assignment, from which the centres were moved once more."""
        state, columns, clusters = last_state(parts[0]), part_columns(parts[0]), int(told(parts, "clusters", int))
        centres = state["centre"][: clusters * len(columns)].reshape(clusters, len(columns))
        counts = state["count"][:clusters]
        document = {
            "analysis": self.name,
            "columns": columns,
            "centres": centres.tolist(),
            "count": counts.tolist(),
            "inertia": float(state["inertia"][0]),
        }
        return Found(document=document, arrays={"centres": centres, "count": counts})


def first_centres(rows: Rows, columns: Sequence[str], clusters: int, seed: int) -> Block:
    """k-means++ over at most 4,096 rows, which depend on the seed alone."""
    total = rows.count()
    wanted = np.arange(total)
    if total > max(SAMPLED_ROWS, clusters):
        picked = np.floor(uniform(seed, "kmeans sample", max(SAMPLED_ROWS, clusters)) * total).astype(np.int64)
        wanted = np.unique(picked)
    sample = _rows_at(rows, columns, wanted)
    luck = uniform(seed, "kmeans++", clusters)
    chosen = [int(luck[0] * len(sample))]
    nearest = np.full(len(sample), np.inf)
    for i in range(1, clusters):
        nearest = np.minimum(nearest, ((sample - sample[chosen[-1]]) ** 2).sum(axis=1))
        sums = np.cumsum(nearest)
        at = np.searchsorted(sums, luck[i] * sums[-1], side="right") if sums[-1] > 0 else i
        chosen.append(min(int(at), len(sample) - 1))
    return sample[chosen]


def _rows_at(rows: Rows, columns: Sequence[str], wanted: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Block:
    found, first, total = [], 0, rows.count()
    sizes = [min(65_536, total - start) for start in range(0, total, 65_536)]
    for block in read_cut(rows, columns, sizes):
        inside = wanted[(wanted >= first) & (wanted < first + len(block))] - first
        found.append(block[inside])
        first += len(block)
    return np.concatenate(found)
