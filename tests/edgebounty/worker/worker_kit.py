"""A small market for worker tests: a chain, the real contracts, a gateway, and a driver in the orchestrator's place."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from eth_account.signers.local import LocalAccount
from web3 import Web3

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import Deployment, DeploymentSettings, deploy
from edgebounty.chain.errors import ChainError
from edgebounty.chain.header import fetch_header
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import ClaimStatus, JobTerms, TaskStatus
from edgebounty.content.gateway import routes
from edgebounty.content.permission import signed_by
from edgebounty.content.store import MemoryStore
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.programs import builtin
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import JobId, to_address
from edgebounty.worker.agent import Agent
from edgebounty.worker.settings import WorkerSettings

UNIT = 10**18
STAKE = 100 * UNIT
PRICE = UNIT // 100
REQUESTER, DRIVER, FIRST_WORKER = 1, 2, 3
PATIENCE = 4  # waits end as soon as they can: a busy machine makes them longer, not fail


def wait_until(condition: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """The first true value of `condition`. `seconds` is what an idle machine may need; a busy one is given more."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what or condition}")


class Gateway:
    """The content gateway of this project over a store in memory, in a thread."""

    def __init__(self, domain: Domain, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.store = MemoryStore()
        self.uploaders: set[str] = set()
        self._domain = domain
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.url = ""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        def allowed(account: str, cid: object, size: int) -> bool:
            self.uploaders.add(account)
            return True

        app = web.Application(client_max_size=1 << 22)
        app.add_routes(routes(self.store, signed_by(self._domain, allowed, self._clock)))
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class Driver:
    """Does what an orchestrator does on chain and anybody may: records seeds, settles, expires, reopens."""

    def __init__(self, market: MarketContracts, account: LocalAccount) -> None:
        self.market = market
        self.sender = Sender(market.web3, account)
        self.held: set[tuple[int, int]] = set()  # tasks that are not settled for now
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            with contextlib.suppress(ChainError):
                self._round()

    def _round(self) -> None:
        market = self.market
        for job_id in range(1, market.job_count() + 1):
            terms = market.terms(job_id)
            if market.progress(job_id)[0] >= terms.total_tasks:
                continue
            for index in range(terms.total_tasks):
                if market.stage_open(job_id, index):
                    self._mind(job_id, index, market.block().time)

    def _record_seed(self, epoch: int) -> None:
        number = self.market.seed_block(epoch)
        if number < self.market.block().number and self.market.seed(epoch) is None:
            with contextlib.suppress(ChainError):
                self.sender.send(self.market.record_seed(epoch, fetch_header(self.market.web3, number)))

    def _mind(self, job_id: int, index: int, now: int) -> None:
        market = self.market
        task = market.task(job_id, index)
        self._record_seed(task.draw_epoch)
        if (job_id, index) in self.held or task.status.is_final:
            return
        with contextlib.suppress(ChainError):
            if task.status is TaskStatus.REVEALING:
                if task.revealed == task.slots_open or now >= task.phase_deadline:
                    self.sender.send(market.settle(job_id, index))
                return
            for claim in market.claims(job_id, index):
                if claim.status is ClaimStatus.CLAIMED and now >= claim.commit_deadline:
                    self.sender.send(market.expire_claim(job_id, index, claim.worker))
            if now >= task.closes_at and task.status is TaskStatus.CLAIMING:
                self.sender.send(market.expire_task(job_id, index))
            elif now >= task.fill_deadline and task.claimed < task.slots_open:
                self.sender.send(market.reopen(job_id, index))


@dataclass
class World:
    """Everything a worker test needs."""

    folder: Path
    web3: Web3
    url: str
    deployment: Deployment
    market: MarketContracts
    gateway: Gateway
    driver: Driver
    agents: list[tuple[Agent, threading.Thread]] = field(default_factory=list)

    def settings(self, name: str, **changes: Any) -> WorkerSettings:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        key_file = folder / "key"
        if not key_file.exists():
            key_file.write_text(self.account(name).key.hex())
            key_file.chmod(0o600)
        self.deployment.save(self.folder / "deployment.json")
        told: dict[str, Any] = {
            "rpc_url": self.url,
            "deployment": self.folder / "deployment.json",
            "data_dir": folder,
            "key_file": key_file,
            "gateway_url": self.gateway.url,
            "stake_target": STAKE,
            "max_memory_bytes": 1 << 29,
            "niceness": 0,
        }
        return WorkerSettings(**{**told, **changes})

    def account(self, name: str) -> LocalAccount:
        """The account of worker "w0", "w1", …"""
        return dev_account(FIRST_WORKER + int(name[1:]))

    def address(self, name: str) -> str:
        return to_address(self.account(name).address)

    def start(self, name: str, agent_class: type[Agent] = Agent, **changes: Any) -> Agent:
        """A worker in a thread of this process."""
        agent = agent_class(self.settings(name, **changes), deployment=self.deployment, account=self.account(name))
        thread = threading.Thread(target=agent.run, daemon=True, name=name)
        thread.start()
        self.agents.append((agent, thread))
        return agent

    def stop(self, agent: Agent) -> None:
        for one, thread in self.agents:
            if one is agent:
                agent.stop()
                thread.join(10)
                assert not thread.is_alive()
        self.agents = [(one, thread) for one, thread in self.agents if one is not agent]

    def stake(self, name: str, amount: int = STAKE) -> None:
        """Give a worker stake ahead of its start, so that the first draw counts it."""
        sender = Sender(self.web3, self.account(name))
        if self.market.balances(sender.address).stake >= amount:
            return
        self.fund(name)
        sender.send(self.market.approve(self.deployment.vault, amount))
        sender.send(self.market.stake(amount))

    def fund(self, name: str) -> None:
        sender = Sender(self.web3, self.account(name))
        if self.market.balances(sender.address).tokens == 0:
            sender.send(self.market.token.functions.faucet())

    def post(self, planned: PlannedJob, **changes: Any) -> JobId:
        """Put the job's content into the gateway and its bounty into the escrow."""
        for cid, block in planned.blocks.items():
            self.gateway.store.put_block(cid, block)
        manifest = planned.manifest
        told: dict[str, Any] = {
            "lane": self.deployment.direct_lane,
            "orchestrator": to_address(dev_account(DRIVER).address),
            "deadline": self.market.block().time + 600,
            "task_time": 20,
            "map_tasks": manifest.map_tasks,
            "reduce_tasks": manifest.reduce_tasks,
            "rounds": manifest.rounds,
            "quorum": 2,
            "work_slots": 3,
            "audit_slots": 0,
            "fee_bps": 100,
            "slot_price": PRICE,
            "stake_per_claim": UNIT,
            "manifest_digest": manifest.digest,
        }
        terms = JobTerms(**{**told, **changes})
        sender = Sender(self.web3, dev_account(REQUESTER))
        if self.market.balances(sender.address).tokens < terms.bounty:
            sender.send(self.market.token.functions.faucet())
        sender.send(self.market.approve(self.deployment.escrow, terms.bounty))
        sender.send(self.market.post_job(terms))
        return JobId(self.market.job_count())

    def finished(self, job_id: int) -> bool:
        return self.market.progress(job_id)[0] >= self.market.terms(job_id).total_tasks


@contextlib.contextmanager
def make_world(folder: Path, url: str) -> Iterator[World]:
    """A fresh deployment on the chain at `url`."""
    web3 = connect(url)
    deployment = deploy(web3, dev_account(0), DeploymentSettings(epoch_blocks=2, draw_seconds=4))
    market = MarketContracts(web3, deployment)
    domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.escrow)
    gateway = Gateway(domain, clock=lambda: market.block().time)
    driver = Driver(market, dev_account(DRIVER))
    world = World(
        folder=folder,
        web3=web3,
        url=url,
        deployment=deployment,
        market=market,
        gateway=gateway,
        driver=driver,
    )
    try:
        yield world
    finally:
        for agent, _ in world.agents:
            agent.stop()
        for _, thread in world.agents:
            thread.join(10)
        driver.stop()
        gateway.stop()


def table_job(rows: int = 60, shards: int = 2) -> PlannedJob:
    """A small `analyze` job: two rounds of `shards` map tasks and a reduce."""
    generator = np.random.default_rng(7)
    values = generator.normal(size=(rows, 3))
    program, reducer = program_names(*values.shape)
    pair = ProgramPair(builtin.load(program), builtin.load(reducer))
    return plan_analyze(values, ["a", "b", "c"], pair, shards=shards)


__all__ = ["Anvil", "World", "make_world", "table_job", "wait_until"]
