"""Effects: orders to the shell, in the imperative. `key` makes each happen once, however often it is ordered."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.domain.batch.effects import BatchEffect
from orchestrator.domain.values import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSeed:
    """Prove to the contract the seed of an epoch."""

    epoch: int

    @property
    def key(self) -> str:
        return f"seed:{self.epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Fix the outcome of a wave of reveals."""

    task: TaskId
    wave: int

    @property
    def key(self) -> str:
        return f"settle:{self.task}:{self.wave}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireClaim:
    """Free the slot of a worker that did not commit in time."""

    task: TaskId
    worker: Address

    @property
    def key(self) -> str:
        return f"expire-claim:{self.task}:{self.worker}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """Draw again, among more workers: the wave did not fill."""

    task: TaskId
    reopens: int

    @property
    def key(self) -> str:
        return f"reopen:{self.task}:{self.reopens}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireTask:
    """Refund a task whose deadline passed before its wave was full."""

    task: TaskId

    @property
    def key(self) -> str:
        return f"expire-task:{self.task}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Give the requester what no task can need any more. `finished` tells repeated refunds of one job apart."""

    job_id: JobId
    finished: int

    @property
    def key(self) -> str:
        return f"refund:{self.job_id}:{self.finished}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillNonce:
    """Spend a nonce on nothing: a foreign transaction had it, a reorganisation took that back, and later ones wait."""

    nonce: int

    @property
    def key(self) -> str:
        return f"fill:{self.nonce}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadManifest:
    """Fetch, check and pin all content of a job."""

    job_id: JobId
    digest: Digest

    @property
    def key(self) -> str:
        return f"load:{self.digest.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recompute:
    """See that the bytes of a settled result are there; run the task ourselves if its workers withhold them."""

    task: TaskId
    digest: Digest

    @property
    def key(self) -> str:
        return f"output:{self.task}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpin:
    """Let go of a job's inputs: nothing can need them any more."""

    job_id: JobId
    digest: Digest

    @property
    def key(self) -> str:
        return f"unpin:{self.job_id}"


def ids_of(key: str) -> dict[str, int]:
    """The job and task, or the epoch, that an order's key names: for logs."""
    kind, _, rest = key.partition(":")
    name = rest.partition(":")[0]
    job, slash, index = name.partition("/")
    if not job.isdigit():
        return {}
    if kind == "seed":
        return {"epoch": int(job)}
    if kind == "fill":
        return {}
    return {"job": int(job)} | ({"task": int(index)} if slash else {})


DirectEffect = RecordSeed | Settle | ExpireClaim | Reopen | ExpireTask | Refund
ChainEffect = DirectEffect | FillNonce | BatchEffect
ContentEffect = LoadManifest | Recompute | Unpin
Effect = ChainEffect | ContentEffect
