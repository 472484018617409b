"""Faults 1, 2 and 22: kill -9 at every step, two at once, an old or an empty database."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

import orchestrator
from edgebounty.chain.ledger import read_ledger
from edgebounty.content.store import LocalStore
from edgebounty.jobs.plan import PlannedJob
from edgebounty.protocol.types import Digest
from orchestrator.app.failpoint import Step
from tests.orchestrator.devnet import Devnet, Process, digest_of, run_here, small_job, wait

pytestmark = pytest.mark.integration
RIGHT = digest_of("right")
DEPTH = 16
NUMBER = {step: number for number, step in enumerate(Step)}


class Life:
    """One job whose orchestrator dies at a step: `until_killed` brings it there, whether it still lives or not."""

    def __init__(self, net: Devnet, name: str, step: Step) -> None:
        self.net = net
        self.name = name
        self.step = step
        self.settings = SETTINGS.get(step, {})
        self.planned: PlannedJob = small_job(seed=1000 + NUMBER[step])
        self.result: Digest = run_here(self.planned).outputs[0]
        self.job_id = 0

    def start(self, *, failpoint: str = "") -> Process:
        return self.net.orchestrator(self.name, failpoint=failpoint, **self.settings)

    def begin(self) -> None:
        """Content and job are there, without help of an orchestrator."""
        store = LocalStore(self.net.folder / self.name / "content")
        for cid, block in self.planned.blocks.items():
            store.put_block(cid, block)
        self.job_id = self.net.post(self.planned)

    def reveal_all(self) -> None:
        self.net.work(self.job_id, 0, self.result, self.net.workers[0], self.net.workers[1])

    def until_killed(self) -> None:
        with self.start(failpoint=self.step) as process:
            self.drive(process)
            wait(lambda: process.popen.poll() is not None or bool(self.net.mine()), 30, f"death at {self.step}")
            died(process)

    def drive(self, process: Process) -> None:
        SCENARIOS.get(self.step, ordinary)(self, process)

    def finish(self) -> None:
        """A restart carries on to the same end as if nothing had happened."""
        net = self.net
        with self.start() as process:
            net.wait_settled(self.job_id, 0)
            wait(lambda: self.is_done(process) or bool(net.mine()), 30, "nothing left to do")
            with net.quiet():
                head = net.market.block().number
                wait(lambda: process.get("/v1/status")["seen"] >= head, 30, "caught up")
                status = process.get("/v1/status")
                assert status["state_digest"] == net.rebuilt(status["final"]).state_digest
            assert status["disputed"] == []
            for worker in net.workers:
                assert all(r["job_id"] != self.job_id for r in process.get(f"/v1/workers/{worker.address}")["reasons"])

    def is_done(self, process: Process) -> bool:
        """Its settlement is final, no order of its first task is open, and no transaction is on its way."""
        status = process.get("/v1/status")
        task = f"{self.job_id}/0"
        return (
            process.get(f"/v1/jobs/{self.job_id}").get("final", {}).get("settled") == 1
            and not [key for key in status["orders_open"] if task in key.split(":")]
            and status["transactions_open"] == 0
        )


def died(process: Process) -> None:
    """At its failpoint, and not of a fault."""
    assert process.wait_dead() == -signal.SIGKILL, process.log()[-3000:]


def ordinary(life: Life, process: Process) -> None:
    """Its first task is worked on, settled, and the withheld output is computed."""
    life.begin()
    life.reveal_all()


def taken_back(life: Life, process: Process) -> None:
    life.begin()
    wait(lambda: is_seen(process, life.job_id), 30, "the job is seen")
    life.net.reorg_to(process.get(f"/v1/jobs/{life.job_id}")["posted_block"] - 1)
    life.net.mine()
    process.wait_dead()
    life.job_id = life.net.post(life.planned)
    life.reveal_all()


def stuck(life: Life, process: Process) -> None:
    """Gas becomes a thousand times dearer between the sending and the next block."""
    net = life.net
    life.begin()
    for worker in net.workers[:2]:
        net.wait_drawn(life.job_id, 0, worker)
        worker.claim(life.job_id, 0)
    for worker in net.workers[:2]:
        worker.commit(life.job_id, 0, life.result)
    for worker in net.workers[:2]:
        worker.reveal(life.job_id, 0)
    with net.quiet():
        net.rpc("evm_setAutomine", False)
        net.rpc("anvil_mine", "0x1")
        wait(lambda: pending(net) > 0 or bool(net.rpc("anvil_mine", "0x1")), 30, "a transaction waits")
        base = int(net.market.web3.eth.get_block("latest").get("baseFeePerGas") or 1)
        for _ in range(10):  # each block as dear, though all are empty
            if process.popen.poll() is not None:
                break
            net.rpc("anvil_setNextBlockBaseFeePerGas", hex(1000 * 10**9))
            net.rpc("anvil_mine", "0x1")
            wait_a_cycle(net, process)
        net.rpc("anvil_setNextBlockBaseFeePerGas", hex(base))
        net.rpc("evm_setAutomine", True)


def displaced(life: Life, process: Process) -> None:
    """Another program spends the nonce of a transaction that is stored and was never sent."""
    net = life.net
    life.begin()
    for worker in net.workers[:2]:
        net.wait_drawn(life.job_id, 0, worker)
    process.kill()
    with life.start(failpoint=Step.STORED) as before:
        life.reveal_all()
        net.mine(4)
        died(before)
    net.operator_sends_foreign()
    net.mine(4)
    with life.start(failpoint=life.step) as again:
        died(again)


def somebody_first(life: Life, process: Process) -> None:
    """Whoever likes may settle: here it is a worker, in a block that is not final when the order is given.

    Many blocks lie between the last reveal and the settlement: the orchestrator's own transactions make blocks too, and
    must not make both final at once.
    """
    net = life.net
    life.begin()
    for worker in net.workers[:2]:
        net.wait_drawn(life.job_id, 0, worker, by=worker)
    with net.quiet():
        life.reveal_all()
        net.mine(DEPTH - 3)
        net.workers[0].send(net.market.settle(life.job_id, 0))
        net.mine(2)  # the last reveal is final now, the settlement is not for many blocks
        wait(lambda: process.popen.poll() is not None, 60, "death")


def done_meanwhile(life: Life, process: Process) -> None:
    """Reveals and settlement become final while no orchestrator runs."""
    assert process.url
    process.kill()
    life.begin()
    life.reveal_all()
    life.net.workers[0].send(life.net.market.settle(life.job_id, 0))
    life.net.mine(8)
    with life.start(failpoint=life.step) as again:
        died(again)


def brought(life: Life, process: Process) -> None:
    """The workers do bring their output."""
    store = LocalStore(life.net.folder / life.name / "content")
    for cid, block in run_here(life.planned).blocks.items():
        store.put_block(cid, block)
    ordinary(life, process)


def over(life: Life, process: Process) -> None:
    """The job's end and the time to keep its content have passed."""
    ordinary(life, process)
    life.net.wait_settled(life.job_id, 0)
    life.net.mine(4, seconds=3700)


SCENARIOS: dict[Step, Callable[[Life, Process], None]] = {
    Step.REORGANISATION_SAVED: taken_back,
    Step.BUMP_SIGNED: stuck,
    Step.BUMP_STORED: stuck,
    Step.DISPLACED: displaced,
    Step.ORDER_RESTED: somebody_first,
    Step.ORDER_MOOT: done_meanwhile,
    Step.OUTPUT_CLOSED: brought,
    Step.UNPINNED: over,
}
SETTINGS: dict[Step, dict[str, object]] = {
    Step.REORGANISATION_SAVED: {"finality": "20"},
    Step.BUMP_SIGNED: {"bump_after_blocks": 2, "max_fee_gwei": 1e6},
    Step.BUMP_STORED: {"bump_after_blocks": 2, "max_fee_gwei": 1e6},
    Step.ORDER_RESTED: {"finality": str(DEPTH)},
    Step.UNPINNED: {"keep_days": 0},
}


@pytest.mark.parametrize("step", list(Step))
def test_killed__at_this_step__a_restart_ends_as_if_nothing_had_happened(
    net: Devnet, data_dir: Path, step: Step
) -> None:
    """A new step is in this test by being in `Step`; a step that its scenario does not reach fails it."""
    life = Life(net, str(data_dir), step)
    life.until_killed()
    stored = stored_transactions(net.folder / life.name)
    life.finish()
    assert net.settlements(life.job_id).count(0) == 1
    ledger = read_ledger(net.market)
    assert (ledger.difference, ledger.surplus) == (0, 0)
    if step in (Step.STORED, Step.SENT):  # fault 2: what was stored is what was sent, and no second one was made
        assert stored
        for tx_hash in stored:
            assert net.market.web3.eth.get_transaction_receipt(tx_hash)["status"] == 1  # type: ignore[arg-type]


def test_steps__every_one_is_in_the_code_once() -> None:
    """A name in `Step` that nothing passes would be a test that shows nothing."""
    source = "".join(path.read_text() for path in sorted((Path(orchestrator.__file__).parent / "app").glob("*.py")))
    used = re.findall(r"failpoint\(Step\.([A-Z_]+)\)", source)
    assert sorted(used) == sorted(step.name for step in Step)


def test_failpoint__no_such_step__refused_at_the_start(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir), failpoint="seen-savd") as process:
        assert process.wait_dead() == 1
        assert "seen-savd: no such step" in process.log()


def test_second__same_database__refused_naming_the_first(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as first:
        assert first.url
        with net.orchestrator(str(data_dir)) as second:
            assert second.wait_dead() == 1
            assert f"in use by another orchestrator (process {first.popen.pid})" in second.log()
        assert first.get("/healthz")["ok"]


def test_second__own_database_same_account__harmless_settled_once(net: Devnet, data_dir: Path) -> None:
    with net.orchestrator(str(data_dir)) as first, net.orchestrator(str(data_dir) + "-twin") as twin:
        planned = small_job(seed=60)
        for process in (first, twin):
            net.upload(planned, process.url)
        job_id = net.post(planned)
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.wait_settled(job_id, 0)
        net.mine(4)
        with net.quiet():
            wait(lambda: same_digest(first, twin), 60, "equal digests")
    assert net.settlements(job_id) == [0]


def test_restored__old_backup__second_act_is_harmless(net: Devnet, data_dir: Path) -> None:
    name = str(data_dir)
    with net.orchestrator(name) as process:
        planned = small_job(seed=70)
        net.upload(planned, process.url)
        job_id = net.post(planned)
        net.wait_drawn(job_id, 0, net.workers[0])
        process.stop()
    shutil.copytree(net.folder / name, net.folder / (name + "-backup"))
    with net.orchestrator(name):
        net.work(job_id, 0, RIGHT, net.workers[0], net.workers[1])
        net.wait_settled(job_id, 0)
        net.mine(4)
    with net.orchestrator(name) as live, net.orchestrator(name + "-backup") as backup:
        assert live.url
        wait(lambda: backup.get(f"/v1/jobs/{job_id}")["settled"] == 1 or bool(net.mine()), 20, "backup caught up")
        with net.orchestrator(name + "-empty") as empty, net.quiet():
            wait(lambda: same_digest(live, backup) and same_digest(live, empty), 60, "equal digests")
            status = live.get("/v1/status")
            assert status["state_digest"] == net.rebuilt(status["final"]).state_digest
    assert net.settlements(job_id) == [0]


def stored_transactions(folder: Path) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(folder / "orchestrator.sqlite")) as db:
        return [bytes(row[0]) for row in db.execute("SELECT hash FROM transactions WHERE status = 'stored'")]


def is_seen(process: Process, job_id: int) -> bool:
    return any(job["id"] == job_id for job in process.get("/v1/jobs")["jobs"])


def pending(net: Devnet) -> int:
    count = net.market.web3.eth.get_transaction_count
    mine = net.operator.address
    return int(count(mine, "pending")) - int(count(mine, "latest"))


def wait_a_cycle(net: Devnet, process: Process) -> None:
    """Until the watcher has taken the newest block in, or the process is dead."""
    with contextlib.suppress(requests.RequestException):
        newest = net.market.block().number
        wait(lambda: process.popen.poll() is not None or process.get("/v1/status")["head"] >= newest, 30, "a cycle")


def same_digest(one: Process, other: Process) -> bool:
    states = [process.get("/v1/status") for process in (one, other)]
    return states[0]["final"] == states[1]["final"] and states[0]["state_digest"] == states[1]["state_digest"]
