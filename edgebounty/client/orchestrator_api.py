"""What an orchestrator says about itself. Nothing it says moves money: that is read from the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from edgebounty.client.errors import Unavailable

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestratorTerms:
    """Who gets the fee, and how much of what workers are paid: 10_000 is all."""

    address: str
    fee_bps: int


class OrchestratorApi:
    """Reads an orchestrator's HTTP API. Raises `Unavailable` when it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy cannot reach loopback, and an orchestrator is named on purpose

    def market(self) -> dict[str, Any]:
        """Chain id, RPC URL, contracts, gateway, and the orchestrator's address and fee."""
        return self.get("/v1/market")

    def terms(self) -> OrchestratorTerms:
        said = self.market()
        try:
            return OrchestratorTerms(address=str(said["orchestrator"]), fee_bps=int(said["fee_bps"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable(
                f"{self.url} is no orchestrator of this version: {error} is missing in /v1/market",
                whose="the orchestrator's",
                remedy="check --orchestrator-url",
            ) from error

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`."""
        try:
            answer = self._session.get(f"{self.url}{path}", timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            value = answer.json()
        except requests.RequestException as error:
            raise Unavailable(
                f"no orchestrator answers at {self.url} ({_reason(error)})",
                remedy="check that it runs and that --orchestrator-url is right, then try again",
            ) from error
        if not isinstance(value, dict):
            raise Unavailable(f"{self.url}{path} does not answer as an orchestrator", remedy="check --orchestrator-url")
        return value


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    return "timed out" if isinstance(error, requests.Timeout) else "connection refused"
