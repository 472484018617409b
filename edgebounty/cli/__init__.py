"""The command line: one file per group of commands; each parses, calls and prints."""

import signal
import sys
from typing import NoReturn


def main() -> None:
    """The console script. A Ctrl-C while the command line itself is loading ends it as any later one does."""
    try:
        from edgebounty.cli.root import main as run
    except KeyboardInterrupt:
        leave(130)
    leave(run())


def leave(status: int) -> NoReturn:
    """Exits with this status and no other: what was done is told, and a Ctrl-C from here on must not change it.

    CPython remembers a KeyboardInterrupt that left a text run by `exec` (dataclasses are made so while libraries load)
    and kills itself by SIGINT at its end, even if the interrupt was caught long before. The next text clears that.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exec("")
    sys.exit(status)
