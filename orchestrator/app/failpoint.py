"""Places where a test may kill this process, to show that a restart resumes. Every one is named here, once."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from typing import Final

from orchestrator.domain.errors import Broken

VARIABLE: Final = "EDGEBOUNTY_FAILPOINT"


class Step(StrEnum):
    """Every step between two things that must not come apart: `tests/orchestrator/faults` kills the process at each."""

    # watch: blocks are taken in, become final, or are taken back
    SEEN_READ = "seen-read"  # unfinal blocks were read, nothing of them is stored
    SEEN_SAVED = "seen-saved"
    FINAL_DECIDED = "final-decided"  # what final blocks mean is worked out, nothing of it is stored
    FINAL_SAVED = "final-saved"  # cursor, state and orders are stored, this process has not gone on
    REORGANISATION_SAVED = "reorganisation-saved"
    # act: an order becomes a transaction, and the transaction's fate is noted down
    SIGNED = "signed"  # the raw bytes exist in memory alone
    STORED = "stored"  # they are in the outbox, nobody was told
    SENT = "sent"  # the node has them, this process has not gone on
    BUMP_SIGNED = "bump-signed"
    BUMP_STORED = "bump-stored"
    NONCE_CLOSED = "nonce-closed"  # the fate of a nonce is stored
    DISPLACED = "displaced"  # a foreign transaction took the nonce; the order is open again
    ORDER_RESTED = "order-rested"  # the contract refused it for now
    ORDER_MOOT = "order-moot"  # nobody needs it any more
    # content: inputs are checked, outputs kept or computed, and let go in the end
    CONTENT_CHECKED = "content-checked"
    CONTENT_SAVED = "content-saved"
    OUTPUT_COMPUTED = "output-computed"  # a withheld output is stored, its order still open
    OUTPUT_CLOSED = "output-closed"
    UNPINNED = "unpinned"  # content is let go, its order still open


_hits: dict[Step, int] = {}


def failpoint(step: Step) -> None:
    """Die as by `kill -9` if the environment says `EDGEBOUNTY_FAILPOINT=step`, or `step:N` for the N-th time."""
    named, _, times = os.environ.get(VARIABLE, "").partition(":")
    if named != step:
        return
    _hits[step] = _hits.get(step, 0) + 1
    if _hits[step] >= int(times or "1"):
        os.kill(os.getpid(), signal.SIGKILL)


def check_failpoint() -> None:
    """Raises `Broken` if the environment names a step that does not exist: a test of it would show nothing."""
    named, _, times = os.environ.get(VARIABLE, "").partition(":")
    if named.startswith("worker."):
        return  # a worker's, started with the same environment
    if named and (named not in set(Step) or not (times or "1").isdigit()):
        raise Broken(f"{VARIABLE}={named}: no such step; there are {', '.join(Step)}")
