"""What does being a worker cost beside running the program? A task of 2 s: the agent's whole path over the bare run.

The path: find the task on a real chain, check it, fetch its shard from a gateway, claim, run in the sandbox, seal the
result in the journal, commit. In turn with it, the same instrumented module on the same shard in this process.

On a busy machine the system takes the processor away from a run of 2 s for longer than an agent could ever cost, so
that time is left out on both sides: of a run counts the processor time, of all that surrounds it the time on the wall.
And of several turns the best counts, on both sides: other programs only ever add to a time.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from aiohttp import web

from bench.figure import Figure
from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import DeploymentSettings, deploy
from edgebounty.chain.header import fetch_header
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import JobTerms
from edgebounty.content.gateway import routes
from edgebounty.content.store import ContentStore, MemoryStore
from edgebounty.execution import fetcher
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.shape import describe
from edgebounty.jobs.train import plan_train
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Runtime
from edgebounty.worker.agent import Agent
from edgebounty.worker.journal import Entry
from edgebounty.worker.settings import WorkerSettings

RUNS: Final = 9
SECONDS: Final = 2.0
RUNNER: Final = "edgebounty.worker.runner"
_MODEL: Final = "mlp:64-128-10"
_PROBE_EPOCHS: Final = 200
_UNIT: Final = 10**18


class OneAtATime(Agent):
    """Begins a task only while it may: the next one must not run beside the bare run, in nobody's measured time."""

    may_begin = False

    def _may_begin(self) -> bool:
        return self.may_begin and super()._may_begin()


def run() -> list[Figure]:
    runtime = Runtime()
    _seconds_of(runtime, _plan(_PROBE_EPOCHS, shards=1), 0)
    epochs = round(SECONDS * _PROBE_EPOCHS / _seconds_of(runtime, _plan(_PROBE_EPOCHS, shards=1), 0))
    planned = _plan(epochs, shards=RUNS)
    with tempfile.TemporaryDirectory() as name, _gateway(planned) as gateway, Anvil.start() as anvil:
        agent = _agent(anvil, planned, gateway, Path(name))
        agent.sandbox.start()
        try:
            bare, path = _in_turn(runtime, planned, agent)
        finally:
            agent.stop()
            agent.close()
    figure = Figure(
        name="worker_overhead",
        value=path,
        unit="s",
        peer="bare run of the same module",
        peer_value=bare,
        ratio=path / bare,
        target=1.05,
        better="lower",
    )
    return [figure.save()]


def _in_turn(runtime: Runtime, planned: PlannedJob, agent: OneAtATime) -> tuple[float, float]:
    """Best seconds of the bare run and of the agent's path. Who is first alternates: machines warm up and tire."""
    bare: list[float] = []
    path: list[float] = []
    for i in range(RUNS):
        turns = (
            lambda i=i: bare.append(_seconds_of(runtime, planned, i)),
            lambda: path.append(_one_more_commit(agent)),
        )
        for turn in turns if i % 2 else reversed(turns):
            turn()
    return min(bare), min(path)


def _plan(epochs: int, *, shards: int) -> PlannedJob:
    pair = ProgramPair(builtin.load("mlp-64-128-10.train"), builtin.load("mean.mlp-64-128-10"))
    generator = np.random.default_rng(1)
    rows = 100 * shards
    x = generator.random((rows, 64), dtype=np.float32)
    y = generator.integers(0, 10, rows)
    work_units = 1 << 50
    return plan_train(
        x, y, pair, model=_MODEL, rounds=1, shards=shards, epochs=epochs, learning_rate=0.01, work_units=work_units
    )


def _seconds_of(runtime: Runtime, planned: PlannedJob, index: int) -> float:
    """Processor time of one task without any worker: its inputs are in memory, its module compiled."""
    manifest, fetch = planned.manifest, fetcher(MemoryStore(planned.blocks), planned.manifest)
    spec = describe(manifest, index)
    assert spec.shard is not None
    assert manifest.state is not None
    module, state, shard = fetch(manifest.program), fetch(manifest.state), fetch(spec.shard.cid)
    runtime.layout(module)
    before = time.thread_time()
    done = runtime.run_program(
        module,
        state=state,
        shard=shard,
        params=dict(manifest.params),
        work_limit=manifest.limits.work_units,
        output_limit=manifest.limits.output_bytes,
    )
    assert done.failure is None
    return time.thread_time() - before


def _one_more_commit(agent: OneAtATime) -> float:
    """The agent's path, from looking for a task to its commit in a block, less the run's waits for the processor."""
    known = {entry.key for entry in agent.journal.open_entries()}
    sandbox = next(each for each in psutil.Process().children(recursive=True) if RUNNER in " ".join(each.cmdline()))
    started, spent_before = time.perf_counter(), sum(sandbox.cpu_times()[:2])
    agent.may_begin = True
    agent.work_until(lambda: len(agent.journal.open_entries()) > len(known))
    agent.may_begin = False
    agent.work_until(lambda: len(_committed(agent)) > len(known))
    wall, spent = time.perf_counter() - started, sum(sandbox.cpu_times()[:2]) - spent_before
    (entry,) = (entry for entry in _committed(agent) if entry.key not in known)
    assert entry.seconds is not None
    return wall - max(0.0, entry.seconds - spent)


def _committed(agent: Agent) -> list[Entry]:
    return [entry for entry in agent.journal.open_entries() if entry.committed]


def _agent(anvil: Anvil, planned: PlannedJob, gateway: str, folder: Path) -> OneAtATime:
    """A lone staked worker and a job of which it is drawn for every task, with quorums of one."""
    logging.getLogger("edgebounty").setLevel(logging.ERROR)
    web3 = connect(anvil.url)
    market = MarketContracts(web3, deploy(web3, dev_account(0), DeploymentSettings()))
    worker, requester = Sender(web3, dev_account(1)), Sender(web3, dev_account(2))
    for sender in (worker, requester):
        sender.send(market.token.functions.faucet())
    worker.send(market.approve(market.deployment.vault, 100 * _UNIT))
    worker.send(market.stake(100 * _UNIT))
    terms = JobTerms(
        lane=market.deployment.direct_lane,
        orchestrator=requester.address,
        deadline=market.block().time + 3600,
        task_time=600,
        map_tasks=planned.manifest.map_tasks,
        reduce_tasks=planned.manifest.reduce_tasks,
        rounds=1,
        quorum=1,
        work_slots=1,
        audit_slots=0,
        fee_bps=0,
        slot_price=_UNIT // 100,
        stake_per_claim=_UNIT // 10,
        manifest_digest=planned.manifest.digest,
    )
    staked_in = market.current_epoch()
    _wait(lambda: market.current_epoch() > staked_in + 1)  # from then on the draw counts the stake
    requester.send(market.approve(market.deployment.escrow, terms.bounty))
    requester.send(market.post_job(terms))
    epoch = market.task(1, 0).draw_epoch
    _wait(lambda: market.block().number > market.seed_block(epoch))
    requester.send(market.record_seed(epoch, fetch_header(web3, market.seed_block(epoch))))
    settings = WorkerSettings(
        rpc_url=anvil.url,
        deployment=folder / "unused",
        data_dir=folder,
        key_file=folder / "unused",
        gateway_url=gateway,
        niceness=0,
        max_open=10 * RUNS,
    )
    return OneAtATime(settings, deployment=market.deployment, account=dev_account(1))


def _wait(ready: object) -> None:
    end = time.monotonic() + 30
    while not ready():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError("the local chain does not get there")
        time.sleep(0.05)


@contextmanager
def _gateway(planned: PlannedJob) -> Iterator[str]:
    store: ContentStore = MemoryStore(planned.blocks)
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    runners: list[web.AppRunner] = []
    ready = threading.Event()

    async def start() -> None:
        application = web.Application()
        application.add_routes(routes(store))
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        ports.append(runner.addresses[0][1])
        ready.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runners[0].cleanup())
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
