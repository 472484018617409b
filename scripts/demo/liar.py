"""A worker that runs every task rightly and then reports something else. The shipped worker has no such switch."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from edgebounty.programs.runtime import Execution
from edgebounty.worker.agent import Agent
from edgebounty.worker.app import main
from edgebounty.worker.checks import Work


class Liar(Agent):
    """Flips one bit of every result: as wrong as can be, and not to be seen by looking at it."""

    def execute(self, work: Work) -> Execution:
        done = super().execute(work)
        return replace(done, output=done.output[:-1] + bytes([done.output[-1] ^ 1]))


if __name__ == "__main__":
    status = main(agent_class=Liar)
    sys.stdout.flush()
    os._exit(status)
