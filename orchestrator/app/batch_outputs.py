"""Outputs of the batch lane: kept once a quorum has accepted them, and computed here if nobody brings one."""

from __future__ import annotations

import logging

from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.due import Place
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.ports.content import ContentKeeper

_log = logging.getLogger(__name__)


class BatchOutputs:
    """`step` is one short cycle, but for one computation."""

    def __init__(self, *, books: Books, desk: BatchDesk, keeper: ContentKeeper, recompute_after_blocks: int) -> None:
        self._books = books
        self._desk = desk
        self._keeper = keeper
        self._recompute_after = recompute_after_blocks
        self._missing_since: dict[Place, int] = {}
        self.recomputed = 0
        self.disputed: dict[Place, str] = {}  # results that are not what is computed here: nobody brings them

    async def step(self) -> None:
        """Raises `Unavailable`: call again."""
        late: list[Place] = []
        awaited = [place for place in self._desk.offered.awaited if place not in self.disputed]
        for place in (place for place in awaited if self._desk.manifest(place[0]) is not None):
            if await self._is_here(place):
                self._missing_since.pop(place, None)
                await self._desk.keep_output(place)
                continue
            now = self._books.soft.block.number
            if now - self._missing_since.setdefault(place, now) >= self._recompute_after:
                late.append(place)
        for place in late[:1]:  # looking at the others must not wait for more than one computation
            await self._compute(place)

    async def _is_here(self, place: Place) -> bool:
        job, index = place
        manifest, digest = self._desk.manifest(job), self._desk.book.task(job, index).digest
        if manifest is None or digest is None:
            return False
        return await self._keeper.ensure_output(manifest, index, digest)

    async def _compute(self, place: Place) -> None:
        job, index = place
        manifest, results = self._desk.manifest(job), self._desk.results(job)
        if manifest is None:
            return
        try:
            await self._keeper.ensure_output(manifest, index, results[index], results)
        except Unavailable as error:
            self._missing_since[place] = self._books.soft.block.number  # its inputs may come meanwhile
            _log.warning("withheld output not computed", extra={"job": job, "task": index, "reason": error.reason})
            return
        except Rejected as refused:
            self.disputed[place] = f"job {job}: {refused.reason}"
            _log.error("accepted result is wrong", extra={"job": job, "task": index, "reason": refused.reason})
            return
        self.recomputed += 1
        _log.info("withheld output computed here", extra={"job": job, "task": index})
        await self._desk.keep_output(place)
