"""Faults 13, 14 and 15 on the real contracts: a worker vanishes, stays silent, lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrator.devnet import Devnet, digest_of, small_job, wait

pytestmark = pytest.mark.integration
RIGHT, LIE = digest_of("right"), digest_of("lie")


def test_worker__claims_and_vanishes__expired_and_redrawn(net: Devnet, data_dir: Path) -> None:
    ann, bob, eve = net.workers[:3]
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=1)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.wait_drawn(job_id, 0, eve)
        eve.claim(job_id, 0)
        net.mine(4, seconds=31)
        wait(lambda: not net.market.claims(job_id, 0) or bool(net.mine()), 15, "the claim has expired")
        net.work(job_id, 0, RIGHT, ann, bob)
        net.wait_settled(job_id, 0)
        net.mine(4)
        wait(lambda: bool(reasons(process, eve)), 10, "the reason is known")
        assert reasons(process, eve)[0]["reason"] == "no commit"
        assert process.get(f"/v1/workers/{eve.address}")["slashed"] == "0"


def test_worker__commits_and_stays_silent__slashed_and_settled_by_others(net: Devnet, data_dir: Path) -> None:
    ann, bob, eve = net.workers[:3]
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=2)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        for worker in (ann, eve):
            net.wait_drawn(job_id, 0, worker)
            worker.claim(job_id, 0)
        for worker in (ann, eve):
            worker.commit(job_id, 0, RIGHT)
        ann.reveal(job_id, 0)
        net.mine(4, seconds=31)
        wait(lambda: net.market.task(job_id, 0).slots_open == 3 or bool(net.mine()), 15, "a third replica is drawn")
        net.work(job_id, 0, RIGHT, bob)
        net.wait_settled(job_id, 0)
        net.mine(4)
        wait(lambda: bool(reasons(process, eve, job_id)), 10, "the reason is known")
        assert reasons(process, eve, job_id)[0]["reason"] == "no reveal"
        assert not reasons(process, ann, job_id)


def test_worker__one_liar_of_three__slashed_with_evidence_honest_paid(net: Devnet, data_dir: Path) -> None:
    ann, bob, eve = net.workers[:3]
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=3)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        for worker in (ann, eve):
            net.wait_drawn(job_id, 0, worker)
            worker.claim(job_id, 0)
        ann.commit(job_id, 0, RIGHT)
        eve.commit(job_id, 0, LIE)
        for worker in (ann, eve):
            worker.reveal(job_id, 0)
        net.mine(3)
        wait(lambda: net.market.task(job_id, 0).slots_open == 3 or bool(net.mine()), 15, "a third replica is drawn")
        before = net.market.balances(eve.address).stake
        net.work(job_id, 0, RIGHT, bob)
        net.wait_settled(job_id, 0)
        net.mine(4)
        wait(lambda: bool(reasons(process, eve, job_id)), 10, "the reason is known")
        (reason,) = reasons(process, eve, job_id)
        assert (reason["revealed"], reason["accepted"]) == ("0x" + LIE.hex(), "0x" + RIGHT.hex())
        assert int(reason["amount"]) == before - net.market.balances(eve.address).stake
        assert net.market.result(job_id, 0) == RIGHT


def test_job__nobody_finishes_it__all_money_comes_back(net: Devnet, data_dir: Path) -> None:
    ann, bob, _ = net.workers[:3]
    with net.orchestrator(str(data_dir)) as process:
        planned = small_job(seed=4)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.wait_drawn(job_id, 0, ann)
        ann.claim(job_id, 0)
        net.wait_drawn(job_id, 1, bob)
        bob.claim(job_id, 1)
        bob.commit(job_id, 1, RIGHT)
        locked = net.market.balances(bob.address).locked
        net.mine(4, seconds=3700)
        wait(lambda: net.market.job(job_id).escrow == 0 or bool(net.mine()), 30, "the escrow is refunded")
        assert net.market.balances(bob.address).locked < locked
        assert net.market.progress(job_id)[1] == 0
        assert process.get("/healthz")["ok"]


def reasons(process, worker, job_id: int | None = None) -> list[dict]:  # type: ignore[no-untyped-def, type-arg]
    found = process.get(f"/v1/workers/{worker.address}")["reasons"]
    return [each for each in found if job_id in (None, each["job_id"])]
