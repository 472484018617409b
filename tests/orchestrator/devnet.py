"""A real chain with the real contracts, people with keys, and orchestrators as real processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import requests
from eth_account.signers.local import LocalAccount

from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import DeploymentSettings, deploy
from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.events import TaskSettled
from edgebounty.chain.header import fetch_header
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.chain.sender import Sender
from edgebounty.chain.views import JobTerms, TaskStatus
from edgebounty.content.http import HttpGateway
from edgebounty.content.permission import UploadSigner
from edgebounty.execution import LocalRun, run_local
from edgebounty.jobs.analyze import plan_analyze
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.programs import builtin
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address
from orchestrator.adapters.chain.translate import to_fact
from orchestrator.domain.decide import decide
from orchestrator.domain.market import Market
from orchestrator.domain.values import BlockRef, Policy

UNIT = 10**18
SLOT_PRICE = UNIT // 100
STAKE = 10 * UNIT
PATIENCE = 4  # waits end as soon as they can; a busy machine only makes them longer


class Person:
    """An account that signs its own transactions."""

    def __init__(self, market: MarketContracts, account: LocalAccount) -> None:
        self.market = market
        self.account = account
        self.address = to_address(account.address)
        self.sender = Sender(market.web3, account, poll_seconds=0.02)
        self.salts: dict[tuple[int, int], tuple[Digest, bytes]] = {}

    def send(self, function: Any) -> Any:
        return self.sender.send(function)

    def stake(self, amount: int = STAKE) -> None:
        self.send(self.market.approve(self.market.deployment.vault, amount))
        self.send(self.market.stake(amount))

    def claim(self, job_id: int, index: int) -> None:
        self.send(self.market.claim(job_id, index))

    def commit(self, job_id: int, index: int, digest: Digest) -> None:
        salt = secrets.token_bytes(32)
        self.salts[(job_id, index)] = (digest, salt)
        sealed = commitment(
            chain_id=self.market.deployment.chain_id,
            lane=self.market.deployment.direct_lane,
            job_id=JobId(job_id),
            task_index=TaskIndex(index),
            worker=self.address,
            digest=digest,
            salt=salt,
        )
        self.send(self.market.commit(job_id, index, sealed))

    def reveal(self, job_id: int, index: int) -> None:
        self.send(self.market.reveal(job_id, index, *self.salts[(job_id, index)]))

    def gateway(self, url: str) -> HttpGateway:
        deployment = self.market.deployment
        domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.escrow)
        return HttpGateway(url, UploadSigner(domain, bytes(self.account.key)))


class Process:
    """`python -m orchestrator` as an operator would start it."""

    def __init__(
        self, net: Devnet, data_dir: Path, *, failpoint: str = "", without: tuple[str, ...] = (), **settings: Any
    ) -> None:
        self.data_dir = data_dir
        config = data_dir / "orchestrator.toml"
        data_dir.mkdir(parents=True, exist_ok=True)
        values: dict[str, Any] = {
            "rpc_url": net.anvil.url,
            "deployment": str(net.deployment_file),
            "data_dir": str(data_dir),
            "key_file": str(net.key_file),
            "port": 0,
            "poll_seconds": 0.05,
            "keep_days": 1.0,
            "recompute_after_blocks": 2,
            "batch_hold_seconds": 2,
        } | settings
        kept = {name: value for name, value in values.items() if name not in without}
        config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in kept.items()))
        environment = os.environ | ({"EDGEBOUNTY_FAILPOINT": failpoint} if failpoint else {})
        self._log = (data_dir / "log.jsonl").open("ab")
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "--config", str(config)], env=environment, stderr=self._log
        )

    @property
    def url(self) -> str:
        path = self.data_dir / "orchestrator.json"
        for _ in range(2400):
            with contextlib.suppress(OSError, ValueError):
                endpoint = json.loads(path.read_text())
                if endpoint["pid"] == self.popen.pid:
                    return str(endpoint["url"])
            if self.popen.poll() is not None:
                raise AssertionError(f"the orchestrator ended with {self.popen.returncode}: {self.log()[-2000:]}")
            time.sleep(0.05)
        raise AssertionError(f"the orchestrator is not ready: {self.log()[-2000:]}")

    def get(self, path: str) -> Any:
        return requests.get(self.url + path, timeout=60).json()

    def text(self, path: str) -> str:
        return requests.get(self.url + path, timeout=60).text

    def log(self) -> str:
        return (self.data_dir / "log.jsonl").read_text()

    def wait_dead(self, seconds: float = 240) -> int:
        return self.popen.wait(seconds)

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(60)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(60)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Devnet:
    """anvil with the contracts, one requester and some workers with stake."""

    def __init__(self, folder: Path, anvil: Anvil, *, workers: int = 3) -> None:
        self.folder = folder
        self.anvil = anvil
        self.heart = threading.RLock()  # whoever holds it stops the blocks that come by themselves
        web3 = connect(anvil.url)
        deployment = deploy(web3, dev_account(0), DeploymentSettings(epoch_blocks=4, draw_seconds=5))
        self.deployment_file = folder / "deployment.json"
        deployment.save(self.deployment_file)
        self.market = MarketContracts(web3, deployment)
        self.operator = dev_account(1)
        self.key_file = folder / "orchestrator.key"
        self.key_file.write_text(bytes(self.operator.key).hex())
        self.key_file.chmod(0o600)
        self.requester = Person(self.market, dev_account(2))
        self.workers = [Person(self.market, dev_account(3 + i)) for i in range(workers)]
        for person in (self.requester, *self.workers):
            person.send(self.market.token.functions.faucet())
        for worker in self.workers:
            worker.stake()
        bonded = Person(self.market, self.operator)  # no job of the batch lane is taken without
        bonded.send(self.market.token.functions.faucet())
        bonded.stake()

    def orchestrator(self, name: str = "orchestrator", **settings: Any) -> Process:
        return Process(self, self.folder / name, **settings)

    def terms(self, planned: PlannedJob, **changes: Any) -> JobTerms:
        manifest = planned.manifest
        base: dict[str, Any] = {
            "lane": self.market.deployment.direct_lane,
            "orchestrator": to_address(self.operator.address),
            "deadline": self.market.block().time + 3600,
            "task_time": 30,
            "map_tasks": manifest.map_tasks,
            "reduce_tasks": manifest.reduce_tasks,
            "rounds": manifest.rounds,
            "quorum": 2,
            "work_slots": 3,
            "audit_slots": 0,
            "fee_bps": 100,
            "slot_price": SLOT_PRICE,
            "stake_per_claim": SLOT_PRICE * 2,
            "manifest_digest": manifest.digest,
        }
        return JobTerms(**(base | changes))

    def post(self, planned: PlannedJob, **changes: Any) -> int:
        terms = self.terms(planned, **changes)
        self.requester.send(self.market.approve(self.market.deployment.escrow, terms.bounty))
        self.requester.send(self.market.post_job(terms))
        return self.market.job_count()

    def upload(self, planned: PlannedJob, url: str) -> None:
        gateway = self.requester.gateway(url)
        for cid, block in planned.blocks.items():
            gateway.put_block(cid, block)

    def mine(self, blocks: int = 1, *, seconds: int = 0) -> None:
        """Blocks at once; the last one `seconds` later."""
        if seconds:
            self.rpc("evm_increaseTime", seconds)
        self.rpc("anvil_mine", hex(blocks))

    def rpc(self, method: str, *params: Any) -> Any:
        answer = self.market.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def reorg_to(self, number: int) -> None:
        """Take back all blocks above `number` and put empty ones in their place."""
        with self.quiet():  # no block may come between the look and the deed
            self.rpc("anvil_reorg", self.market.block().number - number, [])
            self.rpc("anvil_dropAllTransactions")
            self.mine()
        for person in (self.requester, *self.workers):
            person.sender.resync()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """No block comes by itself, only with transactions: two observers can be compared at the same one."""
        with self.heart:
            yield

    def wait_drawn(
        self, job_id: int, index: int, worker: Person, seconds: float = 30, *, by: Person | None = None
    ) -> None:
        """Mines faster than the clock until the task's seed is there; `by` records it, else the orchestrator has to."""

        def drawn() -> bool:
            if self.market.is_drawn(job_id, index, worker.address):
                return True
            self.mine()
            if by is not None:
                self.record_seed(job_id, index, by)
            return False

        wait(drawn, seconds, f"draw of {job_id}/{index}")

    def final_number(self) -> int:
        return self.market.final_block().number

    def rebuilt(self, number: int) -> Market:
        """What the chain alone says up to a block: what every orchestrator must have at that final block."""
        lane = self.market.lane.functions
        head = self.market.block(number)
        policy = Policy(
            me=to_address(self.operator.address),
            lane=self.market.deployment.direct_lane,
            epoch_blocks=int(self.market.read(self.market.seeds.functions.EPOCH_BLOCKS())),
            draw_time=int(self.market.read(lane.DRAW_TIME())),
            ramp_time=int(self.market.read(lane.RAMP_TIME())),
            max_reopens=int(self.market.read(lane.MAX_REOPENS())),
        )
        books = Market(policy=policy, block=BlockRef(number=head.number, hash=head.hash, time=head.time))
        blocks: dict[int, BlockRef] = {}
        for event in self.market.events.fetch(self.market.web3, from_block=0, to_block=number):
            at = event.ref.block_number
            if at not in blocks:
                found = self.market.block(at)
                blocks[at] = BlockRef(number=at, hash=found.hash, time=found.time)
            fact = to_fact(event, blocks[at])
            if fact is not None:
                books.apply(decide(books, fact))
        return books

    def operator_sends_foreign(self) -> None:
        """Another program uses the orchestrator's key."""
        fields = {"from": self.operator.address, "to": self.requester.address, "value": 1}
        self.market.web3.eth.send_transaction(fields)  # type: ignore[arg-type]  # anvil holds the key

    def operator_nonce(self) -> int:
        return int(self.market.web3.eth.get_transaction_count(self.operator.address, "latest"))

    def settlements(self, job_id: int) -> list[int]:
        """The tasks of the job that the chain says were settled, one entry per event."""
        head = self.market.block().number
        events = self.market.events.fetch(self.market.web3, from_block=0, to_block=head)
        return [e.task_index for e in events if isinstance(e, TaskSettled) and e.job_id == job_id]

    def mine_at(self, base_fee_wei: int) -> None:
        """One block of this base fee; the chain lets it fall again in the empty blocks after it."""
        self.rpc("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        self.mine()

    def work(self, job_id: int, index: int, digest: Digest, *workers: Person, last_reveal: bool = True) -> None:
        """These workers agree on a digest. They draw by themselves if no orchestrator does."""
        for worker in workers:
            self.wait_drawn(job_id, index, worker, by=worker)
            worker.claim(job_id, index)
        for worker in workers:
            worker.commit(job_id, index, digest)
        for worker in workers if last_reveal else workers[:-1]:
            worker.reveal(job_id, index)

    def record_seed(self, job_id: int, index: int, by: Person) -> None:
        """Anyone may prove a seed."""
        epoch = self.market.task(job_id, index).draw_epoch
        header = self.market.seed_block(epoch)
        if self.market.seed(epoch) is None and self.market.block().number > header:
            with contextlib.suppress(ContractRejected):  # somebody was faster
                by.send(self.market.record_seed(epoch, fetch_header(self.market.web3, header)))

    def wait_settled(self, job_id: int, index: int, seconds: float = 30) -> None:
        def settled() -> bool:
            if self.market.task(job_id, index).status is TaskStatus.SETTLED:
                return True
            self.mine()
            return False

        wait(settled, seconds, f"{job_id}/{index} settled")


@contextlib.contextmanager
def devnet(folder: Path, *, workers: int = 3, **options: Any) -> Iterator[Devnet]:
    """A chain that mines for each transaction at once, and twice a second besides."""
    with Anvil.start(block_time=None, **options) as anvil:
        net = Devnet(folder, anvil, workers=workers)
        ended = threading.Event()
        heart = threading.Thread(target=_beat, args=(anvil.url, net.heart, ended), daemon=True, name="heart")
        heart.start()
        try:
            yield net
        finally:
            ended.set()
            heart.join()


def _beat(url: str, heart: Any, ended: threading.Event) -> None:
    """Instead of the chain's own interval: that cannot be stopped and taken up again beside mining at once."""
    with requests.Session() as session:
        session.trust_env = False
        while not ended.wait(0.5):
            with heart, contextlib.suppress(requests.RequestException):
                session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}, timeout=30)


def small_job(rows: int = 40, *, seed: int = 1, shards: int = 2) -> PlannedJob:
    """Statistics of a random table: two rounds of map tasks and a reduce."""
    pair = ProgramPair(program=builtin.load("table.stats"), reducer=builtin.load("table.stats.reduce"))
    values = np.random.default_rng(seed).normal(size=(rows, 2))
    return plan_analyze(values, ["a", "b"], pair, shards=shards)


def run_here(planned: PlannedJob) -> LocalRun:
    """What honest workers find."""

    def fetch(cid: Any) -> bytes:
        return planned.blocks[cid]

    return run_local(planned.manifest, fetch, Runtime())


def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def digest_of(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).digest())
