"""A worker with nothing but a key, and an orchestrator that dies, stalls, lies and forges."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from batch_kit import Killed, hurry, kill_at, start, work_until

from edgebounty.protocol.batch.messages import Acceptance
from edgebounty.protocol.messages import is_signed
from edgebounty.worker.batch.agent import BatchAgent
from edgebounty.worker.batch.journal import BatchJournal, Identity, read_bundles
from edgebounty.worker.batch.values import Outcome
from edgebounty.worker.device import DeviceGuard
from edgebounty.worker.failpoint import Step
from edgebounty.worker.guards import Seen
from edgebounty.worker.journal import JournalError
from edgebounty.worker.status import Status, set_paused
from tests.e2e.lane_kit import JOB, PRICE, LaneServer, open_lane
from tests.orchestrator.devnet import run_here, small_job

pytestmark = pytest.mark.integration
PLANNED = small_job(seed=3)
TASKS = PLANNED.manifest.total_tasks
LOCAL = run_here(PLANNED)


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Iterator[LaneServer]:
    hurry(monkeypatch)
    with open_lane(PLANNED) as server:
        server.faults.wait_seconds = 0.01
        yield server


def assert_all_accepted(lane: LaneServer, agent: BatchAgent) -> None:
    """Every task once, with the result of a local run, and the orchestrator's word for all of them."""
    assert lane.books.accepted == dict(enumerate(LOCAL.outputs))
    assert agent.journal.totals() == {Outcome.ACCEPTED: TASKS}
    (bundle,) = agent.state.bundles
    (known,) = lane.books.bundles.values()
    assert (bundle.count, bundle.words) == (TASKS, tuple(receipt.word for receipt in known.receipts))
    assert bundle.commit_sets == tuple(known.beside)
    acceptance = Acceptance(
        orchestrator=lane.me,
        worker=agent.address,
        job=JOB,
        first_task=0,
        count=TASKS,
        receipts=bundle.receipts_root,
        commit_sets=bundle.sets_root,
    )
    assert is_signed(lane.domain, acceptance, bundle.acceptance)


def is_done(lane: LaneServer, agent: BatchAgent) -> bool:
    return len(lane.books.accepted) == TASKS and not agent.state.tasks


def test_job__a_key_alone__all_accepted_and_right(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    work_until(agent, lambda: agent._reporter.books is not None and agent._reporter.books.accepted == TASKS * PRICE)
    agent.close()
    status = Status.load(agent.settings.data_dir)
    assert (status.lane, status.accepted, status.state) == ("batch", str(TASKS * PRICE), "stopped")
    assert status.outcomes == {"accepted": TASKS}
    assert [reason["code"] for reason in status.reasons] == ["no_offer", "bounties_unchecked"]


STEPS = (
    *(Step.BATCH_WANTED, Step.BATCH_TAKEN, Step.RUN_DONE, Step.SEALED),
    *(Step.BATCH_COMMITTED, Step.BATCH_SHOWN, Step.BATCH_ACCEPTED),
)


def test_killed__at_each_step_of_two_tasks__nothing_lost_and_nothing_twice(
    lane: LaneServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses a second commitment that differs from the first, and so would show a salt that was lost."""
    for step in STEPS * 2:
        kill_at(monkeypatch, step)
        agent = start(lane, tmp_path)
        with pytest.raises(Killed):
            work_until(agent, lambda a=agent: is_done(lane, a))  # type: ignore[misc]
        agent.die()
    assert len(lane.books.accepted) == 2
    kill_at(monkeypatch, None)
    agent = start(lane, tmp_path)
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    assert agent.runs == list(range(2, TASKS))
    agent.close()


def test_answers_lost__each_call_once__asked_again_and_nothing_twice(lane: LaneServer, tmp_path: Path) -> None:
    """The orchestrator did what it was told, and the worker never heard of it."""
    agent = start(lane, tmp_path)
    for call in ("claims", "commitments", "results", "receipts"):
        lane.faults.deaf = frozenset({f"/v1/batch/{call}"})
        asked = sum(call in request for request in lane.books.requests)
        work_until(agent, lambda call=call, asked=asked: sum(call in r for r in lane.books.requests) > asked + 1)  # type: ignore[misc]
        assert any(reason.code == "orchestrator_unreachable" for reason in agent.reasons())
    lane.faults.deaf = frozenset()
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    agent.close()


@pytest.mark.parametrize("status", [200, 429, 500])
def test_orchestrator__fails_or_answers_nonsense__waited_for(lane: LaneServer, tmp_path: Path, status: int) -> None:
    agent = start(lane, tmp_path)
    work_until(agent, lambda: len(lane.books.commitments) > 0)
    lane.faults.status = status
    begun = agent.state.tasks
    work_until(agent, lambda: agent.state.failures >= 3)
    assert [task.result for task in agent.state.tasks] == [task.result for task in begun]
    assert agent.reasons()[0].code == "orchestrator_unreachable"
    lane.faults.status = 0
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    agent.close()


def test_ticket__over__joins_again(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    work_until(agent, lambda: len(lane.books.accepted) > 0)
    lane.books.tickets.clear()
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    agent.close()


def test_clock__of_the_chain_an_hour_ahead__its_time_counts(lane: LaneServer, tmp_path: Path) -> None:
    lane.faults.clock_ahead = 1800
    agent = start(lane, tmp_path)
    work_until(agent, lambda: is_done(lane, agent))
    assert_all_accepted(lane, agent)
    agent.close()
    codes = {reason["code"] for reason in Status.load(agent.settings.data_dir).reasons}
    assert "clock_wrong" in codes


@pytest.mark.parametrize("message", ["Assignment", "CommitSet", "Acceptance"])
def test_signature__forged__refused_with_evidence_and_nothing_more_is_given(
    lane: LaneServer, tmp_path: Path, message: str
) -> None:
    lane.faults.forges = frozenset({message})
    agent = start(lane, tmp_path)
    work_until(agent, lambda: agent.journal.totals().get(Outcome.REFUSED, 0) > 0)
    closed = agent.journal.closed_tasks()[0]
    assert f"{message} is not signed by {lane.me}" in closed.detail
    assert "signature" in json.loads(closed.evidence)
    assert agent.state.bundles == ()
    assert lane.books.commitments == {} if message == "Assignment" else lane.books.commitments
    assert lane.books.shown == {} if message != "Acceptance" else lane.books.shown
    assert any(reason.code == "orchestrator_refuses" for reason in agent.reasons())
    agent.close()


def test_commit_set__without_our_commitment__result_is_not_shown(lane: LaneServer, tmp_path: Path) -> None:
    lane.faults.strange_sets = True
    agent = start(lane, tmp_path)
    work_until(agent, lambda: agent.journal.totals().get(Outcome.REFUSED, 0) > 0)
    assert "does not hold this worker's commitment exactly once" in agent.journal.closed_tasks()[0].detail
    assert lane.books.shown == {}
    agent.close()


def test_outvoted__nothing_is_signed_and_the_evidence_is_kept_and_shown(lane: LaneServer, tmp_path: Path) -> None:
    lane.faults.other_quorum = True
    agent = start(lane, tmp_path)
    work_until(agent, lambda: agent.journal.totals().get(Outcome.OUTVOTED, 0) > 0)
    assert lane.books.bundles == {}
    agent.close()
    (last, *_) = Status.load(agent.settings.data_dir).last_closed
    assert last["outcome"] == "outvoted"
    assert "differs from the quorum's" in last["detail"]
    told = json.loads(last["evidence"])
    assert told["digest"] == "0x" + "00" * 32
    assert told["signature"].startswith("0x")


def test_content__with_wrong_bytes__refused_before_a_place_is_asked_for(lane: LaneServer, tmp_path: Path) -> None:
    lane.faults.corrupt = True
    agent = start(lane, tmp_path)
    work_until(agent, lambda: any(reason.code == "content_corrupt" for reason in agent.reasons()))
    assert lane.books.assigned == {}
    agent.close()


def test_withdrawal__from_the_owners_threshold_on__asked_for_once_and_to_the_payout_account(
    lane: LaneServer, tmp_path: Path
) -> None:
    payout = "0x" + "77" * 20
    agent = start(lane, tmp_path, withdraw_threshold=2 * PRICE, payout=payout)
    work_until(agent, lambda: is_done(lane, agent) and bool(lane.books.withdrawn))
    (asked,) = lane.books.withdrawn
    assert (asked.cumulative, asked.receiver, asked.account) == (2 * PRICE, payout, agent.address)
    agent.close()


def test_paused__nothing_new_is_begun(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    set_paused(agent.settings.data_dir, True)
    work_until(agent, lambda: len(lane.books.requests) > 4)
    assert lane.books.assigned == {}
    assert agent.reasons()[0].code == "paused"
    set_paused(agent.settings.data_dir, False)
    work_until(agent, lambda: is_done(lane, agent))
    agent.close()


def test_unplugged__nothing_is_begun_and_the_status_says_why__until_it_is_plugged_in(
    lane: LaneServer, tmp_path: Path
) -> None:
    agent = start(lane, tmp_path)
    charging = False
    agent.guard = DeviceGuard(
        agent.settings, lambda: Seen(now=60 * time.monotonic(), minute_of_day=0, charging=charging, battery=0.8)
    )
    work_until(agent, lambda: len(lane.books.requests) > 4)
    agent._save_status()
    status = Status.load(agent.settings.data_dir)
    assert lane.books.assigned == {}
    assert status.state == "resting"
    assert status.doing == status.reasons[0]["text"]
    assert "not on its charger" in status.doing
    charging = True
    work_until(agent, lambda: is_done(lane, agent))
    agent.close()


def test_price__below_the_owners_minimum__left_to_others(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path, min_slot_price=PRICE + 1)
    work_until(agent, lambda: any(reason.code == "price_low" for reason in agent.reasons()))
    assert lane.books.assigned == {}
    agent.close()


def test_folder__of_another_chain__refused_and_nothing_signed(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    agent.journal.belong_to(Identity(1, lane.domain.verifying_contract, lane.me, agent.address))
    with pytest.raises(JournalError, match="on chain id 1"):
        work_until(agent, lambda: len(lane.books.tickets) > 0)
    assert lane.books.tickets == {}
    agent.close()


def test_journal__lost__what_was_accepted_is_kept_by_the_orchestrators_word(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path / "first")
    work_until(agent, lambda: len(lane.books.accepted) == 2)
    agent.close()
    fresh = start(lane, tmp_path / "second")
    work_until(fresh, lambda: any(reason.code == "journal_lost" for reason in fresh.reasons()))
    (bundle,) = fresh.state.bundles
    assert (bundle.count, bundle.words) == (len(lane.books.accepted), ())
    assert bundle.acceptance == agent.state.bundles[0].acceptance
    fresh.close()
    identity, (read,) = read_bundles(fresh.settings.data_dir)
    assert read == bundle
    assert identity.worker == fresh.address


def test_books__with_a_forged_word__believed_in_nothing(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path / "first")
    work_until(agent, lambda: len(lane.books.accepted) == 2)
    agent.close()
    lane.faults.forges = frozenset({"Acceptance"})
    fresh = start(lane, tmp_path / "second", min_slot_price=PRICE + 1)
    work_until(fresh, lambda: sum("/workers/" in request for request in lane.books.requests) > 3)
    assert fresh.state.bundles == ()
    assert fresh._reporter.books is None
    fresh.close()


def test_journal__sealed_result__is_never_written_over(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    work_until(agent, lambda: any(task.result is not None for task in agent.state.tasks))
    task = next(task for task in agent.state.tasks if task.result is not None)
    assert task.result is not None
    other = replace(task, result=replace(task.result, salt=bytes(32)))
    step = agent_step(agent, other)
    with pytest.raises(JournalError, match="not another one"):
        agent.journal.save(agent.state, step)
    assert agent.journal.load().task(task.key) == replace(task, after=0.0, tries=0)
    agent.close()


def agent_step(agent: BatchAgent, changed: object) -> object:
    from edgebounty.worker.batch.machine import Step as Advanced

    tasks = tuple(changed if task.key == changed.key else task for task in agent.state.tasks)  # type: ignore[attr-defined]
    return Advanced(state=replace(agent.state, tasks=tasks))


def test_folder__in_use__refused(lane: LaneServer, tmp_path: Path) -> None:
    agent = start(lane, tmp_path)
    with pytest.raises(JournalError, match="already running"):
        BatchJournal(agent.settings.data_dir)
    agent.close()
