"""From a requester's files to a planned job: the same plan for the market and for this machine."""

from __future__ import annotations

from collections.abc import Callable

from edgebounty.client.data import load_samples, load_table
from edgebounty.client.errors import Rejected
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, TrainRequest
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import plan_infer
from edgebounty.jobs.model import Model
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.train import plan_train
from edgebounty.programs import builtin, library
from edgebounty.protocol.manifest import ManifestError

LoadWeights = Callable[[str], bytes]
"""The weights that a requester names by job number, CID or file."""


def plan(request: Request, load_weights: LoadWeights) -> PlannedJob:
    """The job for a request. Raises `Rejected` for data or settings that make no job."""
    try:
        match request:
            case AnalyzeRequest():
                return _analyze(request)
            case TrainRequest():
                return _train(request)
            case InferRequest():
                return _infer(request, load_weights)
    except (JobError, ManifestError) as error:
        raise Rejected(
            str(error), whose="yours (the data or the settings)", remedy="change it and ask again; nothing was sent"
        ) from error
    except builtin.UnknownProgram as error:
        what, _, hint = str(error).rpartition("; ")
        raise Rejected(what, whose="yours (the settings)", remedy=hint) from error


def _analyze(request: AnalyzeRequest) -> PlannedJob:
    table = load_table(request.data)
    program, reducer = program_names(*table.values.shape)
    pair = ProgramPair(library.load(program), library.load(reducer))
    return plan_analyze(table.values, table.columns, pair, shards=request.shards)


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
