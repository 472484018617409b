"""Training in rounds on this machine: against numpy, with checkpoints, early stop and resume."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits

from edgebounty.client import Local, Median, Nesterov, Trimmed
from edgebounty.client.errors import Rejected
from edgebounty.client.export import load_safetensors
from edgebounty.jobs.plan import shuffled, split_rows

pytestmark = pytest.mark.integration
Array = np.ndarray[Any, Any]
MODEL = "mlp:13-32-3"


def clusters(rows: int, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return (random.normal(0, 0.7, (rows, 13)) + np.eye(3, 13)[y] * 2).astype(np.float32), y


def changes(x: Array, y: Array, weights: dict[str, Array], shards: int) -> list[dict[str, Array]]:
    """What each shard would change in one round, from jobs of that shard alone."""
    order = shuffled(len(x), 0)
    found = []
    for cut in split_rows(len(x), 512, shards):
        part = order[cut]
        inverse = np.argsort(shuffled(len(part), 0), kind="stable")  # so that the job's own shuffle gives this order
        one = Local().start(
            Local().plan_train(MODEL, (x[part][inverse], y[part][inverse]), rounds=1, epochs=1, state=weights)
        )
        found.append({name: value - weights[name] for name, value in one.result().arrays.items()})
    return found


@pytest.fixture(scope="module")
def start() -> dict[str, Array]:
    return dict(Local().train(MODEL, clusters(200), rounds=2, epochs=1).result().arrays)


@pytest.mark.parametrize(("outer", "drop"), [(Median(), 2), (Trimmed(0.2), 1), (Trimmed(0.0), 0)])
def test_robust__one_round__is_numpys_trimmed_mean(start: dict[str, Array], outer: Any, drop: int) -> None:
    x, y = clusters(250)
    each = changes(x, y, start, 5)
    plan = Local().plan_train(MODEL, (x, y), rounds=1, epochs=1, shards=5, outer=outer, state=start)
    found = Local().start(plan).result().arrays
    for name, before in start.items():
        ordered = np.sort(np.stack([change[name] for change in each]), axis=0)
        wanted = before + ordered[drop : 5 - drop].mean(axis=0)
        np.testing.assert_allclose(found[name], wanted, atol=2e-6)


def test_median__one_poisoned_shard__still_learns_where_the_mean_does_not() -> None:
    x, y = clusters(500)
    order = shuffled(500, 0)
    poisoned = x.copy()
    poisoned[order[:100]] *= -20  # the first of five shards
    held_out = clusters(300, 9)
    found = {}
    for name, options in {"mean": {}, "median": {"outer": Median()}}.items():
        job = (
            Local()
            .train(
                MODEL,
                (poisoned, y),
                rounds=3,
                epochs=2,
                shards=5,
                validation=held_out,
                **options,  # type: ignore[arg-type]
            )
            .wait(bar=False)
        )
        found[name] = job.curve[-1].metric or 0.0 if job.curve else 0.0  # NaN has ended the mean's job
    assert found["median"] > 0.85 > 0.6 > found["mean"], found


def test_nesterov__two_rounds__is_numpys_momentum(start: dict[str, Array]) -> None:
    x, y = clusters(250)
    weights = {**start, **{f"outer.{name}": np.zeros_like(value) for name, value in start.items()}}
    plan = Local().plan_train(MODEL, (x, y), rounds=2, epochs=1, shards=3, outer=Nesterov(0.7, 0.9), state=weights)
    found = Local().start(plan).result().arrays
    counts = [cut.stop - cut.start for cut in split_rows(250, 512, 3)]
    now, velocity = dict(start), {name: np.zeros(value.shape) for name, value in start.items()}
    for _ in range(2):
        each = changes(x, y, now, 3)
        for name in now:
            mean = np.average(np.stack([change[name] for change in each]).astype(np.float64), axis=0, weights=counts)
            velocity[name] = 0.9 * velocity[name] + mean
            now[name] = (now[name] + 0.7 * (mean + 0.9 * velocity[name])).astype(np.float32)
    for name, value in now.items():
        np.testing.assert_allclose(found[name], value, atol=5e-6)
        np.testing.assert_allclose(found[f"outer.{name}"], velocity[name], atol=5e-6)


def test_train__in_a_folder__keeps_every_round_and_a_picture_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    data, held_out = clusters(400), clusters(200, 5)
    settings: dict[str, Any] = {"shards": 3, "epochs": 1, "validation": held_out}
    whole = Local().train(MODEL, data, rounds=5, **settings).wait(bar=False)
    Local().train(MODEL, data, rounds=2, folder=tmp_path, **settings).wait(bar=False)
    rest = Local().train(MODEL, data, rounds=5, folder=tmp_path, resume=True, **settings).wait(bar=False)
    assert rest.result().cid == whole.result().cid
    assert [r.number for r in rest.curve] == [1, 2, 3, 4, 5]
    assert [r.metric for r in rest.curve] == [r.metric for r in whole.curve]
    assert [entry["round"] for entry in _abouts(tmp_path)] == ["1", "2", "3", "4", "5"]
    assert len(json.loads((tmp_path / "curve.json").read_text())) == 5
    ElementTree.fromstring((tmp_path / "curve.svg").read_text())
    with pytest.raises(Rejected, match="5 of 5 rounds"):
        Local().train(MODEL, data, rounds=5, folder=tmp_path, resume=True)


def _abouts(folder: Path) -> list[dict[str, str]]:
    return [load_safetensors(path)[1] for path in sorted(folder.glob("*.safetensors"))]


def test_train__no_better_for_some_rounds__ends_early_with_the_best_weights() -> None:
    scores = iter([0.5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    job = (
        Local()
        .train(MODEL, clusters(400), rounds=400, shards=3, validation=lambda weights: next(scores), patience=2)
        .wait(bar=False)
    )
    assert len(job.curve) == 4
    assert str(job.result().cid) == job.curve[1].state_cid


def test_train__saved_as_onnx__gives_the_same_classes_in_onnxruntime(tmp_path: Path) -> None:
    data, (x, y) = clusters(400), clusters(200, 5)
    job = Local().train(MODEL, data, rounds=3, shards=2, validation=(x, y)).wait(bar=False)
    job.save(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    labels = np.asarray(session.run(None, {"x": x})[0]).argmax(axis=1)
    inferred = Local().infer(MODEL, x, weights=job.result().content).result().arrays["labels"]
    np.testing.assert_array_equal(labels, inferred)
    assert job.curve[-1].metric == (inferred == y).mean()
    again = Local().infer(tmp_path / "net.onnx", x).result().arrays["logits"].argmax(axis=1)
    np.testing.assert_array_equal(again, labels)
    with pytest.raises(Rejected, match="not saved as"):
        job.save(tmp_path / "net.bin")


def test_train__digits_over_eight_shards__is_as_good_as_on_one_machine() -> None:
    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1437], order[1437:]
    held_out = (x[test], y[test])
    settings: dict[str, Any] = {"rounds": 12, "epochs": 4, "learning_rate": 0.3, "validation": held_out}
    # The same number of steps on one machine: three shards are the fewest that its rows fit in, one after the other.
    spread = Local().train("mlp:64-128-10", (x[train], y[train]), shards=8, **settings).wait(bar=False)
    alone = one_machine(x[train], y[train], held_out, steps=12 * 4 * (1437 // 8 // 32 + 1), rate=0.3)
    assert spread.curve[-1].metric is not None
    assert spread.curve[-1].metric >= alone - 0.005, (spread.curve[-1].metric, alone)


def one_machine(x: Array, y: Array, held_out: tuple[Array, Array], *, steps: int, rate: float) -> float:
    """The accuracy of as many steps of SGD in numpy, over all rows."""
    from edgebounty.jobs.arrays import unpack
    from edgebounty.jobs.model import Model, first_weights
    from edgebounty.programs.builtin import load
    from edgebounty.protocol.layout import Layout

    layout = Layout.of_module(load("mlp-64-128-10.train"))
    first = unpack(layout.role("state"), first_weights(Model.parse("mlp:64-128-10"), layout, 0))
    w1, b1, w2, b2 = (value.astype(np.float64).copy() for value in first.values())
    order, at = shuffled(len(x), 0), 0
    for _ in range(steps):
        rows = order[(at + np.arange(32)) % len(order)]
        at += 32
        hidden = np.maximum(x[rows] @ w1 + b1, 0)
        scores = hidden @ w2 + b2
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(32), y[rows]] -= 1
        share /= 32
        back = (share @ w2.T) * (hidden > 0)
        w2 -= rate * hidden.T @ share
        b2 -= rate * share.sum(axis=0)
        w1 -= rate * x[rows].T @ back
        b1 -= rate * back.sum(axis=0)
    scores = np.maximum(held_out[0] @ w1 + b1, 0) @ w2 + b2
    return float((scores.argmax(axis=1) == held_out[1]).mean())
