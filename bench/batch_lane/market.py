"""A deployed batch lane, driven by unlocked accounts: 1 requests, 2 and on orchestrate, 9 relays and challenges."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.types import Wei

from edgebounty.chain.anvil import dev_account
from edgebounty.chain.deployment import BatchSettings, Deployment, DeploymentSettings, artifact, deploy
from edgebounty.protocol.batch.rules import Prices
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, to_address

TASKS: Final = 65_535
"""The most that a job may have."""
MOST_SLOTS: Final = 16
PRICE: Final = 10**12
FEE_BPS: Final = 250
RING: Final = 16
GAS_LIMIT: Final = 16_700_000  # EIP-7825 lets no transaction have more than 2^24
STAKE: Final = 1_000 * 10**18
_TIMES: Final = BatchSettings(window=20, answer=2, claim=5, liability=30, ring=RING)


@dataclass
class BatchMarket:
    """One deployment; every step a transaction of its own."""

    web3: Web3
    times: BatchSettings = _TIMES
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        settings = DeploymentSettings(batch=self.times, court=None, unbonding_seconds=2 * self.times.liability)
        self.deployment = deploy(self.web3, dev_account(0), settings)
        self.lane = self.contract("BatchLane", self.deployment.batch_lane)
        self.challenges = self.contract("BatchChallenges", self.deployment.batch_challenges)
        self.payouts = self.contract("BatchPayouts", self.deployment.batch_payouts)
        self.domain = Domain(chain_id=self.deployment.chain_id, verifying_contract=self.deployment.batch_lane)

    def orchestrator(self, index: int, *, slots: int) -> tuple[Address, int, Prices]:
        """Its account, which has put up a bond, its job, and what a receipt of it costs."""
        account = account_at(index)
        vault = self.contract("StakeVault", self.deployment.vault).functions
        self.fund(account, self.deployment.vault, STAKE)
        self.send(vault.stake(STAKE), account)
        self.send(vault.allot(account, STAKE // 2), account)
        escrow = self.contract("BountyEscrow", self.deployment.escrow).functions
        terms = (
            *(self.deployment.batch_lane, account, self.now() + 80 * 24 * 3600, 3600),
            *(TASKS, 0, 1, 1, 1, slots - 1, FEE_BPS),
            *(PRICE, PRICE, hashlib.sha256(b"manifest").digest()),
        )
        self.fund(account_at(1), self.deployment.escrow, escrow.bountyFor(terms).call())
        self.send(escrow.postJob(terms), account_at(1))
        prices = Prices(price=PRICE, fee=PRICE * FEE_BPS // 10_000, slots=slots)
        return account, int(escrow.jobCount().call()), prices

    def send(self, call: ContractFunction, sender: Address) -> int:
        """The gas that it used. Raises when it reverted: then the measurement is void."""
        sent = call.transact({"from": sender, "gas": GAS_LIMIT, "gasPrice": Wei(10**10)})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.002)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted; the measurement is void")
        return int(receipt["gasUsed"])

    def time_passes(self, seconds: int) -> None:
        self._ask("evm_increaseTime", [seconds])
        self._ask("anvil_mine", ["0x1"])

    def snapshot(self) -> Any:
        return self._ask("evm_snapshot", [])

    def revert(self, snapshot: Any) -> None:
        self._ask("evm_revert", [snapshot])

    def roll_back(self, blocks: int) -> None:
        """As a reorganisation that leaves out what was in them."""
        self._ask("anvil_rollback", [blocks])

    def now(self) -> int:
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def contract(self, name: str, address: Address) -> Contract:
        found: Contract = self.web3.eth.contract(
            address=self.web3.to_checksum_address(address), abi=artifact(name)["abi"]
        )
        return found

    def fund(self, account: Address, spender: Address, amount: int) -> None:
        token = self.contract("EdgeToken", self.deployment.token).functions
        while token.balanceOf(account).call() < amount:
            self.send(token.faucet(), account)
        self.send(token.approve(spender, amount), account)

    def _ask(self, method: str, params: list[Any]) -> Any:
        answer = self.web3.provider.make_request(method, params)  # type: ignore[arg-type]
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


def account_at(index: int) -> Address:
    return to_address(dev_account(index).address)
