"""Opens what a command works with: a planned job, a market, an account. Imports web3 only where a chain is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebounty.cli.settings import Settings
from edgebounty.client.planning import plan
from edgebounty.client.requests import Request

if TYPE_CHECKING:
    from edgebounty.jobs.plan import PlannedJob


def plan_request(request: Request, settings: Settings) -> PlannedJob:
    """The job of a request."""
    return plan(request)
