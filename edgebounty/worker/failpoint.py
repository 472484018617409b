"""Places where a test may kill this process, to show that a restart loses nothing. Every one is named here, once."""

from __future__ import annotations

import os
import signal
from enum import StrEnum

_VARIABLE = "EDGEBOUNTY_FAILPOINT"


class Step(StrEnum):
    """In the order in which one task comes by them."""

    CLAIM_NOTED = "worker.claim_noted"
    CLAIM_SENT = "worker.claim_sent"
    RUN_DONE = "worker.run_done"
    SEALED = "worker.sealed"
    COMMIT_SENT = "worker.commit_sent"
    BEFORE_REVEAL = "worker.before_reveal"
    REVEAL_SENT = "worker.reveal_sent"
    # In the batch lane, around RUN_DONE and SEALED: an answer has come, and is not on disk yet.
    BATCH_WANTED = "worker.batch_wanted"  # but this: an offer is on disk, and not taken
    BATCH_TAKEN = "worker.batch_taken"
    BATCH_COMMITTED = "worker.batch_committed"
    BATCH_SHOWN = "worker.batch_shown"
    BATCH_ACCEPTED = "worker.batch_accepted"


def failpoint(step: Step) -> None:
    """Die as by `kill -9` if the environment says `EDGEBOUNTY_FAILPOINT=step`."""
    if os.environ.get(_VARIABLE) == step:
        os.kill(os.getpid(), signal.SIGKILL)
