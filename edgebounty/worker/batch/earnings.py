"""What the orchestrator says that it owes a worker, looked at now and then; pay asked for, if its owner wants it so."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from edgebounty.protocol.types import Address, JobId
from edgebounty.worker.batch import facts as f
from edgebounty.worker.batch.ask import OrchestratorRefuses
from edgebounty.worker.batch.values import Bundle, Stage, State
from edgebounty.worker.batch_link import BatchLink, WorkerBooks
from edgebounty.worker.link import OrchestratorUnreachable

LOGGER = logging.getLogger(__name__)
BOOKS_SECONDS = 10.0
ASK_AGAIN_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Earnings:
    """`threshold`: pay is asked for from this amount on; None: only by hand. No task waits for any of this."""

    payout: Address
    threshold: int | None
    books: WorkerBooks | None = None
    _next_look_at: float = 0.0
    _asked_for: int = 0
    _next_ask_at: float = 0.0

    def soon(self) -> None:
        self._next_look_at = 0.0

    def look(self, link: BatchLink, state: State) -> list[f.Owed]:
        """What it signed that it owes. A word that this folder lost is so known again."""
        if time.monotonic() < self._next_look_at:
            return []
        self._next_look_at = time.monotonic() + BOOKS_SECONDS
        try:
            books = link.books()
        except (OrchestratorUnreachable, OrchestratorRefuses) as error:
            LOGGER.info("its books: %s", error)
            return []
        self.books = books
        self._withdraw(link, books)
        bundles = (
            Bundle(
                job=JobId(acceptance.job),
                first_task=acceptance.first_task,
                count=acceptance.count,
                receipts_root=acceptance.receipts,
                sets_root=acceptance.commit_sets,
                acceptance=signature,
            )
            for acceptance, signature in books.bundles
        )
        return [f.Owed(bundle=bundle) for bundle in bundles if not _waits_for_answer(bundle, state)]

    def _withdraw(self, link: BatchLink, books: WorkerBooks) -> None:
        """What is asked for twice is sent once: a request is good for one sum."""
        free = books.earned - books.withdrawn
        if self.threshold is None or books.payout_index is None or free <= 0 or free < self.threshold:
            return
        if books.earned == self._asked_for and time.monotonic() < self._next_ask_at:
            return
        self._asked_for, self._next_ask_at = books.earned, time.monotonic() + ASK_AGAIN_SECONDS
        try:
            link.withdraw(payout_index=books.payout_index, cumulative=books.earned, receiver=self.payout)
        except (OrchestratorUnreachable, OrchestratorRefuses) as error:
            LOGGER.info("the withdrawal of %s: %s", free, error)
            return
        LOGGER.info("asked for %s base units to be sent to %s", free, self.payout)


def _waits_for_answer(bundle: Bundle, state: State) -> bool:
    """Whether the answer to a receipt may have been lost: asked again, it comes with all that is behind it."""
    known = state.bundle(bundle.key)
    waits = any(task.bundle_key == bundle.key and task.stage is Stage.AGREED for task in state.tasks)
    return waits and bundle.count == (0 if known is None else known.count) + 1
