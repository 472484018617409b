"""`train`, `infer`, `analyze` and `map`: the same calls for a market and for this machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgebounty.client.estimate import Estimate
from edgebounty.client.inputs import InputData
from edgebounty.client.jobs import Job
from edgebounty.client.models import Forward
from edgebounty.client.plans import Plan, plan_analysis, plan_inference, plan_map
from edgebounty.client.posting import DEADLINE_SECONDS, QUORUM, STAKE_FACTOR, TASK_SECONDS, WORK_SLOTS
from edgebounty.client.tables import TableData
from edgebounty.client.train_plans import Average, Outer, TrainData, accuracy_of, plan_train_job
from edgebounty.client.training import Training, Validate, Watch, resume_from
from edgebounty.jobs.analyses.base import Analysis
from edgebounty.jobs.arrays import Array
from edgebounty.jobs.own import ShardData

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built, Trained

AVERAGE: Final = Average()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a job is to be treated. Times in seconds."""

    quorum: int = QUORUM
    """Equal results that make a task final."""
    work_slots: int = WORK_SLOTS
    """Runs of a task at most; all are escrowed, unused ones come back."""
    audit_slots: int = 0
    task_seconds: int = TASK_SECONDS
    deadline_seconds: int = DEADLINE_SECONDS
    stake_factor: int = STAKE_FACTOR


class Kinds(ABC):
    """The four calls. `bounty` is all that the job may cost, in tokens ("12.5"); on this machine it does not matter."""

    @abstractmethod
    def start(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Job:
        """Posts a plan, or begins to run it here."""

    @abstractmethod
    def estimate(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Estimate:
        """What `start` would take. Nothing is sent."""

    @abstractmethod
    def weights(self, name: str) -> bytes:
        """What a train job made, by its number or CID. Raises `Rejected` where it cannot be had."""

    def plan_analyze(
        self,
        data: TableData,
        question: Analysis | None = None,
        *,
        shards: int | None = None,
        fan_in: int | None = None,
    ) -> Plan:
        """A question (`Describe` without one) to a table, for `estimate` and `start`. Raises `Rejected`."""
        return plan_analysis(data, question, shards=shards, fan_in=fan_in)

    def analyze(
        self,
        data: TableData,
        question: Analysis | None = None,
        *,
        shards: int | None = None,
        fan_in: int | None = None,
        bounty: str | float | None = None,
        terms: Terms | None = None,
    ) -> Job:
        """Puts a question to a table and starts at once. Raises `Rejected` before any money moves."""
        plan = self.plan_analyze(data, question, shards=shards, fan_in=fan_in)
        return self.start(plan, bounty=bounty, terms=terms)

    def plan_train(
        self,
        model: str | Trained,
        data: TrainData,
        *,
        rounds: int = 10,
        shards: int | None = None,
        epochs: int = 5,
        learning_rate: float | None = None,
        seed: int = 0,
        outer: Outer = AVERAGE,
        params: Mapping[str, float] | None = None,
        state: bytes | Mapping[str, Array] | None = None,
        fan_in: int | None = None,
    ) -> Plan:
        """Training as `train` would start it, for `estimate` and `start`. Raises `Rejected`."""
        return plan_train_job(
            model,
            data,
            rounds=rounds,
            shards=shards,
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
            outer=outer,
            params=params,
            state=state,
            fan_in=fan_in,
        )

    def train(
        self,
        model: str | Trained,
        data: TrainData,
        *,
        rounds: int = 10,
        shards: int | None = None,
        epochs: int = 5,
        learning_rate: float | None = None,
        seed: int = 0,
        outer: Outer = AVERAGE,
        fan_in: int | None = None,
        params: Mapping[str, float] | None = None,
        validation: TrainData | Validate | None = None,
        forward: Built | Forward | None = None,
        folder: Path | str | None = None,
        resume: bool = False,
        patience: int | None = None,
        budget: float | None = None,
        bounty: str | float | None = None,
        terms: Terms | None = None,
    ) -> Training:
        """Trains in rounds: each shard takes `epochs` passes from the round's weights, then `outer` joins them.

        `model`: `mlp:64-128-10`, or what `edgebounty.programs.compiler.api.build_training` made. `validation`: rows and
        labels, or a function of the weights; seen after every round in `wait` (a compiled model needs `forward`, its
        `build_forward`). `folder`: keeps a checkpoint of every round, curve.json and curve.svg; with `resume` training
        goes on from the newest checkpoint there, up to `rounds` in all. `patience`, `budget`: see `Watch`.
        Raises `Rejected` before any money moves.
        """
        kept = None if folder is None else Path(folder)
        done, state = resume_from(kept, rounds) if resume else (0, None)
        validate: Validate | None
        validate = validation if validation is None or callable(validation) else accuracy_of(model, validation, forward)
        plan = self.plan_train(
            model,
            data,
            rounds=rounds - done,
            shards=shards,
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
            outer=outer,
            params=params,
            state=state,
            fan_in=fan_in,
        )
        job = self.start(plan, bounty=bounty, terms=terms)
        name = str(plan.parts[0].manifest.about["model"])
        watch = Watch(validate=validate, folder=kept, patience=patience, budget=budget)
        source = model if isinstance(model, str) else model.source
        return Training(job, watch, model=name, source=source, first_round=done)

    def plan_infer(
        self,
        model: str | Path | Built | Forward,
        data: InputData,
        *,
        weights: str | Path | bytes | None = None,
        shards: int | None = None,
    ) -> Plan:
        """A model over rows, for `estimate` and `start`. Raises `Rejected`."""
        return plan_inference(model, data, state=self._state(weights), shards=shards)

    def infer(
        self,
        model: str | Path | Built | Forward,
        data: InputData,
        *,
        weights: str | Path | bytes | None = None,
        shards: int | None = None,
        bounty: str | float | None = None,
        terms: Terms | None = None,
    ) -> Job:
        """Runs a model (`mlp:…` with `weights`, an ONNX file, a built program) over rows; outputs keep their order.

        `weights`: a train job's number, a CID, a file, or the bytes. Raises `Rejected` before any money moves.
        """
        return self.start(self.plan_infer(model, data, weights=weights, shards=shards), bounty=bounty, terms=terms)

    def map(
        self,
        program: bytes | Path | Built,
        shards: Iterable[ShardData],
        *,
        reducer: bytes | Path | Built | None = None,
        combiner: bytes | Path | Built | None = None,
        fan_in: int | None = None,
        state: bytes | None = None,
        params: Mapping[str, float] | None = None,
        rounds: int = 1,
        bounty: str | float | None = None,
        terms: Terms | None = None,
    ) -> Job:
        """Runs an own program on every shard; with a reducer its outputs become one.

        `combiner` joins outputs to one of the same kind: the reduce is then a tree in which each task folds at most
        `fan_in`. Raises `Rejected`.
        """
        plan = plan_map(
            program,
            shards,
            reducer=reducer,
            combiner=combiner,
            fan_in=fan_in,
            state=state,
            params=params,
            rounds=rounds,
        )
        return self.start(plan, bounty=bounty, terms=terms)

    def _state(self, weights: str | Path | bytes | None) -> bytes | None:
        if weights is None or isinstance(weights, bytes):
            return weights
        return Path(weights).read_bytes() if Path(weights).is_file() else self.weights(str(weights))
