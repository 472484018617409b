"""The three jobs: how they are asked for, and what they must give."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo.data import DemoData
from demo.independent import describe_columns, train_and_score
from edgebounty.client.local import LocalJob, run_here
from edgebounty.client.planning import plan
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, TrainRequest
from edgebounty.client.results import JobResult
from edgebounty.jobs.plan import PlannedJob

MODEL: Final = "mlp:64-128-10"
HIDDEN: Final = 128
# A stage takes the chain some 3 s (seed of the next epoch, draw, claims, commits, reveals, finality) and as long again
# where the liar is drawn and another replica decides; computing takes 0.2 s of it. A round is two stages, one after the
# other, so rounds are what the demo's time goes to: two, with as many passes in all as more would make.
ROUNDS: Final = 2
TRAIN_SHARDS: Final = 4
EPOCHS: Final = 45
LEARNING_RATE: Final = 0.1
SEED: Final = 0
INFER_SHARDS: Final = 3
ANALYZE_SHARDS: Final = 3
BOUNTIES: Final = {"train": "60", "infer": "5", "analyze": "10"}
"""Tokens."""


@dataclass(slots=True, kw_only=True)
class DemoJob:
    """One job on its way: asked for, planned, posted, done."""

    kind: str
    planned: PlannedJob
    job_id: int = 0
    result: JobResult | None = None
    local: LocalJob | None = None
    local_cpu_seconds: float = 0.0
    """Processor time of the local run."""
    task_units: dict[int, int] = field(default_factory=dict)
    """Work units of each task, from the local run."""

    def run_locally(self) -> None:
        """The same job without a market."""
        started = time.thread_time()
        self.local = run_here(
            self.planned, on_progress=lambda spec, done: self.task_units.__setitem__(spec.index, done.work_units)
        )
        self.local_cpu_seconds = time.thread_time() - started

    @property
    def done_here(self) -> LocalJob:
        assert self.local is not None
        return self.local


def train_job(data: DemoData) -> DemoJob:
    request = TrainRequest(
        data=data.train_file,
        model=MODEL,
        rounds=ROUNDS,
        shards=TRAIN_SHARDS,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        seed=SEED,
    )
    return _planned("train", request)


def infer_job(data: DemoData, weights: bytes) -> DemoJob:
    request = InferRequest(data=data.test_file, model=MODEL, weights="job 1", shards=INFER_SHARDS)
    return _planned("infer", request, weights)


def analyze_job(data: DemoData) -> DemoJob:
    return _planned("analyze", AnalyzeRequest(data=data.wine_file, shards=ANALYZE_SHARDS))


def _planned(kind: str, request: Request, weights: bytes = b"") -> DemoJob:
    return DemoJob(kind=kind, planned=plan(request, lambda name: weights))


def weights_accuracy(weights: dict[str, NDArray[np.float32]], data: DemoData) -> float:
    """Accuracy of trained weights on the held-out digits, by a forward pass in plain numpy."""
    hidden = np.maximum(data.test_inputs @ weights["w1"] + weights["b1"], 0)
    found = (hidden @ weights["w2"] + weights["b2"]).argmax(axis=1)
    return float(np.mean(found == data.test_labels))


def labels_accuracy(labels: NDArray[np.int64], data: DemoData) -> float:
    """Accuracy of inferred labels on the held-out digits."""
    return float(np.mean(labels == data.test_labels))


def independent_accuracy(data: DemoData) -> float:
    """scikit-learn's MLP with as many passes over the same samples."""
    return train_and_score(
        (data.train_inputs, data.train_labels),
        (data.test_inputs, data.test_labels),
        hidden=HIDDEN,
        passes=ROUNDS * EPOCHS,
        learning_rate=LEARNING_RATE,
        seed=SEED,
    )


def mean_of_means(columns: dict[str, dict[str, float]]) -> float:
    """One number for a whole table: the mean of its columns' means."""
    return float(np.mean([column["mean"] for column in columns.values()]))


def largest_error(columns: dict[str, dict[str, float]], data: DemoData) -> float:
    """How far any statistic of any column is from numpy's, relative to it."""
    expected = describe_columns(data.wine, data.wine_columns)
    return max(
        abs(columns[name][what] - value) / max(abs(value), 1e-300)
        for name, numbers in expected.items()
        for what, value in numbers.items()
    )
