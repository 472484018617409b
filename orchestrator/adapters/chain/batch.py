"""Reads the batch lane's views."""

from __future__ import annotations

from web3 import Web3

from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rejections import load_artifact
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.adapters.chain.translate import ask
from orchestrator.domain.batch.terms import LaneJob, LaneRules
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.values import BlockRef


class BatchLaneReader:
    """Fulfils `LaneReader`."""

    def __init__(self, market: MarketContracts) -> None:
        self._market = market
        address = Web3.to_checksum_address(market.deployment.batch_lane)
        self._lane = market.web3.eth.contract(
            address=address, abi=load_artifact("BatchLane")["abi"], decode_tuples=True
        )

    def grace(self) -> int:
        """Seconds after a job's deadline in which batches may follow. Raises `ChainError`."""
        return int(self._market.read(self._lane.functions.GRACE()))

    def rules(self, *, waves: int, span: int, hold: int) -> LaneRules:
        """What the deployment fixed, beside what the operator chose. Raises `ChainError`."""
        deployment, functions = self._market.deployment, self._lane.functions
        return LaneRules(
            domain=Domain(chain_id=deployment.chain_id, verifying_contract=deployment.batch_lane),
            grace=self.grace(),
            most_receipts=int(self._market.read(functions.MAX_RECEIPTS())),
            waves=waves,
            span=span,
            hold=hold,
        )

    async def lane_job(self, job_id: JobId, block: BlockRef) -> LaneJob:
        def read() -> LaneJob:
            told = self._market.read(self._lane.functions.jobOf(job_id), block.number)
            return LaneJob(
                orchestrator=to_address(told.orchestrator),
                deadline=int(told.deadline),
                tasks=int(told.tasks),
                slots=int(told.slots),
                price=int(told.price),
                fee=int(told.fee),
            )

        what = f"job {job_id} of the batch lane"
        try:
            return await ask(what, read)
        except Rejected as refused:  # our final state has the job: the node is behind it
            raise Unavailable(what=what, reason=refused.reason) from refused

    async def sponsor_of(self, worker: Address) -> Address | None:
        """Who backs the worker with stake. Raises `Unavailable`."""

        def read() -> Address | None:
            sponsor, _, _ = self._market.read(self._market.vault.functions.sponsorshipOf(worker))
            return to_address(sponsor) if int(sponsor, 16) else None

        return await ask("the stake vault", read)
