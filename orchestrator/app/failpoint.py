"""Places where a test may kill this process, to show that a restart resumes."""

from __future__ import annotations

import os
import signal

_VARIABLE = "EDGEBOUNTY_FAILPOINT"
_hits: dict[str, int] = {}


def failpoint(step: str) -> None:
    """Die as by `kill -9` if the environment says `EDGEBOUNTY_FAILPOINT=step`, or `step:N` for the N-th time."""
    named, _, times = os.environ.get(_VARIABLE, "").partition(":")
    if named != step:
        return
    _hits[step] = _hits.get(step, 0) + 1
    if _hits[step] >= int(times or "1"):
        os.kill(os.getpid(), signal.SIGKILL)
