"""Realistic inputs of the programs over tables: what round 1 of a planned analysis reads."""

import numpy as np

from edgebounty.content.store import MemoryStore
from edgebounty.execution import fetcher, run_task
from edgebounty.jobs.analyses.base import Analysis, Cutting
from edgebounty.jobs.analyses.groups import GroupBy
from edgebounty.jobs.analyses.kmeans import KMeans
from edgebounty.jobs.analyses.logistic import LogisticRegression
from edgebounty.jobs.analyses.moments import Correlation
from edgebounty.jobs.analyses.quantiles import Quantiles
from edgebounty.jobs.analyses.rows import ArrayRows
from edgebounty.jobs.check import param_names
from edgebounty.jobs.shape import describe
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.unixfs import root_cid

RUNTIME = Runtime()


def analysis_inputs(name: str) -> tuple[bytes, bytes, dict[str, float], list[bytes]]:
    """State, shard, params and reducer inputs of `table.X`, `table.X.reduce` or `table.X.combine`, large or not."""
    program = name.removesuffix(".reduce").removesuffix(".combine")
    large = program.endswith(".large")
    random = np.random.default_rng(0)
    table = {f"c{i}": random.normal(3, 5, 200) for i in range(20 if large else 4)}
    table["label"] = random.integers(0, 2, 200).astype(float)
    table["key"] = random.integers(0, 60 if large else 3, 200).astype(float)
    questions: dict[str, Analysis] = {
        "moments": Correlation(),
        "groups": GroupBy("key"),
        "quantiles": Quantiles(),
        "kmeans": KMeans(60 if large else 2, rounds=2),
        "logistic": LogisticRegression("label"),
    }
    if "quantiles" in name and not large:
        table = {"c0": table["c0"], "c1": table["c1"]}
    question = questions[program.split(".")[1]]
    planned = question.plan(ArrayRows(table), Cutting(load=builtin.load, shards=3))[0]
    manifest = planned.manifest
    assert manifest.program == builtin.info(program).cid
    content, digests = {}, []
    fetch = fetcher(MemoryStore(dict(planned.blocks)), manifest)
    for index in range(manifest.tasks_per_round + manifest.map_tasks):
        spec = describe(manifest, index)
        done = run_task(
            manifest,
            spec,
            fetch=lambda cid: content[cid] if cid in content else fetch(cid),
            result_of=digests.__getitem__,
            runtime=RUNTIME,
        )
        content[root_cid(done.output)] = done.output
        digests.append(root_cid(done.output).digest)
    outputs = list(content.values())
    state, second = outputs[manifest.map_tasks], outputs[manifest.map_tasks + 1 :]
    known = param_names(builtin.info(name).layout)
    params = {key: value for key, value in manifest.params.items() if key in known}
    return state, fetch(manifest.shards[0].cid), params, second
