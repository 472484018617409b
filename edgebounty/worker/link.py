"""The worker's side of the orchestrator's HTTP API. It is asked for hints only: all it says is checked on chain."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from edgebounty.protocol.messages import Domain, Hello, sign
from edgebounty.protocol.types import Address, JobId, TaskIndex

HELLO_LIFE_SECONDS = 600
_MAX_ANSWER_BYTES = 1 << 20


class OrchestratorUnreachable(Exception):
    """It does not answer, or not sensibly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A task that seems open to this worker."""

    job_id: JobId
    task_index: TaskIndex

    @property
    def key(self) -> tuple[JobId, TaskIndex]:
        return self.job_id, self.task_index


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Offers, or the orchestrator's reason why there are none."""

    offers: tuple[Offer, ...]
    reason: str | None


class OrchestratorLink:
    """One orchestrator. Calls raise `OrchestratorUnreachable`; none takes longer than `timeout_seconds` or so."""

    def __init__(self, url: str, *, timeout_seconds: float = 3.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout_seconds
        self._ticket = ""  # shows that it is us who ask: tasks are held only for who introduced itself
        self._session = requests.Session()
        self._session.trust_env = not self.url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))

    def work(self, worker: Address) -> Answer:
        """What it would have this worker do now."""
        ticket = {"ticket": self._ticket} if self._ticket else {}
        told = self._ask("GET", "/v1/work", params={"worker": worker, **ticket})
        offers = told.get("offers")
        if not isinstance(offers, list):
            raise OrchestratorUnreachable(f"the orchestrator at {self.url} answers without offers")
        reason = told.get("reason")
        return Answer(offers=tuple(map(self._offer, offers[:100])), reason=str(reason)[:500] if reason else None)

    def hello(self, *, domain: Domain, worker: Address, key: bytes, capabilities: dict[str, Any], now: float) -> None:
        """Introduce this worker. `now` is the chain's time: the permission must not depend on a wrong clock."""
        until = int(now) + HELLO_LIFE_SECONDS
        text = json.dumps(capabilities, sort_keys=True, separators=(",", ":"))
        signature = sign(domain, Hello(worker=worker, capabilities=text, until=until), key)
        body = {"worker": worker, "capabilities": text, "until": until, "signature": "0x" + signature.hex()}
        self._ticket = str(self._ask("POST", "/v1/workers", json=body).get("ticket", ""))[:100]

    def _offer(self, told: Any) -> Offer:
        try:
            job_id, task_index = told["job_id"], told["task_index"]
            if type(job_id) is not int or type(task_index) is not int:
                raise ValueError
            if not (1 <= job_id < 1 << 64 and 0 <= task_index < 1 << 32):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise OrchestratorUnreachable(
                f"the orchestrator at {self.url} offers nonsense: {str(told)[:80]}"
            ) from error
        return Offer(job_id=JobId(job_id), task_index=TaskIndex(task_index))

    def _ask(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        try:
            with self._session.request(
                method, self.url + path, timeout=self._timeout, allow_redirects=False, stream=True, **parts
            ) as answer:
                text = answer.raw.read(_MAX_ANSWER_BYTES + 1, decode_content=True)
                if answer.status_code >= 400:
                    words = text[:200].decode(errors="replace")
                    raise OrchestratorUnreachable(
                        f"the orchestrator at {self.url} refuses {path}: {answer.status_code} {words}"
                    )
        except OSError as error:  # requests' own errors are OSErrors too
            name = type(error).__name__
            raise OrchestratorUnreachable(f"the orchestrator at {self.url} does not answer ({name})") from error
        except Exception as error:
            if isinstance(error, OrchestratorUnreachable):
                raise
            raise OrchestratorUnreachable(
                f"the orchestrator at {self.url} broke off ({type(error).__name__})"
            ) from error
        if len(text) > _MAX_ANSWER_BYTES:
            raise OrchestratorUnreachable(f"the orchestrator at {self.url} answers too much")
        try:
            told = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise OrchestratorUnreachable(f"the orchestrator at {self.url} answers no JSON") from error
        return told if isinstance(told, dict) else {}


class Backoff:
    """When to try again what failed: at once, then after ever longer pauses up to `most` seconds."""

    def __init__(self, *, first: float = 0.5, most: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._first, self._most, self._clock = first, most, clock
        self._pause = 0.0
        self._until = 0.0

    @property
    def ready(self) -> bool:
        return self._clock() >= self._until

    def failed(self) -> None:
        self._pause = min(max(self._pause * 2, self._first), self._most)
        self._until = self._clock() + self._pause

    def worked(self) -> None:
        self._pause = self._until = 0.0
