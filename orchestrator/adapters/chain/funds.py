"""Who may upload: accounts that have something in this market. Cached, as every upload asks."""

from __future__ import annotations

import threading

from edgebounty.chain.errors import ChainError
from edgebounty.chain.market import MarketContracts
from edgebounty.protocol.types import Address
from orchestrator.domain.errors import Unavailable
from orchestrator.ports.clock import Clock

_KEPT_SECONDS = 60.0


class Funds:
    """Says whether an account has tokens, stake or credit. Safe for several threads."""

    def __init__(self, market: MarketContracts, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Address, tuple[float, bool]] = {}

    def has_any(self, account: Address) -> bool:
        """Raises `Unavailable` if the node does not answer and the account is not known from before.

        Saying yes then would let anybody fill the disk while the node is down: keys cost nothing.
        """
        now = self._clock.monotonic()
        with self._lock:
            until, answer = self._known.get(account, (0.0, False))
        if now < until:
            return answer
        try:
            balances = self._market.balances(account)
        except ChainError as error:
            if until:
                return answer
            raise Unavailable(what="the account's balance", reason=str(error)) from error
        answer = bool(balances.tokens or balances.stake or balances.credit or balances.unbonding)
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[account] = (now + (_KEPT_SECONDS if answer else 1.0), answer)
        return answer
