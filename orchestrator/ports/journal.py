"""What the batch lane needs of a database: a log that is read once, at the start, and replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.facts import (
    BatchFact,
    BatchKept,
    BatchSettled,
    ChecksKept,
    Closing,
    PayeeKept,
    ResultFound,
    WithdrawalAsked,
    WithdrawalEnded,
)
from orchestrator.domain.batch.values import BatchTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOpened:
    """This orchestrator takes the job, on these terms."""

    terms: BatchTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnding:
    """The job was stopped: its times came nearer."""

    job: JobId
    deadline: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A worker joined, and where it wants its pay. `sponsor`: who backed it with stake then."""

    worker: Address
    payout: Address
    until: int
    sponsor: Address | None = None

    @property
    def parties(self) -> tuple[Address, ...]:
        """Who else earns by what this worker does."""
        both = (self.payout, self.sponsor)
        return tuple(dict.fromkeys(party for party in both if party is not None and party != self.worker))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKept:
    """The accepted output of a task is in the content store."""

    job: JobId
    task: int


BatchEntry = Closing | BatchKept | BatchSettled | PayeeKept | ChecksKept | ResultFound | BatchFact
Entry = JobOpened | JobEnding | Joined | OutputKept | WithdrawalAsked | WithdrawalEnded | BatchEntry


class Journal(Protocol):
    def append(self, entries: Sequence[Entry]) -> None:
        """All of them, in this order, or none; kept once it returns. Raises `StorageFailed`."""
        ...

    def entries(self) -> Sequence[Entry]:
        """Everything that was appended, in order."""
        ...

    def replace(self, entries: Sequence[Entry]) -> None:
        """These instead of all that was appended, or nothing happens. Raises `StorageFailed`."""
        ...
