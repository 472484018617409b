"""The command line: one file per group of commands; each parses, calls and prints."""

from edgebounty.cli.root import main

__all__ = ["main"]
