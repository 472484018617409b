"""A train request as a planned job, with what its requester does after each round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgebounty.client.data import Samples, load_samples
from edgebounty.client.errors import Rejected
from edgebounty.client.jobs import Job
from edgebounty.client.models import SHARD_BYTES, compile_error
from edgebounty.client.plans import Plan, refusals
from edgebounty.client.requests import TrainRequest
from edgebounty.client.train_plans import Average, accuracy_of, plan_train_job
from edgebounty.client.training import OnRound, Training, Validate, Watch, resume_from
from edgebounty.jobs.arrays import Array
from edgebounty.jobs.plan import shuffled
from edgebounty.programs.errors import ProgramError

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built, Model, Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """A planned train job; `source` is the model as it was named, `first_round` what earlier jobs have done of it."""

    plan: Plan
    watch: Watch
    source: str
    first_round: int

    def follow(self, job: Job, on_round: OnRound | None = None) -> Training:
        """The started job, to be waited for."""
        name = str(self.plan.parts[0].manifest.about["model"])
        watch = replace(self.watch, on_round=on_round)
        return Training(job, watch, model=name, source=self.source, first_round=self.first_round)


def plan_training(request: TrainRequest) -> TrainingPlan:
    """Raises `Rejected` for data or settings that make no job."""
    if request.patience is not None and request.validation is None and request.validation_share is None:
        raise Rejected("patience counts rounds without a better validation", remedy="name rows to validate with")
    if request.resume and request.folder is None:
        raise Rejected("there is no folder to go on from", remedy="name the one that training kept its rounds in")
    done, state = resume_from(request.folder, request.rounds) if request.resume else (0, None)
    samples, held_out = _samples(request)
    assert samples.labels is not None
    model, forward, params = _model(request, samples)
    with refusals():
        plan = plan_train_job(
            model,
            (samples.inputs, samples.labels),
            rounds=request.rounds - done,
            shards=request.shards,
            epochs=request.epochs,
            learning_rate=request.learning_rate,
            seed=request.seed,
            outer=request.outer or Average(),
            params=params,
            state=state,
            fan_in=request.fan_in,
        )
        validate: Validate | None = None if held_out is None else accuracy_of(model, held_out, forward)
    watch = Watch(validate=validate, folder=request.folder, patience=request.patience, budget=request.budget)
    return TrainingPlan(plan=plan, watch=watch, source=request.model, first_round=done)


def _samples(request: TrainRequest) -> tuple[Samples, tuple[Array, Array] | None]:
    """What is trained on, and what is validated with: a file of its own, or rows taken out that the seed chooses."""
    samples = load_samples(request.data, labels_required=True)
    assert samples.labels is not None
    if request.validation is not None:
        other = load_samples(request.validation, labels_required=True)
        assert other.labels is not None
        return samples, (other.inputs, other.labels)
    if request.validation_share is None:
        return samples, None
    rows = len(samples.labels)
    count = round(rows * request.validation_share)
    if not 0 < count < rows:
        raise Rejected(
            f"a share of {request.validation_share:g} of {rows} rows is {count} of them",
            remedy="leave rows for both, training and validation",
        )
    order = shuffled(rows, request.seed)
    out, kept = np.sort(order[:count]), np.sort(order[count:])
    rest = Samples(inputs=samples.inputs[kept], labels=samples.labels[kept])
    return rest, (samples.inputs[out], samples.labels[out])


def _model(request: TrainRequest, samples: Samples) -> tuple[str | Trained, Built | None, dict[str, float]]:
    """What is trained, its forward pass where it is to be validated, and the job's parameters."""
    if not request.is_compiled:
        return request.model, None, {}
    from edgebounty.programs.compiler import api

    count = len(samples.inputs)
    most = max(1, SHARD_BYTES // (4 * samples.inputs.shape[1] + 4))
    rows = max(request.batch, -(-count // (request.shards or -(-count // most))))
    optimizer = request.optimizer
    try:
        model = _read_model(request)
        trained = api.build_training(
            model,
            rows=rows,
            optimizer=api.Optimizer(kind=optimizer, weight_decay=request.weight_decay),
            schedule=request.schedule,
        )
        asked = request.validation is not None or request.validation_share is not None
        forward = api.build_forward(model, rows=max(request.batch, 256)) if asked else None
    except ProgramError as error:
        raise compile_error(error) from error
    params: dict[str, float] = {"local_steps": request.local_steps or 0}
    if request.schedule != "constant":
        each = request.local_steps or request.epochs * -(-rows // request.batch)
        params["warmup_steps"] = request.warmup_steps
        params["total_steps"] = request.rounds * each if request.total_steps is None else request.total_steps
    return trained, forward, params


def _read_model(request: TrainRequest) -> Model:
    from edgebounty.programs.compiler import api

    if request.model.startswith("mlp:"):
        return api.mlp_model(request.model, batch=request.batch, seed=request.seed)
    if request.model.endswith(".onnx"):
        return api.onnx_model(Path(request.model), batch=request.batch)
    raise Rejected(f"{request.model!r} is no model", remedy="name an .onnx file, or write mlp:INPUTS-HIDDEN-CLASSES")
