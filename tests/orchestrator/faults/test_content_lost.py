"""Fault 12, and bytes that are missing, damaged, wrong or withheld."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgebounty.content.store import ContentUnavailable, LocalStore
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import output_cid
from edgebounty.protocol.cid import Cid
from tests.orchestrator.devnet import Devnet, Process, run_here, small_job, wait

pytestmark = pytest.mark.integration


def test_content__not_uploaded__waits_and_says_for_what_and_whom(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=1)
        assert process.url
        job_id = net.post(planned)
        wait(lambda: "waiting for content" in problem(process, job_id), 10, "it says that it waits")
        assert str(planned.cid) in problem(process, job_id)
        assert net.requester.address in problem(process, job_id)
        net.mine(12)
        wait(lambda: process.get(f"/v1/work?worker={net.workers[0].address}")["reason"] is not None, 10, "a reason")
        net.upload(planned, process.url)
        wait(lambda: problem(process, job_id) == "", 10, "content complete")


@pytest.mark.parametrize("what", ["program", "shard"])
def test_content__one_flipped_bit__never_offered_until_sent_again(net: Devnet, data_dir: Path, what: str) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=2 if what == "program" else 3)
        net.upload(planned, process.url)
        victim = planned.manifest.program if what == "program" else planned.manifest.shards[1].cid
        path = LocalStore(process.data_dir / "content")._path(victim)
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        job_id = net.post(planned)
        wait(lambda: "is damaged here" in problem(process, job_id), 10, "it says that it is damaged")
        assert str(victim) in problem(process, job_id)
        net.mine(20)
        assert process.get(f"/v1/work?worker={net.workers[0].address}")["offers"] == []

        path.unlink()
        net.requester.gateway(process.url).put_block(victim, planned.blocks[victim])
        wait(lambda: problem(process, job_id) == "", 10, "content complete")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rounds": 3}, "terms say 2+1 tasks in 3 rounds"),
        ({"map_tasks": 5}, "terms say 5+1 tasks"),
    ],
)
def test_terms__other_counts_than_the_manifest__said_and_not_offered(
    net: Devnet, data_dir: Path, change: dict[str, Any], words: str
) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=4)
        net.upload(planned, process.url)
        job_id = net.post(planned, **change)
        wait(lambda: words in problem(process, job_id), 10, "the contradiction is named")


def test_manifest__hostile__refused_for_good_with_the_field(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=5)
        value = json.loads(planned.manifest.encode()) | {"surprise": 1}
        block = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        cid = Cid.of(block)
        net.requester.gateway(process.url).put_block(cid, block)
        job_id = net.post(planned, manifest_digest=cid.digest)
        wait(lambda: "surprise" in problem(process, job_id), 10, "the field is named")
        assert process.get(f"/v1/jobs/{job_id}")["content"] == "refused"


def test_program__with_garbage__refused_for_good(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=6)
        junk = b"\0asm\1\0\0\0" + b"\xff" * 40
        manifest = replace(planned.manifest, program=Cid.of(junk))
        blocks = planned.blocks | {manifest.cid: manifest.encode(), manifest.program: junk}
        wrong = PlannedJob(manifest=manifest, blocks=blocks)
        net.upload(wrong, process.url)
        job_id = net.post(wrong)
        wait(lambda: "breaks the rules" in problem(process, job_id), 10, "the rule is named")


def test_output__withheld__computed_here_and_others_not_blocked(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=7)
        local = run_here(planned)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        for index in (0, 1):
            net.work(job_id, index, local.outputs[index], net.workers[0], net.workers[1])
        net.wait_settled(job_id, 1)
        cid = output_cid(planned.manifest, 1, local.outputs[1])
        gateway = net.workers[0].gateway(process.url)
        wait(lambda: gateway.has(cid) or bool(net.mine()), 20, "the output is there")
        assert gateway.get_block(cid) == local.blocks[cid]
        assert process.get("/v1/status")["disputed"] == []


def test_output__settled_lie__disputed_loudly(net: Devnet, data_dir: Path) -> None:
    """All of a quorum lied alike: nothing on chain can say so, but the operator must hear of it."""
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=8)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.work(job_id, 0, planned.manifest.digest, net.workers[0], net.workers[1])  # bytes exist, of another length
        net.wait_settled(job_id, 0)
        wait(lambda: bool(process.get("/v1/status")["disputed"]) or bool(net.mine()), 20, "the dispute is told")
        assert "computed here it is" in process.get("/v1/status")["disputed"][0]


def test_upload__stranger_without_funds__refused(net: Devnet, data_dir: Path) -> None:
    from eth_account import Account

    from tests.orchestrator.devnet import Person

    with net.orchestrator(str(data_dir)) as process:
        stranger = Person(net.market, Account.create())
        block = b"unwanted"
        with pytest.raises(ContentUnavailable, match="no tokens, stake or credit"):
            stranger.gateway(process.url).put_block(Cid.of(block), block)


def problem(process: Process, job_id: int) -> str:
    job = process.get(f"/v1/jobs/{job_id}")
    return str(job.get("problem", ""))
