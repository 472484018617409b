"""Offers tasks to workers that ask, and spreads them so that two do not race for one slot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edgebounty.protocol.types import Address
from orchestrator.app.books import Books
from orchestrator.domain.market import Market
from orchestrator.domain.matching import Board, Capabilities, Offers, Stake, make_board, match
from orchestrator.domain.values import BlockRef, TaskId
from orchestrator.ports.chain import StakeReader
from orchestrator.ports.clock import Clock

HOLD_SECONDS = 3.0
_MOST_WORKERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced:
    """A worker that said hello."""

    able: Capabilities
    until: int
    said: str


class Offering:
    """Answers "what may I work on?". Memory only: a restart forgets who was offered what, and nothing is lost."""

    def __init__(self, *, books: Books, stakes: StakeReader, clock: Clock) -> None:
        self._books = books
        self._reader = stakes
        self._clock = clock
        self._board: tuple[Market, BlockRef, int, Board] | None = None
        self._stakes: dict[tuple[Address, int], Stake] = {}
        self._held: dict[TaskId, dict[Address, float]] = {}
        self.workers: dict[Address, Introduced] = {}

    def introduce(self, worker: Address, able: Capabilities, *, until: int, said: str) -> None:
        """Remember a worker's capabilities."""
        if len(self.workers) >= _MOST_WORKERS:
            now = self._clock.now()
            self.workers = {a: w for a, w in self.workers.items() if w.until > now}
        self.workers[worker] = Introduced(able=able, until=until, said=said)

    async def for_worker(self, worker: Address) -> Offers:
        """Up to four tasks, or the reason for none. Raises `Unavailable` if its stake cannot be read."""
        board = self._current_board()
        stakes = {epoch: await self._stake(worker, epoch) for epoch in board.epochs}
        known = self.workers.get(worker)
        able = known.able if known is not None else Capabilities()
        offers = match(board, worker, able, stakes, self._reserved(worker))
        if offers.tasks:
            until = self._clock.monotonic() + HOLD_SECONDS
            self._held.setdefault(offers.tasks[0].id, {})[worker] = until
        return offers

    def _current_board(self) -> Board:
        """Made anew only when the market has moved."""
        market = self._books.soft
        version = self._books.local_changes
        known = self._board
        if known is None or known[0] is not market or known[1] != market.block or known[2] != version:
            known = self._board = (market, market.block, version, make_board(market))
        return known[3]

    async def _stake(self, worker: Address, epoch: int) -> Stake:
        """As `EpochSeeds.stakeBlockOf` says: at the first block of the epoch before."""
        key = (worker, epoch)
        if key not in self._stakes:
            if len(self._stakes) > _MOST_WORKERS:
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
            if not holders:
                del self._held[task_id]
            else:
                counts[task_id] = sum(1 for holder in holders if holder != worker)
        return counts
