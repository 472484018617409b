"""What does an analysis cost beside numpy or scikit-learn, which answer the same question in one go?

`analysis_NAME`: the time inside the job's programs, all tasks in order on one thread, over one table of 400,000 cells.
numpy's sums are plain; ours carry 106 bits, and the quantiles are exact though no task sees more than its shard.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Final

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from threadpoolctl import threadpool_limits

from bench.figure import Figure
from edgebounty.content.store import MemoryStore
from edgebounty.execution import fetcher, run_local
from edgebounty.jobs.analyses.base import Analysis, Cutting
from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.analyses.groups import GroupBy
from edgebounty.jobs.analyses.kmeans import KMeans
from edgebounty.jobs.analyses.logistic import LogisticRegression
from edgebounty.jobs.analyses.moments import Correlation
from edgebounty.jobs.analyses.quantiles import Quantiles
from edgebounty.jobs.analyses.rows import ArrayRows
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Runtime

RUNS: Final = 5
ROWS: Final = 50_000
COLUMNS: Final = 8
CLUSTERS: Final = 5
ROUNDS: Final = 10
AT_MOST: Final = 10.0
"""Times the peer, as for the statistics alone (see `programs`)."""

Table = dict[str, np.ndarray[Any, Any]]


def run() -> list[Figure]:
    random = np.random.default_rng(0)
    table: Table = {f"c{i}": random.normal(i, 1 + i, ROWS) for i in range(COLUMNS - 2)}
    table["label"] = (table["c0"] + random.normal(0, 1, ROWS) > 0).astype(float)
    table["key"] = random.integers(0, 20, ROWS).astype(float)
    start = tuple(tuple(float(table[name][i]) for name in table) for i in range(CLUSTERS))
    questions: list[tuple[Analysis, Callable[[Table], object]]] = [
        (Describe(), _describe),
        (Correlation(), lambda table: np.corrcoef(np.stack(list(table.values())))),
        (GroupBy("key"), _groups),
        (Quantiles(), _quantiles),
        (KMeans(CLUSTERS, rounds=ROUNDS, start=start), lambda table: _kmeans(table, start)),
        (LogisticRegression("label"), _logistic),
    ]
    with threadpool_limits(1):
        return [_measure(question, table, peer) for question, peer in questions]


def _measure(question: Analysis, table: Table, peer: Callable[[Table], object]) -> Figure:
    planned = question.plan(ArrayRows(table), Cutting(load=builtin.load))
    runtime = Runtime()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(RUNS + 1):  # the first compiles the modules
        seconds = 0.0
        for part in planned:
            done = run_local(part.manifest, fetcher(MemoryStore(dict(part.blocks)), part.manifest), runtime)
            seconds += done.seconds
        ours.append(seconds)
        before = perf_counter()
        peer(table)
        theirs.append(perf_counter() - before)
    own, other = median(ours[1:]), median(theirs[1:])
    return Figure(
        name=f"analysis_{question.name}",
        value=own * 1e3,
        unit="ms",
        peer="scikit-learn" if question.name in ("kmeans", "logistic") else "numpy",
        peer_value=other * 1e3,
        ratio=own / other,
        target=AT_MOST,
        better="lower",
    ).save()


def _describe(table: Table) -> None:
    for values in table.values():
        values.mean(), values.var(), values.min(), values.max(), np.histogram(values, 16)


def _groups(table: Table) -> None:
    _, keys = np.unique(table["key"], return_inverse=True)
    order = np.argsort(keys, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(keys))[:-1]])
    for name, values in table.items():
        if name != "key":
            ordered = values[order]
            sums, squares = np.add.reduceat(ordered, starts), np.add.reduceat(ordered**2, starts)
            np.minimum.reduceat(ordered, starts), np.maximum.reduceat(ordered, starts)
            squares - sums**2


def _quantiles(table: Table) -> None:
    for values in table.values():
        np.quantile(values, (0.25, 0.5, 0.75), method="lower")


def _kmeans(table: Table, start: tuple[tuple[float, ...], ...]) -> None:
    points = np.stack(list(table.values()), axis=1)
    SklearnKMeans(CLUSTERS, init=np.array(start), n_init=1, max_iter=ROUNDS, tol=0, algorithm="lloyd").fit(points)


def _logistic(table: Table) -> None:
    features = np.stack([values for name, values in table.items() if name != "label"], axis=1)
    SklearnLogistic(C=1.0, max_iter=12, solver="newton-cholesky").fit(features, table["label"])
