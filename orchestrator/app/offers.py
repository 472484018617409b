"""Offers tasks to workers that ask, and spreads them so that two do not race for one slot."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass

from edgebounty.protocol.types import Address
from orchestrator.app.books import Books
from orchestrator.domain.errors import Rejected
from orchestrator.domain.market import Market
from orchestrator.domain.matching import Board, Capabilities, Offers, Stake, make_board, match
from orchestrator.domain.values import BlockRef, TaskId
from orchestrator.ports.chain import StakeReader
from orchestrator.ports.clock import Clock

HOLD_SECONDS = 3.0
_MOST_STAKES = 100_000
_MOST_WORKERS = 10_000
_MOST_SAID_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced:
    """A worker that said hello."""

    able: Capabilities
    until: int
    said: str
    ticket: str  # shows that a later request comes from whoever introduced this worker


class Offering:
    """Answers "what may I work on?". Memory only: a restart forgets who was offered what, and nothing is lost."""

    def __init__(self, *, books: Books, stakes: StakeReader, clock: Clock) -> None:
        self._books = books
        self._reader = stakes
        self._clock = clock
        self._board: tuple[Market, BlockRef, int, Board] | None = None
        self._stakes: dict[tuple[Address, int], Stake] = {}
        self._held: dict[TaskId, dict[Address, float]] = {}
        self._let_go: dict[TaskId, set[Address]] = {}
        self._said_bytes = 0
        self.workers: OrderedDict[Address, Introduced] = OrderedDict()

    def introduce(self, worker: Address, able: Capabilities, *, until: int, said: str) -> str:
        """Remember a worker's capabilities; returns its ticket. The longest silent are forgotten when there are many.

        Raises `Rejected` for an introduction older than the one that is known: somebody repeats it.
        """
        known = self.workers.pop(worker, None)
        if known is not None:
            self._said_bytes -= len(known.said)
            if until < known.until:
                self._remember(worker, known)
                raise Rejected(by="the worker", reason=f"a newer introduction of {worker} is known: sign a new one")
        ticket = known.ticket if known is not None else secrets.token_urlsafe(16)
        self._remember(worker, Introduced(able=able, until=until, said=said, ticket=ticket))
        while len(self.workers) > _MOST_WORKERS or self._said_bytes > _MOST_SAID_BYTES:
            _, forgotten = self.workers.popitem(last=False)
            self._said_bytes -= len(forgotten.said)
        return ticket

    def is_ticket(self, worker: Address, ticket: str) -> bool:
        """Whether this is the ticket that the worker was given."""
        known = self.workers.get(worker)
        return known is not None and hmac.compare_digest(known.ticket.encode(), ticket.encode())

    async def for_worker(self, worker: Address, *, hold: bool) -> Offers:
        """Up to four tasks, or the reason for none. Raises `Unavailable` if its stake cannot be read.

        With `hold` the best one is kept free for this worker for a moment, once: who lets that pass without claiming
        holds it no second time, or a few workers could keep a job's tasks from all others.
        """
        board = self._current_board()
        stakes = {epoch: await self._stake(worker, epoch) for epoch in board.epochs}
        known = self.workers.get(worker)
        able = known.able if known is not None else Capabilities()
        offers = match(board, worker, able, stakes, self._reserved(worker))
        if hold and offers.tasks:
            best = offers.tasks[0].id
            if worker not in self._let_go.get(best, ()):
                self._held.setdefault(best, {}).setdefault(worker, self._clock.monotonic() + HOLD_SECONDS)
        return offers

    def _remember(self, worker: Address, introduced: Introduced) -> None:
        self.workers[worker] = introduced
        self._said_bytes += len(introduced.said)

    def _current_board(self) -> Board:
        """Made anew only when the market has moved."""
        market = self._books.soft
        version = self._books.local_changes
        known = self._board
        if known is None or known[0] is not market or known[1] != market.block or known[2] != version:
            known = self._board = (market, market.block, version, make_board(market))
            on_board = {task.id for task in known[3].tasks} if self._let_go else set()
            self._let_go = {task_id: workers for task_id, workers in self._let_go.items() if task_id in on_board}
        return known[3]

    async def _stake(self, worker: Address, epoch: int) -> Stake:
        """As `EpochSeeds.stakeBlockOf` says: at the first block of the epoch before."""
        key = (worker, epoch)
        if key not in self._stakes:
            if len(self._stakes) > _MOST_STAKES:
                self._stakes.clear()
            block = max(0, epoch - 1) * self._books.policy.epoch_blocks
            mine, total = await self._reader.stakes(worker, block)
            self._stakes[key] = Stake(mine=mine, total=total)
        return self._stakes[key]

    def _reserved(self, worker: Address) -> Counter[TaskId]:
        """Slots that were offered to others a moment ago and are not claimed yet."""
        now = self._clock.monotonic()
        counts: Counter[TaskId] = Counter()
        for task_id, holders in list(self._held.items()):
            task = self._books.soft.tasks.get(task_id)
            for holder, until in list(holders.items()):
                if until < now or task is None or task.claim_of(holder) is not None:
                    del holders[holder]
                    if until < now:
                        self._let_go.setdefault(task_id, set()).add(holder)
            if not holders:
                del self._held[task_id]
            else:
                counts[task_id] = sum(1 for holder in holders if holder != worker)
        return counts
