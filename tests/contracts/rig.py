"""A deployed market driven through brownie, with short words for what people do in it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import brownie  # type: ignore[import-untyped]

from edgebounty.chain.deployment import Deployment, DeploymentSettings, deployment_of, plan
from edgebounty.chain.header import fetch_header
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address

UNIT = 10**18
STAKE = 1_000 * UNIT
PRICE = UNIT
CLAIM_STAKE = 2 * UNIT
TASK_TIME = 60
FEE_BPS = 250
NOBODY = "0x0000000000000000000000000000000000000000"
BURN_ADDRESS = "0x000000000000000000000000000000000000dEaD"
SALT = b"\x05" * 32
RIGHT = Digest(b"\x11" * 32)
WRONG = Digest(b"\x22" * 32)
ODD = Digest(b"\x33" * 32)
MANIFEST = b"\x77" * 32
SETTINGS = DeploymentSettings()

IDLE, CLAIMING, REVEALING, SETTLED, REFUNDED = range(5)


def refuses(error: str, *arguments: object) -> AbstractContextManager[Any]:
    """The call inside must revert with exactly this typed error; `...` instead of arguments accepts any."""
    found: AbstractContextManager[Any]
    if arguments == (...,):
        found = brownie.reverts(revert_pattern=f"(?s){error}: .*")
    else:
        found = brownie.reverts(f"{error}: {', '.join(_as_brownie_says(a) for a in arguments)}")
    return found


def _as_brownie_says(argument: object) -> str:
    text = str(getattr(argument, "address", argument))
    return text.lower() if text.startswith("0x") else text


def sleep(seconds: int) -> None:
    """Lets time pass and a block be mined."""
    brownie.chain.sleep(seconds)
    brownie.chain.mine()


def at(time: int) -> None:
    """The next block, so the next transaction, has exactly this timestamp (Unix seconds)."""
    answer = brownie.web3.provider.make_request("evm_setNextBlockTimestamp", [time])
    assert "error" not in answer, answer


def now() -> int:
    """The latest block's timestamp."""
    return int(brownie.web3.eth.get_block("latest")["timestamp"])


@dataclass
class Market:
    """The contracts and a cast: account 0 deploys, 1 requests, 2 orchestrates, 3 is anyone, 4 and on work."""

    accounts: Any
    deployment: Deployment
    token: Any
    vault: Any
    escrow: Any
    seeds: Any
    lane: Any
    batch_lane: Any

    @classmethod
    def deployed(cls, accounts: Any, settings: DeploymentSettings = SETTINGS) -> Market:
        """Carries out the plan with brownie."""
        deployer = accounts[0]
        ours = brownie.project.get_loaded_projects()[0].dict()
        planned = plan(to_address(deployer.address), deployer.nonce, settings)
        at_name = {step.name: deployer.deploy(ours[step.name], *step.args) for step in planned}
        deployment = deployment_of(
            planned,
            settings,
            chain_id=brownie.chain.id,
            block=at_name["EpochSeeds"].tx.block_number,
            deployer=to_address(deployer.address),
        )
        return cls(
            accounts=accounts,
            deployment=deployment,
            token=at_name["EdgeToken"],
            vault=at_name["StakeVault"],
            escrow=at_name["BountyEscrow"],
            seeds=at_name["EpochSeeds"],
            lane=at_name["DirectLane"],
            batch_lane=at_name["BatchLane"],
        )

    # --- people ---

    @property
    def requester(self) -> Any:
        return self.accounts[1]

    @property
    def orchestrator(self) -> Any:
        return self.accounts[2]

    @property
    def anyone(self) -> Any:
        return self.accounts[3]

    def worker(self, index: int) -> Any:
        return self.accounts[4 + index]

    def fund(self, account: Any, spender: Any, amount: int) -> None:
        """Gives the account tokens from the faucet and the spender an allowance for `amount` of them."""
        while self.token.balanceOf(account) < amount:
            self.token.faucet({"from": account})
        self.token.approve(spender, amount, {"from": account})

    def stake(self, account: Any, amount: int = STAKE) -> Any:
        self.fund(account, self.vault, amount)
        return self.vault.stake(amount, {"from": account})

    def stake_workers(self, count: int) -> None:
        """Workers 0 to count-1 stake the same; two epochs later it counts in every draw."""
        for index in range(count):
            self.stake(self.worker(index))
        brownie.chain.mine(2 * SETTINGS.epoch_blocks)

    def bonded(self, account: Any) -> int:
        return self.account_of(account)[0]

    def locked(self, account: Any) -> int:
        return self.account_of(account)[1]

    # Brownie's own tuples compare with nothing but their own kind.

    def account_of(self, account: Any) -> tuple[int, ...]:
        """Bonded, locked, unbonding, and when that is available."""
        return tuple(self.vault.accountOf(account))

    def sponsorship_of(self, account: Any) -> tuple[Any, ...]:
        """The sponsor, its part of the stake, and whether it is leaving."""
        return tuple(self.vault.sponsorshipOf(account))

    def allotment_of(self, account: Any, orchestrator: Any) -> tuple[int, ...]:
        """Allotted, ending, and when that can be released."""
        return tuple(self.vault.allotmentOf(account, orchestrator))

    # --- jobs ---

    def terms(self, **changed: Any) -> tuple[Any, ...]:
        """JobTerms in their order: one map task, quorum of 2 out of 4, an hour."""
        values: dict[str, Any] = {
            "lane": self.lane.address,
            "orchestrator": self.orchestrator.address,
            "deadline": now() + 3600,
            "taskTime": TASK_TIME,
            "mapTasks": 1,
            "reduceTasks": 0,
            "rounds": 1,
            "quorum": 2,
            "workSlots": 4,
            "auditSlots": 0,
            "feeBps": FEE_BPS,
            "slotPrice": PRICE,
            "stakePerClaim": CLAIM_STAKE,
            "manifestDigest": MANIFEST,
        }
        unknown = changed.keys() - values.keys()
        assert not unknown, unknown
        return tuple({**values, **changed}.values())

    def post(self, **changed: Any) -> int:
        """Posts a job as the requester, its first draw known and its ramp over. Returns its id."""
        terms = self.terms(**changed)
        self.fund(self.requester, self.escrow, self.escrow.bountyFor(terms))
        self.escrow.postJob(terms, {"from": self.requester})
        job = int(self.escrow.jobCount())
        self.draw(job, 0)
        return job

    def draw(self, job: int, task: int) -> None:
        """Lets the epoch of the task's draw begin, its seed be recorded, and its ramp pass."""
        epoch = self.lane.drawEpochOf(job, task)
        first = self.seeds.seedBlockOf(epoch)
        missing = first + 1 - brownie.chain.height
        if missing > 0:
            brownie.chain.mine(missing)
        if int(self.seeds.seedOf(epoch).hex(), 16) == 0:
            self.seeds.recordSeed(epoch, fetch_header(brownie.web3, first), {"from": self.orchestrator})
        sleep(SETTINGS.ramp_seconds)

    def pass_draw(self, job: int, task: int) -> None:
        """Lets the epoch of the task's draw go by."""
        missing = self.seeds.seedBlockOf(self.lane.drawEpochOf(job, task) + 1) - brownie.chain.height
        if missing > 0:
            brownie.chain.mine(missing)

    # --- the life of a task ---

    def claim(self, job: int, task: int, worker: int) -> Any:
        return self.lane.claim(job, task, {"from": self.worker(worker)})

    def commit(self, job: int, task: int, worker: int, digest: Digest = RIGHT) -> Any:
        return self.lane.commit(job, task, self.sealed(job, task, worker, digest), {"from": self.worker(worker)})

    def sealed(self, job: int, task: int, worker: int, digest: Digest) -> bytes:
        """The worker's commitment to a digest."""
        return commitment(
            chain_id=self.deployment.chain_id,
            lane=self.deployment.direct_lane,
            job_id=JobId(job),
            task_index=TaskIndex(task),
            worker=to_address(self.worker(worker).address),
            digest=digest,
            salt=SALT,
        )

    def reveal(self, job: int, task: int, worker: int, digest: Digest = RIGHT) -> Any:
        return self.lane.reveal(job, task, digest, SALT, {"from": self.worker(worker)})

    def settle(self, job: int, task: int) -> Any:
        return self.lane.settle(job, task, {"from": self.anyone})

    def fill(self, job: int, task: int, digests: dict[int, Digest]) -> None:
        """These workers claim, then commit: the wave is full and reveals are open."""
        for worker in digests:
            self.claim(job, task, worker)
        for worker, digest in digests.items():
            self.commit(job, task, worker, digest)

    def fill_and_reveal(self, job: int, task: int, digests: dict[int, Digest]) -> None:
        self.fill(job, task, digests)
        for worker, digest in digests.items():
            self.reveal(job, task, worker, digest)

    def finish(self, job: int, task: int) -> Any:
        """A task's whole life with workers 0 and 1, both right."""
        self.draw(job, task)
        self.fill_and_reveal(job, task, {0: RIGHT, 1: RIGHT})
        return self.settle(job, task)

    def status(self, job: int, task: int) -> int:
        return int(self.lane.taskOf(job, task)["status"])

    def fill_deadline(self, job: int, task: int) -> int:
        return int(self.lane.taskOf(job, task)["fillDeadline"])

    def closes_at(self, job: int, task: int) -> int:
        return int(self.lane.taskOf(job, task)["closesAt"])

    def phase_deadline(self, job: int, task: int) -> int:
        return int(self.lane.taskOf(job, task)["phaseDeadline"])

    # --- what holds always ---

    def check_solvent(self) -> None:
        """Vault and escrow hold what they owe, to the unit, and the lane holds nothing."""
        assert self.token.balanceOf(self.vault) == self.vault.totalOwed()
        assert self.token.balanceOf(self.escrow) == self.escrow.totalOwed()
        assert self.token.balanceOf(self.lane) == 0
