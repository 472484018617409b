"""What accounts sign in the batch lane: EIP-712, readable in a wallet, good for one lane on one chain.

Domain as in `edgebounty.protocol.messages`, with the BatchLane as verifying contract. Every message names who it is for
and either ends by itself (`until`, a Unix second) or is bound to what can happen once only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgebounty.protocol.batch.wire import SIGNATURE_BYTES
from edgebounty.protocol.messages import Domain, Signable, SignatureError, is_signed, recover, sign
from edgebounty.protocol.types import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Signable):
    """A worker joins an orchestrator's market; its earnings go to `payout` from its first payout index on."""

    TYPE: ClassVar[str] = "Join(address worker,address orchestrator,address payout,uint64 until)"
    SIGNER: ClassVar[str] = "worker"
    worker: Address
    orchestrator: Address
    payout: Address
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Signable):
    """A worker takes a task that it was offered: the commitment to its result comes later, in the commit set."""

    TYPE: ClassVar[str] = "Claim(address worker,address orchestrator,uint256 job,uint32 task,uint64 until)"
    SIGNER: ClassVar[str] = "worker"
    worker: Address
    orchestrator: Address
    job: int
    task: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Signable):
    """The orchestrator gives slots of tasks to a worker until then. `first_task`: where the batch will begin."""

    TYPE: ClassVar[str] = (
        "Assignment(address orchestrator,address worker,uint256 job,uint32 firstTask,"
        "uint32[] tasks,uint8 slot,uint64 until)"
    )
    SIGNER: ClassVar[str] = "orchestrator"
    orchestrator: Address
    worker: Address
    job: int
    first_task: int
    tasks: tuple[int, ...]
    slot: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitSet(Signable):
    """All commitments to one task, closed: the orchestrator signs it before anybody reveals."""

    TYPE: ClassVar[str] = "CommitSet(address orchestrator,uint256 job,uint32 task,bytes32[] commitments)"
    SIGNER: ClassVar[str] = "orchestrator"
    orchestrator: Address
    job: int
    task: int
    commitments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts(Signable):
    """A worker's running roots over all it did for the batch that begins at `first_task`; the last one is posted."""

    TYPE: ClassVar[str] = (
        "Receipts(address worker,uint256 job,uint32 firstTask,uint32 count,bytes32 receipts,bytes32 commitSets)"
    )
    SIGNER: ClassVar[str] = "worker"
    worker: Address
    job: int
    first_task: int
    count: int
    receipts: bytes
    commit_sets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance(Signable):
    """The orchestrator has stored these receipts and owes them: what *accepted* means."""

    TYPE: ClassVar[str] = (
        "Acceptance(address orchestrator,address worker,uint256 job,uint32 firstTask,"
        "uint32 count,bytes32 receipts,bytes32 commitSets)"
    )
    SIGNER: ClassVar[str] = "orchestrator"
    orchestrator: Address
    worker: Address
    job: int
    first_task: int
    count: int
    receipts: bytes
    commit_sets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Signable):
    """The owner of a payout index lets anyone send what it earned, up to `cumulative` in all, to `receiver`.

    It can be used once: what was withdrawn only grows, and each use must bring it to exactly `cumulative`.
    """

    TYPE: ClassVar[str] = (
        "Withdrawal(address account,address orchestrator,uint32 payoutIndex,"
        "uint96 cumulative,address receiver,uint64 until)"
    )
    SIGNER: ClassVar[str] = "account"
    account: Address
    orchestrator: Address
    payout_index: int
    cumulative: int
    receiver: Address
    until: int


def sign_compact(domain: Domain, message: Signable, key: bytes) -> bytes:
    """`sign` in the 64 bytes r, vs of EIP-2098, as bundles carry it."""
    return to_compact(sign(domain, message, key))


def to_compact(signature: bytes) -> bytes:
    """r, s, v as r, vs. Raises `SignatureError` for what `sign` never gives."""
    if len(signature) != 65 or signature[64] not in (27, 28) or signature[32] >= 128:
        raise SignatureError("a signature is 65 bytes r, s, v with v 27 or 28 and s in the lower half")
    return signature[:32] + bytes([signature[32] | (signature[64] - 27) << 7]) + signature[33:64]


def is_signed_by(domain: Domain, message: Signable, signature: bytes) -> bool:
    """Whether the account named in the message signed it, in the compact form."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    return is_signed(domain, message, _full(signature))


def recover_compact(domain: Domain, message: Signable, signature: bytes) -> Address:
    """Who signed. Raises `SignatureError`."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError(f"a compact signature is 64 bytes r, vs, this is {len(signature)}")
    return recover(domain, message, _full(signature))


def _full(signature: bytes) -> bytes:
    """r, vs as r, s, v."""
    return signature[:32] + bytes([signature[32] & 127]) + signature[33:] + bytes([27 + (signature[32] >> 7)])
