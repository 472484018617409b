"""`train`, `infer`, `analyze` and `map`: the same calls for a market and for this machine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from edgebounty.client.estimate import Estimate
from edgebounty.client.jobs import Job
from edgebounty.client.plans import Plan, plan_analysis
from edgebounty.client.posting import DEADLINE_SECONDS, QUORUM, STAKE_FACTOR, TASK_SECONDS, WORK_SLOTS
from edgebounty.client.tables import TableData
from edgebounty.jobs.analyses.base import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a job is to be treated. Times in seconds."""

    quorum: int = QUORUM
    """Equal results that make a task final."""
    work_slots: int = WORK_SLOTS
    """Runs of a task at most; all are escrowed, unused ones come back."""
    audit_slots: int = 0
    task_seconds: int = TASK_SECONDS
    deadline_seconds: int = DEADLINE_SECONDS
    stake_factor: int = STAKE_FACTOR


class Kinds(ABC):
    """The four calls. `bounty` is all that the job may cost, in tokens ("12.5"); on this machine it does not matter."""

    @abstractmethod
    def start(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Job:
        """Posts a plan, or begins to run it here."""

    @abstractmethod
    def estimate(self, plan: Plan, *, bounty: str | float | None = None, terms: Terms | None = None) -> Estimate:
        """What `start` would take. Nothing is sent."""

    @abstractmethod
    def weights(self, name: str) -> bytes:
        """What a train job made, by its number or CID. Raises `Rejected` where it cannot be had."""

    def plan_analyze(
        self,
        data: TableData,
        question: Analysis | None = None,
        *,
        shards: int | None = None,
        fan_in: int | None = None,
    ) -> Plan:
        """A question (`Describe` without one) to a table, for `estimate` and `start`. Raises `Rejected`."""
        return plan_analysis(data, question, shards=shards, fan_in=fan_in)

    def analyze(
        self,
        data: TableData,
        question: Analysis | None = None,
        *,
        shards: int | None = None,
        fan_in: int | None = None,
        bounty: str | float | None = None,
        terms: Terms | None = None,
    ) -> Job:
        """Puts a question to a table and starts at once. Raises `Rejected` before any money moves."""
        plan = self.plan_analyze(data, question, shards=shards, fan_in=fan_in)
        return self.start(plan, bounty=bounty, terms=terms)
