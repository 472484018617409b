"""The command line: one file per group of commands; each parses, calls and prints."""

import sys


def main() -> None:
    """The console script. A Ctrl-C while the command line itself is loading ends it as any later one does."""
    try:
        from edgebounty.cli.root import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
