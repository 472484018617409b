"""From a requester's files to a planned job: the same plan for the market and for this machine."""

from __future__ import annotations

from collections.abc import Callable

from edgebounty.client.data import load_samples
from edgebounty.client.plans import Plan, only, plan_analysis, refusals
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, TrainRequest
from edgebounty.jobs.infer import plan_infer
from edgebounty.jobs.model import Model
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.train import plan_train
from edgebounty.programs import library

LoadWeights = Callable[[str], bytes]
"""The weights that a requester names by job number, CID or file."""


def plan(request: Request, load_weights: LoadWeights) -> PlannedJob:
    """The one job for a request. Raises `Rejected` for data or settings that make no job, or need several."""
    return only(plan_all(request, load_weights).parts)


def plan_all(request: Request, load_weights: LoadWeights) -> Plan:
    """Every job for a request: nearly always one. Raises `Rejected` for data or settings that make no job."""
    with refusals():
        match request:
            case AnalyzeRequest():
                return plan_analysis(request.data, request.question, shards=request.shards)
            case TrainRequest():
                return Plan((_train(request),))
            case InferRequest():
                return Plan((_infer(request, load_weights),))


def _train(request: TrainRequest) -> PlannedJob:
    program, reducer = Model.parse(request.model).train_programs
    pair = ProgramPair(library.load(program), library.load(reducer))
    samples = load_samples(request.data, labels_required=True)
    assert samples.labels is not None
    return plan_train(
        samples.inputs,
        samples.labels,
        pair,
        model=request.model,
        rounds=request.rounds,
        shards=request.shards,
        epochs=request.epochs,
        learning_rate=request.learning_rate,
        seed=request.seed,
    )


def _infer(request: InferRequest, load_weights: LoadWeights) -> PlannedJob:
    pair = ProgramPair(library.load(Model.parse(request.model).infer_program))
    samples = load_samples(request.data, labels_required=False)
    state = load_weights(request.weights)
    return plan_infer(samples.inputs, pair, model=request.model, state=state, shards=request.shards)
