"""The batch lane as its events tell it: states of batches, disputes and what became of them."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.domain.batch.record import BatchState, DisputeState, LaneLog, LaneRecord
from orchestrator.domain.errors import Unavailable

pytestmark = pytest.mark.unit
ME, OTHER, CHALLENGER = (to_address(bytes([i]) * 20) for i in (1, 2, 3))
WINDOW = 100


class Told:
    """A record, and events that reach it one by one; each in a transaction of its own unless it is named."""

    def __init__(self) -> None:
        self.record = LaneRecord(window=WINDOW)
        self._numbers = count()

    def take(self, name: str, *, tx: str = "", time: int = 0, **args: Any) -> None:
        number = next(self._numbers)
        tx_hash = tx or "0x" + bytes([number] * 32).hex()
        self.record.take(LaneLog(name=name, args=args, block=number, time=time, tx_hash=tx_hash))

    def post(self, number: int, *, by: Address = ME, job: int = 7, first: int | None = None, time: int = 0) -> None:
        first = number if first is None else first
        word = "0x" + bytes([number + 1] * 32).hex()
        header = [by, number, job, first, first + 1, 2, 4, 3, word, word, word, word]
        self.take("BatchPosted", orchestrator=by, jobId=job, header=header, bond=50, time=time)

    def prove(self, name: str, number: int, *, tx: str = "", **args: Any) -> None:
        self.take(name, tx=tx, orchestrator=ME, number=number, challenger=CHALLENGER, **args)

    def state(self, number: int, now: int = 0) -> BatchState:
        return self.record.state_of(self.record.batches[ME, number], now)


@pytest.fixture
def told() -> Told:
    return Told()


def test_batch__open_to_challenge_until_its_window_is_over(told: Told) -> None:
    told.post(0, time=1_000)
    assert told.state(0, now=1_000 + WINDOW - 1) is BatchState.OPEN
    assert told.state(0, now=1_000 + WINDOW) is BatchState.MATURED
    assert told.record.of_job[JobId(7)] == [(ME, 0)]


def test_strike__rewinds_its_batch_and_those_after_it__as_one_dispute_with_its_bond(told: Told) -> None:
    for number in range(3):
        told.post(number)
    told.prove("BundleStruck", 1, tx="0xaa", position=1)
    told.prove("PayoutsRewound", 1, tx="0xaa")
    told.take("BondLost", tx="0xaa", guilty=ME, challenger=CHALLENGER, amount=50)
    assert [told.state(number, now=WINDOW) for number in range(3)] == [
        BatchState.MATURED,
        BatchState.REWOUND,
        BatchState.REWOUND,
    ]
    (dispute,) = told.record.disputes
    assert (dispute.kind, dispute.state, dispute.by, dispute.batch) == ("strike", DisputeState.PROVEN, CHALLENGER, 1)
    assert dispute.amount == told.record.batches[ME, 1].bond_lost == 50
    assert told.record.batches[ME, 1].struck == {1: CHALLENGER}
    assert [event.name for event in told.record.batches[ME, 1].events][1:] == [
        "BundleStruck",
        "PayoutsRewound",
        "BondLost",
    ]


def test_rewind_alone__is_a_dispute_of_its_own(told: Told) -> None:
    told.post(0)
    told.prove("PayoutsRewound", 0)
    assert [dispute.kind for dispute in told.record.disputes] == ["rewind"]


def test_bond_lost_over_a_restatement__goes_to_the_proof_of_its_transaction_only(told: Told) -> None:
    told.post(0)
    told.prove("PayoutsRewound", 0, tx="0xaa")
    told.take("BondLost", tx="0xbb", guilty=ME, challenger=CHALLENGER, amount=50)
    assert told.record.disputes[0].amount == 0


def test_restated__its_window_begins_anew_and_later_batches_wait_for_theirs(told: Told) -> None:
    told.post(0)
    told.post(1)
    told.prove("PayoutsRewound", 0)
    root = "0x" + "ee" * 32
    told.take(
        "PayoutsRestated",
        orchestrator=ME,
        number=0,
        restater=OTHER,
        payoutCount=9,
        payoutsRoot=root,
        previous=root,
        time=500,
    )
    assert (told.state(0, now=500 + WINDOW - 1), told.state(0, now=500 + WINDOW)) == (
        BatchState.OPEN,
        BatchState.MATURED,
    )
    assert told.state(1, now=10_000) is BatchState.REWOUND
    header = told.record.batches[ME, 0].header
    assert (header.payout_count, header.payouts_root) == (9, bytes.fromhex("ee" * 32))


def test_void__stays_void_also_once_its_payouts_are_restated(told: Told) -> None:
    told.post(0)
    told.prove("BatchVoided", 0, tx="0xaa")
    told.prove("PayoutsRewound", 0, tx="0xaa")
    zero = "0x" + bytes(32).hex()
    told.take("PayoutsRestated", orchestrator=ME, number=0, restater=ME, payoutCount=1, payoutsRoot=zero, previous=zero)
    assert told.state(0, now=10_000) is BatchState.VOID


@pytest.mark.parametrize(
    ("name", "args", "state"),
    [
        ("DemandAnswered", {"by": ME, "answer": "0x"}, DisputeState.ANSWERED),
        ("DemandEnforced", {"punished": True}, DisputeState.PROVEN),
        ("DemandEnforced", {"punished": False}, DisputeState.DROPPED),
    ],
)
def test_demand__ends_as_its_events_say(told: Told, name: str, args: dict[str, Any], state: DisputeState) -> None:
    told.post(0)
    told.take("DataDemanded", demandId=4, orchestrator=ME, number=0, by=CHALLENGER, asked=[], bundle=0, deadline=30)
    assert (told.record.disputes[0].state, told.record.disputes[0].deadline) == (DisputeState.OPEN, 30)
    told.take(name, demandId=4, **args)
    assert told.record.disputes[0].state is state
    assert told.record.batches[ME, 0].events[-1].name == name


@pytest.mark.parametrize("is_posted", [True, False])
def test_claim__of_what_was_left_out__names_its_batch_if_there_is_one(told: Told, is_posted: bool) -> None:
    if is_posted:
        told.post(0, first=5)
    acceptance = [ME, OTHER, 7, 5, 2, "0x", "0x"]
    told.take("BundleClaimed", claimId=1, acceptance=acceptance, by=OTHER, deadline=30)
    told.take("ClaimPaid", claimId=1, worker=OTHER, amount=20)
    (dispute,) = told.record.disputes
    assert (dispute.kind, dispute.against, dispute.job, dispute.amount) == ("claim", ME, JobId(7), 20)
    assert dispute.batch == (0 if is_posted else None)


def test_withdrawals__add_up_by_orchestrator_and_index(told: Told) -> None:
    for by, index, amount in ((ME, 1, 5), (ME, 1, 6), (OTHER, 1, 7)):
        told.take("PayoutWithdrawn", orchestrator=by, index=index, receiver=OTHER, amount=amount)
    assert (told.record.withdrawn[ME, 1], told.record.withdrawn[OTHER, 1]) == (11, 7)


def test_unknown_event__of_a_batch__stands_among_its_events(told: Told) -> None:
    told.post(0)
    told.take("BatchPraised", orchestrator=ME, number=0)
    told.take("MoonRisen", height=3)
    assert [event.name for event in told.record.batches[ME, 0].events] == ["BatchPosted", "BatchPraised"]


def test_missing_event__is_the_nodes_fault(told: Told) -> None:
    with pytest.raises(Unavailable, match="left out batch 0"):
        told.post(1)
    with pytest.raises(Unavailable, match="left out batch 3"):
        told.prove("BatchVoided", 3)
    with pytest.raises(Unavailable, match="left out what DemandAnswered 9"):
        told.take("DemandAnswered", demandId=9, by=ME, answer="0x")
