"""The perceptrons twice: as built-in programs, and written anew with numpy in double precision."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from edgebounty.jobs.model import Model, first_weights
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Execution, Runtime
from tests.edgebounty.programs.program_kit import pack, unpack

MODELS = ("mlp-64-128-10", "mlp-13-32-3")
RUNTIME = Runtime()
Weights = list[np.ndarray]


def weights_of(model: str, content: bytes) -> Weights:
    """A state as w1, b1, w2, b2 in double precision."""
    found = unpack(builtin.info(f"{model}.train").layout, "state", content)
    return [found[name].astype(np.float64) for name in ("w1", "b1", "w2", "b2")]


def init_state(model: str, seed: int) -> bytes:
    """The weights that a training job starts from."""
    parsed = Model.parse(model.replace("mlp-", "mlp:"))
    return first_weights(parsed, builtin.info(f"{model}.train").layout, seed)


def make_rows(model: str, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    parsed = Model.parse(model.replace("mlp-", "mlp:"))
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, parsed.inputs)).astype(np.float32)
    return x, generator.integers(0, parsed.classes, rows)


def train(model: str, x: np.ndarray, y: np.ndarray, *, state: bytes | None = None, **changes: float) -> Execution:
    return train_shard(model, {"rows": len(x), "x": x, "y": y}, state=state, **changes)


def train_shard(model: str, values: Mapping[str, Any], *, state: bytes | None = None, **changes: float) -> Execution:
    name = f"{model}.train"
    shard = pack(builtin.info(name).layout, "shard", values)
    return RUNTIME.run_program(
        builtin.load(name),
        state=init_state(model, 0) if state is None else state,
        shard=shard,
        params={"learning_rate": 0.5, "epochs": 1} | changes,
        work_limit=10**11,
        output_limit=1 << 20,
    )


def delta_of(model: str, output: bytes) -> tuple[Weights, int]:
    found = unpack(builtin.info(f"{model}.train").layout, "output", output)
    return [found[name].astype(np.float64) for name in ("d_w1", "d_b1", "d_w2", "d_b2")], int(found["samples"][0])


def infer(model: str, x: np.ndarray, state: bytes) -> Execution:
    name = f"{model}.infer"
    shard = pack(builtin.info(name).layout, "shard", {"rows": len(x), "x": x})
    return RUNTIME.run_program(
        builtin.load(name), state=state, shard=shard, params={}, work_limit=10**10, output_limit=1 << 20
    )


def join(model: str, state: bytes, outputs: Iterable[bytes]) -> Execution:
    module = builtin.load(f"mean.{model}")
    return RUNTIME.run_reducer(module, state=state, inputs=outputs, params={}, work_limit=10**10)


def probabilities(weights: Weights, x: np.ndarray) -> np.ndarray:
    w1, b1, w2, b2 = weights
    logits = np.maximum(x @ w1 + b1, 0) @ w2 + b2
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def loss(weights: Weights, x: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(probabilities(weights, x)[np.arange(len(y)), y]).mean())


def descend(weights: Weights, x: np.ndarray, y: np.ndarray, *, epochs: int, rate: float, batch: int = 32) -> Weights:
    """The training of the built-in program, by hand: gradients after the chain rule, batches in order."""
    w1, b1, w2, b2 = (weight.copy() for weight in weights)
    for _ in range(epochs):
        for first in range(0, len(x), batch):
            rows, labels = x[first : first + batch], y[first : first + batch]
            hidden = np.maximum(rows @ w1 + b1, 0)
            error = probabilities([w1, b1, w2, b2], rows)
            error[np.arange(len(labels)), labels] -= 1
            error /= len(labels)
            back = (error @ w2.T) * (hidden > 0)
            for weight, gradient in (
                (w1, rows.T @ back),
                (b1, back.sum(0)),
                (w2, hidden.T @ error),
                (b2, error.sum(0)),
            ):
                weight -= rate * gradient
    return [w1, b1, w2, b2]
