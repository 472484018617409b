"""What a watchtower looks at and what it calls a finding: pure. Time, chain and content arrive as arguments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest

MOST_WAIT_SECONDS: Final = 3600.0
"""Longest pause before content that could not be had is asked for again."""


class Kind(StrEnum):
    """What was found."""

    WRONG_RESULT = "wrong_result"  # paid for a digest that the task does not give
    UNRUNNABLE = "unrunnable"  # paid, though nobody can run it: program, manifest and data contradict each other
    BAD_TERMS = "bad_terms"  # the job's terms or manifest are not what the other one says
    INSOLVENT = "insolvent"  # the contracts hold less than they owe, or the books do not add up
    CONTENT_MISSING = "content_missing"  # cannot be judged until somebody serves it
    CONTENT_BACK = "content_back"
    BATCH_FAULT = "batch_fault"  # a batch breaks a rule that the chain punishes
    CHALLENGED = "challenged"  # that was proven to the chain
    NOT_CHALLENGED = "not_challenged"  # it could not be: the contract refused, the window is over
    DEMANDED = "demanded"  # data that nobody serves, or payouts that are wrong, were demanded on chain
    ANSWERED = "answered"  # what somebody else demanded was shown, for the deposit
    RESTATED = "restated"  # the right payouts were stated after a fault
    NOT_RUN = "not_run"  # this machine cannot run it now: says nothing about the result


ALARMS: Final = frozenset({Kind.WRONG_RESULT, Kind.UNRUNNABLE, Kind.BAD_TERMS, Kind.INSOLVENT, Kind.BATCH_FAULT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One task as the chain settled it."""

    job_id: int
    task: int
    digest: Digest
    tx_hash: bytes
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell. `key` names it for ever: what has a key that was told is not told again."""

    kind: Kind
    key: str
    text: str
    job_id: int | None = None
    task: int | None = None
    evidence: dict[str, str] = field(default_factory=dict)

    @property
    def is_alarm(self) -> bool:
        return self.kind in ALARMS


def is_drawn(secret: bytes, job_id: int, task: int, share: float) -> bool:
    """Whether this task is run again. Nobody without the secret can tell, and a restart draws the same ones."""
    if share >= 1:
        return True
    drawn = hashlib.sha256(secret + job_id.to_bytes(32, "big") + task.to_bytes(32, "big")).digest()
    return int.from_bytes(drawn[:8], "big") < share * 2**64


def retry_after(tries: int) -> float:
    """Seconds until content is asked for again after `tries` vain ones: doubling, at most an hour."""
    return min(MOST_WAIT_SECONDS, 5.0 * 2.0 ** min(tries - 1, 20))


def wrong_result(settled: Settled, computed: Digest, manifest: Manifest, manifest_cid: Cid) -> Finding:
    """The quorum was paid for another digest than the task gives."""
    return Finding(
        kind=Kind.WRONG_RESULT,
        key=f"task {settled.job_id}/{settled.task} wrong",
        job_id=settled.job_id,
        task=settled.task,
        text=f"job {settled.job_id} task {settled.task}: paid for 0x{settled.digest.hex()}, running it here gives "
        f"0x{computed.hex()}: the workers that were paid agreed on a wrong result",
        evidence={
            "paid": "0x" + settled.digest.hex(),
            "computed": "0x" + computed.hex(),
            "transaction": "0x" + settled.tx_hash.hex(),
            "block": str(settled.block),
            "manifest": str(manifest_cid),
            "program": str(manifest.program),
        },
    )


def unrunnable(settled: Settled, reason: str) -> Finding:
    """A task was paid that no honest machine can run."""
    return Finding(
        kind=Kind.UNRUNNABLE,
        key=f"task {settled.job_id}/{settled.task} unrunnable",
        job_id=settled.job_id,
        task=settled.task,
        text=f"job {settled.job_id} task {settled.task}: paid, but it cannot be run: {reason}. The requester's "
        "manifest, program or data are at fault, and nobody can check what was paid",
        evidence={"paid": "0x" + settled.digest.hex(), "transaction": "0x" + settled.tx_hash.hex()},
    )


def not_run(settled: Settled, reason: str) -> Finding:
    """This machine is too small for the task: no judgement."""
    return Finding(
        kind=Kind.NOT_RUN,
        key=f"task {settled.job_id}/{settled.task} not run",
        job_id=settled.job_id,
        task=settled.task,
        text=f"job {settled.job_id} task {settled.task}: this machine cannot run it now ({reason}); it is not judged "
        "and tried again: free some memory",
    )


def bad_terms(job_id: int, reason: str, manifest_cid: Cid) -> Finding:
    """Terms on chain and manifest do not belong together."""
    return Finding(
        kind=Kind.BAD_TERMS,
        key=f"job {job_id} terms",
        job_id=job_id,
        text=f"job {job_id}: {reason} (the requester's fault)",
        evidence={"manifest": str(manifest_cid)},
    )


def missing(job_id: int, cid: Cid, detail: str, *, manifest: Manifest | None, since: str) -> Finding:
    """Content that nobody serves; whose it was to serve follows from what it is."""
    what, whose = role_of(cid, manifest)
    return Finding(
        kind=Kind.CONTENT_MISSING,
        key=f"job {job_id} missing {cid}",
        job_id=job_id,
        text=f"job {job_id}: {what} {cid} cannot be had since {since} ({detail}): {whose} has to serve it. "
        "What depends on it is not judged; it is asked for again",
        evidence={"cid": str(cid), "since": since},
    )


def back(job_id: int, cid: Cid, at: str) -> Finding:
    """Content that was missing is served again."""
    return Finding(
        kind=Kind.CONTENT_BACK,
        key=f"job {job_id} back {cid} {at}",
        job_id=job_id,
        text=f"job {job_id}: {cid} is served again",
        evidence={"cid": str(cid)},
    )


def role_of(cid: Cid, manifest: Manifest | None) -> tuple[str, str]:
    """What this content is to the job, and who has to serve it."""
    if manifest is None:
        return "its manifest", "the requester (or the orchestrator that took the job)"
    if cid in manifest.modules:
        return "a program", "the requester (or the orchestrator that took the job)"
    if cid == manifest.state or any(cid == shard.cid for shard in manifest.shards):
        return "input data", "the requester (or the orchestrator that took the job)"
    return "a block of input data or the output of an earlier task", "the orchestrator"


def insolvent(block: int, difference: int, surplus: int) -> Finding | None:
    """None when the books add up and the balances cover what is owed (I1, I2). Amounts in token base units."""
    if difference == 0 and surplus >= 0:
        return None
    faults = [f"the books are off by {difference} base units"] if difference else []
    if surplus < 0:
        faults.append(f"the contracts hold {-surplus} base units less than they owe")
    return Finding(
        kind=Kind.INSOLVENT,
        key=f"books {difference} {surplus}",
        text=f"at block {block} {' and '.join(faults)}: a fault of the contracts or of the node; ask a second node",
        evidence={"block": str(block), "difference": str(difference), "surplus": str(surplus)},
    )
