"""Faults that a worker must survive, each with real processes, a real chain and real programs."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from eth_account import Account
from spin_kit import spin_job
from worker_kit import PRICE, STAKE, UNIT, World, make_world, table_job, wait_until

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.errors import WrongChain
from edgebounty.chain.events import ResultCommitted, StakeSlashed
from edgebounty.chain.ledger import read_events, read_ledger
from edgebounty.chain.views import ClaimStatus, TaskStatus
from edgebounty.programs.runtime import Execution
from edgebounty.worker.agent import Agent
from edgebounty.worker.checks import Work
from edgebounty.worker.failpoint import Step
from edgebounty.worker.journal import JournalError, Outcome
from edgebounty.worker.status import Status, set_paused

pytestmark = pytest.mark.integration


class Liar(Agent):
    """Returns what it likes."""

    def execute(self, work: Work) -> Execution:
        done = super().execute(work)
        return replace(done, output=bytes(len(done.output)))


class Process:
    """A worker as its owner runs it."""

    def __init__(self, world: World, name: str, failpoint: str | None = None, **changes: Any) -> None:
        settings = world.settings(name, **changes)
        arguments = ["--verbose"]
        for key in settings.__slots__:
            value = getattr(settings, key)
            if value is not None and not isinstance(value, bool):
                arguments += ["--" + key.replace("_", "-"), str(value)]
        environ = {**os.environ, **({"EDGEBOUNTY_FAILPOINT": failpoint} if failpoint else {})}
        self.log = (settings.data_dir / "log").open("ab")
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "edgebounty.worker", *arguments], stdout=self.log, stderr=self.log, env=environ
        )
        self.folder = settings.data_dir

    def status(self) -> Status | None:
        try:
            return Status.load(self.folder)
        except FileNotFoundError:
            return None

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self.log.close()


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.end()


def slashed(world: World) -> list[StakeSlashed]:
    events = read_events(world.market, to_block=world.market.block().number)
    return [event for event in events if isinstance(event, StakeSlashed)]


def books_are_right(world: World) -> bool:
    ledger = read_ledger(world.market)
    return ledger.difference == 0 and ledger.surplus == 0


def test_worker__killed_at_every_step__resumes_and_nobody_is_slashed(world: World, processes: list[Process]) -> None:
    world.stake("w0")
    world.stake("w1")
    world.start("w1")
    job_id = world.post(table_job(shards=3), task_time=60)
    for step in (step for step in Step if not step.name.startswith("BATCH_")):  # those are never reached in this lane
        process = Process(world, "w0", failpoint=step)
        processes.append(process)
        assert process.popen.wait(120) == -signal.SIGKILL, step
    processes.append(Process(world, "w0"))

    wait_until(lambda: world.finished(job_id), 60, "the job")

    assert slashed(world) == []
    commits = [
        event
        for event in read_events(world.market, to_block=world.market.block().number)
        if isinstance(event, ResultCommitted) and event.worker == world.address("w0")
    ]
    assert len({(event.job_id, event.task_index) for event in commits}) == len(commits) == 8
    wait_until(lambda: (s := processes[-1].status()) and int(s.earned) == 8 * PRICE, 10, "all its tasks are paid")
    assert books_are_right(world)


def test_worker__liar__slashed_and_told_why(world: World) -> None:
    for name in ("w0", "w1", "w2"):
        world.stake(name)
    liar = world.start("w0", Liar)
    job_id = world.post(spin_job(0.01), quorum=2, work_slots=4)
    # The liar takes one of the first two places; the two honest ones are drawn for the second wave at the latest.
    wait_until(lambda: world.market.task(job_id, 0).committed == 1, 30, "the liar's commit")
    world.start("w1")
    world.start("w2")

    wait_until(lambda: world.finished(job_id), 60, "the job")

    wait_until(lambda: liar.journal.totals().get(Outcome.WRONG) == 1, 10, "the liar knows")
    assert [event.worker for event in slashed(world)] == [liar.address]
    assert world.market.balances(liar.address).stake == STAKE - UNIT
    assert "differs from the accepted" in liar.journal.closed_entries()[0].detail
    assert books_are_right(world)


def test_worker__silent_after_its_commit__loses_the_stake_and_is_told(world: World) -> None:
    for name in ("w0", "w1", "w2"):
        world.stake(name)
    silent = world.start("w0")
    job_id = world.post(spin_job(0.01), task_time=5, deadline=world.market.block().time + 600)
    wait_until(lambda: world.market.task(job_id, 0).committed == 1, 30, "its commit")
    world.stop(silent)
    world.start("w1")
    world.start("w2")

    wait_until(lambda: world.finished(job_id), 60, "the job, settled by the others")

    assert [event.worker for event in slashed(world)] == [silent.address]
    again = world.start("w0")
    wait_until(lambda: again.journal.totals().get(Outcome.SILENT) == 1, 15, "it learns of its silence")
    assert "did not reveal in time" in again.journal.closed_entries()[0].detail
    assert books_are_right(world)


def test_worker__too_slow_for_the_task__loses_the_fee_only(world: World) -> None:
    for name in ("w0", "w1", "w2"):
        world.stake(name)
    slow = world.start("w0", cpu_share=0.01)
    job_id = world.post(spin_job(1.0, shards=2), task_time=8)
    wait_until(lambda: world.market.task(job_id, 0).claimed + world.market.task(job_id, 1).claimed, 30, "its claim")
    wait_until(lambda: "time_short" in slow.finder.refusals, 30, "it takes no second task of this job")
    world.start("w1")
    world.start("w2")

    wait_until(lambda: world.finished(job_id), 90, "the job, done by the others")

    wait_until(lambda: slow.journal.totals().get(Outcome.NO_SHOW) == 1, 15, "it learns why")
    lost = STAKE - world.market.balances(slow.address).stake
    assert 0 < lost <= UNIT // 10
    assert books_are_right(world)


def test_worker__stopped_while_wasm_runs__gone_within_a_second(world: World, processes: list[Process]) -> None:
    world.stake("w0")
    job_id = world.post(spin_job(60), task_time=300)
    process = Process(world, "w0")
    processes.append(process)
    wait_until(lambda: world.market.task(job_id, 0).claimed == 1, 30, "its claim")
    children = psutil.Process(process.popen.pid).children()
    wait_until(lambda: any(sum(c.cpu_times()[:2]) > 1.5 for c in children if c.is_running()), 20, "wasm runs")

    started = time.monotonic()
    process.popen.send_signal(signal.SIGINT)

    assert process.popen.wait(60) == 0
    assert time.monotonic() - started < 1.2 * crowd()
    wait_until(lambda: not any(c.is_running() and c.status() != "zombie" for c in children), 2, "no child is left")
    claim = world.market.claim_of(job_id, 0, world.address("w0"))  # type: ignore[arg-type]
    assert claim is not None
    assert claim.status is ClaimStatus.CLAIMED
    status = process.status()
    assert status is not None
    assert status.state == "stopped"


def test_worker__paused_by_its_owner__takes_nothing_and_says_so(world: World) -> None:
    world.stake("w0")
    agent = world.start("w0")
    set_paused(agent.settings.data_dir, True)
    wait_until(lambda: agent.reasons() and agent.reasons()[0].code == "paused", 5)
    job_id = world.post(spin_job(0.01))
    until = world.market.block().number + 6
    wait_until(lambda: world.market.block().number >= until, 10, "blocks in which it could have claimed")
    assert world.market.task(job_id, 0).status is TaskStatus.IDLE
    set_paused(agent.settings.data_dir, False)
    wait_until(lambda: world.market.task(job_id, 0).committed == 1, 30, "it goes on")


class Flipper(http.server.BaseHTTPRequestHandler):
    """A gateway that flips one bit of one block."""

    world: World
    bad: str

    def do_GET(self) -> None:
        cid = self.path.split("/")[2].split("?")[0]
        found = {str(known): block for known, block in self.world.gateway.store.blocks.items()}.get(cid)
        if found is None:
            self.send_response(404)
            self.end_headers()
            return
        block = bytearray(found)
        if cid == self.bad:
            block[len(block) // 2] ^= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(block)))
        self.end_headers()
        self.wfile.write(block)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_worker__one_flipped_bit_in_a_shard__refused_before_claiming(world: World) -> None:
    world.stake("w0")
    planned = spin_job(0.01)
    Flipper.world, Flipper.bad = world, str(planned.manifest.shards[0].cid)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flipper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        agent = world.start("w0", gateway_url=f"http://127.0.0.1:{server.server_address[1]}")
        job_id = world.post(planned)
        wait_until(lambda: "content_corrupt" in {reason.code for reason in agent.reasons()}, 30)
        assert world.market.task(job_id, 0).status is TaskStatus.IDLE
        assert agent.journal.open_entries() == []
        assert world.market.balances(agent.address).stake == STAKE
        reason = next(reason for reason in agent.reasons() if reason.code == "content_corrupt")
        assert "at fault" in reason.text
    finally:
        server.shutdown()
        server.server_close()


def test_worker__content_nowhere__waits_and_says_what_is_missing(world: World) -> None:
    world.stake("w0")
    planned = spin_job(0.01)
    agent = world.start("w0")
    job_id = world.post(planned)
    program = world.gateway.store.blocks.pop(planned.manifest.program)
    wait_until(lambda: "content_missing" in {reason.code for reason in agent.reasons()}, 30)
    assert world.market.task(job_id, 0).status is TaskStatus.IDLE
    world.gateway.store.put_block(planned.manifest.program, program)
    wait_until(lambda: world.market.task(job_id, 0).committed == 1, 30, "it goes on when the content is there")


def test_worker__orchestrator_gone__finds_work_on_the_chain_and_says_so(world: World) -> None:
    world.stake("w0")
    world.stake("w1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{probe.getsockname()[1]}"
    agents = [world.start(name, orchestrator_url=dead) for name in ("w0", "w1")]
    job_id = world.post(spin_job(0.01))
    wait_until(lambda: world.finished(job_id), 40, "the job")
    for agent in agents:
        assert "orchestrator_unreachable" in {reason.code for reason in agent.reasons()}


def test_worker__stake_target__topped_up_at_the_start(world: World) -> None:
    world.fund("w0")
    agent = world.start("w0")
    wait_until(lambda: world.market.balances(agent.address).stake == STAKE, 20, "staked")


def test_worker__no_stake_and_no_tokens__says_so(world: World) -> None:
    agent = world.start("w5")
    wait_until(lambda: agent.reasons() and agent.reasons()[0].code == "no_stake", 10)


def test_worker__drained__finishes_its_claims_and_ends(world: World) -> None:
    world.stake("w0")
    world.stake("w1")
    agent = world.start("w0")
    job_id = world.post(spin_job(0.5))
    wait_until(lambda: world.market.task(job_id, 0).claimed == 1, 30, "its claim")
    agent.drain()
    world.start("w1")
    thread = next(thread for one, thread in world.agents if one is agent)
    thread.join(40)
    assert not thread.is_alive()
    assert world.market.balances(agent.address).credit == PRICE


def test_agent__wrong_chain_id__refused_before_anything_is_touched(world: World) -> None:
    with pytest.raises(WrongChain, match="chain id 5"):
        Agent(world.settings("w0"), deployment=replace(world.deployment, chain_id=5), account=world.account("w0"))


def test_agent__folder_of_a_running_worker__refused(world: World) -> None:
    world.start("w0")
    with pytest.raises(JournalError, match="already running"):
        Agent(world.settings("w0"), deployment=world.deployment, account=world.account("w0"))


def test_agent__folder_of_another_account__refused(world: World) -> None:
    world.stop(world.start("w0"))
    with pytest.raises(JournalError, match="belongs to worker"):
        Agent(world.settings("w0"), deployment=world.deployment, account=Account.create())


def crowd() -> float:
    """How many times as long everything takes on a machine that has other things to do; 1 when it has none."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_worker__node_gone__says_so_and_still_stops_at_once(tmp_path: Path) -> None:
    with Anvil.start(accounts=20) as chain, make_world(tmp_path, chain.url) as world:
        agent = world.start("w0")
        wait_until(lambda: agent.clock.block_age_seconds < 1, 5)
        chain.kill()
        wait_until(lambda: agent.reasons() and agent.reasons()[0].code == "node_unreachable", 10)
        started = time.monotonic()
        world.stop(agent)
        assert time.monotonic() - started < 1.5 * crowd()


@pytest.mark.parametrize(
    ("chain_ahead_seconds", "words"), [(3600, "behind the chain's"), (-3600, "ahead of the chain's")]
)
def test_worker__clock_an_hour_off__block_time_governs(tmp_path: Path, chain_ahead_seconds: int, words: str) -> None:
    started = ["--timestamp", str(int(time.time()) + chain_ahead_seconds)]
    with Anvil.start(accounts=20, extra=started) as chain, make_world(tmp_path, chain.url) as world:
        world.stake("w0")
        world.stake("w1")
        agents = [world.start("w0"), world.start("w1")]
        job_id = world.post(spin_job(0.01))
        wait_until(lambda: world.finished(job_id), 40, "the job")
        wait_until(lambda: agents[0].journal.earned() == PRICE, 10, "paid")
        reasons = {reason.code: reason for reason in agents[0].reasons()}
        assert words in reasons["clock_wrong"].text
        assert not reasons["clock_wrong"].blocks
        assert world.gateway.uploaders, "the upload's permission was made by the chain's time"
        assert slashed(world) == []
