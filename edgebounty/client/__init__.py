"""What a notebook imports: `from edgebounty.client import Market, Local, GroupBy, …`. Loaded when first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgebounty.client.here import Local
    from edgebounty.client.jobs import Cost, Job, Progress
    from edgebounty.client.kinds import Terms
    from edgebounty.client.market import Market
    from edgebounty.client.train_plans import Average, Median, Nesterov, Trimmed
    from edgebounty.client.training import Training
    from edgebounty.jobs.analyses.describe import Describe
    from edgebounty.jobs.analyses.groups import GroupBy
    from edgebounty.jobs.analyses.kmeans import KMeans
    from edgebounty.jobs.analyses.logistic import LogisticRegression
    from edgebounty.jobs.analyses.moments import Correlation, LinearRegression, PrincipalComponents
    from edgebounty.jobs.analyses.quantiles import Quantiles

_HOMES = {
    "Local": "edgebounty.client.here",
    "Market": "edgebounty.client.market",
    "Cost": "edgebounty.client.jobs",
    "Job": "edgebounty.client.jobs",
    "Progress": "edgebounty.client.jobs",
    "Terms": "edgebounty.client.kinds",
    "Average": "edgebounty.client.train_plans",
    "Median": "edgebounty.client.train_plans",
    "Nesterov": "edgebounty.client.train_plans",
    "Trimmed": "edgebounty.client.train_plans",
    "Training": "edgebounty.client.training",
    "Describe": "edgebounty.jobs.analyses.describe",
    "GroupBy": "edgebounty.jobs.analyses.groups",
    "KMeans": "edgebounty.jobs.analyses.kmeans",
    "LogisticRegression": "edgebounty.jobs.analyses.logistic",
    "Correlation": "edgebounty.jobs.analyses.moments",
    "LinearRegression": "edgebounty.jobs.analyses.moments",
    "PrincipalComponents": "edgebounty.jobs.analyses.moments",
    "Quantiles": "edgebounty.jobs.analyses.quantiles",
}
__all__ = [
    "Average",
    "Correlation",
    "Cost",
    "Describe",
    "GroupBy",
    "Job",
    "KMeans",
    "LinearRegression",
    "Local",
    "LogisticRegression",
    "Market",
    "Median",
    "Nesterov",
    "PrincipalComponents",
    "Progress",
    "Quantiles",
    "Terms",
    "Training",
    "Trimmed",
]


def __getattr__(name: str) -> Any:
    # The command line needs the errors of this package at once, and web3 only for commands that reach a chain.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
