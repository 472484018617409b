"""Runs the batch-lane tasks whose copies do not decide, each as soon as its commit set is closed if that is known."""

from __future__ import annotations

import logging
from collections.abc import Callable

from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.due import Place
from orchestrator.domain.errors import Unavailable
from orchestrator.ports.content import ContentKeeper

_log = logging.getLogger(__name__)
AGAIN_SECONDS = 10  # by the chain's clock


class BatchChecks:
    """`step` does one task. It is never judged without: one that cannot be run waits until its job closes."""

    def __init__(self, *, desk: BatchDesk, keeper: ContentKeeper, now: Callable[[], int]) -> None:
        self._desk = desk
        self._keeper = keeper
        self._now = now
        self._not_before: dict[Place, int] = {}
        self.run = 0

    async def step(self) -> bool:
        """Whether there may be more to do at once."""
        waiting, now = self._desk.book.to_run, self._now()
        self._not_before = {place: at for place, at in self._not_before.items() if place in waiting}
        place = next((place for place in waiting if self._not_before.get(place, 0) <= now), None)
        manifest = self._desk.manifest(place[0]) if place is not None else None
        if place is None:
            return False
        if manifest is None:  # just started: the job is still being read
            self._not_before[place] = now + 1
            return True
        try:
            digest = await self._keeper.compute(manifest, place[1], self._desk.results(place[0]))
        except Unavailable as error:
            self._not_before[place] = now + AGAIN_SECONDS
            _log.warning("check not run", extra={"job": place[0], "task": place[1], "reason": error.reason})
            return True
        self.run += 1
        caught = set(self._desk.book.standing.caught)
        await self._desk.check(place, digest)
        for worker in self._desk.book.standing.caught.keys() - caught:
            _log.warning("wrong result", extra={"job": place[0], "task": place[1], "worker": worker})
        return True
