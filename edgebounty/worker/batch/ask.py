"""One question to an orchestrator of the batch lane, and what may come back. Nothing of it is believed here."""

from __future__ import annotations

import json
from typing import Any

import requests

from edgebounty.worker.link import OrchestratorUnreachable

MAX_ANSWER_BYTES = 4 << 20
LONGEST_WAIT_SECONDS = 300.0
_EVIDENCE_CHARS = 20_000


class OrchestratorRefuses(Exception):
    """It says no, and would again; or what it signed is not what was asked for. The text is its own.

    `evidence` is its whole answer.
    """

    def __init__(self, text: str, evidence: str = "") -> None:
        super().__init__(text)
        self.evidence = evidence


class TicketOver(OrchestratorRefuses):
    """Its ticket is no good (any more): join again."""


class ResignNeeded(OrchestratorRefuses):
    """It has accepted a receipt that these roots do not cover."""


class Forged(OrchestratorRefuses):
    """What it signed is not what it had to sign, or somebody else signed it."""


class Busy(OrchestratorUnreachable):
    """It asks to come again in `wait_seconds`."""

    def __init__(self, text: str, wait_seconds: float | None) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class Caller:
    """Asks one orchestrator. Raises `OrchestratorUnreachable` (ask again) and `OrchestratorRefuses`."""

    def __init__(self, url: str, *, timeout_seconds: float = 10) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._session = requests.Session()
        self._session.trust_env = not self.url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))

    def ask(self, path: str, body: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
        where = f"the orchestrator at {self.url}"
        try:
            with self._session.request(
                "GET" if body is None else "POST",
                f"{self.url}/v1/{path}",
                json=body,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **parts,
            ) as answer:
                text = answer.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
                status, headers = answer.status_code, answer.headers
        except Exception as error:  # requests and urllib3 raise many kinds
            raise OrchestratorUnreachable(f"{where} does not answer ({type(error).__name__})") from error
        told = _read(text)
        if status in (429, 503):
            raise Busy(f"{where} is busy: {_words(told, status)}", _seconds(headers.get("Retry-After")))
        if status >= 500 or status < 200 or 300 <= status < 400 or not isinstance(told, dict):
            raise OrchestratorUnreachable(f"{where} fails, or answers nonsense: {_words(told, status)}")
        if status >= 400:
            kind = {403: TicketOver, 409: ResignNeeded}.get(status, OrchestratorRefuses)
            raise kind(_words(told, status), text[:_EVIDENCE_CHARS].decode(errors="replace"))
        return told


def _read(text: bytes) -> Any:
    try:
        return json.loads(text) if len(text) <= MAX_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        return None


def _words(told: Any, status: int) -> str:
    said = told.get("error") if isinstance(told, dict) else None
    return f"status {status}, {said[:500]}" if isinstance(said, str) else f"status {status}"


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds > 0 else None
