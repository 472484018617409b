"""Follows the batch lane of all orchestrators, for those who look: nothing of ours is decided by it."""

from __future__ import annotations

import asyncio

from orchestrator.app.books import Books
from orchestrator.domain.batch.record import LaneRecord
from orchestrator.domain.errors import Unavailable
from orchestrator.ports.batch import LaneHistory

WIDEST_RANGE = 5_000


class LaneFollower:
    """`step` is one short cycle. What it knows is read from final blocks anew at every start."""

    def __init__(self, *, history: LaneHistory, books: Books, since: int, window: int) -> None:
        """`since`: the first block that may hold an event."""
        self._history = history
        self._books = books
        self._since = self._next_block = since
        self.record = LaneRecord(window=window)

    async def step(self) -> bool:
        """Whether there is more to do at once. Raises `Unavailable`: call again."""
        final = self._books.final_header.ref.number
        if self._next_block > final:
            return False
        last = min(final, self._next_block + WIDEST_RANGE - 1)
        events = await self._history.read(self._next_block, last)
        try:
            for i, event in enumerate(events):
                self.record.take(event)
                if i % 1_000 == 999:
                    await asyncio.sleep(0)  # there may be many, and others have to be answered meanwhile
        except Unavailable:  # what is known is cut off in the middle: from the beginning
            self.record = LaneRecord(window=self.record.window)
            self._next_block = self._since
            raise
        self._next_block = last + 1
        return last < final
