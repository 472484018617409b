"""The contracts of one deployment: typed reads, and the calls that people and services send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import BadFunctionCallOutput, Web3Exception

from edgebounty.chain.errors import ChainError, WrongChain
from edgebounty.chain.logs import EventReader
from edgebounty.chain.rejections import load_artifact, rejection_of
from edgebounty.chain.rpc import guard, url_of
from edgebounty.chain.views import (
    Balances,
    BlockRef,
    Claim,
    ClaimStatus,
    Job,
    JobTerms,
    Task,
    TaskStatus,
)
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address

if TYPE_CHECKING:
    from edgebounty.chain.deployment import Deployment

BlockId = int | str
"""A block number, `0x` block hash, or latest | safe | finalized."""
_ZERO = bytes(32)


class MarketContracts:
    """One deployment on one chain. Reads may be pinned to a block; every read may raise `ChainError`.

    `functions` below build calls for `Sender`; nothing here sends.
    """

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self.web3 = web3
        self.deployment = deployment
        self.url = url_of(web3)
        actual = guard(self.url, lambda: int(web3.eth.chain_id))
        if actual != deployment.chain_id:
            raise WrongChain(self.url, deployment.chain_id, actual)
        self.token = self._contract("EdgeToken", deployment.token)
        self.vault = self._contract("StakeVault", deployment.vault)
        self.escrow = self._contract("BountyEscrow", deployment.escrow)
        self.seeds = self._contract("EpochSeeds", deployment.seeds)
        self.lane = self._contract("DirectLane", deployment.direct_lane)
        self.events = EventReader(deployment)

    # --- reads ---

    def block(self, block: BlockId = "latest") -> BlockRef:
        """The block itself; its time is the only clock for deadlines."""
        found = guard(self.url, lambda: self.web3.eth.get_block(block))  # type: ignore[arg-type]
        return BlockRef(number=int(found["number"]), hash=bytes(found["hash"]), time=int(found["timestamp"]))

    def job_count(self, block: BlockId = "latest") -> int:
        """Jobs ever posted; their ids are 1 to this."""
        return int(self.read(self.escrow.functions.jobCount(), block))

    def terms(self, job_id: int, block: BlockId = "latest") -> JobTerms:
        """Raises `ContractRejected` (JobUnknown) for a job that was never posted."""
        return JobTerms.from_tuple(self.read(self.escrow.functions.terms(job_id), block))

    def job(self, job_id: int, block: BlockId = "latest") -> Job:
        """Raises `ContractRejected` (JobUnknown) for a job that was never posted."""
        functions = self.escrow.functions
        finished, active, failed = self.progress(job_id, block)
        return Job(
            id=JobId(job_id),
            requester=to_address(self.read(functions.requesterOf(job_id), block)),
            terms=self.terms(job_id, block),
            escrow=int(self.read(functions.escrowOf(job_id), block)),
            refundable=int(self.read(functions.refundable(job_id), block)),
            stopped=bool(self.read(functions.isStopped(job_id), block)),
            finished=finished,
            active=active,
            failed=failed,
        )

    def progress(self, job_id: int, block: BlockId = "latest") -> tuple[int, int, bool]:
        """(finished tasks, active tasks, failed)."""
        finished, active, failed = self.read(self.lane.functions.progress(job_id), block)
        return int(finished), int(active), bool(failed)

    def task(self, job_id: int, task_index: int, block: BlockId = "latest") -> Task:
        """One task. Raises `ContractRejected` (JobUnknown, TaskUnknown)."""
        told = self._named(self.lane, "taskOf", self.read(self.lane.functions.taskOf(job_id, task_index), block))
        result = bytes(told["resultDigest"])
        return Task(
            job_id=JobId(job_id),
            index=TaskIndex(task_index),
            status=TaskStatus(told["status"]),
            slots_open=int(told["slotsOpen"]),
            reopens=int(told["reopens"]),
            claimed=int(told["claimed"]),
            committed=int(told["committed"]),
            revealed=int(told["revealed"]),
            draw_epoch=int(told["drawEpoch"]),
            phase_deadline=int(told["phaseDeadline"]),
            result=None if result == _ZERO else Digest(result),
        )

    def claims(self, job_id: int, task_index: int, block: BlockId = "latest") -> tuple[Claim, ...]:
        """Present claims in slot order; expired ones are gone."""
        found = self.read(self.lane.functions.claimsOf(job_id, task_index), block)
        return tuple(_claim(self._named(self.lane, "claimsOf", values)) for values in found)

    def claim_of(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> Claim | None:
        """This worker's claim, or None."""
        return next((claim for claim in self.claims(job_id, task_index, block) if claim.worker == worker), None)

    def result(self, job_id: int, task_index: int, block: BlockId = "latest") -> Digest | None:
        """The accepted digest, None while there is none."""
        digest = bytes(self.read(self.lane.functions.resultOf(job_id, task_index), block))
        return None if digest == _ZERO else Digest(digest)

    def stage_open(self, job_id: int, task_index: int, block: BlockId = "latest") -> bool:
        return bool(self.read(self.lane.functions.stageOpen(job_id, task_index), block))

    def is_drawn(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> bool:
        """False too while the draw's seed is not recorded."""
        return bool(self.read(self.lane.functions.isDrawn(job_id, task_index, worker), block))

    def is_barred(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> bool:
        return bool(self.read(self.lane.functions.isBarred(job_id, task_index, worker), block))

    def current_epoch(self, block: BlockId = "latest") -> int:
        return int(self.read(self.seeds.functions.currentEpoch(), block))

    def seed_block(self, epoch: int) -> int:
        """The block whose header carries the epoch's seed."""
        return int(self.read(self.seeds.functions.seedBlockOf(epoch)))

    def seed(self, epoch: int, block: BlockId = "latest") -> bytes | None:
        """The recorded seed, None while there is none."""
        seed = bytes(self.read(self.seeds.functions.seedOf(epoch), block))
        return None if seed == _ZERO else seed

    def stake_block(self, epoch: int) -> int:
        """The block as at which stake counts in the epoch's draw."""
        return int(self.read(self.seeds.functions.stakeBlockOf(epoch)))

    def stake_at(self, worker: Address, block_number: int, block: BlockId = "latest") -> int:
        """A worker's stake at the end of a past block."""
        return int(self.read(self.vault.functions.stakeAt(worker, block_number), block))

    def free_stake(self, worker: Address, block: BlockId = "latest") -> int:
        """What a new claim can lock."""
        return int(self.read(self.vault.functions.freeStakeOf(worker), block))

    def balances(self, account: Address, block: BlockId = "latest") -> Balances:
        """Everything one account has in this market."""
        bonded, locked, unbonding, available_at = self.read(self.vault.functions.accountOf(account), block)
        return Balances(
            account=account,
            tokens=int(self.read(self.token.functions.balanceOf(account), block)),
            credit=int(self.read(self.escrow.functions.creditOf(account), block)),
            stake=int(bonded),
            locked=int(locked),
            free_stake=int(self.read(self.vault.functions.freeStakeOf(account), block)),
            unbonding=int(unbonding),
            available_at=int(available_at),
            gas_wei=guard(self.url, lambda: int(self.web3.eth.get_balance(account, block))),  # type: ignore[arg-type]
        )

    def read(self, function: ContractFunction, block: BlockId = "latest") -> Any:
        """Call a view. Raises `ContractRejected` when it reverts, `ChainError` when the answer makes no sense."""
        try:
            return guard(self.url, lambda: function.call(block_identifier=block))  # type: ignore[arg-type]
        except BadFunctionCallOutput as error:
            raise ChainError(
                f"{function.address} on chain {self.deployment.chain_id} is not the contract that the deployment file "
                f"names (asked for {function.fn_name}); check that file, or deploy again"
            ) from error
        except Web3Exception as error:
            rejected = rejection_of(error)
            if rejected is not None:
                raise rejected from error
            raise ChainError(f"the node cannot answer {function.fn_name}: {error}") from error

    # --- calls, to be sent by `Sender` ---

    def claim(self, job_id: int, task_index: int) -> ContractFunction:
        return self.lane.functions.claim(job_id, task_index)

    def commit(self, job_id: int, task_index: int, commitment: bytes) -> ContractFunction:
        return self.lane.functions.commit(job_id, task_index, commitment)

    def reveal(self, job_id: int, task_index: int, digest: bytes, salt: bytes) -> ContractFunction:
        return self.lane.functions.reveal(job_id, task_index, digest, salt)

    def settle(self, job_id: int, task_index: int) -> ContractFunction:
        return self.lane.functions.settle(job_id, task_index)

    def expire_claim(self, job_id: int, task_index: int, worker: Address) -> ContractFunction:
        return self.lane.functions.expireClaim(job_id, task_index, worker)

    def reopen(self, job_id: int, task_index: int) -> ContractFunction:
        return self.lane.functions.reopen(job_id, task_index)

    def expire_task(self, job_id: int, task_index: int) -> ContractFunction:
        return self.lane.functions.expireTask(job_id, task_index)

    def record_seed(self, epoch: int, header: bytes) -> ContractFunction:
        return self.seeds.functions.recordSeed(epoch, header)

    def post_job(self, terms: JobTerms) -> ContractFunction:
        return self.escrow.functions.postJob(terms.as_tuple())

    def stop_job(self, job_id: int) -> ContractFunction:
        return self.escrow.functions.stop(job_id)

    def refund(self, job_id: int) -> ContractFunction:
        return self.escrow.functions.refund(job_id)

    def withdraw(self, to: Address) -> ContractFunction:
        return self.escrow.functions.withdraw(to)

    def withdraw_for(self, account: Address) -> ContractFunction:
        return self.escrow.functions.withdrawFor(account)

    def approve(self, spender: str, amount: int) -> ContractFunction:
        return self.token.functions.approve(Web3.to_checksum_address(spender), amount)

    def stake(self, amount: int) -> ContractFunction:
        return self.vault.functions.stake(amount)

    def unbond(self, amount: int) -> ContractFunction:
        return self.vault.functions.unbond(amount)

    def withdraw_stake(self) -> ContractFunction:
        return self.vault.functions.withdrawStake()

    def burn_slashed(self) -> ContractFunction:
        return self.vault.functions.burnSlashed()

    def _named(self, contract: Contract, function: str, values: Sequence[Any]) -> dict[str, Any]:
        """A returned struct's values by their names in the ABI, so that their order may change."""
        (entry,) = (e for e in contract.abi if e.get("type") == "function" and e.get("name") == function)
        components: Any = entry["outputs"][0]["components"]  # type: ignore[typeddict-item]
        return dict(zip((str(part["name"]) for part in components), values, strict=True))

    def _contract(self, name: str, address: str) -> Contract:
        return self.web3.eth.contract(address=Web3.to_checksum_address(address), abi=load_artifact(name)["abi"])


def _claim(told: dict[str, Any]) -> Claim:
    return Claim(
        worker=to_address(told["worker"]),
        slot=int(told["slot"]),
        status=ClaimStatus(told["status"]),
        commit_deadline=int(told["commitDeadline"]),
        digest=bytes(told["digest"]),
    )
