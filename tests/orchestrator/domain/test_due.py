"""What block time makes due, one second before, at, and after each deadline (I12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.domain import facts as f
from orchestrator.domain.effects import ExpireClaim, ExpireTask, RecordSeed, Refund, Reopen, Settle, Unpin
from orchestrator.domain.wanted import still_wanted
from tests.orchestrator.builders import ANN, BOB, FIRST, START, Teller
from tests.orchestrator.model import DRAW_TIME, EPOCH_BLOCKS, POLICY, address, digest

pytestmark = pytest.mark.unit
LATE = START + 200  # the job's deadline in make_terms
DRAWN = 2 * EPOCH_BLOCKS  # the first block after the epoch of the first draw


def kinds(teller: Teller, time: int, **options: int) -> list[type]:
    return [type(effect) for effect in teller.pass_time(time, **options).effects]


@pytest.mark.parametrize(("second", "due"), [(-1, False), (0, True), (1, True)])
def test_commit_deadline__edge__expire_from_it_on(second: int, due: bool) -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=START + 15)
    assert (ExpireClaim in kinds(teller, START + 15 + second)) is due


@pytest.mark.parametrize(("second", "due"), [(-1, False), (0, True), (1, True)])
def test_reveal_deadline__edge__settle_from_it_on(second: int, due: bool) -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, BOB)
    teller.commit(ANN, BOB)
    teller.open_reveals(until=START + 30)
    teller.reveal(ANN)
    assert (Settle in kinds(teller, START + 30 + second)) is due


@pytest.mark.parametrize(("second", "due"), [(-1, False), (0, True), (1, True)])
def test_unfilled_wave__edge__reopen_from_it_on(second: int, due: bool) -> None:
    teller = Teller(map_tasks=1)
    opened = START + 2
    assert (Reopen in kinds(teller, opened + DRAW_TIME + 10 + second, number=DRAWN)) is due


def test_unfilled_wave__epoch_of_its_draw_not_over__not_widened() -> None:
    teller = Teller(map_tasks=1)
    assert Reopen not in kinds(teller, START + 150, number=DRAWN - 1)
    assert Reopen in kinds(teller, START + 151, number=DRAWN)


def test_unfilled_wave__somebody_has_yet_to_commit__not_widened_before() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=START + 100)
    assert kinds(teller, START + 99) == [RecordSeed]
    assert Reopen not in kinds(teller, START + 99, number=DRAWN)
    teller.commit(ANN)
    assert Reopen in kinds(teller, START + 99, number=DRAWN + 1)


def test_unfilled_wave__early_claim_and_commit__its_time_to_fill_stays() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=START + 4)
    teller.commit(ANN)
    opened = START + 2
    assert Reopen not in kinds(teller, opened + DRAW_TIME + 9, number=DRAWN)
    assert Reopen in kinds(teller, opened + DRAW_TIME + 10, number=DRAWN + 1)


@pytest.mark.parametrize(("second", "due"), [(-1, False), (0, True), (1, True)])
def test_unfilled_wave__seed_came_late__not_widened_before_its_ramp_is_over(second: int, due: bool) -> None:
    teller = Teller(map_tasks=1)
    teller.market.policy = replace(POLICY, ramp_time=30)
    teller.tell(f.SeedRecorded, epoch=1, seed=digest("seed"), time=START + 90)
    assert (Reopen in kinds(teller, START + 120 + second, number=DRAWN)) is due


def test_unfilled_wave__claim_left__slot_free_and_the_task_goes_on() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=START + 20)
    teller.commit(ANN)
    teller.tell(f.ClaimLeft, worker=ANN, time=START + 30)
    task = teller.market.tasks[FIRST]
    assert (task.free_slots, task.wave_slots, task.is_full) == (2, 2, False)
    assert Reopen in kinds(teller, START + 31, number=DRAWN)
    assert ExpireTask in kinds(teller, LATE)


@pytest.mark.parametrize(("second", "due"), [(-1, False), (0, True), (1, True)])
def test_further_wave__edge_of_its_grace__expire_from_it_on(second: int, due: bool) -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, BOB)
    teller.commit(ANN, BOB)
    teller.open_reveals()
    teller.tell(f.ResultRevealed, worker=ANN, digest=digest("a"))
    teller.tell(f.ResultRevealed, worker=BOB, digest=digest("b"))
    teller.tell(f.TaskReopened, slots=3, draw_epoch=2, reopens=0, time=LATE - 1)
    grace = DRAW_TIME + 4 * teller.terms.task_time
    assert ExpireTask not in kinds(teller, LATE)
    assert (ExpireTask in kinds(teller, LATE + grace + second)) is due


def test_commit_deadline__second_claim__moves_it_for_both() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=START + 15)
    teller.claim(BOB, until=START + 20)
    assert ExpireClaim not in kinds(teller, START + 19)
    assert kinds(teller, START + 20) == [ExpireClaim, ExpireClaim]


def test_unfilled_wave__reopened_too_often__left_alone() -> None:
    teller = Teller(map_tasks=1)
    teller.tell(f.TaskReopened, slots=2, draw_epoch=2, reopens=POLICY.max_reopens)
    assert Reopen not in kinds(teller, START + 150)


@pytest.mark.parametrize(("second", "kind"), [(-1, Reopen), (0, ExpireTask), (1, ExpireTask)])
def test_job_deadline__edge__reopen_before_expire_from_it_on(second: int, kind: type) -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=LATE - 50)
    teller.commit(ANN)
    found = kinds(teller, LATE + second, number=DRAWN)
    assert [each for each in found if each in (Reopen, ExpireTask)] == [kind]


def test_job_deadline__claim_still_waits_for_its_commit__not_expired_before() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=LATE + 5)
    assert kinds(teller, LATE + 4) == []
    assert kinds(teller, LATE + 5) == [ExpireClaim]


def test_seed__epoch_began_and_slots_free__recorded_once_known_no_more() -> None:
    teller = Teller(map_tasks=1)
    assert RecordSeed not in kinds(teller, START + 3, number=EPOCH_BLOCKS - 1)
    assert RecordSeed in kinds(teller, START + 4, number=EPOCH_BLOCKS)
    teller.tell(f.SeedRecorded, epoch=1, seed=digest("seed"))
    assert RecordSeed not in kinds(teller, START + 6)


def test_refund__job_over_and_nobody_at_work__ordered() -> None:
    teller = Teller(map_tasks=1)
    assert Refund not in kinds(teller, LATE - 1)
    assert Refund in kinds(teller, LATE)


def test_refund__stopped_while_a_task_is_active__waits_for_it() -> None:
    teller = Teller(map_tasks=1)
    teller.claim(ANN, until=LATE)
    teller.tell(f.JobStopped, job_id=1)
    assert Refund not in kinds(teller, START + 10)


def test_unpin__kept_for_a_while_after_the_deadline() -> None:
    teller = Teller()
    assert Unpin not in kinds(teller, LATE + POLICY.keep_seconds - 1)
    assert Unpin in kinds(teller, LATE + POLICY.keep_seconds)
    assert not list(teller.market.open_jobs())


BATCH_LANE = address(0xBA)
BATCHES = replace(POLICY, batch_lane=BATCH_LANE, batch_grace=500)


@pytest.mark.parametrize("stopped", [False, True])
def test_batch_lane__refund_and_unpin__only_after_the_grace(stopped: bool) -> None:
    teller = Teller(lane=BATCH_LANE)
    teller.market.policy = BATCHES
    if stopped:
        teller.tell(f.JobStopped, job_id=1)
    end = LATE + BATCHES.batch_grace
    assert kinds(teller, end - 1) == []
    assert kinds(teller, end) == [Refund]
    assert Unpin not in kinds(teller, end + BATCHES.keep_seconds - 1)
    assert Unpin in kinds(teller, end + BATCHES.keep_seconds)
    assert not list(teller.market.open_jobs())


def test_batch_lane__of_another_orchestrator__nothing_is_ever_ordered() -> None:
    teller = Teller(lane=BATCH_LANE, orchestrator=address(0xF0))
    teller.market.policy = BATCHES
    for time in (LATE, LATE + 500, LATE + 500 + BATCHES.keep_seconds):
        assert kinds(teller, time) == []


def test_foreign_job__nothing_is_ever_ordered() -> None:
    teller = Teller(orchestrator=address(0xF0))
    teller.claim(ANN, until=START + 5)
    for time in (START + 10, LATE, LATE + POLICY.keep_seconds):
        assert kinds(teller, time) == []


def test_wanted__settled_by_somebody_else__order_is_moot() -> None:
    teller = Teller(map_tasks=1, quorum=1)
    teller.claim(ANN)
    teller.commit(ANN)
    teller.open_reveals()
    teller.reveal(ANN)
    order = Settle(task=FIRST, wave=0)
    assert still_wanted(teller.market, order)
    teller.tell(f.TaskSettled, digest=digest("right"), winners=1)
    assert not still_wanted(teller.market, order)
