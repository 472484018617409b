"""Training programs: gradients against finite differences, optimisers against numpy, schedules, the mean."""

import math
from functools import cache

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.programs.compiler.api import (
    ArraySpec,
    Built,
    Optimizer,
    build_training,
    function_model,
    mlp_model,
    onnx_model,
)
from edgebounty.programs.compiler.errors import BadSource
from tests.edgebounty.programs.compiled_kit import LIMIT, RUNTIME, OnnxGraph, outputs, run
from tests.edgebounty.programs.perceptron_kit import descend, loss
from tests.edgebounty.programs.program_kit import pack, unpack
from tests.edgebounty.programs.test_function_programs import FILE

pytestmark = pytest.mark.integration

ROWS, BATCH = 40, 8
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 6)).astype(np.float32)
Y = RNG.integers(0, 3, ROWS).astype(np.int32)
NAMES = ("w1", "b1", "w2", "b2")


@cache
def perceptron(kind: str, weight_decay: float = 0.0, schedule: str = "constant"):
    return build_training(
        mlp_model("mlp:6-10-3", batch=BATCH, seed=3),
        rows=ROWS,
        optimizer=Optimizer(kind=kind, weight_decay=weight_decay),
        schedule=schedule,
    )


def as_built(trained) -> Built:
    return Built(
        module=trained.program,
        layout=trained.layout,
        c_source=trained.c_source,
        state=trained.state,
        params=trained.params,
    )


def train(trained, *, state: bytes | None = None, rows: int = ROWS, **params: float):
    """Changes of every array by name, of the first `rows` rows."""
    built = as_built(trained)
    done = run(built, state=state, params={**trained.params, **params}, rows=rows, x=X, y=Y)
    return outputs(built.layout, done)


def first_weights(trained) -> list[np.ndarray]:
    found = unpack(trained.layout, "state", trained.state)
    return [found[name].astype(np.float64) for name in NAMES]


def gradients(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The change of one step of gradient descent at rate 1."""
    after = descend(weights, x, y, epochs=1, rate=1.0, batch=len(x))
    return [before - now for before, now in zip(weights, after, strict=True)]


def by_hand(weights: list[np.ndarray], optimizer: Optimizer, batches, rates) -> list[np.ndarray]:
    """The optimisers after their papers, in double precision."""
    weights = [w.copy() for w in weights]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    for t, (rows, rate) in enumerate(zip(batches, rates, strict=True), 1):
        for i, gradient in enumerate(gradients(weights, X[rows], Y[rows])):
            if optimizer.kind != "adamw":
                gradient = gradient + optimizer.weight_decay * weights[i]
            step = gradient
            if optimizer.kind == "momentum":
                step = first[i] = optimizer.momentum * first[i] + gradient
            elif optimizer.kind in ("adam", "adamw"):
                first[i] = optimizer.beta1 * first[i] + (1 - optimizer.beta1) * gradient
                second[i] = optimizer.beta2 * second[i] + (1 - optimizer.beta2) * gradient**2
                step = first[i] / (1 - optimizer.beta1**t)
                step = step / (np.sqrt(second[i] / (1 - optimizer.beta2**t)) + optimizer.epsilon)
            if optimizer.kind == "adamw":
                step = step + optimizer.weight_decay * weights[i]
            weights[i] -= rate * step
    return weights


def batch_rows(steps: int, rows: int = ROWS) -> list[slice]:
    batches = math.ceil(rows / BATCH)
    return [slice(s % batches * BATCH, min(rows, s % batches * BATCH + BATCH)) for s in range(steps)]


def test_gradient__every_weight__equals_finite_differences():
    trained = perceptron("sgd")
    weights = first_weights(trained)

    found = train(trained, rows=BATCH, local_steps=1, learning_rate=1.0)

    for i, name in enumerate(NAMES):
        numeric = np.zeros_like(weights[i])
        for at in np.ndindex(*weights[i].shape):
            moved = [w.copy() for w in weights]
            moved[i][at] += 1e-5
            high = loss(moved, X[:BATCH], Y[:BATCH])
            moved[i][at] -= 2e-5
            numeric[at] = (high - loss(moved, X[:BATCH], Y[:BATCH])) / 2e-5
        np.testing.assert_allclose(-found[f"d_{name}"], numeric, atol=2e-6)


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("rows", [ROWS, 21])
def test_optimiser__seven_local_steps__equals_the_papers_in_numpy(kind, rows):
    trained = perceptron(kind, weight_decay=0.03)
    rate = 0.05

    found = train(trained, rows=rows, local_steps=7, learning_rate=rate)

    optimizer = Optimizer(kind=kind, weight_decay=0.03)
    wanted = by_hand(first_weights(trained), optimizer, batch_rows(7, rows), [rate] * 7)
    for name, before, after in zip(NAMES, first_weights(trained), wanted, strict=True):
        np.testing.assert_allclose(found[f"d_{name}"], after - before, rtol=2e-4, atol=2e-6)
    assert found["d_steps"] == 7
    assert found["samples"] == rows


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedule__over_two_rounds__equals_its_formula(schedule):
    trained = perceptron("sgd", schedule=schedule)
    params = {"learning_rate": 0.1, "local_steps": 6, "warmup_steps": 3, "total_steps": 11}
    found, state = train(trained, **params), trained.state
    before = unpack(trained.layout, "state", state)
    middle = pack(trained.layout, "state", {name: before[name] + found[f"d_{name}"] for name in (*NAMES, "steps")})

    again = train(trained, state=middle, **params)

    def rate(done: int) -> float:
        if done < 3:
            return 0.1 * (done + 1) / 3
        part = min(1.0, (done - 3) / 8)
        return 0.1 * (1 - part) if schedule == "linear" else 0.05 * (1 + math.cos(math.pi * part))

    wanted = by_hand(first_weights(trained), Optimizer(), batch_rows(12), [rate(done) for done in range(12)])
    for name, first, last in zip(NAMES, first_weights(trained), wanted, strict=True):
        np.testing.assert_allclose(found[f"d_{name}"] + again[f"d_{name}"], last - first, rtol=2e-4, atol=2e-6)


def test_epochs__two__equal_as_many_local_steps():
    trained = perceptron("momentum")

    by_epochs, by_steps = train(trained, rows=21, epochs=2), train(trained, rows=21, local_steps=6)

    for name, value in by_epochs.items():
        np.testing.assert_array_equal(value, by_steps[name])


def test_empty_shard__changes_nothing():
    found = train(perceptron("adam"), rows=0, local_steps=5)

    assert not any(value.any() for value in found.values())


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"x": np.full((2, 6), np.nan)}, "nan"),
        ({"y": [0, 3]}, "status_2"),
        ({"y": [-1, 0]}, "status_2"),
        ({"rows": ROWS + 1}, "status_2"),
        ({"rows": -1}, "status_2"),
        ({"x": np.full((2, 6), 3e38)}, "nan"),  # overflows to infinity, then to NaN
    ],
)
def test_shard__that_makes_no_sense__fails(change, failure):
    trained = perceptron("sgd")
    shard = {"rows": 2, "x": X, "y": Y} | change

    assert run(as_built(trained), params={**trained.params, "learning_rate": 10}, **shard).failure == failure


def test_mean__of_uneven_tasks__is_weighted_by_their_rows():
    trained = perceptron("adam")
    results = [train(trained, rows=rows, local_steps=3) for rows in (40, 8, 0)]
    inputs = [pack(trained.layout, "output", result) for result in results]

    done = RUNTIME.run_reducer(trained.reducer, state=trained.state, inputs=inputs, params={}, work_limit=LIMIT)

    assert done.failure is None
    assert len(done.output) == len(trained.state)
    before, after = (unpack(trained.layout, "state", content) for content in (trained.state, done.output))
    for name, value in before.items():
        change = (40 * results[0][f"d_{name}"].astype(np.float64) + 8 * results[1][f"d_{name}"]) / 48
        np.testing.assert_allclose(after[name], value + change, rtol=1e-6, atol=1e-7)
    assert after["steps"] == 3


def test_onnx_model__trained__learns_and_keeps_what_is_frozen(tmp_path):
    graph = OnnxGraph((6,))
    hidden = graph.node("Gemm", "x", graph.normal(6, 10), np.zeros(10, np.float32))
    scale, mean, variance = np.ones(10, np.float32), np.full(10, 0.1, np.float32), np.full(10, 1.5, np.float32)
    hidden = graph.node("BatchNormalization", hidden, scale, np.zeros(10, np.float32), mean, variance)
    y = graph.node("Gemm", graph.node("Relu", hidden), graph.normal(10, 3), np.zeros(3, np.float32))
    trained = build_training(onnx_model(graph.save(tmp_path / "net.onnx", y), batch=BATCH), rows=ROWS)
    layout = trained.layout
    state = trained.state

    for _ in range(30):
        done = RUNTIME.run_program(
            trained.program,
            state=state,
            shard=pack(layout, "shard", {"rows": ROWS, "x": X, "y": X[:, :3].argmax(1)}),
            params={**trained.params, "epochs": 5},
            work_limit=LIMIT,
            output_limit=1 << 20,
        )
        state = RUNTIME.run_reducer(
            trained.reducer, state=state, inputs=[done.output], params={}, work_limit=LIMIT
        ).output

    found = unpack(layout, "state", state)
    np.testing.assert_array_equal(found["weight.4"], mean)
    np.testing.assert_array_equal(found["weight.5"], variance)
    hidden_values = (X @ found["weight.0"] + found["weight.1"] - mean) / np.sqrt(variance + 1e-5)
    hidden_values = hidden_values * found["weight.2"] + found["weight.3"]
    logits = np.maximum(hidden_values, 0) @ found["weight.6"] + found["weight.7"]
    assert (logits.argmax(1) == X[:, :3].argmax(1)).mean() > 0.95


def test_function_model__squared_error__equals_least_squares_gradient():
    weights = {"w": RNG.normal(size=(6, 2)).astype(np.float32)}
    x = ArraySpec.parse("x:f32[1,6]")
    labels = ArraySpec(name="y", dtype="f32", shape=(ROWS, 2))
    model = function_model(f"{FILE}:linear_model", x, weights, batch=ROWS)
    trained = build_training(model, rows=ROWS, labels=labels, loss="mse")
    targets = RNG.normal(size=(ROWS, 2)).astype(np.float32)

    done = run(as_built(trained), params={**trained.params, "learning_rate": 1.0}, rows=ROWS, x=X, y=targets)

    gradient = 2 * X.T @ (X @ weights["w"] - targets) / targets.size
    np.testing.assert_allclose(outputs(trained.layout, done)["d_w"], -gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": "magic"}, "schedule 'magic' is not known"),
        ({"loss": "hinge"}, "loss 'hinge' is not known"),
        ({"labels": ArraySpec(name="y", dtype="i32", shape=(ROWS, 2))}, "labels have the shape"),
        ({"labels": ArraySpec(name="x", dtype="i32", shape=(ROWS,))}, "two arrays are called 'x'"),
        ({"loss": "mse"}, "targets have the shape"),
        ({"rows": 4}, "a batch of 8 does not fit"),
    ],
)
def test_training__that_cannot_be_built__is_refused_with_the_reason(change, words):
    with pytest.raises(BadSource, match=words):
        build_training(mlp_model("mlp:6-10-3", batch=BATCH), **({"rows": ROWS} | change))


@pytest.mark.parametrize("kind", ["rmsprop", "SGD"])
def test_optimiser__unknown__is_refused(kind):
    with pytest.raises(BadSource, match="sgd, momentum, adam, adamw"):
        Optimizer(kind=kind)
