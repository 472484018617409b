"""Faults 6, 7 and 8: blocks are taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebounty.chain.views import ClaimStatus
from tests.orchestrator.devnet import Devnet, Process, digest_of, small_job, wait

pytestmark = pytest.mark.integration
RIGHT = digest_of("right")


@pytest.mark.parametrize("depth", [1, 7, 64])
def test_job__taken_back__dropped_then_posted_again_settles_once(net: Devnet, data_dir: Path, depth: int) -> None:
    net.mine(80)
    with net.orchestrator(str(data_dir), finality="70") as process:
        planned = small_job(seed=depth)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.mine(depth - 1)
        wait(lambda: seen(process, job_id), 10, "the job is seen")
        net.reorg_to(process.get(f"/v1/jobs/{job_id}")["posted_block"] - 1)
        assert net.market.job_count() == job_id - 1
        net.mine(1)
        wait(lambda: not seen(process, job_id), 10, "the job is dropped")
        assert process.get("/v1/status")["reorganisations"] >= 1

        assert net.post(planned) == job_id
        net.mine(80)
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.mine(80)
        net.wait_settled(job_id, 0)
    assert net.settlements(job_id) == [0]


def test_commit__taken_back__sent_again_and_nobody_slashed(net: Devnet, data_dir: Path) -> None:
    ann, bob = net.workers[:2]
    with net.orchestrator(str(data_dir), finality="20") as process:
        planned = small_job(seed=100)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.mine(24)
        for worker in (ann, bob):
            net.wait_drawn(job_id, 0, worker)
            worker.claim(job_id, 0)
        before = net.market.block().number
        for worker in (ann, bob):
            worker.commit(job_id, 0, RIGHT)
        wait(lambda: statuses(process, job_id) == ["committed", "committed"], 10, "commits seen")
        net.reorg_to(before)
        wait(lambda: statuses(process, job_id) == ["claimed", "claimed"], 10, "commits dropped")

        for worker in (ann, bob):
            worker.commit(job_id, 0, RIGHT)
        for worker in (ann, bob):
            worker.reveal(job_id, 0)
        net.mine(30)
        net.wait_settled(job_id, 0)
        net.mine(30)
        wait(lambda: process.get(f"/v1/jobs/{job_id}")["final"]["settled"] == 1, 10, "final")
        for worker in (ann, bob):
            record = process.get(f"/v1/workers/{worker.address}")
            assert (record["slashed"], record["reasons"]) == ("0", [])
    assert {claim.status for claim in net.market.claims(job_id, 0)} == {ClaimStatus.REVEALED}


def test_chain__deeper_than_finality__stops_and_sends_nothing(net: Devnet, data_dir: Path) -> None:
    net.mine(40)
    with net.orchestrator(str(data_dir), finality="5") as process:
        planned = small_job(seed=200)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.mine(20)
        wait(lambda: process.get(f"/v1/jobs/{job_id}").get("final", {}).get("known"), 10, "the job is final")
        sent = net.operator_nonce()
        net.reorg_to(process.get(f"/v1/jobs/{job_id}")["posted_block"] - 1)
        net.mine(10)
        assert process.wait_dead() == 1
        assert "reorganised deeper than the finality setting" in process.log()
        assert net.operator_nonce() <= sent
    with net.orchestrator(str(data_dir), finality="5") as again:  # a restart does not gloss over it
        assert again.wait_dead() == 1


def seen(process: Process, job_id: int) -> bool:
    return any(job["id"] == job_id for job in process.get("/v1/jobs")["jobs"])


def statuses(process: Process, job_id: int) -> list[str]:
    job = process.get(f"/v1/jobs/{job_id}")
    return [claim["status"] for claim in job["task_list"][0]["claims"]]
