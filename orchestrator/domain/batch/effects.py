"""Orders of the batch lane: what its loop wants sent. Only `PostBatch` can cost anybody a receipt, and only once."""

from __future__ import annotations

from dataclasses import dataclass

from edgebounty.protocol.batch.openings import BundleOpening
from edgebounty.protocol.batch.wire import Header
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.types import Address, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class PostBatch:
    """`bundles`: the calldata of a batch whose data is on chain; empty if it lies under a CID."""

    header: Header
    bundles: bytes

    @property
    def key(self) -> str:
        header = self.header
        return f"post-batch:{header.job}/{header.first_task}:{header.number}:{header.hash.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUpBond:
    """Allot so much of `account`'s free stake to itself. `at`: the final block on which that was decided."""

    account: Address
    amount: int
    at: int

    @property
    def key(self) -> str:
        return f"put-up-bond:at-{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseBond:
    header: Header
    at: int

    @property
    def key(self) -> str:
        return f"release-bond:batch-{self.header.number}:at-{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestatePayouts:
    """Put `payouts_root` and `payout_count`, on top of `previous`, in place of those in the stored `header`."""

    header: Header
    payout_count: int
    payouts_root: bytes
    previous: bytes
    at: int

    @property
    def key(self) -> str:
        return f"restate-payouts:batch-{self.header.number}:at-{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBackAside:
    header: Header
    at: int

    @property
    def key(self) -> str:
        return f"give-back-aside:batch-{self.header.number}:at-{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRest:
    """What was set aside came back to a job that is over and was refunded already: its requester's credit."""

    job: JobId
    at: int

    @property
    def key(self) -> str:
        return f"refund-rest:job-{self.job}:at-{self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWithdrawal:
    """One payee's request, with its place in the payout tree of a batch. `signature`: r, vs."""

    index: int
    account: Address
    cumulative: int
    proof: tuple[bytes, ...]
    receiver: Address
    until: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayWithdrawals:
    """`withdrawMany` by the payouts of the batch with this header."""

    header: Header
    asked: tuple[SignedWithdrawal, ...]

    @property
    def key(self) -> str:
        words = [self.header.hash, *(one.signature for one in self.asked)]
        return f"relay-withdrawals:{len(self.asked)}:{keccak256(b''.join(words)).hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDemand:
    """Shows what lies under `node`: `nodes`, or, if it is a leaf, what it is the hash of."""

    demand: int
    node: bytes
    nodes: tuple[bytes, ...]
    leaf: bytes

    @property
    def key(self) -> str:
        return f"answer-demand:number-{self.demand}:{self.node.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowBundle:
    """Ends a claim: the bundle that is said to be missing is in the batch with this header."""

    claim: int
    header: Header
    shown: BundleOpening

    @property
    def key(self) -> str:
        return f"show-bundle:number-{self.claim}:{self.shown.bundle.leaf.hex()}"


LaneEffect = PostBatch | PutUpBond | ReleaseBond | RestatePayouts | GiveBackAside | RefundRest
"""One at a time: each is decided on what the one before has done."""
BatchEffect = LaneEffect | RelayWithdrawals | AnswerDemand | ShowBundle
