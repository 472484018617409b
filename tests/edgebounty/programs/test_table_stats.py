"""`table.stats` against numpy, and what it refuses."""

import numpy as np
import pytest
from sklearn.datasets import load_wine

from edgebounty.programs import builtin
from tests.edgebounty.programs.stats_kit import map_task, reduce_task, statistics

pytestmark = pytest.mark.unit

NAMES = ("table.stats", "table.stats.large")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shards", [1, 4])
def test_statistics__wine_table__equal_numpy(name, shards):
    table = load_wine().data
    found = statistics(name, np.array_split(table, shards))

    assert found["out_rows"][0] == len(table)
    assert found["out_phase"][0] == 2
    np.testing.assert_array_equal(found["out_minimum"], table.min(0))
    np.testing.assert_array_equal(found["out_maximum"], table.max(0))
    np.testing.assert_allclose(found["out_mean"], table.mean(0), rtol=1e-14)
    np.testing.assert_allclose(found["out_variance"], table.var(0), rtol=1e-13)
    bins = found["out_histogram"].shape[1]
    expected = [np.histogram(table[:, j], bins=bins)[0] for j in range(table.shape[1])]
    np.testing.assert_array_equal(found["out_histogram"], expected)


def test_statistics__widest_table__fills_every_column():
    table = np.random.default_rng(0).normal(size=(300, 1024))
    found = statistics("table.stats.large", np.array_split(table, 3))

    np.testing.assert_allclose(found["out_variance"], table.var(0), rtol=1e-13)
    assert (found["out_histogram"].sum(1) == 300).all()


def test_statistics__constant_column__has_no_variance_and_one_bin():
    found = statistics("table.stats", [np.full((5, 1), 3.25)])

    assert (found["out_mean"][0], found["out_variance"][0]) == (3.25, 0)
    np.testing.assert_array_equal(found["out_histogram"][0], np.histogram(np.full(5, 3.25), bins=16)[0])


def test_statistics__one_empty_shard__changes_nothing():
    table = np.arange(12.0).reshape(6, 2)

    one, two = statistics("table.stats", [table]), statistics("table.stats", [table, table[:0]])
    for key, value in one.items():
        np.testing.assert_array_equal(two[key], value)


def test_statistics__small_spread_on_a_large_mean__keeps_its_digits():
    values = 1e15 + np.array([0.0, 0.125, 0.25, 0.375])[:, None]

    assert statistics("table.stats", [values])["out_variance"][0] == np.var([0.0, 0.125, 0.25, 0.375])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_map__value_that_is_not_finite__fails_as_nan(bad):
    table = np.ones((3, 2))
    table[2, 1] = bad

    assert (
        map_task("table.stats", table, bytes(builtin.info("table.stats").layout.role_bytes("state"))).failure == "nan"
    )


def test_statistics__sum_beyond_the_range__fails_as_nan():
    state = bytes(builtin.info("table.stats").layout.role_bytes("state"))

    assert map_task("table.stats", np.full((4, 1), 1.7e308), state).failure == "nan"


@pytest.mark.parametrize(
    "changes",
    [{"rows": -1}, {"rows": 8192}, {"columns": 0}, {"columns": 33}, {"columns": -(2**31)}, {"rows": 2**31 - 1}],
)
def test_map__impossible_row_or_column_count__fails_with_status_2(changes):
    state = bytes(builtin.info("table.stats").layout.role_bytes("state"))

    assert map_task("table.stats", np.ones((2, 1)), state, **changes).failure == "status_2"


def test_reduce__no_rows__fails_with_status_2():
    state = bytes(builtin.info("table.stats").layout.role_bytes("state"))
    empty = map_task("table.stats", np.ones((0, 2)), state)

    assert empty.failure is None
    assert reduce_task("table.stats", [empty.output], state).failure == "status_2"


def test_reduce__shards_of_different_width__fail_with_status_2():
    state = bytes(builtin.info("table.stats").layout.role_bytes("state"))
    outputs = [map_task("table.stats", np.ones((2, width)), state).output for width in (2, 3)]

    assert reduce_task("table.stats", outputs, state).failure == "status_2"


def test_map__second_round_on_other_data__fails_with_status_2():
    name = "table.stats"
    state = bytes(builtin.info(name).layout.role_bytes("state"))
    state = reduce_task(name, [map_task(name, np.array([[1.0], [2.0]]), state).output], state).output

    assert map_task(name, np.array([[1.0], [2.5]]), state).failure == "status_2"
