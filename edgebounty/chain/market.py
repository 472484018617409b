"""The contracts of one deployment: typed reads, and the calls that people and services send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import BadFunctionCallOutput, Web3Exception

from edgebounty.chain.calls import BatchReader, BlockId, Request, block_param, views_in
from edgebounty.chain.errors import ChainError, ContractRejected, NodeUnreachable, WrongChain
from edgebounty.chain.logs import EventReader
from edgebounty.chain.rejections import load_artifact, rejection_of
from edgebounty.chain.rpc import guard, url_of
from edgebounty.chain.views import (
    Balances,
    BlockRef,
    Claim,
    ClaimLook,
    ClaimStatus,
    Job,
    JobTerms,
    Task,
    TaskLook,
    TaskStatus,
)
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address

if TYPE_CHECKING:
    from edgebounty.chain.deployment import Deployment

FINAL_DEPTH = 32
"""Blocks after which a chain without a finalized tag counts as final."""
_ZERO = bytes(32)
_PARTS = (
    ("token", "EdgeToken", "token"),
    ("vault", "StakeVault", "vault"),
    ("escrow", "BountyEscrow", "escrow"),
    ("seeds", "EpochSeeds", "seeds"),
    ("lane", "DirectLane", "direct_lane"),
    ("batch_lane", "BatchLane", "batch_lane"),
)


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
        self._reader = BatchReader(web3)
        self._views = {
            part: views_in(load_artifact(name)["abi"], to_address(getattr(deployment, field)))
            for part, name, field in _PARTS
        }

    # --- reads ---

    def block(self, block: BlockId = "latest") -> BlockRef:
        """The block itself; its time is the only clock for deadlines."""
        by_hash = isinstance(block, str) and block.startswith("0x")
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        named = block if by_hash else block_param(block)
        found = self._reader.ask_one(Request(method=method, params=(named, False)))
        if not isinstance(found, dict):
            raise ChainError(f"the node at {self.url} does not know block {block}")
        return BlockRef(
            number=int(found["number"], 16), hash=bytes.fromhex(found["hash"][2:]), time=int(found["timestamp"], 16)
        )

    def final_block(self) -> BlockRef:
        """The last block that no reorganisation can undo, as far as this chain says; else one a good way back."""
        try:
            return self.block("finalized")
        except NodeUnreachable:
            raise
        except ChainError:
            return self.block(max(self.block().number - FINAL_DEPTH, 0))

    def job_count(self, block: BlockId = "latest") -> int:
        """Jobs ever posted; their ids are 1 to this."""
        return int(self._view("escrow", "jobCount", block=block))

    def terms(self, job_id: int, block: BlockId = "latest") -> JobTerms:
        """Raises `ContractRejected` (JobUnknown) for a job that was never posted."""
        return _terms(self._view("escrow", "terms", job_id, block=block))

    def job(self, job_id: int, block: BlockId = "latest") -> Job:
        """Raises `ContractRejected` (JobUnknown) for a job that was never posted."""
        return _job(job_id, self._many(self._job_requests(job_id, block)), self.deployment.batch_lane)

    def batch_grace(self) -> int:
        """Seconds after a job's deadline in which batches may follow."""
        return int(self._view("batch_lane", "GRACE"))

    def progress(self, job_id: int, block: BlockId = "latest") -> tuple[int, int, bool]:
        """(finished tasks, active tasks, failed)."""
        finished, active, failed = self._view("lane", "progress", job_id, block=block)
        return int(finished), int(active), bool(failed)

    def task(self, job_id: int, task_index: int, block: BlockId = "latest") -> Task:
        """One task. Raises `ContractRejected` (JobUnknown, TaskUnknown)."""
        return _task(job_id, task_index, self._view("lane", "taskOf", job_id, task_index, block=block))

    def claims(self, job_id: int, task_index: int, block: BlockId = "latest") -> tuple[Claim, ...]:
        """Present claims in slot order; expired ones are gone."""
        return tuple(map(_claim, self._view("lane", "claimsOf", job_id, task_index, block=block)))

    def claim_of(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> Claim | None:
        """This worker's claim, or None."""
        return next((claim for claim in self.claims(job_id, task_index, block) if claim.worker == worker), None)

    def look(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> TaskLook:
        """Everything that decides whether this worker may claim this task, in one request.

        Raises `ContractRejected` (JobUnknown, TaskUnknown).
        """
        key = (job_id, task_index)
        job_answers, task, claims, stage_open, drawn_from, barred, free = _split(
            self._many(
                [
                    *self._job_requests(job_id, block),
                    self._request("lane", "taskOf", *key, block=block),
                    self._request("lane", "claimsOf", *key, block=block),
                    self._request("lane", "stageOpen", *key, block=block),
                    self._request("lane", "drawnFrom", *key, worker, block=block),
                    self._request("lane", "isBarred", *key, worker, block=block),
                    self._request("vault", "freeStakeOf", worker, block=block),
                ]
            )
        )
        return TaskLook(
            job=_job(job_id, job_answers, self.deployment.batch_lane),
            task=_task(*key, task),
            claims=tuple(map(_claim, claims)),
            stage_open=bool(stage_open),
            drawn_from=int(drawn_from) or None,
            barred=bool(barred),
            free_stake=int(free),
        )

    def claims_look(
        self, keys: Sequence[tuple[int, int]], worker: Address, block: BlockId = "latest"
    ) -> list[ClaimLook | ContractRejected]:
        """Several tasks as a worker with a claim in them sees them, in one request; the refusal for an unknown one."""
        requests = []
        for key in keys:
            requests.append(self._request("lane", "taskOf", *key, block=block))
            requests.append(self._request("lane", "claimsOf", *key, block=block))
            requests.append(self._request("lane", "isBarred", *key, worker, block=block))
        answers = self._reader.ask(requests)
        found: list[ClaimLook | ContractRejected] = []
        for number, key in enumerate(keys):
            task, claims, barred = answers[3 * number : 3 * number + 3]
            refusal = next((answer for answer in (task, claims, barred) if isinstance(answer, ContractRejected)), None)
            if refusal is not None:
                found.append(refusal)
                continue
            own = next((claim for claim in map(_claim, claims) if claim.worker == worker), None)
            found.append(ClaimLook(task=_task(*key, task), claim=own, barred=bool(barred)))
        return found

    def result(self, job_id: int, task_index: int, block: BlockId = "latest") -> Digest | None:
        """The accepted digest, None while there is none."""
        return self.results(job_id, (task_index,), block)[0]

    def results(self, job_id: int, tasks: Sequence[int], block: BlockId = "latest") -> list[Digest | None]:
        """The accepted digests of several tasks, None where there is none."""
        answers = self._many([self._request("lane", "resultOf", job_id, task, block=block) for task in tasks])
        return [None if answer == _ZERO else Digest(answer) for answer in answers]

    def stage_open(self, job_id: int, task_index: int, block: BlockId = "latest") -> bool:
        return bool(self._view("lane", "stageOpen", job_id, task_index, block=block))

    def drawn_from(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> int | None:
        """Unix second from which the task's draw lets this worker claim; None while it does not or has no seed."""
        return int(self._view("lane", "drawnFrom", job_id, task_index, worker, block=block)) or None

    def is_drawn(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> bool:
        """Whether the worker may claim as far as the draw goes: it is drawn by now."""
        return bool(self._view("lane", "isDrawn", job_id, task_index, worker, block=block))

    def is_barred(self, job_id: int, task_index: int, worker: Address, block: BlockId = "latest") -> bool:
        return bool(self._view("lane", "isBarred", job_id, task_index, worker, block=block))

    def current_epoch(self, block: BlockId = "latest") -> int:
        return int(self._view("seeds", "currentEpoch", block=block))

    def seed_block(self, epoch: int) -> int:
        """The block whose header carries the epoch's seed."""
        return int(self._view("seeds", "seedBlockOf", epoch))

    def seed(self, epoch: int, block: BlockId = "latest") -> bytes | None:
        """The recorded seed, None while there is none."""
        seed = bytes(self._view("seeds", "seedOf", epoch, block=block))
        return None if seed == _ZERO else seed

    def stake_block(self, epoch: int) -> int:
        """The block as at which stake counts in the epoch's draw."""
        return int(self._view("seeds", "stakeBlockOf", epoch))

    def stake_at(self, worker: Address, block_number: int, block: BlockId = "latest") -> int:
        """A worker's stake at the end of a past block."""
        return int(self._view("vault", "stakeAt", worker, block_number, block=block))

    def free_stake(self, worker: Address, block: BlockId = "latest") -> int:
        """What a new claim can lock."""
        return int(self._view("vault", "freeStakeOf", worker, block=block))

    def allowance(self, owner: Address, spender: Address, block: BlockId = "latest") -> int:
        """Tokens that `spender` may take from `owner`."""
        return int(self._view("token", "allowance", owner, spender, block=block))

    def balances(self, account: Address, block: BlockId = "latest") -> Balances:
        """Everything one account has in this market."""
        stake, tokens, credit, free, gas = self._many(
            [
                self._request("vault", "accountOf", account, block=block),
                self._request("token", "balanceOf", account, block=block),
                self._request("escrow", "creditOf", account, block=block),
                self._request("vault", "freeStakeOf", account, block=block),
                Request(method="eth_getBalance", params=(account, block_param(block))),
            ]
        )
        bonded, locked, unbonding, available_at = stake
        return Balances(
            account=account,
            tokens=int(tokens),
            credit=int(credit),
            stake=int(bonded),
            locked=int(locked),
            free_stake=int(free),
            unbonding=int(unbonding),
            available_at=int(available_at),
            gas_wei=int(gas, 16),
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

    def leave_task(self, job_id: int, task_index: int) -> ContractFunction:
        return self.lane.functions.leaveTask(job_id, task_index)

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

    # --- internals ---

    def _contract(self, name: str, address: str) -> Contract:
        return self.web3.eth.contract(address=Web3.to_checksum_address(address), abi=load_artifact(name)["abi"])

    def _request(self, contract: str, function: str, *args: Any, block: BlockId = "latest") -> Request:
        return self._views[contract][function].request(*args, block=block)

    def _view(self, contract: str, function: str, *args: Any, block: BlockId = "latest") -> Any:
        return self._reader.ask_one(self._request(contract, function, *args, block=block))

    def _many(self, requests: Sequence[Request]) -> list[Any]:
        """All answers, or the first refusal raised."""
        answers = self._reader.ask(requests)
        for answer in answers:
            if isinstance(answer, ChainError):
                raise answer
        return answers

    def _job_requests(self, job_id: int, block: BlockId) -> list[Request]:
        names = ("terms", "requesterOf", "escrowOf", "refundable", "isStopped")
        requests = [self._request("escrow", name, job_id, block=block) for name in names]
        lanes = [self._request(lane, "progress", job_id, block=block) for lane in ("lane", "batch_lane")]
        return [*requests, *lanes]


_JOB_ANSWERS = 7


def _split(answers: list[Any]) -> tuple[Any, ...]:
    """The job's answers together, then the rest one by one."""
    return answers[:_JOB_ANSWERS], *answers[_JOB_ANSWERS:]


def _terms(told: dict[str, Any]) -> JobTerms:
    return JobTerms.from_tuple(tuple(told.values()))


def _job(job_id: int, answers: Sequence[Any], batch_lane: str) -> Job:
    told, requester, escrow, refundable, stopped, *lanes = answers
    terms = _terms(told)
    finished, active, failed = lanes[terms.lane == batch_lane]
    return Job(
        id=JobId(job_id),
        requester=to_address(requester),
        terms=terms,
        escrow=int(escrow),
        refundable=int(refundable),
        stopped=bool(stopped),
        finished=int(finished),
        active=int(active),
        failed=bool(failed),
    )


def _task(job_id: int, task_index: int, told: dict[str, Any]) -> Task:
    result = bytes(told["resultDigest"])
    return Task(
        job_id=JobId(job_id),
        index=TaskIndex(task_index),
        status=TaskStatus(told["status"]),
        slots_open=int(told["slotsOpen"]),
        first_slot=int(told["firstSlot"]),
        reopens=int(told["reopens"]),
        claimed=int(told["claimed"]),
        committed=int(told["committed"]),
        revealed=int(told["revealed"]),
        draw_epoch=int(told["drawEpoch"]),
        fill_deadline=int(told["fillDeadline"]),
        closes_at=int(told["closesAt"]),
        phase_deadline=int(told["phaseDeadline"]),
        result=None if result == _ZERO else Digest(result),
    )


def _claim(told: dict[str, Any]) -> Claim:
    return Claim(
        worker=to_address(told["worker"]),
        slot=int(told["slot"]),
        status=ClaimStatus(told["status"]),
        commit_deadline=int(told["commitDeadline"]),
        digest=bytes(told["digest"]),
    )
