"""What a requester asks for, before it becomes tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """Run `model` over every row of `data`: a perceptron by its sizes, an ONNX file, or a built program.

    `weights`: a train job's number, a CID, or a file; None for those that the model brings.
    """

    data: Path
    model: str
    weights: str | None
    shards: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeRequest:
    """Put a question to a table; without one, describe every column."""

    data: Path
    shards: int | None
    question: Analysis | None = None
    fan_in: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmRequest:
    """Run an own program: on files that are shards as they are, or on rows that are cut as its layout says."""

    program: Path
    reducer: Path | None
    shard: tuple[Path, ...]
    data: Path | None
    state: Path | None
    params: dict[str, float]
    rounds: int
    combiner: Path | None = None
    fan_in: int | None = None


Request = TrainRequest | InferRequest | AnalyzeRequest | WasmRequest
