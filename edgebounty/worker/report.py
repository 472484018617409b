"""What the worker tells its owner: gathers the state of its parts into a `Status` and the reasons in it."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import asdict, dataclass, field

from edgebounty.chain.views import BlockRef
from edgebounty.protocol.types import Address
from edgebounty.worker.claims import OpenClaims
from edgebounty.worker.clock import ChainClock
from edgebounty.worker.explain import Reason, Situation, explain
from edgebounty.worker.finder import Finder
from edgebounty.worker.journal import Journal
from edgebounty.worker.pipeline import Attempt
from edgebounty.worker.settings import WorkerSettings
from edgebounty.worker.status import Status
from edgebounty.worker.treasury import Treasury

LOGGER = logging.getLogger(__name__)
SAVE_SECONDS = 2.0
_LAST_CLOSED = 10


@dataclass(slots=True, kw_only=True)
class Reporter:
    """One thread."""

    settings: WorkerSettings
    worker: Address
    clock: ChainClock
    journal: Journal
    claims: OpenClaims
    finder: Finder
    treasury: Treasury
    started_at: float = field(default_factory=time.time)
    _saved_at: float = float("-inf")

    def situation(
        self, *, attempt: Attempt | None, paused: bool, held: tuple[Reason, ...], node_error: str | None
    ) -> Situation:
        """All that bears on earning, now."""
        balances = self.treasury.balances
        return Situation(
            paused=paused,
            held=held,
            working=attempt is not None and attempt.has_task,
            node_error=node_error,
            block_age_seconds=self.clock.block_age_seconds,
            block_interval_seconds=self.clock.block_interval_seconds,
            clock_ahead_seconds=self.clock.ahead_seconds,
            gas_wei=1 if balances is None else balances.gas_wei,
            tokens=0 if balances is None else balances.tokens,
            # Not looked up yet counts as some: a worker that starts should not be told that it has no stake.
            stake=1 if balances is None else balances.stake,
            stake_target=self.settings.stake_target if balances is not None else 0,
            open_claims=self.claims.count,
            max_open=self.settings.max_open,
            asks_orchestrator=self.settings.orchestrator_url is not None,
            orchestrator_error=self.finder.orchestrator_error,
            orchestrator_reason=self.finder.orchestrator_reason,
            open_jobs=self.finder.open_jobs,
            refusals=self.finder.refusals,
        )

    def soon(self) -> None:
        """Something worth telling has happened: save at the next occasion."""
        self._saved_at = float("-inf")

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= SAVE_SECONDS

    def save(self, situation: Situation, *, doing: str, block: BlockRef | None, state: str | None = None) -> None:
        """Write the status file. A full disk does not stop the work for this: the file is for reading only."""
        self._saved_at = time.monotonic()
        reasons = explain(situation)
        if state is None:
            idle = "resting" if situation.held else "waiting" if self.claims.count else "idle"
            state = "paused" if situation.paused else "working" if situation.working else idle
        balances = self.treasury.balances
        status = Status(
            worker=self.worker,
            pid=os.getpid(),
            updated_at=time.time(),
            started_at=self.started_at,
            state=state,
            doing=doing if situation.working or not reasons else reasons[0].text,
            reasons=[asdict(reason) for reason in reasons],
            claims=self.claims.details(),
            earned=str(self.journal.earned()),
            stake=str(balances.stake if balances else 0),
            free_stake=str(balances.free_stake if balances else 0),
            credit=str(balances.credit if balances else 0),
            tokens=str(balances.tokens if balances else 0),
            outcomes={outcome.value: count for outcome, count in self.journal.totals().items()},
            last_closed=[
                {"job_id": e.job_id, "task_index": e.task_index, "outcome": e.outcome, "detail": e.detail}
                for e in self.journal.closed_entries(_LAST_CLOSED)
            ],
            transactions_pending=self.claims.transactions.count,
            chain_block=block.number if block else 0,
            orchestrator=self.settings.orchestrator_url,
        )
        try:
            status.save(self.settings.data_dir)
        except OSError as error:
            LOGGER.warning("the status file cannot be written: %s", error)
