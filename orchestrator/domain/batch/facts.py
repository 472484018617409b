"""What happened to a task of the batch lane. Who makes a fact has checked its signature; the rules check the rest."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.batch.wire import Bundle
from edgebounty.protocol.types import Address, Digest, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFact:
    """At `now`, in the chain's seconds."""

    job: JobId
    task: int
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotClaimed(BatchFact):
    """A worker wants the task. `parties`: who else earns by it; `drawn`: whether the task is to be run here anyway;
    `audited`: whether one more worker is to run it.
    """

    worker: Address
    parties: tuple[Address, ...] = ()
    drawn: bool = False
    audited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCommitted(BatchFact):
    """A worker binds itself to a result."""

    worker: Address
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultShown(BatchFact):
    """A worker opens its commitment."""

    worker: Address
    digest: Digest
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultComputed(BatchFact):
    """The orchestrator has run the task itself."""

    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded(BatchFact):
    """What this result is read by waits for it alone: it is held back no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSigned(BatchFact):
    """A worker signs its running roots with this task's receipt at their end. `signer`: who did sign `Receipts`."""

    worker: Address
    count: int
    receipts_root: bytes
    sets_root: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed(BatchFact):
    """Nothing but time: whoever is late is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCut:
    """The job's next batch begins at task `end`."""

    job: JobId
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSealed:
    """The batch that begins at `first` takes nothing more: what it holds will be posted."""

    job: JobId
    first: int


Closing = BatchCut | BatchSealed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptResult:
    task: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWords:
    """What stands behind a leaf, 32 bytes each, one after the other. `commit_sets` is empty where only their root is
    known."""

    receipts: bytes
    commit_sets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchKept:
    """A posted batch of tasks [first, end) without what led to it: the journal lost that, or needs it no more.

    `words` beside `leaves`: what was posted, as far as it is to be had; none of a batch to which nothing can happen
    any more. `results`: as far as they are known; a receipt has only the first 27 bytes. `outputs`: tasks of which the
    output is in the content store.
    """

    job: JobId
    first: int
    end: int
    leaves: tuple[Bundle, ...]
    words: tuple[KeptWords, ...] = ()
    results: tuple[KeptResult, ...] = ()
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettled:
    """Nothing can happen any more to the posted batch that begins at `first`: what led to it may be dropped."""

    job: JobId
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeKept:
    """Whose a payout index is, where the receipt that gave it to them is not in the journal."""

    index: int
    account: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksKept:
    """Who passed a check, and who was caught by it, where its facts are dropped."""

    job: JobId
    task: int
    passed: tuple[Address, ...]
    caught: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFound:
    """The whole digest of a task whose receipts were read back from what was posted."""

    job: JobId
    task: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalAsked:
    """A payee signed for what its index has earned, to be sent to `receiver`. It came at `now`. `signature`: r, vs."""

    account: Address
    payout_index: int
    cumulative: int
    receiver: Address
    until: int
    signature: bytes
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalEnded:
    """That request is no longer to be sent."""

    payout_index: int
    signature: bytes
