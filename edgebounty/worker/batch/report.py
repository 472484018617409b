"""What a worker of the batch lane tells its owner: the same status file as a direct-lane worker's."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import asdict, dataclass, field

from edgebounty.protocol.types import Address
from edgebounty.worker.batch.explain import BatchSituation, explain_batch
from edgebounty.worker.batch.journal import BatchJournal
from edgebounty.worker.batch.machine import open_tasks
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.batch.values import Stage, State
from edgebounty.worker.batch_link import WorkerBooks
from edgebounty.worker.explain import Reason
from edgebounty.worker.status import Status

LOGGER = logging.getLogger(__name__)
SAVE_SECONDS = 2.0
_SAID_SECONDS = 30.0
_LAST_CLOSED = 10
_WORDS = {
    Stage.WANTED: "asking for a place",
    Stage.ASSIGNED: "to be run",
    Stage.COMPUTED: "has a result to commit",
    Stage.COMMITTED: "committed; waiting for the others' commitments",
    Stage.CLOSED: "the commit set is closed: to be shown",
    Stage.SHOWN: "shown; waiting for the quorum",
    Stage.AGREED: "agreed: to be handed in",
}


@dataclass(slots=True, kw_only=True)
class BatchReporter:
    """`refuse` may be called from the task's thread, all else from the loop."""

    settings: BatchSettings
    worker: Address
    journal: BatchJournal
    checks_bounties: bool
    orchestrator_error: str | None = None
    orchestrator_refusal: str | None = None
    orchestrator_reason: str = ""
    clock_ahead_seconds: float = 0.0
    books: WorkerBooks | None = None
    started_at: float = field(default_factory=time.time)
    _said: dict[str, tuple[float, str]] = field(default_factory=dict)
    _saved_at: float = float("-inf")

    def refuse(self, code: str, text: str) -> None:
        """Remember why a task was not taken, or gave no result."""
        self._said[code] = (time.monotonic(), text)

    def forget_refusals(self) -> None:
        self._said.clear()

    def soon(self) -> None:
        self._saved_at = float("-inf")

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= SAVE_SECONDS

    def reasons(self, state: State, *, working: bool, paused: bool, held: tuple[Reason, ...]) -> tuple[Reason, ...]:
        now = time.monotonic()
        return explain_batch(
            BatchSituation(
                paused=paused,
                held=held,
                working=working,
                orchestrator_error=self.orchestrator_error,
                orchestrator_refusal=self.orchestrator_refusal,
                orchestrator_reason=self.orchestrator_reason,
                clock_ahead_seconds=self.clock_ahead_seconds,
                checks_bounties=self.checks_bounties,
                open_tasks=open_tasks(state),
                max_open=self.settings.max_open,
                refusals={code: text for code, (at, text) in list(self._said.items()) if now - at < _SAID_SECONDS},
            )
        )

    def save(
        self,
        state: State,
        *,
        doing: str,
        working: bool,
        paused: bool,
        held: tuple[Reason, ...],
        state_name: str | None = None,
    ) -> None:
        """Write the status file. A full disk does not stop the work for this: the file is for reading only."""
        self._saved_at = time.monotonic()
        reasons = self.reasons(state, working=working, paused=paused, held=held)
        blocking = [reason for reason in reasons if reason.blocks]
        if state_name is None:
            idle = "waiting" if state.tasks else "idle"
            state_name = "paused" if paused else "resting" if held else "working" if working else idle
        books = self.books
        status = Status(
            worker=self.worker,
            pid=os.getpid(),
            updated_at=time.time(),
            started_at=self.started_at,
            state=state_name,
            doing=doing if working or not blocking else blocking[0].text,
            reasons=[asdict(reason) for reason in reasons],
            claims=[
                {"job_id": t.job, "task_index": t.index, "detail": _WORDS[t.stage], "deadline": t.until or None}
                for t in state.tasks
            ],
            earned=str(books.earned if books else 0),
            stake="0",
            free_stake="0",
            credit="0",
            tokens="0",
            outcomes={outcome.value: count for outcome, count in self.journal.totals().items()},
            last_closed=[
                {
                    "job_id": one.job,
                    "task_index": one.task,
                    "outcome": one.outcome,
                    "detail": one.detail,
                    "evidence": one.evidence,
                }
                for one in self.journal.closed_tasks(_LAST_CLOSED)
            ],
            transactions_pending=0,
            chain_block=0,
            orchestrator=self.settings.orchestrator_url,
            lane="batch",
            accepted=str(
                max(self.journal.accepted(), books.accepted if books else 0)
            ),  # its books are looked at rarely
            withdrawn=str(books.withdrawn if books else 0),
        )
        try:
            status.save(self.settings.data_dir)
        except OSError as error:
            LOGGER.warning("the status file cannot be written: %s", error)
