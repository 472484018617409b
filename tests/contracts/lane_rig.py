"""A market on a local chain that mines one block per transaction, driven by unlocked accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from edgebounty.chain.anvil import dev_account
from edgebounty.chain.deployment import Deployment, DeploymentSettings, artifact, deploy
from edgebounty.chain.header import fetch_header
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address

TOKEN = 10**18
SALT = b"\x05" * 32
DIGEST = Digest(b"\x11" * 32)
EPOCH_BLOCKS = 4


@dataclass
class Market:
    """The five contracts and a cast: account 0 deploys, 1 requests, 2 takes the fee, 3 and on work."""

    web3: Web3
    deployment: Deployment
    gas: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def deployed(cls, web3: Web3, settings: DeploymentSettings | None = None) -> Market:
        chosen = settings or DeploymentSettings(epoch_blocks=EPOCH_BLOCKS)
        return cls(web3=web3, deployment=deploy(web3, dev_account(0), chosen))

    def contract(self, name: str, address: Address) -> Contract:
        found: Contract = self.web3.eth.contract(
            address=self.web3.to_checksum_address(address), abi=artifact(name)["abi"]
        )
        return found

    @property
    def token(self) -> Contract:
        return self.contract("EdgeToken", self.deployment.token)

    @property
    def vault(self) -> Contract:
        return self.contract("StakeVault", self.deployment.vault)

    @property
    def escrow(self) -> Contract:
        return self.contract("BountyEscrow", self.deployment.escrow)

    @property
    def seeds(self) -> Contract:
        return self.contract("EpochSeeds", self.deployment.seeds)

    @property
    def lane(self) -> Contract:
        return self.contract("DirectLane", self.deployment.direct_lane)

    @property
    def requester(self) -> Address:
        return to_address(dev_account(1).address)

    @property
    def orchestrator(self) -> Address:
        return to_address(dev_account(2).address)

    def worker(self, index: int) -> Address:
        return to_address(dev_account(3 + index).address)

    def send(self, function: ContractFunction, sender: Address, step: str | None = None) -> TxReceipt:
        """One transaction in one block; `step` files its gas under that name."""
        receipt = self.web3.eth.wait_for_transaction_receipt(
            function.transact({"from": sender, "gas": 3_000_000}), timeout=10, poll_latency=0.001
        )
        assert receipt["status"] == 1, f"{function.fn_name} reverted"
        if step:
            self.gas.setdefault(step, []).append(receipt["gasUsed"])
        return receipt

    def now(self) -> int:
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def mine(self, blocks: int = 1) -> None:
        self.web3.provider.make_request("anvil_mine", [hex(blocks)])  # type: ignore[arg-type]

    def stake(self, count: int, amount: int = 1_000 * TOKEN) -> None:
        """Workers 0 to count-1 stake the same; an epoch later they count."""
        for index in range(count):
            worker = self.worker(index)
            self.send(self.token.functions.faucet(), worker)
            self.send(self.token.functions.approve(self.deployment.vault, 2**255), worker)
            self.send(self.vault.functions.stake(amount), worker)
        self.mine(EPOCH_BLOCKS)

    def terms(self, **changed: Any) -> tuple[Any, ...]:
        """JobTerms in their order: one map task, quorum of 2 out of 4, one hour."""
        values: dict[str, Any] = {
            "lane": self.deployment.direct_lane,
            "orchestrator": self.orchestrator,
            "deadline": self.now() + 3600,
            "taskTime": 60,
            "mapTasks": 1,
            "reduceTasks": 0,
            "rounds": 1,
            "quorum": 2,
            "workSlots": 4,
            "auditSlots": 0,
            "feeBps": 250,
            "slotPrice": TOKEN,
            "stakePerClaim": 2 * TOKEN,
            "manifestDigest": b"\x77" * 32,
        }
        unknown = changed.keys() - values.keys()
        assert not unknown, unknown
        return tuple({**values, **changed}.values())

    def post(self, **changed: Any) -> int:
        """Posts a job as the requester and returns its id; its first seed is recorded."""
        terms = self.terms(**changed)
        bounty = self.escrow.functions.bountyFor(terms).call()
        while self.token.functions.balanceOf(self.requester).call() < bounty:
            self.send(self.token.functions.faucet(), self.requester)
        self.send(self.token.functions.approve(self.deployment.escrow, bounty), self.requester)
        self.send(self.escrow.functions.postJob(terms), self.requester, "post")
        job = int(self.escrow.functions.jobCount().call())
        self.record_seed(self.lane.functions.drawEpochOf(job, 0).call())
        return job

    def record_seed(self, epoch: int) -> None:
        """Waits for the epoch and records its seed, unless somebody has."""
        first = self.seeds.functions.seedBlockOf(epoch).call()
        self.mine(max(0, first + 1 - self.web3.eth.block_number))
        if not any(self.seeds.functions.seedOf(epoch).call()):
            header = fetch_header(self.web3, first)
            self.send(self.seeds.functions.recordSeed(epoch, header), self.orchestrator, "seed")

    def claim(self, job: int, task: int, worker: int) -> None:
        self.send(self.lane.functions.claim(job, task), self.worker(worker), "claim")

    def commit(self, job: int, task: int, worker: int, digest: Digest = DIGEST) -> None:
        sealed = commitment(
            chain_id=self.deployment.chain_id,
            lane=self.deployment.direct_lane,
            job_id=JobId(job),
            task_index=TaskIndex(task),
            worker=self.worker(worker),
            digest=digest,
            salt=SALT,
        )
        self.send(self.lane.functions.commit(job, task, sealed), self.worker(worker), "commit")

    def reveal(self, job: int, task: int, worker: int, digest: Digest = DIGEST) -> None:
        self.send(self.lane.functions.reveal(job, task, digest, SALT), self.worker(worker), "reveal")

    def settle(self, job: int, task: int) -> None:
        self.send(self.lane.functions.settle(job, task), self.orchestrator, "settle")

    def run_task(self, job: int, task: int, workers: int) -> None:
        """A task's whole life with honest workers only."""
        for act in (self.claim, self.commit, self.reveal):
            for worker in range(workers):
                act(job, task, worker)
        self.settle(job, task)
