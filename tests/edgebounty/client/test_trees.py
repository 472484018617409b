"""A reduce cut into a tree gives what one task gives."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgebounty.client import Correlation, Describe, GroupBy, KMeans, Local, LogisticRegression, Median, Quantiles
from edgebounty.client.errors import Rejected
from edgebounty.jobs.shape import describe
from edgebounty.protocol.manifest import Manifest, ManifestError

pytestmark = pytest.mark.integration
RANDOM = np.random.default_rng(3)
TABLE = {
    "a": RANDOM.normal(size=700),
    "b": RANDOM.normal(5, 3, 700),
    "y": RANDOM.integers(0, 2, 700).astype(float),
    "g": RANDOM.integers(0, 4, 700).astype(float),
}


@pytest.mark.parametrize(
    "question",
    [
        Describe(),
        Correlation(),
        GroupBy("g"),
        Quantiles(rounds=6),
        KMeans(3, rounds=3),
        LogisticRegression("y", rounds=4),
    ],
)
def test_analyze__as_a_tree__gives_the_numbers_of_one_reduce(question: Any) -> None:
    flat = Local().analyze(TABLE, question, shards=7).result().arrays
    tree = Local().analyze(TABLE, question, shards=7, fan_in=2)
    manifest = tree.plan.parts[0].manifest
    assert (manifest.reduce_tasks, manifest.fan_in) == (4 + 2 + 1, 2)
    assert Manifest.parse(manifest.encode()) == manifest
    for name, values in tree.result().arrays.items():
        if values.dtype.kind in "if":
            np.testing.assert_allclose(values, flat[name], rtol=1e-12, atol=1e-12)
    assert tree.verify(sample=6).right
    assert [describe(manifest, i).is_last for i in range(7, 14)] == [False] * 6 + [True]


def test_train__as_a_tree__is_the_weighted_mean() -> None:
    y = RANDOM.integers(0, 3, 400)
    x = (RANDOM.normal(0, 0.5, (400, 13)) + np.eye(3, 13)[y] * 2).astype(np.float32)
    settings: dict[str, Any] = {"rounds": 2, "shards": 5, "epochs": 1}
    flat = Local().train("mlp:13-32-3", (x, y), **settings).result().arrays
    tree = Local().train("mlp:13-32-3", (x, y), fan_in=2, **settings).result().arrays
    for name, values in flat.items():
        np.testing.assert_allclose(tree[name], values, atol=1e-6)
    with pytest.raises(Rejected, match="median of medians"):
        Local().train("mlp:13-32-3", (x, y), fan_in=2, outer=Median(), **settings)


def test_manifest__half_a_tree_or_one_that_is_none__is_refused() -> None:
    manifest = Local().plan_analyze(TABLE, Correlation(), shards=7, fan_in=2).parts[0].manifest
    for change in ({"combiner": None}, {"fan_in": None}, {"fan_in": 7}, {"fan_in": 1}):
        with pytest.raises(ManifestError, match="fan_in"):
            replace(manifest, **change)  # type: ignore[arg-type]
    text = manifest.encode().replace(b'"fan_in":2,', b"")
    with pytest.raises(ManifestError, match=r"document.fan_in: is missing"):
        Manifest.parse(text)
