"""Faults 1, 2 and 22: kill -9 at every step, two at once, an old or an empty database."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.orchestrator.devnet import Devnet, Process, digest_of, run_here, small_job, wait

pytestmark = pytest.mark.integration
RIGHT = digest_of("right")
STEPS = ["seen-saved", "before-final-saved", "final-saved", "signed", "stored", "sent", "nonce-closed"]


def finish(net: Devnet, job_id: int) -> None:
    net.wait_settled(job_id, 0)
    net.mine(4)


def prepared(net: Devnet, process: Process, seed: int) -> int:
    """A job whose first task is one reveal away from being settled."""
    planned = small_job(seed=seed)
    net.upload(planned, process.url)
    return net.post(planned)


@pytest.mark.parametrize("step", STEPS)
def test_killed__at_this_step__restart_settles_once(net: Devnet, data_dir: Path, step: str) -> None:
    with net.orchestrator(str(data_dir)) as first:
        job_id = prepared(net, first, seed=STEPS.index(step))
        net.wait_drawn(job_id, 0, net.workers[0])
        assert first.stop() == 0

    with net.orchestrator(str(data_dir), failpoint=step) as killed:
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.mine(4)
        wait(lambda: killed.popen.poll() is not None or bool(net.mine()), 20, "the failpoint")
        assert killed.wait_dead() == -signal.SIGKILL
    stored = raws(net.folder / data_dir)

    with net.orchestrator(str(data_dir)) as second:
        finish(net, job_id)
        wait(lambda: second.get("/v1/status")["transactions_open"] == 0 or bool(net.mine()), 20, "outbox empty")
        assert second.get(f"/v1/jobs/{job_id}")["settled"] == 1
    assert net.settlements(job_id).count(0) == 1
    for tx_hash in stored:  # what was stored is what was sent: no second transaction for the same order
        assert net.market.web3.eth.get_transaction_receipt(tx_hash)["status"] == 1  # type: ignore[arg-type]


def test_killed__again_and_again__state_is_the_rebuilt_one(net: Devnet, data_dir: Path) -> None:
    name = str(data_dir)
    with net.orchestrator(name) as process:
        planned = small_job(seed=50)
        right = run_here(planned).outputs
        net.upload(planned, process.url)
        job_id = net.post(planned)
    for index, step in enumerate(["stored:2", "sent:2", "final-saved:9"]):
        with net.orchestrator(name) as process:
            net.wait_drawn(job_id, index, net.workers[0])
        with net.orchestrator(name, failpoint=step) as process:
            net.work(job_id, index, right[index], net.workers[0], net.workers[1])
            net.mine(3)
        with net.orchestrator(name) as process:
            net.wait_settled(job_id, index)
    net.mine(4)
    with net.orchestrator(name) as old, net.orchestrator(name + "-rebuilt") as rebuilt:
        assert old.url
        assert rebuilt.url
        with net.quiet():
            wait(lambda: same_digest(old, rebuilt), 60, "equal digests")
    assert sorted(net.settlements(job_id)) == [0, 1, 2]


def test_second__same_database__refused_naming_the_first(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as first:
        assert first.url
        with net.orchestrator(str(data_dir)) as second:
            assert second.wait_dead() == 1
            assert f"in use by another orchestrator (process {first.popen.pid})" in second.log()
        assert first.get("/healthz")["ok"]


def test_second__own_database_same_account__harmless_settled_once(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as first, net.orchestrator(str(data_dir) + "-twin") as twin:
        job_id = prepared(net, first, seed=60)
        net.upload(small_job(seed=60), twin.url)
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        finish(net, job_id)
        with net.quiet():
            wait(lambda: same_digest(first, twin), 60, "equal digests")
    assert net.settlements(job_id) == [0]


def test_restored__old_backup__second_act_is_harmless(net: Devnet, data_dir: Path) -> None:
    name = str(data_dir)
    with net.orchestrator(name) as process:
        job_id = prepared(net, process, seed=70)
        net.wait_drawn(job_id, 0, net.workers[0])
        process.stop()
    shutil.copytree(net.folder / name, net.folder / (name + "-backup"))
    with net.orchestrator(name):
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        finish(net, job_id)
    with net.orchestrator(name) as live, net.orchestrator(name + "-backup") as backup:
        assert live.url
        wait(lambda: backup.get(f"/v1/jobs/{job_id}")["settled"] == 1 or bool(net.mine()), 20, "backup caught up")
    assert net.settlements(job_id) == [0]


def raws(folder: Path) -> list[bytes]:
    with sqlite3.connect(folder / "orchestrator.sqlite") as db:
        return [bytes(row[0]) for row in db.execute("SELECT hash FROM transactions WHERE status = 'stored'")]


def same_digest(one: Process, other: Process) -> bool:
    states = [process.get("/v1/status") for process in (one, other)]
    return states[0]["final"] == states[1]["final"] and states[0]["state_digest"] == states[1]["state_digest"]
