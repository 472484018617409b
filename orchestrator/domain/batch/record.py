"""The batch lane as its contracts' events tell it, of all orchestrators: what the explorer shows. Decides nothing.

`take` the events in chain order, each once. What is not known here is kept as it came and shown by its name, so that a
contract which says more is shown more of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from edgebounty.protocol.batch.wire import Header
from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.domain.errors import Unavailable

BatchKey = tuple[Address, int]
"""A batch: its orchestrator, its number."""
MOST_EVENTS_OF_ONE: Final = 1_000  # anybody may demand, for a deposit: a batch's list must not grow without end


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLog:
    """One event. `args` in JSON's types: bytes as hex text, structs as lists; `time`: its block's, Unix seconds."""

    name: str
    args: dict[str, Any]
    block: int
    time: int
    tx_hash: str


class BatchState(StrEnum):
    """What a batch's payouts are worth."""

    OPEN = "open"  # a fault can still be proven
    MATURED = "matured"  # its window has passed: its payouts can be withdrawn by
    REWOUND = "rewound"  # its payouts, or those it builds on, were proven wrong; nobody has stated the right ones yet
    VOID = "void"  # nothing of it is paid


@dataclass(slots=True, kw_only=True)
class PostedBatch:
    """A batch on chain. `posted` and `stated`: since when its bundles and its payouts are open to challenge."""

    header: Header
    tx_hash: str
    block: int
    posted: int
    stated: int
    bond: int
    bond_lost: int = 0
    struck: dict[int, Address] = field(default_factory=dict)  # positions of bundles, and who proved them wrong
    voided: bool = False
    events: list[LaneLog] = field(default_factory=list)

    @property
    def key(self) -> BatchKey:
        return self.header.orchestrator, self.header.number


class DisputeState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    PROVEN = "proven"  # by openings, or by silence
    DROPPED = "dropped"  # ended without a fault


@dataclass(slots=True, kw_only=True)
class Dispute:
    """A proof of a fault, a demand for data, or a worker's claim of what was left out. `amount`: base units of a bond
    that was lost over it, or of a claim that was paid."""

    kind: str  # strike, void, rewind, demand, claim
    state: DisputeState
    by: Address
    against: Address
    batch: int | None  # of `against`; None while nothing was posted that a claim is about
    job: JobId | None
    opened: LaneLog
    deadline: int = 0
    ended: LaneLog | None = None
    amount: int = 0


@dataclass(slots=True)
class LaneRecord:
    """Changed by `take` alone. `withdrawn`: base units that each payout index of an orchestrator had sent to it."""

    window: int
    batches: dict[BatchKey, PostedBatch] = field(default_factory=dict)
    disputes: list[Dispute] = field(default_factory=list)
    withdrawn: defaultdict[tuple[Address, int], int] = field(default_factory=lambda: defaultdict(int))
    of_job: defaultdict[JobId, list[BatchKey]] = field(default_factory=lambda: defaultdict(list))
    changes: int = 0
    _stated: defaultdict[Address, int] = field(default_factory=lambda: defaultdict(int))
    _demands: dict[int, Dispute] = field(default_factory=dict)
    _claims: dict[int, Dispute] = field(default_factory=dict)
    _last: Dispute | None = None  # the proof that the transaction of the newest event carried

    def state_of(self, batch: PostedBatch, now: int) -> BatchState:
        """At the chain's time `now`."""
        if batch.voided:
            return BatchState.VOID
        if batch.header.number >= self._stated[batch.header.orchestrator]:
            return BatchState.REWOUND
        is_over = now >= max(batch.posted, batch.stated) + self.window
        return BatchState.MATURED if is_over else BatchState.OPEN

    def take(self, event: LaneLog) -> None:
        """Raises `Unavailable` if an event before it is missing: the node left it out."""
        self.changes += 1
        args = event.args
        if self._last is not None and self._last.opened.tx_hash != event.tx_hash:
            self._last = None
        match event.name:
            case "BatchPosted":
                self._post(event)
            case "BundleStruck":
                self._batch(event).struck[int(args["position"])] = to_address(args["challenger"])
                self._proven("strike", event)
            case "BatchVoided":
                self._batch(event).voided = True
                self._proven("void", event)
            case "PayoutsRewound":
                batch = self._batch(event)
                who = batch.header.orchestrator
                self._stated[who] = min(self._stated[who], batch.header.number)
                last = self._last
                if last is not None and (last.against, last.batch) == batch.key:  # it follows from that strike or void
                    self._note(batch, event)
                else:
                    self._proven("rewind", event)
            case "PayoutsRestated":
                self._restate(event)
            case "BondLost":
                self._bond_lost(event)
            case "DataDemanded":
                self._demand(event)
            case "DemandAnswered":
                self._end(self._demands, int(args["demandId"]), event, DisputeState.ANSWERED)
            case "DemandEnforced":
                state = DisputeState.PROVEN if args["punished"] else DisputeState.DROPPED
                self._end(self._demands, int(args["demandId"]), event, state)
            case "BundleClaimed":
                self._claim(event)
            case "ClaimAnswered":
                self._end(self._claims, int(args["claimId"]), event, DisputeState.ANSWERED)
            case "ClaimPaid":
                ended = self._end(self._claims, int(args["claimId"]), event, DisputeState.PROVEN)
                ended.amount = int(args["amount"])
            case "PayoutWithdrawn":
                self.withdrawn[to_address(args["orchestrator"]), int(args["index"])] += int(args["amount"])
            case _:
                if "orchestrator" in args and "number" in args:
                    self._note(self._batch(event), event)

    def _post(self, event: LaneLog) -> None:
        header = header_of(event.args["header"])
        if header.number and (header.orchestrator, header.number - 1) not in self.batches:
            raise _missing(f"batch {header.number - 1} of {header.orchestrator}")
        batch = PostedBatch(
            header=header,
            tx_hash=event.tx_hash,
            block=event.block,
            posted=event.time,
            stated=event.time,
            bond=int(event.args["bond"]),
            events=[event],
        )
        self.batches[batch.key] = batch
        self.of_job[JobId(header.job)].append(batch.key)
        self._stated[header.orchestrator] = header.number + 1

    def _restate(self, event: LaneLog) -> None:
        batch, args = self._batch(event), event.args
        batch.header = replace(
            batch.header,
            payout_count=int(args["payoutCount"]),
            payouts_root=_bytes(args["payoutsRoot"]),
            previous=_bytes(args["previous"]),
        )
        batch.stated = event.time
        self._stated[batch.header.orchestrator] = batch.header.number + 1
        self._note(batch, event)

    def _proven(self, kind: str, event: LaneLog) -> None:
        batch = self._batch(event)
        self._note(batch, event)
        self._last = Dispute(
            kind=kind,
            state=DisputeState.PROVEN,
            by=to_address(event.args["challenger"]),
            against=batch.header.orchestrator,
            batch=batch.header.number,
            job=JobId(batch.header.job),
            opened=event,
            ended=event,
        )
        self.disputes.append(self._last)

    def _bond_lost(self, event: LaneLog) -> None:
        """It stands in the transaction that proved the fault, before or after the event that says which."""
        dispute = self._last or next(
            (each for each in reversed(self.disputes) if each.ended and each.ended.tx_hash == event.tx_hash), None
        )
        if dispute is None:
            return
        dispute.amount += int(event.args["amount"])
        if dispute.batch is not None:
            batch = self.batches[dispute.against, dispute.batch]
            batch.bond_lost += int(event.args["amount"])
            self._note(batch, event)

    def _demand(self, event: LaneLog) -> None:
        batch, args = self._batch(event), event.args
        self._note(batch, event)
        self._demands[int(args["demandId"])] = self._open("demand", event, batch, int(args["deadline"]))

    def _claim(self, event: LaneLog) -> None:
        orchestrator, _, job, first_task, *_ = event.args["acceptance"]
        against = to_address(orchestrator)
        keys = [key for key in self.of_job[JobId(int(job))] if self.batches[key].header.first_task == int(first_task)]
        batch = self.batches[keys[0]] if keys else None
        dispute = self._open("claim", event, batch, int(event.args["deadline"]))
        dispute.against, dispute.job = against, JobId(int(job))
        self._claims[int(event.args["claimId"])] = dispute
        if batch is not None:
            self._note(batch, event)

    def _open(self, kind: str, event: LaneLog, batch: PostedBatch | None, deadline: int) -> Dispute:
        by = to_address(event.args["by"])
        dispute = Dispute(
            kind=kind,
            state=DisputeState.OPEN,
            by=by,
            against=batch.header.orchestrator if batch is not None else by,
            batch=batch.header.number if batch is not None else None,
            job=JobId(batch.header.job) if batch is not None else None,
            opened=event,
            deadline=deadline,
        )
        self.disputes.append(dispute)
        return dispute

    def _end(self, known: dict[int, Dispute], number: int, event: LaneLog, state: DisputeState) -> Dispute:
        dispute = known.get(number)
        if dispute is None:
            raise _missing(f"what {event.name} {number} is about")
        dispute.state, dispute.ended = state, event
        if dispute.batch is not None:
            self._note(self.batches[dispute.against, dispute.batch], event)
        return dispute

    def _note(self, batch: PostedBatch, event: LaneLog) -> None:
        if len(batch.events) < MOST_EVENTS_OF_ONE:
            batch.events.append(event)

    def _batch(self, event: LaneLog) -> PostedBatch:
        key = to_address(event.args["orchestrator"]), int(event.args["number"])
        batch = self.batches.get(key)
        if batch is None:
            raise _missing(f"batch {key[1]} of {key[0]}")
        return batch


def header_of(words: Sequence[Any]) -> Header:
    """From a struct as a list, in Solidity's order, which is ours."""
    orchestrator, *numbers, bundles_root, payouts_root, data_digest, previous = words
    number, job, first, end, bundles, receipts, payouts = map(int, numbers)
    return Header(
        orchestrator=to_address(orchestrator),
        number=number,
        job=job,
        first_task=first,
        end_task=end,
        bundle_count=bundles,
        receipt_count=receipts,
        payout_count=payouts,
        bundles_root=_bytes(bundles_root),
        payouts_root=_bytes(payouts_root),
        data_digest=_bytes(data_digest),
        previous=_bytes(previous),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _missing(what: str) -> Unavailable:
    return Unavailable(what="the batch lane's events", reason=f"the node left out {what}")
