"""The log of a command that keeps running: lines for people, or with --json one JSON object a line on stdout."""

from __future__ import annotations

import logging
import sys

from edgebounty.cli.up import plain
from orchestrator.logs import JsonFormatter


class PlainFormatter(logging.Formatter):
    """`12:00:01 message  name=value`, as `edgebounty up` shows its children's lines."""

    def __init__(self) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._structured = JsonFormatter()

    def format(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record, self.datefmt)} {plain(self._structured.format(record))}"


def log_to_terminal(*, as_json: bool) -> None:
    """Sends this process's log to stdout as JSON lines, or to stderr as text."""
    handler = logging.StreamHandler(sys.stdout if as_json else sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for ours in ("edgebounty", "orchestrator"):
        logging.getLogger(ours).setLevel(logging.INFO)
