"""What decides whether a permit is unused: the token's domain and its owner's nonce. Cached, as every upload asks."""

from __future__ import annotations

import threading

from edgebounty.chain.errors import ChainError, ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.content.permit import PermitRules
from edgebounty.protocol.types import Address, to_address
from orchestrator.domain.errors import Unavailable
from orchestrator.ports.clock import Clock

_KEPT_SECONDS = 2.0  # for so long a permit that was just used still opens the gateway
_MOST_KEPT = 10_000


class Permits:
    """Safe for several threads. Raises `Unavailable` while the node does not answer."""

    def __init__(self, market: MarketContracts, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: dict[Address, tuple[float, int]] = {}
        self._separator: bytes | None = None
        self._is_known = False

    @property
    def rules(self) -> PermitRules:
        escrow = to_address(self._market.deployment.escrow)
        return PermitRules(spender=escrow, separator=self.separator, nonce_of=self.nonce_of)

    def separator(self) -> bytes | None:
        """That of the token, which never changes; None where it knows no permits."""
        if not self._is_known:
            try:
                self._separator = bytes(self._market.read(self._market.token.functions.DOMAIN_SEPARATOR()))
            except ContractRejected:
                self._separator = None
            except ChainError as error:
                raise Unavailable(what="the token's permits", reason=str(error)) from error
            self._is_known = True
        return self._separator

    def nonce_of(self, account: Address) -> int:
        """How many permits the account has used."""
        now = self._clock.monotonic()
        with self._lock:
            until, nonce = self._nonces.get(account, (0.0, 0))
        if now < until:
            return nonce
        try:
            nonce = int(self._market.read(self._market.token.functions.nonces(account)))
        except ChainError as error:
            raise Unavailable(what="the account's permits", reason=str(error)) from error
        with self._lock:
            if len(self._nonces) >= _MOST_KEPT:
                self._nonces.clear()
            self._nonces[account] = (now + _KEPT_SECONDS, nonce)
        return nonce
