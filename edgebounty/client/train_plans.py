"""Training as planned jobs: perceptrons by their sizes, models that the compiler made trainable, the outer step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgebounty.client.data import load_samples
from edgebounty.client.errors import Rejected
from edgebounty.client.local import run_here
from edgebounty.client.models import Forward, compile_error, open_forward
from edgebounty.client.plans import Plan, refusals
from edgebounty.client.training import Validate
from edgebounty.execution import fetcher
from edgebounty.jobs.arrays import Array, pack_role
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import decode_infer, plan_forward, row_shape
from edgebounty.jobs.model import Model, first_weights
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.train import plan_train, plan_training
from edgebounty.programs import library
from edgebounty.programs.errors import ProgramError

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built, Trained

TrainData = Path | str | tuple[Array, Array] | Mapping[str, Array]
"""A file with x and y (NPZ, or CSV with a column label), the two arrays, or arrays by the names of the shard."""


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of what the shards learnt, weighted by their rows."""


@dataclass(frozen=True, slots=True)
class Nesterov:
    """The mean drives Nesterov's momentum from round to round. Needs the extra `compile`."""

    rate: float = 0.7
    momentum: float = 0.9


@dataclass(frozen=True, slots=True)
class Trimmed:
    """The mean without the largest and smallest `share` of the shards' changes of each weight: for data that many
    owners brought. Every shard counts alike. Needs the extra `compile`."""

    share: float = 0.1


@dataclass(frozen=True, slots=True)
class Median:
    """The median of the shards' changes of each weight. Needs the extra `compile`."""


Outer = Average | Nesterov | Trimmed | Median


def plan_train_job(
    model: str | Trained,
    data: TrainData,
    *,
    rounds: int,
    shards: int | None,
    epochs: int,
    learning_rate: float | None,
    seed: int,
    outer: Outer,
    params: Mapping[str, float] | None,
    state: bytes | Mapping[str, Array] | None,
    fan_in: int | None = None,
) -> Plan:
    """Raises `Rejected` for a model, data or settings that make no job."""
    with refusals():
        try:
            pair, first, weights = _programs(model, seed)
            pair, first, more = _with_outer(pair, first, weights, outer, tasks=_most_tasks(pair, data, shards))
            if fan_in is not None:
                pair = _with_tree(pair, outer)
        except ProgramError as error:
            raise compile_error(error) from error
        if isinstance(state, Mapping):
            state = pack_role(pair.layout, "state", dict(state))
        if isinstance(model, str):
            x, y = load_pair(data)
            job = plan_train(
                x,
                y,
                pair,
                model=model,
                rounds=rounds,
                shards=shards,
                epochs=epochs,
                learning_rate=0.1 if learning_rate is None else learning_rate,
                seed=seed,
                state=first if state is None else state,
                params={**more, **(params or {})},
                fan_in=fan_in,
            )
            return Plan((job,))
        settings = {**model.params, "epochs": epochs, **more, **(params or {})}
        if learning_rate is not None:
            settings["learning_rate"] = learning_rate
        job = _plan_trained(
            model, data, pair, first if state is None else state, settings, rounds, shards, seed, fan_in
        )
        return Plan((job,))


def _plan_trained(
    model: Trained,
    data: TrainData,
    pair: ProgramPair,
    state: bytes,
    params: Mapping[str, float],
    rounds: int,
    shards: int | None,
    seed: int,
    fan_in: int | None,
) -> PlannedJob:
    names = [buffer.name for buffer in pair.layout.role("shard") if buffer.name != "rows"]
    arrays = dict(data) if isinstance(data, Mapping) else dict(zip(names, load_pair(data), strict=len(names) == 2))
    if model.classes and model.labels in arrays:
        _check_classes(arrays[model.labels], model)
    return plan_training(
        arrays,
        pair,
        model=pair.layout.name.removesuffix(".train"),
        state=state,
        rounds=rounds,
        params=params,
        shards=shards,
        seed=seed,
        fan_in=fan_in,
    )


def _check_classes(labels: Array, model: Trained) -> None:
    """Every task with another label would fail, and be paid for."""
    wrong = np.argwhere((labels < 0) | (labels >= model.classes))
    if len(wrong):
        label = labels[tuple(wrong[0])]
        raise JobError(f"row {wrong[0][0] + 1} has label {label}; the model knows classes 0 to {model.classes - 1}")


def load_pair(data: TrainData) -> tuple[Array, Array]:
    """Rows and their labels. Raises `Rejected`."""
    if isinstance(data, str | Path):
        samples = load_samples(Path(data), labels_required=True)
        assert samples.labels is not None
        return samples.inputs, samples.labels
    if isinstance(data, Mapping):
        if not {"x", "y"} <= set(data):
            raise Rejected(f"the data has {', '.join(data)}", remedy="name the rows x and their labels y")
        return np.asarray(data["x"]), np.asarray(data["y"])
    return np.asarray(data[0]), np.asarray(data[1])


def _programs(model: str | Trained, seed: int) -> tuple[ProgramPair, bytes, tuple[str, ...]]:
    if isinstance(model, str):
        network = Model.parse(model)
        pair = ProgramPair(*map(library.load, network.train_programs))
        return pair, first_weights(network, pair.layout, seed), tuple(b.name for b in pair.layout.role("state"))
    learnt = {buffer.name.removeprefix("d_") for buffer in model.layout.role("output")}
    return ProgramPair(model.program, model.reducer), model.state, tuple(n for n in model.weights if n in learnt)


def _with_outer(
    pair: ProgramPair, state: bytes, weights: tuple[str, ...], outer: Outer, *, tasks: int
) -> tuple[ProgramPair, bytes, dict[str, float]]:
    if isinstance(outer, Average):
        return pair, state, {}
    from edgebounty.programs.compiler.outer import nesterov, trimmed_reducer

    if isinstance(outer, Nesterov):
        program, reducer = nesterov(pair.program, weights=weights)
        wider = ProgramPair(program, reducer)
        missing = wider.layout.role_bytes("state") - len(state)
        return wider, state + bytes(missing), {"outer_rate": outer.rate, "outer_momentum": outer.momentum}
    share = 0.5 if isinstance(outer, Median) else outer.share
    if not 0 <= share <= 0.5:
        raise Rejected(f"a share from 0 to 0.5 can be trimmed, not {share}", remedy="use Median() for the middle")
    return ProgramPair(pair.program, trimmed_reducer(pair.layout, tasks=tasks)), state, {"trim": share}


def _with_tree(pair: ProgramPair, outer: Outer) -> ProgramPair:
    if isinstance(outer, Trimmed | Median):
        raise Rejected(
            "a median of medians is another number: a trimmed mean or median folds all shards in one task",
            remedy="leave out fan_in, or average",
        )
    from edgebounty.programs.compiler.outer import mean_combiner

    return ProgramPair(pair.program, pair.reducer, mean_combiner(pair.layout))


def _most_tasks(pair: ProgramPair, data: TrainData, shards: int | None) -> int:
    """The shards there will be, to the next power of two: the reducer holds all their changes at once."""
    if shards is None:
        rows = next(b.shape[0] for b in pair.layout.role("shard") if b.name != "rows")
        count = len(next(iter(data.values()))) if isinstance(data, Mapping) else len(load_pair(data)[0])
        shards = -(-count // rows)
    return 1 << max(0, shards - 1).bit_length()


def accuracy_of(model: str | Trained, data: TrainData, forward: Built | Forward | None) -> Validate:
    """The share of labels that are the largest output of their place, by the model's forward program on this machine.

    A row has one label, or one for each of its places (the next character of each, say).
    """
    x, y = load_pair(data)
    if isinstance(model, str):
        found: Forward | None = Forward(name=model, program=library.load(Model.parse(model).infer_program), state=b"")
    else:
        found = None if forward is None else open_forward(forward)
    if found is None:
        raise Rejected(
            "a compiled model needs its forward pass to be validated", remedy="give forward=build_forward(…)"
        )
    pair = ProgramPair(found.program)
    layout, params = pair.layout, found.params
    row_shape(layout)  # refuses a program that is not rowwise, before the first round

    def accuracy(weights: dict[str, Array]) -> float:
        state = pack_role(layout, "state", {buffer.name: weights[buffer.name] for buffer in layout.role("state")})
        planned = plan_forward(x, pair, model="validation", state=state, params=params)
        done = run_here(planned)
        outputs = decode_infer(planned.manifest, done.run.result, fetcher(done.store, planned.manifest))
        scores = next(iter(outputs.values()))
        return float((scores.reshape(*y.shape, -1).argmax(axis=-1) == y).mean())

    return accuracy
