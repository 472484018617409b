"""What a requester asks for, before it becomes tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgebounty.jobs.analyses.base import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Train `model` on labelled samples: in each round every shard makes `epochs` passes, then changes are averaged."""

    data: Path
    model: str
    rounds: int
    shards: int | None
    epochs: int
    learning_rate: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InferRequest:
    """Run `model` with `weights` (a train job's number, a CID, or a file) over every row of `data`."""

    data: Path
    model: str
    weights: str
    shards: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeRequest:
    """Put a question to a table; without one, describe every column."""

    data: Path
    shards: int | None
    question: Analysis | None = None


Request = TrainRequest | InferRequest | AnalyzeRequest
