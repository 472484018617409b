"""The worker's money: stake is topped up at the start, credit withdrawn when it is worth it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgebounty.chain.errors import ChainError, ContractRejected, NodeUnreachable
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import Balances, BlockRef
from edgebounty.protocol.types import Address
from edgebounty.worker.settings import WorkerSettings
from edgebounty.worker.transactions import Transactions

LOGGER = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
FIRST_LOOK_SECONDS = 1.0  # while stake is being topped up


@dataclass(slots=True, kw_only=True)
class Treasury:
    """One thread."""

    market: MarketContracts
    transactions: Transactions
    settings: WorkerSettings
    worker: Address
    clock: Callable[[], float] = time.monotonic
    balances: Balances | None = None
    _looked_at: float = float("-inf")
    _topped_up: bool = False

    def look(self, block: BlockRef, *, at_once: bool = False) -> None:
        """Read the balances now and then, and do what they ask for. Raises `ChainError` when the node fails."""
        pause = LOOK_SECONDS if self._topped_up else FIRST_LOOK_SECONDS
        if not at_once and self.clock() - self._looked_at < pause:
            return
        self.balances = self.market.balances(self.worker, block.number)
        self._looked_at = self.clock()
        self._top_up(self.balances)
        threshold = self.settings.withdraw_threshold
        if threshold is not None and self.balances.credit >= max(threshold, 1):
            self.withdraw()

    def withdraw(self) -> None:
        """Pull the whole credit to the worker's own account."""
        self._post("withdraw", lambda: self.market.withdraw(self.worker))

    def _top_up(self, balances: Balances) -> None:
        """Approve, then stake, each once its predecessor is in a block. Only at the start: what a slash took is not
        put in again without the owner."""
        if self._topped_up:
            return
        missing = self.settings.stake_target - balances.stake
        if missing <= 0:
            self._topped_up = True
            return
        if (
            balances.tokens < missing
            or self.transactions.is_pending("approve")
            or self.transactions.is_pending("stake")
        ):
            return
        vault = self.market.deployment.vault
        allowed = self.market.allowance(self.worker, vault)
        if allowed < missing:
            self._post("approve", lambda: self.market.approve(vault, missing))
        else:
            self._post("stake", lambda: self.market.stake(missing))

    def _post(self, what: str, call: Callable[[], object]) -> None:
        try:
            self.transactions.post(what, call())  # type: ignore[arg-type]
        except NodeUnreachable:
            raise
        except ContractRejected as error:
            if error.name != "NothingToWithdraw":
                LOGGER.warning("%s was refused: %s", what, error)
        except ChainError as error:
            LOGGER.warning("%s could not be sent: %s", what, error)
