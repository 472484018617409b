"""What an orchestrator remembers of a batch-lane job. Times are Unix seconds of the chain, amounts base units."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from edgebounty.protocol.batch.running import RunningRoot
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.domain.policy import VerificationPolicy

NEVER = 2**40 - 1  # the latest time that the contracts know


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """One job's terms. A batch takes up to `span` tasks that may yet be paid."""

    job: JobId
    orchestrator: Address
    domain: Domain  # of the batch lane
    tasks: int
    slots: int  # receipts that one task may have
    copies: int  # workers that are given a task at once, at most `slots`
    quorum: int  # equal results that decide
    waves: int  # attempts to find a quorum
    price: int
    fee: int
    deadline: int  # nobody is given a task from then on
    task_seconds: int  # to commit; again to show; again to sign the receipt
    span: int
    closes: int = NEVER  # no receipt is taken from then on: what was accepted can still be posted in time
    policy: VerificationPolicy | None = None  # None: copies alone check, as in jobs opened before there were policies
    hold: int = 0  # what copies decided is held back for so many seconds: accepted, owed and told only then


class Stage(StrEnum):
    """How far a task is."""

    OPEN = "open"  # slots are given, commitments come in
    CLOSED = "closed"  # the commit set is fixed: results may be shown
    SHOWN = "shown"  # all have shown, and these copies do not decide: the orchestrator runs the task itself
    HELD = "held"  # the copies decide, but for now: if one of their workers is caught meanwhile, they do not
    AGREED = "agreed"  # the result is known: receipts for it are taken
    GIVEN_UP = "given_up"  # no quorum in any wave, or the deadline has passed: refunded


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One worker's place in a task. `until`: when its next step must be there; `parties`: who else earns by it."""

    worker: Address
    until: int
    commitment: bytes | None = None
    digest: Digest | None = None
    accepted: bool = False
    parties: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTask:
    """`slots` by number; None is free. `barred`: who was silent or outvoted here comes not again. `released`: who may,
    having shown a result in a wave that others kept from a quorum by silence. `drawn`: a secret draw has it that the
    orchestrator runs this task too. `own`: what that gave. `audited`: it has it that one more worker runs the task,
    once all copies are committed.
    """

    index: int
    stage: Stage = Stage.OPEN
    wave: int = 0
    slots: tuple[Slot | None, ...] = ()
    until: int = 0  # of the present stage, once closed
    commit_set: bytes | None = None  # hash of the closed set, as its receipts name it
    commitments: tuple[bytes, ...] = ()
    digest: Digest | None = None
    barred: frozenset[Address] = frozenset()
    released: frozenset[Address] = frozenset()
    drawn: bool = False
    audited: bool = False
    own: Digest | None = None

    def slot_of(self, worker: Address) -> int | None:
        return next((i for i, slot in enumerate(self.slots) if slot is not None and slot.worker == worker), None)

    @property
    def taken(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if slot is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBundle:
    """What one worker is owed in one batch: its accepted receipts, in the order in which it signed them."""

    job: JobId
    first_task: int
    worker: Address
    receipts: tuple[Receipt, ...] = ()
    commit_sets: tuple[bytes, ...] = ()
    receipts_root: RunningRoot = field(default_factory=RunningRoot)
    sets_root: RunningRoot = field(default_factory=RunningRoot)
    signature: bytes = b""  # over the roots of all of them, 64 bytes

    def with_receipt(self, receipt: Receipt, commit_set: bytes, set_leaf: bytes, signature: bytes) -> WorkerBundle:
        return WorkerBundle(
            job=self.job,
            first_task=self.first_task,
            worker=self.worker,
            receipts=(*self.receipts, receipt),
            commit_sets=(*self.commit_sets, commit_set),
            receipts_root=self.receipts_root.appended(receipt.leaf),
            sets_root=self.sets_root.appended(set_leaf),
            signature=signature,
        )
