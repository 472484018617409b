"""Transactions on their way: sent without waiting, looked after until they are in a block, paid more for when stuck."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from web3.contract.contract import ContractFunction

from edgebounty.chain.errors import ChainError, NodeUnreachable, TransactionFailed
from edgebounty.chain.sender import Sender, SignedTransaction

MAX_BUMPS = 12
GAP_SECONDS = 3.0
JUST_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Pending:
    """One transaction under way. `sent` holds every version of it: any may be the one that gets in."""

    key: Hashable
    sent: list[SignedTransaction]
    last_sent_at: float
    checked_at: float = float("-inf")
    bumps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A transaction that has ended: worked, or `error` says why not."""

    key: Hashable
    error: ChainError | None = None


@dataclass(slots=True, kw_only=True)
class Transactions:
    """All of one worker's transactions, one for each key at a time. One thread."""

    sender: Sender
    max_fee_wei: int
    stuck_seconds: float = 20.0
    clock: Callable[[], float] = time.monotonic
    _pending: dict[Hashable, Pending] = field(default_factory=dict)

    def post(self, key: Hashable, function: ContractFunction, *, gas: int | None = None) -> None:
        """Send, unless this key is under way already. Raises `ContractRejected` when the contract would refuse it."""
        if key in self._pending:
            return
        signed = self.sender.post(function, gas=gas)
        self._pending[key] = Pending(key=key, sent=[signed], last_sent_at=self.clock())

    def is_pending(self, key: Hashable) -> bool:
        return key in self._pending

    @property
    def count(self) -> int:
        return len(self._pending)

    @property
    def has_just_sent(self) -> bool:
        """Whether something was sent a moment ago: on a quick chain it is about to be in a block."""
        return any(self.clock() - pending.last_sent_at < JUST_SECONDS for pending in self._pending.values())

    def landed(self) -> list[Landed]:
        """Those that have ended since the last call. Raises `NodeUnreachable`; then nothing is forgotten."""
        ended = []
        for pending in list(self._pending.values()):
            done = self._look(pending)
            if done is not None:
                del self._pending[pending.key]
                ended.append(done)
        return ended

    def _look(self, pending: Pending) -> Landed | None:
        for signed in pending.sent:
            try:
                if self.sender.receipt(signed) is not None:
                    return Landed(key=pending.key)
            except NodeUnreachable:
                raise
            except ChainError as error:
                return Landed(key=pending.key, error=error)
        now = self.clock()
        if now - max(pending.last_sent_at, pending.checked_at) > GAP_SECONDS:
            pending.checked_at = now
            if pending.sent[-1].nonce > self.sender.next_nonce():
                # Those before it were undone by a reorganisation: it can never get in.
                self.sender.resync()
                return Landed(
                    key=pending.key, error=TransactionFailed("an earlier transaction was undone; sending again")
                )
        if now - pending.last_sent_at > self.stuck_seconds:
            return self._nudge(pending)
        return None

    def _nudge(self, pending: Pending) -> Landed | None:
        """Pay more; when the nonce has gone to another transaction, give up on this one."""
        latest = pending.sent[-1]
        if pending.bumps >= MAX_BUMPS:
            self.sender.resync()
            return Landed(
                key=pending.key, error=TransactionFailed("a transaction stayed out of the chain; giving it up")
            )
        pending.bumps += 1
        pending.last_sent_at = self.clock()
        try:
            pending.sent.append(self.sender.bump(latest, max_wei=self.max_fee_wei))
        except NodeUnreachable:
            raise
        except TransactionFailed as error:
            if "nonce" in str(error).lower():
                self.sender.resync()
                return Landed(key=pending.key, error=error)
            self.sender.send_raw_quietly(latest)
        return None
