"""What does a task cost on chain? Its whole life with three workers, every step a transaction of its own, read from
receipts: claim, commit and reveal by each worker, settle; posting, seed, refund and withdrawals shared over 100 tasks.

The peer is iExec's PoCo 6.2, one task with three workers, measured the same way (docs of this project, FACTS).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Final

from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.types import Wei

from bench.figure import RESULTS, Figure
from edgebounty.chain.anvil import Anvil, dev_account
from edgebounty.chain.deployment import Deployment, DeploymentSettings, artifact, deploy
from edgebounty.chain.header import fetch_header
from edgebounty.chain.rpc import connect
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address

TASKS: Final = 100
WORKERS: Final = 3
POCO_GAS: Final = 2_359_529
TARGET_GAS: Final = 600_000
_TOKEN: Final = 10**18
_EPOCH_BLOCKS: Final = 4
_GAS_LIMIT: Final = 5_000_000


def run(tasks: int = TASKS) -> list[Figure]:
    with Anvil.start(block_time=None) as anvil:
        web3 = connect(anvil.url)
        settings = DeploymentSettings(epoch_blocks=_EPOCH_BLOCKS, draw_seconds=10, ramp_seconds=1)
        lane = _Lane(web3=web3, deployment=deploy(web3, dev_account(0), settings))
        lane.stake()
        job = lane.post(tasks)
        for task in range(tasks):
            lane.run_task(job, task)
        lane.close(job)
    per_task = {step: sum(spent) / tasks for step, spent in lane.spent.items()}
    total = sum(per_task.values())
    figure = Figure(
        name="direct_lane_gas",
        value=total,
        unit="gas",
        peer="iExec PoCo 6.2",
        peer_value=POCO_GAS,
        ratio=total / POCO_GAS,
        target=TARGET_GAS,
        better="lower",
        bounds_value=True,
    ).save()
    (RESULTS / "direct_lane_gas_steps.txt").write_text(json.dumps(per_task, indent=2) + "\n")
    return [figure]


@dataclass
class _Lane:
    """A market driven by unlocked accounts: 1 requests, 2 orchestrates, 3 and on work. Files gas by step."""

    web3: Web3
    deployment: Deployment
    spent: dict[str, list[int]] = field(default_factory=dict)

    def stake(self) -> None:
        vault = self._contract("StakeVault", self.deployment.vault)
        for worker in range(WORKERS):
            self._fund(self._worker(worker), self.deployment.vault, 1_000 * _TOKEN)
            self._send(vault.functions.stake(1_000 * _TOKEN), self._worker(worker))
        self._mine(_EPOCH_BLOCKS)

    def post(self, tasks: int) -> int:
        escrow = self._contract("BountyEscrow", self.deployment.escrow)
        terms = (
            *(self.deployment.direct_lane, _account(2), self._now() + 24 * 3600, 3600),
            *(tasks, 0, 1, WORKERS, WORKERS + 1, 0, 250),
            *(_TOKEN, 2 * _TOKEN, _digest("manifest")),
        )
        bounty = escrow.functions.bountyFor(terms).call()
        self._fund(_account(1), self.deployment.escrow, bounty)
        self._send(escrow.functions.postJob(terms), _account(1), "post")
        job = int(escrow.functions.jobCount().call())
        lane, seeds = self._lane(), self._contract("EpochSeeds", self.deployment.seeds)
        epoch = lane.functions.drawEpochOf(job, 0).call()
        first = seeds.functions.seedBlockOf(epoch).call()
        self._mine(max(0, first + 1 - self.web3.eth.block_number))
        self._send(seeds.functions.recordSeed(epoch, fetch_header(self.web3, first)), _account(2), "seed")
        self.web3.provider.make_request("evm_increaseTime", [1])  # type: ignore[arg-type]  # the draw's ramp
        return job

    def run_task(self, job: int, task: int) -> None:
        lane = self._lane().functions
        digest = _digest(f"result {job} {task}")
        for worker in range(WORKERS):
            self._send(lane.claim(job, task), self._worker(worker), "claim")
        for worker in range(WORKERS):
            sealed = commitment(
                chain_id=self.deployment.chain_id,
                lane=self.deployment.direct_lane,
                job_id=JobId(job),
                task_index=TaskIndex(task),
                worker=self._worker(worker),
                digest=digest,
                salt=_digest(f"salt {task} {worker}"),
            )
            self._send(lane.commit(job, task, sealed), self._worker(worker), "commit")
        for worker in range(WORKERS):
            opening = lane.reveal(job, task, digest, _digest(f"salt {task} {worker}"))
            self._send(opening, self._worker(worker), "reveal")
        self._send(lane.settle(job, task), _account(2), "settle")
        if lane.resultOf(job, task).call() != digest:
            raise RuntimeError(f"task {task} was not settled; its gas means nothing")

    def close(self, job: int) -> None:
        escrow = self._contract("BountyEscrow", self.deployment.escrow).functions
        self._send(escrow.refund(job), _account(2), "refund")
        for worker in range(WORKERS):
            self._send(escrow.withdrawFor(self._worker(worker)), _account(2), "withdraw")

    def _fund(self, account: Address, spender: Address, amount: int) -> None:
        token = self._contract("EdgeToken", self.deployment.token).functions
        while token.balanceOf(account).call() < amount:
            self._send(token.faucet(), account)
        self._send(token.approve(spender, amount), account)

    def _send(self, call: ContractFunction, sender: Address, step: str | None = None) -> None:
        sent = call.transact({"from": sender, "gas": _GAS_LIMIT, "gasPrice": Wei(10**10)})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.002)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted; the measurement is void")
        if step:
            self.spent.setdefault(step, []).append(int(receipt["gasUsed"]))

    def _lane(self) -> Contract:
        return self._contract("DirectLane", self.deployment.direct_lane)

    def _contract(self, name: str, address: Address) -> Contract:
        found: Contract = self.web3.eth.contract(
            address=self.web3.to_checksum_address(address), abi=artifact(name)["abi"]
        )
        return found

    def _worker(self, index: int) -> Address:
        return _account(3 + index)

    def _now(self) -> int:
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def _mine(self, blocks: int) -> None:
        self.web3.provider.make_request("anvil_mine", [hex(blocks)])  # type: ignore[arg-type]


def _account(index: int) -> Address:
    return to_address(dev_account(index).address)


def _digest(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).digest())
