"""Programs that are not built in are made where the compiler is, and named with its extra where it is not."""

import numpy as np
import pytest

from edgebounty.programs import builtin, library
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.runtime import Runtime
from tests.edgebounty.programs.perceptron_kit import descend, probabilities
from tests.edgebounty.programs.program_kit import pack, unpack

pytestmark = pytest.mark.integration


def test_load__builtin_name__is_the_shipped_module():
    assert library.load("table.stats") == builtin.load("table.stats")


def test_load__perceptron_of_another_size__is_built_and_right(runtime: Runtime):
    pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")
    trainer, guesser = library.load("mlp-5-7-3.train"), library.load("mlp-5-7-3.infer")
    generator = np.random.default_rng(0)
    shapes = {"w1": (5, 7), "b1": (7,), "w2": (7, 3), "b2": (3,)}
    weights = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    x, y = generator.normal(size=(50, 5)).astype(np.float32), generator.integers(0, 3, 50)

    layout = runtime.layout(trainer)
    state = pack(layout, "state", weights)
    trained = runtime.run_program(
        trainer,
        state=state,
        shard=pack(layout, "shard", {"rows": 50, "x": x, "y": y}),
        params={"learning_rate": 0.1, "epochs": 2},
        work_limit=10**9,
        output_limit=10**6,
    )
    change = unpack(layout, "output", trained.output)
    start = [weight.astype(np.float64) for weight in weights.values()]
    after = descend(start, x.astype(np.float64), y, epochs=2, rate=0.1)
    for name, before, end in zip(weights, start, after, strict=True):
        np.testing.assert_allclose(change[f"d_{name}"], end - before, atol=1e-5)

    layout = runtime.layout(guesser)
    guessed = runtime.run_program(
        guesser,
        state=state,
        shard=pack(layout, "shard", {"rows": 50, "x": x}),
        params={},
        work_limit=10**9,
        output_limit=10**6,
    )
    found = unpack(layout, "output", guessed.output)["probabilities"][:50]
    np.testing.assert_allclose(found, probabilities(start, x.astype(np.float64)), atol=2e-6)


@pytest.mark.parametrize("name", ["mlp-5-7-3.train", "mlp-5-7-3.infer"])
@pytest.mark.parametrize("missing", ["tinygrad", "ziglang"])
def test_load__compiler_missing__names_the_extra(name, missing, monkeypatch):
    from edgebounty.programs.compiler import perceptron

    pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")
    perceptron._captured.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None if package == missing else object())

    with pytest.raises(builtin.UnknownProgram, match=r"mlp-5-7-3.*table\.stats.*; .*edgebounty\[compile\]"):
        library.load(name)


@pytest.mark.parametrize("name", ["resnet", "mlp-5-7-3", "mean.mlp-5-7-3.train", "mlp-0-7-3.train", "mlp-5-7.train"])
def test_load__no_such_program__says_so(name):
    with pytest.raises(builtin.UnknownProgram):
        library.load(name)


def test_load__perceptron_too_wide__is_refused():
    with pytest.raises(ProgramRejected, match="wider"):
        library.load("mlp-5000-7-3.train")
