"""The table: what may follow what, and that everything else is refused."""

from __future__ import annotations

import pytest

from edgebounty.protocol.types import JobId, TaskIndex
from orchestrator.domain import facts as f
from orchestrator.domain.codec import decode, encode
from orchestrator.domain.decide import decide
from orchestrator.domain.effects import LoadManifest, Recompute, Settle
from orchestrator.domain.errors import Rejected
from orchestrator.domain.market import Market
from orchestrator.domain.values import ClaimStatus, JobStatus, Task, TaskStatus
from tests.orchestrator.builders import ANN, BOB, EVE, FIRST, Teller, block
from tests.orchestrator.model import POLICY, REQUESTER, address, digest, make_terms

pytestmark = pytest.mark.unit


def task_of(teller: Teller) -> Task:
    return teller.market.tasks[FIRST]


def test_posted__new_job__content_is_ordered() -> None:
    teller = Teller()
    decision = teller.tell(f.JobPosted, job_id=JobId(2), requester=REQUESTER, terms=teller.terms)
    assert decision.effects == (LoadManifest(job_id=JobId(2), digest=teller.terms.manifest_digest),)


def test_posted__same_job_twice__refused() -> None:
    teller = Teller()
    with pytest.raises(Rejected, match="job 1 exists"):
        teller.tell(f.JobPosted, job_id=JobId(1), requester=REQUESTER, terms=teller.terms)


def test_stage__opened_twice_or_in_the_middle__refused() -> None:
    teller = Teller(map_tasks=2, reduce_tasks=1)
    for first in (0, 1, 3):
        with pytest.raises(Rejected):
            teller.tell(f.StageOpened, job_id=JobId(1), first_task=TaskIndex(first), draw_epoch=2)
    teller.tell(f.StageOpened, job_id=JobId(1), first_task=TaskIndex(2), draw_epoch=2)


def test_task__fact_before_its_stage__refused() -> None:
    teller = Teller(map_tasks=2, reduce_tasks=1)
    with pytest.raises(Rejected, match="1/2 is not known or its stage is not open"):
        teller.tell(f.TaskClaimed, task_index=TaskIndex(2), worker=ANN, commit_deadline=1)


def test_reveal__last_of_the_wave__settle_is_ordered() -> None:
    teller = Teller()
    teller.claim(ANN, BOB)
    teller.commit(ANN, BOB)
    teller.open_reveals()
    assert teller.reveal(ANN).effects == ()
    assert teller.reveal(BOB).effects == (Settle(task=FIRST, wave=0),)


def test_reveal__job_of_another_orchestrator__nothing_ordered() -> None:
    teller = Teller(orchestrator=address(0xBAD), quorum=1)
    teller.claim(ANN)
    teller.commit(ANN)
    teller.open_reveals()
    assert teller.reveal(ANN).effects == ()


def test_settled__winners_paid_liar_and_silent_slashed_with_reasons() -> None:
    teller = Teller(quorum=2, work_slots=4)
    people = (ANN, BOB, EVE, address(4))
    teller.claim(ANN, EVE)
    teller.commit(ANN, EVE)
    teller.open_reveals()
    teller.reveal(ANN)
    teller.reveal(EVE, "lie")
    teller.tell(f.TaskReopened, slots=4, draw_epoch=3, reopens=0)
    teller.claim(BOB, people[3])
    teller.commit(BOB, people[3])
    teller.open_reveals()
    teller.reveal(BOB)
    decision = teller.tell(f.TaskSettled, digest=digest("right"), winners=2)

    assert decision.effects == (Recompute(task=FIRST, digest=digest("right")),)
    workers = teller.market.workers
    assert [workers[who].earned_wei for who in people] == [1000, 1000, 0, 0]
    assert [workers[who].slashed_wei for who in people] == [0, 0, 5000, 5000]
    assert workers[EVE].reasons[0].kind == "wrong result"
    assert workers[EVE].reasons[0].revealed == digest("lie")
    assert workers[people[3]].reasons[0].kind == "no reveal"


def test_settled__digest_that_too_few_revealed__refused() -> None:
    teller = Teller()
    teller.claim(ANN, BOB)
    teller.commit(ANN, BOB)
    teller.open_reveals()
    teller.reveal(ANN)
    with pytest.raises(Rejected, match="1 workers revealed"):
        teller.tell(f.TaskSettled, digest=digest("right"), winners=2)


def test_refunded__while_filling__committed_of_this_wave_released() -> None:
    teller = Teller()
    teller.claim(ANN)
    teller.commit(ANN)
    teller.tell(f.TaskRefunded)
    (claim,) = task_of(teller).claims
    assert claim.status is ClaimStatus.RELEASED
    assert teller.market.workers[ANN].slashed_wei == 0


def test_refunded__silent_in_an_earlier_wave__slashed() -> None:
    teller = Teller(work_slots=4)
    teller.claim(ANN, EVE)
    teller.commit(ANN, EVE)
    teller.open_reveals()
    teller.reveal(ANN)
    teller.tell(f.TaskReopened, slots=3, draw_epoch=3, reopens=0)
    teller.tell(f.TaskRefunded)
    assert [claim.status for claim in task_of(teller).claims] == [ClaimStatus.RELEASED, ClaimStatus.SLASHED_SILENT]


def test_finished__all_tasks_have_an_outcome__job_finished() -> None:
    teller = Teller(map_tasks=1, quorum=1)
    teller.claim(ANN)
    teller.commit(ANN)
    teller.open_reveals()
    teller.reveal(ANN)
    teller.tell(f.TaskSettled, digest=digest("right"), winners=1)
    assert teller.market.jobs[JobId(1)].status is JobStatus.FINISHED


STATES = {
    TaskStatus.FILLING: {f.TaskClaimed, f.TaskReopened, f.TaskRefunded},
    TaskStatus.REVEALING: {f.ResultRevealed, f.TaskReopened, f.TaskRefunded, f.TaskSettled},
    TaskStatus.SETTLED: set(),
    TaskStatus.REFUNDED: set(),
}
FACTS = {
    f.TaskClaimed: {"worker": EVE, "commit_deadline": 1},
    f.ResultCommitted: {"worker": EVE, "commitment": b"\1" * 32},
    f.RevealsOpened: {"reveal_deadline": 1},
    f.ResultRevealed: {"worker": BOB, "digest": digest("right")},
    f.TaskSettled: {"digest": digest("right"), "winners": 1},
    f.TaskReopened: {"slots": 3, "draw_epoch": 9, "reopens": 1},
    f.TaskRefunded: {},
    f.ClaimExpired: {"worker": EVE, "fee_wei": 1},
}


@pytest.mark.parametrize("status", list(STATES))
@pytest.mark.parametrize("kind", list(FACTS))
def test_table__every_status_and_fact__only_the_listed_pass(status: TaskStatus, kind: type[f.TaskFact]) -> None:
    teller = Teller(quorum=2, work_slots=4)
    teller.claim(ANN)
    if status is not TaskStatus.FILLING:
        teller.claim(BOB)
        teller.commit(ANN, BOB)
        teller.open_reveals()
        teller.reveal(ANN)
    if status is TaskStatus.SETTLED:
        teller.reveal(BOB)
        teller.tell(f.TaskSettled, digest=digest("right"), winners=2)
    if status is TaskStatus.REFUNDED:
        teller.tell(f.TaskRefunded)
    fields = dict(FACTS[kind])
    if kind is f.TaskSettled and status is TaskStatus.REVEALING:
        teller.reveal(BOB)
        fields["winners"] = 2
    if kind in STATES[status]:
        teller.tell(kind, **fields)
        return
    before = teller.market.state_digest
    with pytest.raises(Rejected):
        teller.tell(kind, **fields)
    assert teller.market.state_digest == before


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (f.TaskClaimed, {"worker": ANN, "commit_deadline": 1}, "task 1/0 is filling"),
        (f.ResultCommitted, {"worker": BOB, "commitment": b"\1" * 32}, "has not claimed"),
        (f.ClaimExpired, {"worker": BOB, "fee_wei": 1}, "has not claimed"),
        (f.RevealsOpened, {"reveal_deadline": 1}, "task 1/0 is filling"),
    ],
)
def test_table__right_status_wrong_worker__refused(kind: type[f.TaskFact], fields: dict, words: str) -> None:  # type: ignore[type-arg]
    teller = Teller()
    teller.claim(ANN)
    with pytest.raises(Rejected, match=words):
        teller.tell(kind, **fields)


def test_block__earlier_than_the_last__refused() -> None:
    market = Market(policy=POLICY, block=block(5))
    with pytest.raises(Rejected, match="was told before"):
        decide(market, f.BlockAdvanced(block=block(4)))


def test_fork__facts_told_to_it__origin_untouched() -> None:
    teller = Teller()
    before = teller.market.state_digest
    origin, teller.market = teller.market, teller.market.fork()
    teller.claim(ANN)
    assert origin.state_digest == before != teller.market.state_digest
    assert not origin.tasks[FIRST].claims
    assert [task.id for task in origin.open_tasks()] == [task.id for task in teller.market.open_tasks()]


def test_codec__every_entity__comes_back_equal() -> None:
    teller = Teller()
    teller.claim(ANN, EVE)
    teller.commit(ANN, EVE)
    teller.open_reveals()
    teller.reveal(ANN)
    teller.reveal(EVE, "lie")
    market = teller.market
    for entity in (*market.jobs.values(), *market.tasks.values(), *market.workers.values(), make_terms()):
        assert decode(type(entity), encode(entity)) == entity
