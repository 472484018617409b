"""The notebook API on this machine: typed questions, any kind of table, results that can be checked."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from edgebounty.client import Correlation, Describe, GroupBy, Local, Quantiles
from edgebounty.client.blocks import DiskBlocks
from edgebounty.client.errors import Rejected
from edgebounty.client.plans import plan_analysis
from edgebounty.protocol.unixfs import root_cid

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def table() -> pa.Table:
    random = np.random.default_rng(11)
    return pa.table(
        {
            "city": [["Oslo", "Bonn", "Łódź"][i] for i in random.integers(0, 3, 5000)],
            "n": random.integers(0, 100, 5000),
            "x": random.normal(size=5000),
            "ok": random.integers(0, 2, 5000).astype(bool),
        }
    )


@pytest.fixture(scope="module")
def files(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One table, as everything a requester may bring."""
    folder = tmp_path_factory.mktemp("tables")
    many = folder / "many"
    many.mkdir()
    pq.write_table(table, folder / "t.parquet", row_group_size=777)
    pq.write_table(table.slice(0, 1234), many / "part-0.parquet")
    pq.write_table(table.slice(1234), many / "part-1.parquet")
    pa_csv.write_csv(table, folder / "t.csv")
    return {
        "parquet": folder / "t.parquet",
        "folder": str(many),
        "csv": folder / "t.csv",
        "arrow": table,
        "dict": {name: table[name].to_numpy() for name in table.column_names},
    }


@pytest.mark.parametrize("question", [Describe(("n", "x")), GroupBy("city", ("n", "x")), Quantiles((0.5,), ("x",))])
def test_analyze__one_table_in_any_form__has_one_manifest(files: dict[str, Any], question: Any) -> None:
    cids = {name: plan_analysis(data, question, shards=4).cids for name, data in files.items()}
    assert len(set(cids.values())) == 1, cids


def test_groupby__parquet__is_what_pyarrow_says(files: dict[str, Any], table: pa.Table) -> None:
    job = Local().analyze(files["parquet"], GroupBy("city"), shards=3).wait(bar=False)
    other = table.group_by("city").aggregate([("x", "mean"), ("x", "min"), ("n", "sum"), ("x", "count")])
    rows = {row["city"]: row for row in other.to_pylist()}
    for group in job.result().document["groups"]:
        row = rows[group["key"]]
        assert (group["count"], group["x"]["minimum"], group["n"]["sum"]) == (
            row["x_count"],
            row["x_min"],
            row["n_sum"],
        )
        assert group["x"]["mean"] == pytest.approx(row["x_mean"], rel=1e-13)


def test_job__finished__has_progress_cost_and_a_verification(files: dict[str, Any]) -> None:
    job = Local().analyze(files["csv"], Describe(("n", "x")), shards=3).wait(bar=False)
    assert (job.progress().finished, job.progress().state) == (8, "finished")
    assert job.cost().spent == 0
    assert job.cost().work_units
    assert "work units" in str(job.cost())
    found = job.verify(sample=4)
    assert (found.right, len(found.checks)) == (True, 4)
    assert job.result().cid == root_cid(job.result().content)
    assert "8/8 tasks, finished" in repr(job)


def test_job__of_several_parts__answers_once(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 150))
    job = Local().analyze(values, Correlation()).wait(bar=False)
    assert len(job.plan.parts) == 3
    assert job.progress().finished == job.plan.total_tasks
    np.testing.assert_allclose(job.result().arrays["correlation"], np.corrcoef(values.T), atol=1e-12)
    assert job.verify(sample=1).right


def test_job__stopped__has_no_result(files: dict[str, Any]) -> None:
    job = Local().analyze(np.random.default_rng(0).normal(size=(400_000, 20)))
    job.stop()
    assert job.progress().state != "open"
    with pytest.raises(Rejected, match="stopped"):
        job.result()


def test_plan__blocks_on_disk__are_those_in_memory(files: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = plan_analysis(files["csv"], Describe(("n", "x")), shards=3)
    monkeypatch.setattr("edgebounty.client.plans.DISK_BYTES", 0)
    on_disk = plan_analysis(files["csv"], Describe(("n", "x")), shards=3)
    assert isinstance(on_disk.parts[0].blocks, DiskBlocks)
    assert dict(on_disk.parts[0].blocks) == dict(in_memory.parts[0].blocks)
    assert Local().start(on_disk).result().cid == Local().start(in_memory).result().cid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,\n", "row 1, column 'b' is nan"),
        ("a,b\n1,2\n3,nan\n", "row 2, column 'b' is nan"),
        ("1,2\n3,4\n", "the first line holds numbers"),
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,b\n", "no rows"),
        ("", "cannot read .*: Empty CSV file"),
        ("a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,b\n1,2\n3,y\n", "row 2, column 'b' is 'y', not a number"),
    ],
)
def test_csv__that_makes_no_job__is_refused_and_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(Rejected, match=said):
        plan_analysis(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.parquet", "none.parquet", "none.csv"])
def test_file__that_cannot_be_read__is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but then something else")
    with pytest.raises(Rejected, match="cannot read"):
        plan_analysis(tmp_path / name)
