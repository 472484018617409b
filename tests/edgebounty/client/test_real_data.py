"""A table as large as requesters bring it. (Training on real data: tests/e2e/test_real_data.py.)"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgebounty.client import GroupBy, Local, Quantiles

pytestmark = pytest.mark.integration


def test_million_rows__streamed_from_parquet__is_what_pyarrow_and_numpy_say(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 1_000_000
    table = pa.table(
        {"key": random.integers(0, 40, rows), "a": random.normal(size=rows), "b": random.gamma(2, 3, rows)}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    groups = Local().analyze(tmp_path / "t.parquet", GroupBy("key")).result()
    other = {row["key"]: row for row in table.group_by("key").aggregate([("b", "sum"), ("a", "min")]).to_pylist()}
    for group in groups.document["groups"]:
        assert group["b"]["sum"] == pytest.approx(other[group["key"]]["b_sum"], rel=1e-13)
        assert group["a"]["minimum"] == other[group["key"]]["a_min"]
    assert sum(group["count"] for group in groups.document["groups"]) == rows
    found = Local().analyze(tmp_path / "t.parquet", Quantiles((0.5, 0.99), ("b",), rounds=3)).result()
    for one in found.document["columns"]["b"]:
        true = np.quantile(table["b"].to_numpy(), one["q"], method="lower")
        assert one["low"] <= true <= one["high"]
        assert one["high"] - one["low"] <= true * 2**-20
