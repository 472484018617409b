"""Every analysis against an independent implementation (numpy, scikit-learn) on the same table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans as SkKMeans
from sklearn.decomposition import PCA as SkPCA
from sklearn.linear_model import LinearRegression as SkLinear
from sklearn.linear_model import LogisticRegression as SkLogistic
from sklearn.linear_model import Ridge as SkRidge

from edgebounty.jobs.analyses.describe import Describe
from edgebounty.jobs.analyses.groups import GroupBy
from edgebounty.jobs.analyses.kmeans import KMeans
from edgebounty.jobs.analyses.logistic import LogisticRegression
from edgebounty.jobs.analyses.moments import Correlation, LinearRegression, PrincipalComponents
from edgebounty.jobs.analyses.quantiles import Quantiles
from edgebounty.jobs.check import JobError
from edgebounty.programs.runtime import Runtime
from tests.edgebounty.jobs.analysis_kit import Array, analyse

pytestmark = pytest.mark.integration


def mixed(rows: int, columns: int, seed: int = 0) -> Array:
    """Columns that depend on one another, of very different sizes and far from zero."""
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, columns)) @ random.normal(size=(columns, columns)) * 10.0 ** random.integers(
        -3, 4, columns
    ) + random.normal(0, 100, columns)


@pytest.mark.parametrize(("rows", "columns", "shards"), [(1, 1, 1), (500, 5, 3), (400, 16, 2), (300, 40, None)])
def test_correlation__tables_of_any_width__is_what_numpy_says(
    runtime: Runtime, rows: int, columns: int, shards: int | None
) -> None:
    table = mixed(rows, columns)
    found = analyse(Correlation(), table, runtime, shards=shards).arrays
    np.testing.assert_allclose(found["covariance"], np.cov(table.T, bias=True).reshape(columns, columns), rtol=1e-9)
    if rows > 1:
        np.testing.assert_allclose(found["correlation"], np.corrcoef(table.T), atol=1e-12)


def test_correlation__more_columns_than_one_job_takes__is_put_together_from_pairs_of_groups(runtime: Runtime) -> None:
    table = mixed(200, 150)
    found = analyse(Correlation(), table, runtime)
    np.testing.assert_allclose(found.arrays["correlation"], np.corrcoef(table.T), atol=1e-12)


def test_describe__more_columns_than_one_job_takes__describes_all(runtime: Runtime) -> None:
    table = mixed(20, 1030)
    found = analyse(Describe(), table, runtime).arrays
    assert len(found["mean"]) == 1030
    np.testing.assert_allclose(found["mean"], table.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found["variance"], table.var(axis=0), rtol=1e-10)
    assert found["histogram"][1029][:64].tolist() == np.histogram(table[:, 1029], 64)[0].tolist()


@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_linear__with_and_without_ridge__is_what_scikit_learn_says(runtime: Runtime, ridge: float) -> None:
    table = mixed(600, 6)
    found = analyse(LinearRegression("column_5", ridge=ridge), table, runtime, shards=4)
    other = (SkRidge(alpha=ridge) if ridge else SkLinear(tol=1e-15)).fit(table[:, :5], table[:, 5])
    np.testing.assert_allclose(found.arrays["coefficients"], other.coef_, rtol=1e-7)
    assert found.document["intercept"] == pytest.approx(other.intercept_, rel=1e-7)
    assert found.document["r_squared"] == pytest.approx(other.score(table[:, :5], table[:, 5]), rel=1e-9)


def test_pca__three_components__are_scikit_learns(runtime: Runtime) -> None:
    table = mixed(500, 8)
    found = analyse(PrincipalComponents(3), table, runtime, shards=3)
    other = SkPCA(3, svd_solver="full").fit(table)
    signs = np.sign((found.arrays["components"] * other.components_).sum(axis=1))
    np.testing.assert_allclose(found.arrays["components"], other.components_ * signs[:, None], atol=1e-7)
    np.testing.assert_allclose(found.document["explained_share"], other.explained_variance_ratio_, rtol=1e-9)


@pytest.mark.parametrize("keys", [["b", "a", "ä"], [3, 1, 2], [2.5, -1.0, 0.0]])
def test_groupby__text_and_numbers_as_keys__gives_the_aggregates_of_numpy(runtime: Runtime, keys: list[object]) -> None:
    random = np.random.default_rng(4)
    group = np.array([keys[i] for i in random.integers(0, 3, 700)])
    table = {"group": group, "p": random.normal(5, 2, 700), "q": random.normal(-1e6, 1, 700)}
    found = analyse(GroupBy("group"), table, runtime, shards=3)
    assert [one["key"] for one in found.document["groups"]] == sorted(keys)  # type: ignore[type-var]
    for one in found.document["groups"]:
        part = table["q"][group == one["key"]]
        assert one["count"] == len(part)
        assert (one["q"]["minimum"], one["q"]["maximum"]) == (part.min(), part.max())
        assert one["q"]["mean"] == pytest.approx(part.mean(), rel=1e-14)
        assert one["q"]["sum"] == pytest.approx(part.sum(), rel=1e-14)
        assert one["q"]["variance"] == pytest.approx(part.var(), rel=1e-9)


def test_groupby__more_groups_than_the_small_program_takes__gives_every_group(runtime: Runtime) -> None:
    random = np.random.default_rng(5)
    key, values = random.integers(0, 9000, 20_000), random.normal(size=(20_000, 2))
    found = analyse(GroupBy("key"), {"key": key, "a": values[:, 0], "b": values[:, 1]}, runtime).arrays
    np.testing.assert_array_equal(found["count"], np.bincount(key)[np.unique(key)])
    np.testing.assert_allclose(found["sum"][:, 1], np.bincount(key, values[:, 1])[np.unique(key)], atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
    q=st.floats(0, 1),
    rounds=st.integers(1, 6),
)
def test_quantiles__any_numbers_and_rounds__lie_in_the_stated_interval(
    runtime: Runtime, values: list[float], q: float, rounds: int
) -> None:
    found = analyse(Quantiles((q,), rounds=rounds), np.array(values).reshape(-1, 1), runtime).document
    one = found["columns"]["column_0"][0]
    true = np.quantile(np.array(values), q, method="lower") if len(values) > 1 else values[0]
    # numpy takes floor(q (n - 1)) of a product that it rounds the same way
    assert one["low"] <= true + 0.0 <= one["high"]
    if rounds == 6:
        assert one["value"] == true
    if rounds >= 2 and abs(true) > 1e-300:
        assert one["high"] - one["low"] <= abs(true) * 2.0 ** (12 - 11 * rounds) * 2


def test_quantiles__many_columns__come_from_several_jobs(runtime: Runtime) -> None:
    table = mixed(3000, 30)
    found = analyse(Quantiles((0.0, 0.1, 0.5, 1.0), rounds=6), table, runtime).arrays
    np.testing.assert_array_equal(found["value"].T, np.quantile(table, [0.0, 0.1, 0.5, 1.0], axis=0, method="lower"))


def test_kmeans__from_the_same_centres__moves_as_scikit_learn_does(runtime: Runtime) -> None:
    random = np.random.default_rng(6)
    table = random.normal(size=(900, 3)) + np.array([[0, 0, 0], [6, 0, 0], [0, 6, 6]])[random.integers(0, 3, 900)]
    start = table[:3]
    found = analyse(KMeans(3, rounds=30, start=tuple(map(tuple, start))), table, runtime, shards=4)
    other = SkKMeans(3, init=start, n_init=1, max_iter=30, tol=0).fit(table)
    np.testing.assert_allclose(found.arrays["centres"], other.cluster_centers_, rtol=1e-9)
    np.testing.assert_array_equal(found.arrays["count"], np.bincount(other.labels_))
    assert found.document["inertia"] == pytest.approx(other.inertia_, rel=1e-9)


def test_kmeans__own_first_centres__find_separate_clusters(runtime: Runtime) -> None:
    random = np.random.default_rng(7)
    truth = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])
    table = truth[random.integers(0, 4, 6000)] + random.normal(0, 0.5, (6000, 2))
    found = analyse(KMeans(4, rounds=8), table, runtime).arrays["centres"]
    assert max(np.abs(found - centre).sum(axis=1).min() for centre in truth) < 0.1


@pytest.mark.parametrize("ridge", [0.01, 1.0, 50.0])
def test_logistic__any_ridge__is_what_scikit_learn_says(runtime: Runtime, ridge: float) -> None:
    random = np.random.default_rng(8)
    features = random.normal(size=(800, 4)) * [1, 5, 0.1, 1]
    labels = (features @ [1, -0.5, 3, 0] + 0.3 + random.logistic(size=800) > 0).astype(float)
    table = np.column_stack([features, labels])
    found = analyse(LogisticRegression("column_4", ridge=ridge), table, runtime, shards=3)
    other = SkLogistic(C=1 / ridge, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(features, labels)
    np.testing.assert_allclose(found.arrays["coefficients"], other.coef_[0], rtol=1e-6)
    assert found.document["intercept"] == pytest.approx(other.intercept_[0], rel=1e-6)
    assert found.document["slope"] < 1e-7


@pytest.mark.parametrize(
    ("question", "table", "reason"),
    [
        (Correlation(), np.zeros((0, 2)), "no rows"),
        (Correlation(), np.array([[1.0, np.nan]]), "row 1, column 'column_1' is nan"),
        (Correlation(("z",)), np.ones((2, 2)), "no column 'z'"),
        (GroupBy("t"), {"t": np.array(["a"]), "u": np.array(["b"])}, "no column of numbers"),
        (Correlation(("t",)), {"t": np.array(["a"]), "u": np.ones(1)}, "holds no numbers"),
        (Quantiles((1.5,)), np.ones((2, 1)), "from 0 to 1"),
        (Quantiles(rounds=7), np.ones((2, 1)), "1 to 6 rounds"),
        (KMeans(3), np.ones((2, 1)), "3 clusters"),
        (LogisticRegression("column_1"), np.full((4, 2), 2.0), "0 and 1"),
        (PrincipalComponents(9), np.ones((4, 2)), "1 to 2 components"),
    ],
)
def test_plan__what_cannot_be_answered__says_why(
    runtime: Runtime, question: object, table: object, reason: str
) -> None:
    with pytest.raises(JobError, match=reason):
        analyse(question, table, runtime)  # type: ignore[arg-type]
