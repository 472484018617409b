"""Data as large as requesters bring it, each against an independent implementation or one machine."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgebounty.client import GroupBy, Local, Quantiles
from edgebounty.programs.compiler import api

pytestmark = pytest.mark.integration
FASHION = Path("/usr/share/datasets/fashion-mnist")


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


def fashion(kind: str, rows: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    images = gzip.decompress((FASHION / f"{kind}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / f"{kind}-labels-idx1-ubyte.gz").read_bytes())
    x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)[:rows]
    return (x / np.float32(255)).astype(np.float32), np.frombuffer(labels, np.uint8, offset=8)[:rows].astype(np.int32)


@pytest.mark.skipif("EDGEBOUNTY_DEEP" not in os.environ, reason="takes more than a minute: part of `make deep`")
@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist__over_eight_shards__is_as_good_as_the_same_steps_on_one_machine() -> None:
    data, held_out = fashion("train", 60_000), fashion("t10k", 10_000)
    rounds, steps, metric = 6, 60, {}
    for shards in (8, 1):
        rows = 60_000 // shards
        model = api.mlp_model("mlp:784-32-10", batch=64)
        trained = api.build_training(model, rows=rows)
        forward = api.build_forward(model, rows=1000)
        job = Local().train(
            trained,
            data,
            rounds=rounds,
            shards=shards,
            learning_rate=0.2,
            params={"local_steps": steps},
            validation=held_out,
            forward=forward,
        )
        metric[shards] = job.wait(bar=False).curve[-1].metric or 0.0
    assert metric[8] >= metric[1] - 0.005, metric
    assert metric[8] > 0.8
