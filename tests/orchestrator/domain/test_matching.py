"""Who is offered what, and the reason when it is nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from edgebounty.protocol.types import JobId, TaskIndex
from orchestrator.domain import facts as f
from orchestrator.domain.matching import Capabilities, Offers, Stake, make_board, match
from orchestrator.domain.values import TaskId
from tests.orchestrator.builders import ANN, BOB, EVE, FIRST, START, Teller
from tests.orchestrator.model import POLICY, REQUESTER, address, digest, make_terms

pytestmark = pytest.mark.unit
RICH = {1: Stake(mine=10, total=10)}


def ready(**terms: Any) -> Teller:
    teller = Teller(**terms)
    teller.load(map_tasks=teller.terms.map_tasks, shard_cids=tuple(f"shard-{i}" for i in range(teller.terms.map_tasks)))
    teller.tell(f.SeedRecorded, epoch=1, seed=digest("seed"))
    teller.pass_time(START + 10)
    return teller


def ask(teller: Teller, worker: Any = ANN, able: Capabilities | None = None, **options: Any) -> Offers:
    stakes = options.pop("stakes", RICH)
    return match(make_board(teller.market), worker, able or Capabilities(), stakes, options.pop("reserved", Counter()))


def test_match__open_task__offered() -> None:
    assert FIRST in [task.id for task in ask(ready()).tasks]


def test_match__holds_a_shard__that_task_first() -> None:
    teller = ready(map_tasks=50)
    held = Capabilities(held=frozenset({"shard-37"}))
    assert ask(teller, able=held).tasks[0].id.index == 37


def test_match__two_workers__begin_with_different_tasks() -> None:
    teller = ready(map_tasks=50)
    firsts = {ask(teller, worker).tasks[0].id.index for worker in (ANN, BOB, EVE, address(9))}
    assert len(firsts) >= 3  # of 50, by chance


def test_match__better_paid_job__first() -> None:
    teller = ready(map_tasks=2)
    dear = make_terms(map_tasks=2, slot_price_wei=9000)
    teller.tell(f.JobPosted, job_id=JobId(2), requester=REQUESTER, terms=dear)
    teller.tell(f.StageOpened, job_id=JobId(2), first_task=TaskIndex(0), draw_epoch=1)
    assert ask(teller).tasks[0].id.job_id == 2


def test_match__slots_offered_to_others__next_task_or_said() -> None:
    teller = ready(map_tasks=1)
    assert ask(teller, reserved=Counter({FIRST: 1})).tasks
    said = ask(teller, reserved=Counter({FIRST: 2}))
    assert (said.tasks, said.reason) == ((), "1 open tasks are offered to other workers just now")


def test_match__claimed_before__never_again() -> None:
    teller = ready(map_tasks=1)
    teller.claim(ANN)
    assert "want others" in ask(teller).reason


@pytest.mark.parametrize(
    ("able", "words"),
    [
        (Capabilities(memory_bytes=1), "no open task fits this device: the smallest needs 1048576"),
        (Capabilities(simd=False), "no open task fits this device"),
        (Capabilities(least_price_wei=10**9), "no open task pays enough: the best pays 1000"),
    ],
)
def test_match__not_able__said(able: Capabilities, words: str) -> None:
    assert words in ask(ready(), able=able).reason


def test_wave_slots__a_missing_replica__only_the_present_wave_counts() -> None:
    teller = ready(map_tasks=1)
    assert teller.market.tasks[FIRST].wave_slots == 2
    teller.claim(ANN, BOB)
    teller.tell(f.ClaimExpired, worker=BOB, fee_wei=1)
    teller.claim(EVE)
    assert teller.market.tasks[FIRST].wave_slots == 2
    teller.commit(ANN, EVE)
    teller.open_reveals()
    teller.tell(f.ResultRevealed, worker=ANN, digest=digest("a"))
    teller.tell(f.ResultRevealed, worker=EVE, digest=digest("b"))
    teller.tell(f.TaskReopened, slots=3, draw_epoch=2, reopens=0)
    assert (teller.market.tasks[FIRST].slots, teller.market.tasks[FIRST].wave_slots) == (3, 1)
    teller.claim(address(9))
    assert teller.market.tasks[FIRST].wave_slots == 1


def test_match__a_claim_is_late__not_offered_until_it_has_expired() -> None:
    teller = ready(map_tasks=1)
    teller.claim(ANN, until=START + 50)
    teller.pass_time(START + 49)
    assert ask(teller, BOB).tasks
    teller.pass_time(START + 50)
    assert not ask(teller, BOB).tasks
    teller.tell(f.ClaimExpired, worker=ANN, fee_wei=1, time=START + 51)
    assert ask(teller, BOB).tasks


def test_match__no_stake__told_to_add_some() -> None:
    assert "add stake" in ask(ready(), stakes={1: Stake(mine=0, total=10)}).reason


def test_match__small_stake__some_drawn_and_the_rest_counted() -> None:
    teller = ready(map_tasks=200)
    offers = match(make_board(teller.market), ANN, Capabilities(), {1: Stake(mine=1, total=200)}, {}, limit=1000)
    assert 5 < len(offers.tasks) < 40  # 16 of 200 are expected once the ramp is over
    nothing = match(make_board(teller.market), ANN, Capabilities(), {1: Stake(mine=1, total=10**9)}, {})
    assert "not drawn for 200 open tasks" in nothing.reason


def test_match__drawn_later__told_when() -> None:
    teller = ready(map_tasks=40)
    policy = replace(POLICY, ramp_time=180)
    stakes = {1: Stake(mine=1, total=40)}
    board = replace(make_board(teller.market), policy=policy)
    seeded = board.seeds[1].recorded_at
    early = match(replace(board, now=seeded + 60), ANN, Capabilities(), stakes, {}, limit=1000)
    later = match(replace(board, now=seeded + 180), ANN, Capabilities(), stakes, {}, limit=1000)
    assert {task.id for task in early.tasks} < {task.id for task in later.tasks}
    in_the_seeds_block = match(replace(board, now=seeded), ANN, Capabilities(), stakes, {})
    assert "let this worker claim later, the first in" in in_the_seeds_block.reason


def test_board__seed_unknown__said() -> None:
    teller = Teller()
    teller.load()
    assert "wait for their draw: the seed of epoch 1" in ask(teller).reason


def test_board__content_missing__said() -> None:
    teller = Teller()
    fact = f.ManifestAwaited(digest=teller.terms.manifest_digest, reason="waiting for content X, from the requester Y")
    teller.market.apply(__import__("orchestrator.domain.decide", fromlist=["decide"]).decide(teller.market, fact))
    assert ask(teller).reason == "job 1: waiting for content X, from the requester Y"


def test_board__manifest_of_other_counts__said() -> None:
    teller = Teller()
    teller.load(rounds=7)
    teller.tell(f.SeedRecorded, epoch=1, seed=digest("seed"))
    assert "its manifest 2+0 in 7" in ask(teller).reason


def test_board__only_foreign_jobs__said() -> None:
    teller = Teller(orchestrator=address(0xF0))
    assert "1 open jobs belong to other orchestrators" in ask(teller).reason


def test_board__past_the_deadline__not_offered() -> None:
    teller = ready()
    teller.pass_time(teller.terms.deadline)
    assert ask(teller).reason == "no open task: every posted job is done, or all its slots are taken"


def test_match__ten_thousand_tasks__fast_and_best_first() -> None:
    teller = ready(map_tasks=10_000)
    board = make_board(teller.market)
    offers = match(board, ANN, Capabilities(held=frozenset({"shard-9999"})), RICH, {})
    assert offers.tasks[0].id == TaskId(job_id=JobId(1), index=TaskIndex(9999))
