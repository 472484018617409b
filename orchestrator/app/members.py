"""Who joined the batch lane here: tickets, and who else earns by what a worker does."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from edgebounty.protocol.batch.messages import Join
from edgebounty.protocol.types import Address
from orchestrator.ports.journal import Joined

MOST_NEWCOMERS = 50_000  # keys that joined and never took a task: whoever makes keys fills no disk
SponsorOf = Callable[[Address], Awaitable[Address | None]]
"""Who backs a worker with stake, by the chain."""


class Members:
    """`joined`: who was ever given a task. Who was not joins again after a restart."""

    def __init__(self, secret: bytes, sponsor_of: SponsorOf | None) -> None:
        """`secret` makes the tickets."""
        self.joined: dict[Address, Joined] = {}
        self._newcomers: OrderedDict[Address, Joined] = OrderedDict()
        self._secret = secret
        self._sponsor_of = sponsor_of

    def __contains__(self, worker: Address) -> bool:
        return worker in self.joined or worker in self._newcomers

    async def join(self, message: Join) -> str:
        """The worker's ticket, the same each time."""
        if message.worker not in self.joined:
            sponsor = await self._sponsor_of(message.worker) if self._sponsor_of is not None else None
            joined = Joined(worker=message.worker, payout=message.payout, until=message.until, sponsor=sponsor)
            self._newcomers.pop(message.worker, None)
            self._newcomers[message.worker] = joined
            if len(self._newcomers) > MOST_NEWCOMERS:
                self._newcomers.popitem(last=False)
        return self._ticket(message.worker)

    def given(self, worker: Address) -> Joined | None:
        """It has a task now. What is to be kept of it, the first time."""
        if worker not in self._newcomers:
            return None
        self.joined[worker] = self._newcomers.pop(worker)
        return self.joined[worker]

    def is_ticket(self, worker: Address, ticket: str) -> bool:
        return worker in self and hmac.compare_digest(self._ticket(worker).encode(), ticket.encode())

    def parties(self, worker: Address) -> tuple[Address, ...]:
        """Who else earns by what this worker does."""
        joined = self.joined.get(worker) or self._newcomers.get(worker)
        return joined.parties if joined is not None else ()

    def _ticket(self, worker: Address) -> str:
        return hashlib.blake2b(worker.encode(), key=self._secret, digest_size=16).hexdigest()
