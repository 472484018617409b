"""The built-in perceptrons against numpy, finite differences and a real data set."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgebounty.programs import builtin
from tests.edgebounty.programs.perceptron_kit import (
    MODELS,
    delta_of,
    descend,
    infer,
    init_state,
    join,
    loss,
    make_rows,
    probabilities,
    train,
    train_shard,
    weights_of,
)
from tests.edgebounty.programs.program_kit import unpack

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rows", [1, 31, 32, 33, 100, 512])
def test_train__any_number_of_rows__equals_numpy(model, rows):
    x, y = make_rows(model, rows)
    before = weights_of(model, init_state(model, 0))

    done = train(model, x, y, epochs=2, learning_rate=0.1)

    assert done.failure is None
    change, samples = delta_of(model, done.output)
    assert samples == rows
    after = descend(before, x.astype(np.float64), y, epochs=2, rate=0.1)
    for got, start, end in zip(change, before, after, strict=True):
        np.testing.assert_allclose(got, end - start, atol=1e-4)
        assert np.abs(got).max() > 1e-3  # it did train


@pytest.mark.parametrize("model", MODELS)
def test_train__one_step__is_the_gradient_by_finite_differences(model):
    x, y = make_rows(model, 20)
    weights = weights_of(model, init_state(model, 3))
    change, _ = delta_of(model, train(model, x, y, state=init_state(model, 3), learning_rate=1.0).output)

    generator = np.random.default_rng(1)
    for weight, got in zip(weights, change, strict=True):
        for index in generator.integers(0, weight.size, 12):
            kept = weight.flat[index]
            weight.flat[index] = kept + 1e-5
            above = loss(weights, x, y)
            weight.flat[index] = kept - 1e-5
            below = loss(weights, x, y)
            weight.flat[index] = kept
            assert -got.flat[index] == pytest.approx((above - below) / 2e-5, abs=2e-6)


@pytest.mark.parametrize("model", MODELS)
def test_train__no_rows_or_no_epochs__changes_nothing(model):
    x, y = make_rows(model, 5)

    for done, samples in ((train(model, x[:0], y[:0]), 0), (train(model, x, y, epochs=0), 5)):
        change, counted = delta_of(model, done.output)
        assert (done.failure, counted) == (None, samples)
        assert not any(part.any() for part in change)


def test_train__rows_beyond_the_count__do_not_matter():
    model = MODELS[1]
    x, y = make_rows(model, 40)

    assert train_shard(model, {"rows": 10, "x": x, "y": y}).output == train(model, x[:10], y[:10]).output


@pytest.mark.parametrize(("label", "rows"), [(-1, None), (10, None), (0, -1), (0, 513)])
def test_train__label_or_count_out_of_range__fails_with_status_2(label, rows):
    model = MODELS[0]
    x, y = make_rows(model, 3)
    y[1] = label

    assert train_shard(model, {"rows": 3 if rows is None else rows, "x": x, "y": y}).failure == "status_2"


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("where", ["x", "state"])
def test_train__input_that_is_not_finite__fails_as_nan(where, bad):
    model = MODELS[1]
    x, y = make_rows(model, 40)
    state = bytearray(init_state(model, 0))
    if where == "x":
        x[39, 2] = bad
    else:
        state[:4] = np.float32(bad).tobytes()

    assert train(model, x, y, state=bytes(state)).failure == "nan"


def test_train__diverging__fails_as_nan():
    x, y = make_rows(MODELS[0], 64)

    assert train(MODELS[0], x, y, learning_rate=1e30, epochs=20).failure == "nan"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rows", [0, 1, 32, 33, 128])
def test_infer__any_number_of_rows__equals_numpy(model, rows):
    x, _ = make_rows(model, rows)
    state = init_state(model, 5)

    done = infer(model, x, state)

    assert done.failure is None
    found = unpack(builtin.info(f"{model}.infer").layout, "output", done.output)
    assert found["out_rows"][0] == rows
    expected = probabilities(weights_of(model, state), x.astype(np.float64))
    np.testing.assert_allclose(found["probabilities"][:rows], expected, atol=2e-6)
    assert not found["probabilities"][rows:].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_infer__input_that_is_not_finite__fails_as_nan(bad):
    x, _ = make_rows(MODELS[0], 3)
    state = init_state(MODELS[0], 0)
    assert infer(MODELS[0], x, state[:-4] + np.float32(bad).tobytes()).failure == "nan"

    x[1, 5] = bad
    assert infer(MODELS[0], x, state).failure == "nan"


@pytest.mark.parametrize("model", MODELS)
def test_mean__outputs_of_different_size__are_weighted_by_their_rows(model):
    state = init_state(model, 0)
    outputs = [train(model, *make_rows(model, rows, seed=rows)).output for rows in (10, 50, 200, 0)]

    done = join(model, state, outputs)

    changes = [delta_of(model, output) for output in outputs]
    total = sum(samples for _, samples in changes)
    for i, (got, start) in enumerate(zip(weights_of(model, done.output), weights_of(model, state), strict=True)):
        expected = start + sum(samples * change[i] for change, samples in changes) / total
        np.testing.assert_array_equal(got, expected.astype(np.float32))


def test_mean__nobody_had_rows__fails_with_status_2():
    model = MODELS[0]
    empty = train(model, *make_rows(model, 0)).output

    assert join(model, init_state(model, 0), [empty, empty]).failure == "status_2"
    assert join(model, init_state(model, 0), []).failure == "status_2"


def test_training__digits_over_8_shards_in_6_rounds__reaches_95_of_100():
    model = "mlp-64-128-10"
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32), y[order]
    state = init_state(model, 0)
    for _ in range(6):
        shards = zip(np.array_split(x[360:], 8), np.array_split(y[360:], 8), strict=True)
        outputs = [train(model, *shard, state=state, epochs=10).output for shard in shards]
        state = join(model, state, outputs).output

    guessed = []
    for rows in np.array_split(x[:360], 3):
        found = unpack(builtin.info(f"{model}.infer").layout, "output", infer(model, rows, state).output)
        guessed.append(found["probabilities"][: len(rows)].argmax(1))
    assert (np.concatenate(guessed) == y[:360]).mean() >= 0.95
