"""From a requester's files to a planned job: the same plan for the market and for this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgebounty.client.errors import Rejected
from edgebounty.client.inputs import load_inputs
from edgebounty.client.plans import Plan, only, plan_analysis, plan_inference, plan_map, refusals
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request, TrainRequest, WasmRequest
from edgebounty.client.train_requests import plan_training
from edgebounty.jobs.own import ShardData
from edgebounty.jobs.plan import PlannedJob, split_rows
from edgebounty.protocol.layout import Layout

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
                return plan_analysis(request.data, request.question, shards=request.shards, fan_in=request.fan_in)
            case TrainRequest():
                return plan_training(request).plan
            case InferRequest():
                state = None if request.weights is None else load_weights(request.weights)
                return plan_inference(request.model, request.data, state=state, shards=request.shards)
            case WasmRequest():
                return _wasm(request)


def _wasm(request: WasmRequest) -> Plan:
    shards: Iterable[ShardData]
    if request.data is None:
        shards = [path.read_bytes() for path in request.shard]
    else:
        layout = Layout.of_module(request.program.read_bytes())
        arrays = [buffer for buffer in layout.role("shard") if buffer.name != "rows"]
        rows = load_inputs(request.data, arrays[0].shape[1:]) if len(arrays) == 1 else {}
        if isinstance(rows, dict):
            raise Rejected(
                f"{layout.name} reads {len(arrays)} arrays a shard", remedy="pass each shard as a file with --shard"
            )
        shards = [rows[cut] for cut in split_rows(len(rows), arrays[0].shape[0], None)]
    return plan_map(
        request.program,
        shards,
        reducer=request.reducer,
        combiner=request.combiner,
        fan_in=request.fan_in,
        state=None if request.state is None else request.state.read_bytes(),
        params=request.params,
        rounds=request.rounds,
    )
