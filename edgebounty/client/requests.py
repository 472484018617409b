"""What a requester asks for, before it becomes tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgebounty.client.train_plans import Outer
    from edgebounty.jobs.analyses.base import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Train `model` on labelled samples: in each round every shard makes `epochs` passes, or `local_steps` steps.

    `model` is a perceptron by its sizes or an ONNX file. What the built-in perceptrons do not do (an ONNX file, another
    optimiser, a schedule, steps in place of passes) is compiled now, with the extra `compile`. `total_steps`: where a
    schedule ends; None for where the job ends. `outer`: None averages.
    """

    data: Path
    model: str
    rounds: int
    shards: int | None
    epochs: int
    learning_rate: float | None
    seed: int
    optimizer: str = "sgd"
    weight_decay: float = 0.0
    batch: int = 32
    schedule: str = "constant"
    warmup_steps: int = 0
    total_steps: int | None = None
    local_steps: int | None = None
    outer: Outer | None = None
    fan_in: int | None = None
    validation: Path | None = None
    validation_share: float | None = None
    folder: Path | None = None
    resume: bool = False
    patience: int | None = None
    budget: float | None = None

    @property
    def is_compiled(self) -> bool:
        """Whether a program has to be made for it."""
        plain = (self.optimizer, self.weight_decay, self.schedule, self.local_steps, self.batch)
        return not self.model.startswith("mlp:") or plain != ("sgd", 0.0, "constant", None, 32)

    @property
    def is_followed(self) -> bool:
        """Whether its requester does anything after each round."""
        return any((self.validation, self.validation_share, self.folder, self.patience, self.budget))


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
