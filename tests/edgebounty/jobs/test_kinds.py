"""Plans of the three kinds, run with the real built-in programs and compared with numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.content.store import MemoryStore, get_file
from edgebounty.execution import LocalRun, fetcher, run_local
from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.analyze import LARGE, decode_analyze, plan_analyze, program_names
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import decode_infer, plan_infer
from edgebounty.jobs.model import Model
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.train import decode_train, plan_train
from edgebounty.programs.builtin import load
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.manifest import Manifest
from tests.edgebounty.jobs.analysis_kit import analyse

Array = np.ndarray[Any, Any]
WINE = Model.parse("mlp:13-32-3")


def run(job: PlannedJob, runtime: Runtime) -> LocalRun:
    store = MemoryStore(job.blocks)
    assert Manifest.parse(store.get_block(job.cid)) == job.manifest
    return run_local(job.manifest, fetcher(store, job.manifest), runtime)


def plan_table(table: Array, shards: int | None = None, program: str | None = None) -> PlannedJob:
    name, reducer = program_names(*table.shape) if program is None else (program, f"{program}.reduce")
    columns = [f"c{i}" for i in range(table.shape[1])]
    return plan_analyze(table, columns, ProgramPair(load(name), load(reducer)), shards=shards)


def training_pair() -> ProgramPair:
    return ProgramPair(*map(load, WINE.train_programs))


def clusters(rows: int, seed: int = 0) -> tuple[Array, Array]:
    """Three classes that a small network tells apart."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, rows)
    return (random.normal(0, 0.5, (rows, 13)) + np.eye(3, 13)[y] * 2).astype(np.float32), y


def forward(weights: dict[str, Array], x: Array) -> Array:
    hidden = np.maximum(x.astype(np.float64) @ weights["w1"] + weights["b1"], 0)
    scores = hidden @ weights["w2"] + weights["b2"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class TestAnalyze:
    pytestmark = pytest.mark.property

    @settings(deadline=None, max_examples=25)
    @given(
        rows=st.integers(1, 400),
        columns=st.integers(1, 40),
        shards=st.integers(1, 5),
        seed=st.integers(0, 1 << 20),
        scale=st.sampled_from([0.0, 1e-9, 1.0, 1e6]),
    )
    def test_run__any_table_and_shards__is_what_numpy_says(
        self, runtime: Runtime, rows: int, columns: int, shards: int, seed: int, scale: float
    ) -> None:
        table = np.random.default_rng(seed).normal(3, scale, (rows, columns))

        found = analyse(Describe(), table, runtime, shards=min(shards, rows)).document["columns"]

        assert list(found) == [f"column_{i}" for i in range(columns)]
        bins = len(found["column_0"]["histogram"])
        for i, column in enumerate(found.values()):
            values = table[:, i]
            assert column["count"] == rows
            assert (column["minimum"], column["maximum"]) == (values.min(), values.max())
            assert column["mean"] == pytest.approx(values.mean(), rel=1e-12)
            assert column["variance"] == pytest.approx(values.var(), rel=1e-9, abs=1e-30)
            assert column["histogram"] == np.histogram(values, bins)[0].tolist()

    @settings(deadline=None, max_examples=5)
    @given(seed=st.integers(0, 1 << 20))
    def test_run__cut_differently__gives_equal_statistics(self, runtime: Runtime, seed: int) -> None:
        table = np.random.default_rng(seed).normal(0, 1, (300, 4))
        results = []
        for shards in (1, 2, 7):
            job = plan_table(table, shards)
            results.append(decode_analyze(job.manifest, run(job, runtime).result))
        for other in results[1:]:
            for name, column in results[0]["columns"].items():
                assert other["columns"][name]["histogram"] == column["histogram"]
                assert other["columns"][name]["mean"] == pytest.approx(column["mean"], rel=1e-15, abs=1e-15)


@pytest.mark.integration
def test_analyze__wide_and_long_tables__take_the_large_program(runtime: Runtime) -> None:
    wide, long = np.random.default_rng(0).normal(0, 1, (5, 1024)), np.random.default_rng(1).normal(0, 1, (60_000, 3))
    assert program_names(*wide.shape)[0] == program_names(*long.shape)[0] == LARGE
    for table in (wide, long):
        job = plan_table(table)
        found = decode_analyze(job.manifest, run(job, runtime).result)["columns"]["c2"]
        assert found["variance"] == pytest.approx(table[:, 2].var(), rel=1e-12)
        assert found["histogram"] == np.histogram(table[:, 2], 64)[0].tolist()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("table", "columns", "reason"),
    [
        (np.zeros((0, 3)), "abc", "empty"),
        (np.zeros((3, 0)), "", "empty"),
        (np.zeros(3), "a", "shape"),
        (np.zeros((2, 2)), "abc", "3 column names for 2"),
        (np.zeros((2, 2)), "aa", "two columns are called 'a'"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "ab", "row 2, column 'b' is nan"),
        (np.array([[1.0, np.inf]]), "ab", "row 1, column 'b' is inf"),
        (np.array([["x", "y"]]), "ab", "holds numbers"),
        (np.zeros((1, 1025)), [str(i) for i in range(1025)], "takes 1024"),
    ],
)
def test_plan_analyze__bad_table__says_where(table: Array, columns: Any, reason: str) -> None:
    pair = ProgramPair(load(LARGE), load(f"{LARGE}.reduce"))
    with pytest.raises(JobError, match=reason):
        plan_analyze(table, list(columns), pair)


@pytest.mark.integration
def test_train_then_infer__learns_and_agrees_with_numpy_on_every_row(runtime: Runtime) -> None:
    x, y = clusters(400)
    test_x, test_y = clusters(333, seed=1)
    job = plan_train(x, y, training_pair(), model=str(WINE), rounds=6, shards=4, epochs=4, learning_rate=0.1, seed=3)

    trained = run(job, runtime)
    inference = plan_infer(
        test_x, ProgramPair(load(WINE.infer_program)), model=str(WINE), state=trained.result, shards=5
    )
    done = run(inference, runtime)
    found = decode_infer(inference.manifest, done.result, lambda cid: get_file(MemoryStore(done.blocks), cid, 1 << 20))

    assert (job.manifest.total_tasks, inference.manifest.total_tasks) == (30, 5)
    assert (found["labels"] == test_y).mean() > 0.95
    weights = decode_train(job.manifest, trained.result)
    assert found["probabilities"] == pytest.approx(forward(weights, test_x), abs=1e-5)


@pytest.mark.integration
def test_plan_train__same_seed__is_the_same_job_and_another_seed_another(runtime: Runtime) -> None:
    x, y = clusters(100)

    def plan(**changes: Any) -> PlannedJob:
        return plan_train(
            x, y, training_pair(), **({"model": str(WINE), "rounds": 1, "shards": 2, "seed": 1} | changes)
        )

    assert plan().cid == plan().cid
    assert len({plan(**c).cid for c in ({}, {"seed": 2}, {"rounds": 2}, {"shards": 3}, {"learning_rate": 0.2})}) == 5
    assert run(plan(), runtime).result_cid == run(plan(), runtime).result_cid


@pytest.mark.unit
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x, y: {"x": x[:, :12]}, "rows of 13 numbers"),
        (lambda x, y: {"x": x[:0], "y": y[:0]}, "empty"),
        (lambda x, y: {"x": np.where(np.arange(13) == 4, np.nan, x)}, "row 1, column 5 is nan"),
        (lambda x, y: {"x": x.astype(np.float64) * 1e60}, "finite float32"),
        (lambda x, y: {"x": x.astype(str)}, "samples are numbers"),
        (lambda x, y: {"y": y[:-1]}, "100 labels"),
        (lambda x, y: {"y": y + 1}, r"row \d+ has label 3"),
        (lambda x, y: {"y": y - 1}, r"row \d+ has label -1"),
        (lambda x, y: {"y": y + 0.5}, "whole numbers"),
        (lambda x, y: {"rounds": 0}, "at least one round"),
        (lambda x, y: {"epochs": 0}, "at least one round of one epoch"),
        (lambda x, y: {"learning_rate": 0.0}, "positive"),
        (lambda x, y: {"learning_rate": float("nan")}, "positive"),
        (lambda x, y: {"model": "cnn"}, "mlp:INPUTS"),
        (lambda x, y: {"model": "mlp:13-16-3"}, "not the program of"),
        (lambda x, y: {"shards": 101}, "at most 100"),
    ],
)
def test_plan_train__bad_input__says_what_is_wrong(
    change: Callable[[Array, Array], dict[str, Any]], reason: str
) -> None:
    x, y = clusters(100)
    arguments = {"x": x, "y": y, "model": str(WINE), "rounds": 1, "shards": 2} | change(x, y)
    with pytest.raises(JobError, match=reason):
        plan_train(arguments.pop("x"), arguments.pop("y"), training_pair(), **arguments)


@pytest.mark.unit
def test_plan_infer__weights_of_another_model_or_with_nan__are_refused() -> None:
    x, _ = clusters(10)
    pair = ProgramPair(load(WINE.infer_program))
    size = pair.layout.role_bytes("state")
    with pytest.raises(JobError, match="these weights have 5 bytes"):
        plan_infer(x, pair, model=str(WINE), state=b"12345")
    with pytest.raises(JobError, match="NaN or infinity in w1"):
        plan_infer(x, pair, model=str(WINE), state=b"\xff" * size)


@pytest.mark.unit
def test_decode__result_of_another_job__is_a_job_error() -> None:
    x, y = clusters(10)
    train = plan_train(x, y, training_pair(), model=str(WINE), rounds=1).manifest
    table = plan_table(np.zeros((3, 2))).manifest
    with pytest.raises(JobError, match="belong"):
        decode_train(train, b"short")
    with pytest.raises(JobError, match="belong"):
        decode_analyze(table, b"short")
    with pytest.raises(JobError, match="no columns"):
        decode_analyze(train, b"short")
    with pytest.raises(JobError, match="no list"):
        decode_infer(train, b"short", lambda cid: b"")


@pytest.mark.unit
@pytest.mark.parametrize("name", ["", "mlp:", "mlp:3", "mlp:0-1-2", "mlp:03-1-2", "mlp:1-2-", "MLP:1-2", "mlp:1-2-3 "])
def test_model__malformed_name__shows_an_example(name: str) -> None:
    with pytest.raises(JobError, match="mlp:64-128-10"):
        Model.parse(name)


@pytest.mark.integration
def test_plan_train__many_epochs__leaves_a_wide_margin_of_work_units(runtime: Runtime) -> None:
    x, y = clusters(512)

    def plan(epochs: int) -> Manifest:
        return plan_train(x, y, training_pair(), model=str(WINE), rounds=1, epochs=epochs).manifest

    job = plan_train(x, y, training_pair(), model=str(WINE), rounds=1, epochs=4)
    used = run(job, runtime).work_units / 4  # of one epoch, the reduce included
    assert plan(100_000).limits.work_units > 3 * used * 100_000
