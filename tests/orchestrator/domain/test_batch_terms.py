"""A job of the escrow as the batch lane's desk takes it on, and the end of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import JobId
from orchestrator.domain.batch.terms import LaneJob, LaneRules, batch_terms
from orchestrator.domain.batch.values import BatchTerms, Stage
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.policy import VerificationPolicy
from orchestrator.domain.values import Job
from tests.orchestrator.builders import block
from tests.orchestrator.domain.batch_kit import JOB, START, Desk, Hand
from tests.orchestrator.domain.batch_kit import make_terms as make_batch_terms
from tests.orchestrator.model import ME, REQUESTER, address, make_terms

pytestmark = pytest.mark.unit
LANE = address(0xBA)
RULES = LaneRules(
    domain=Domain(chain_id=1, verifying_contract=LANE), grace=4000, most_receipts=1 << 20, waves=3, span=1000
)
DEADLINE = START + 10_000


def job(**changes: Any) -> Job:
    base = {"lane": LANE, "deadline": DEADLINE, "map_tasks": 7, "rounds": 2, "audit_slots": 1, "fee_bps": 333}
    terms = make_terms(**(base | {"slot_price_wei": 1001, "task_time": 100} | changes))
    return Job(id=JobId(5), requester=REQUESTER, terms=terms, posted=block(1))


TOLD = LaneJob(orchestrator=ME, deadline=DEADLINE, tasks=14, slots=4, price=1001, fee=33)


def test_terms__of_a_job__slots_are_all_and_the_fee_is_rounded_down() -> None:
    terms = batch_terms(job(), TOLD, RULES)
    assert (terms.tasks, terms.copies, terms.slots, terms.quorum) == (14, 3, 4, 2)
    assert (terms.price, terms.fee, terms.task_seconds) == (1001, 33, 100)  # 1001 x 333 / 10,000 = 33.3
    assert (terms.waves, terms.span) == (3, 1000)
    assert terms.policy is VerificationPolicy.STANDARD
    assert (terms.deadline, terms.closes) == (DEADLINE, DEADLINE + 3000)


@pytest.mark.parametrize(
    "lie",
    [{"deadline": DEADLINE + 1}, {"tasks": 15}, {"slots": 5}, {"price": 1002}, {"fee": 34}, {"orchestrator": LANE}],
)
def test_terms__node_contradicts_the_events__nothing_is_taken_on(lie: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="its events say"):
        batch_terms(job(), replace(TOLD, **lie), RULES)


def test_terms__long_tasks__none_is_given_out_that_could_not_be_handed_in_before_the_batches_end() -> None:
    terms = batch_terms(job(task_time=1500), TOLD, RULES)
    assert terms.deadline == terms.closes - 6000 == DEADLINE - 3000


def test_terms__many_slots__a_batch_holds_no_more_receipts_than_the_lane_takes() -> None:
    terms = batch_terms(job(), TOLD, replace(RULES, most_receipts=10))
    assert terms.span * terms.slots <= 10 < (terms.span + 1) * terms.slots


def test_terms__known_job_and_other_settings__it_keeps_its_waves_and_span() -> None:
    known = batch_terms(job(), TOLD, RULES)
    assert batch_terms(job(), TOLD, replace(RULES, waves=9, span=2), known) == known


def test_stopped__times_come_nearer_and_never_go_back() -> None:
    desk = Desk(make_batch_terms(closes=START + 2000))
    desk.book.end_job(JOB, START + 10, START + 500)
    desk.book.end_job(JOB, START + 20, START + 600)
    assert (desk.book.terms[JOB].deadline, desk.book.terms[JOB].closes) == (START + 10, START + 500)
    desk.now = START + 9
    desk.claim(Hand("a"), 0)
    desk.now = START + 10
    with pytest.raises(Rejected, match="gives out no more tasks"):
        desk.claim(Hand("b"), 0)


def agreed(terms: BatchTerms) -> tuple[Desk, list[Hand]]:
    desk, people = Desk(terms), [Hand(name) for name in "abc"]
    for hand in people:
        desk.claim(hand, 0)
    for hand in people:
        desk.commit(hand, 0)
    for hand in people:
        desk.show(hand, 0)
    return desk, people


@pytest.mark.parametrize(("late", "refused"), [(-1, False), (0, True), (1, True)])
def test_closes__receipt_edge__accepted_is_only_what_can_be_posted(late: int, refused: bool) -> None:
    closes = START + 30  # before the task's own time is over
    desk, people = agreed(make_batch_terms(tasks=1, closes=closes))
    desk.now = closes + late
    assert desk.book.is_ready(JOB, 0, desk.now) is refused
    if refused:
        with pytest.raises(Rejected, match=f"ended at {closes}"):
            desk.sign(people[0], 0)
    else:
        assert desk.sign(people[0], 0).bundle is not None


def test_closes__open_and_closed_tasks_are_given_up() -> None:
    desk = Desk(make_batch_terms(tasks=2, closes=START + 30, deadline=START + 20))
    for hand in (people := [Hand(name) for name in "abc"]):
        desk.claim(hand, 0)
        desk.claim(hand, 1)
    for hand in people:
        desk.commit(hand, 1)
    assert [desk.book.task(JOB, i).stage for i in (0, 1)] == [Stage.OPEN, Stage.CLOSED]
    desk.pass_time(30)
    assert [desk.book.task(JOB, i).stage for i in (0, 1)] == [Stage.GIVEN_UP] * 2
    assert desk.book.is_ready(JOB, 0, desk.now)
