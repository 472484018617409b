"""How a worker comes to know an orchestrator of the batch lane, and joins it; again when its ticket is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgebounty.chain.deployment import Deployment
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.content.permission import UploadSigner
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address
from edgebounty.worker.batch.ask import OrchestratorRefuses
from edgebounty.worker.batch.journal import Identity
from edgebounty.worker.batch_link import BatchLink, Market, read_market
from edgebounty.worker.link import Backoff, OrchestratorUnreachable

RPC_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    market: Market
    link: BatchLink


@dataclass(slots=True, kw_only=True)
class Joining:
    """`belong_to` is told whom the worker signs for before it signs anything; it raises `JournalError` to refuse."""

    url: str
    key: bytes
    worker: Address
    payout: Address
    contracts: MarketContracts | None
    belong_to: Callable[[Identity], None]
    joined: Joined | None = None
    has_ticket: bool = False
    _backoff: Backoff = field(default_factory=Backoff)
    _uploads: UploadSigner | None = None

    def join(self) -> bool:
        """Whether it has joined. Raises `OrchestratorUnreachable`, `OrchestratorRefuses`, and is patient after that."""
        if self.joined is not None and self.has_ticket:
            return True
        if not self._backoff.ready:
            return False
        try:
            if self.joined is None:
                self.joined = self._learn()
            link = self.joined.link
            link.join(payout=self.payout, now=link.chain_now())
        except (OrchestratorUnreachable, OrchestratorRefuses):
            self._backoff.failed()
            raise
        self._backoff.worked()
        self.has_ticket = True
        return True

    def upload_header(self, gateway_url: str) -> str:
        """The permission for a gateway to take this worker's outputs."""
        assert self._uploads is not None  # nothing is uploaded before a task was given
        return self._uploads(gateway_url)

    def _learn(self) -> Joined:
        market = read_market(self.url)
        self._require_same_market(market)
        self.belong_to(Identity(market.lane.chain_id, market.lane.verifying_contract, market.orchestrator, self.worker))
        link = BatchLink(self.url, key=self.key, orchestrator=market.orchestrator, domain=market.lane)
        link.heed(market.now)
        self._uploads = UploadSigner(market.escrow, self.key, clock=link.chain_now)
        return Joined(market=market, link=link)

    def _require_same_market(self, market: Market) -> None:
        if self.contracts is None:
            return
        known = self.contracts.deployment
        lane, escrow = (
            Domain(chain_id=known.chain_id, verifying_contract=contract)
            for contract in (known.batch_lane, known.escrow)
        )
        if (market.lane, market.escrow) != (lane, escrow):
            raise OrchestratorRefuses(
                f"the orchestrator speaks for batch lane {market.lane.verifying_contract} on chain id "
                f"{market.lane.chain_id}, the deployment file names {known.batch_lane} on {known.chain_id}"
            )


def contracts_of(rpc_url: str | None, deployment_file: Path | None) -> MarketContracts | None:
    """The market on chain, for an owner who named a node. Raises `ChainError`."""
    if rpc_url is None or deployment_file is None:
        return None
    deployment = Deployment.load(deployment_file)
    return MarketContracts(connect(rpc_url, deployment.chain_id, timeout_seconds=RPC_TIMEOUT_SECONDS), deployment)
