"""Places where a test may kill this process, to show that a restart loses nothing."""

from __future__ import annotations

import os
import signal

_VARIABLE = "EDGEBOUNTY_FAILPOINT"


def failpoint(step: str) -> None:
    """Die as by `kill -9` if the environment says `EDGEBOUNTY_FAILPOINT=step`."""
    if os.environ.get(_VARIABLE) == step:
        os.kill(os.getpid(), signal.SIGKILL)
