"""What a worker of the batch lane does next: the rules alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.protocol.types import Digest, JobId
from edgebounty.worker.batch import facts as f
from edgebounty.worker.batch.machine import LONGEST_WAIT, MAX_TRIES, Do, advance, next_look, next_order
from edgebounty.worker.batch.values import Bundle, Look, Outcome, Result, Stage, State, Task

NOW = 1_800_000_000.0
KEY = (JobId(1), 7)
OURS, OTHER = Digest(b"o" * 32), Digest(b"x" * 32)
SET, OTHER_SET = b"s" * 32, b"t" * 32
RESULT = Result(digest=OURS, salt=b"1" * 32, output_cid="bafk", work_units=5, seconds=0.1)
WANTED = Task(job=KEY[0], index=KEY[1], first_task=0, price=10, manifest="bafk", inputs={})
BUNDLE = Bundle(job=KEY[0], first_task=0, count=1, receipts_root=b"r" * 32, sets_root=b"s" * 32, acceptance=b"a" * 65)


def looked(stage: str, **changes: object) -> f.Looked:
    values = {"commit_set": None if stage == "open" else SET, "digest": OURS if stage == "agreed" else None}
    look = Look(stage=stage, until=int(NOW) + 60, wait_seconds=5, evidence="signed", **{**values, **changes})  # type: ignore[arg-type]
    return f.Looked(key=KEY, now=NOW, look=look)


LIFE: tuple[tuple[f.Fact, Do], ...] = (
    (f.Wanted(task=WANTED), Do.TAKE),
    (f.Assigned(key=KEY, slot=2, until=int(NOW) + 60), Do.RUN),
    (f.Computed(key=KEY, result=RESULT), Do.COMMIT),
    (f.Committed(key=KEY), Do.ASK),
    (looked("closed"), Do.SHOW),
    (f.Shown(key=KEY), Do.ASK),
    (looked("agreed"), Do.HAND_IN),
)


def after(*facts: f.Fact, state: State = State()) -> State:  # noqa: B008 - frozen
    for fact in facts:
        state = advance(state, fact).state
    return state


def upto(stage: Stage) -> State:
    return after(*(fact for fact, _ in LIFE[: list(Stage).index(stage) + 1]))


def what(state: State, now: float = NOW, *, run: bool = True, find: bool = True) -> Do | None:
    order = next_order(state, now, may_run=run, may_find=find)
    return None if order is None else order.do


@pytest.mark.unit
def test_life__one_order_after_the_other__accepted_and_kept() -> None:
    state = State()
    assert what(state) is Do.FIND
    for fact, order in LIFE:
        state = after(fact, state=state)
        assert what(state) is order
    step = advance(state, f.Accepted(key=KEY, bundle=BUNDLE))
    assert (step.state.tasks, step.state.bundles) == ((), (BUNDLE,))
    assert step.closed is not None
    assert step.closed.outcome is Outcome.ACCEPTED


@pytest.mark.unit
@pytest.mark.parametrize("stage", list(Stage))
def test_facts__repeated_or_late__change_nothing_that_was_fixed(stage: Stage) -> None:
    """A result that is kept stays: whatever comes later, no other digest and salt are committed to."""
    state = upto(stage)
    other = replace(RESULT, digest=OTHER, salt=b"2" * 32)
    again = after(f.Wanted(task=WANTED), f.Computed(key=KEY, result=other), state=state)
    kept, task = state.task(KEY), again.task(KEY)
    assert kept is not None
    assert task is not None
    if kept.result is not None:
        assert task.result == RESULT


@pytest.mark.unit
def test_quorum__has_another_result__outvoted_with_evidence_and_nothing_signed() -> None:
    step = advance(upto(Stage.SHOWN), looked("agreed", digest=OTHER))
    assert step.closed is not None
    assert (step.closed.outcome, step.closed.evidence) == (Outcome.OUTVOTED, "signed")
    assert step.state.tasks == ()


@pytest.mark.unit
def test_commit_set__closed_twice_differently__refused() -> None:
    for stage in (Stage.CLOSED, Stage.SHOWN, Stage.AGREED):
        step = advance(upto(stage), looked("agreed", commit_set=OTHER_SET))
        assert step.closed is not None
        assert step.closed.outcome is Outcome.REFUSED


@pytest.mark.unit
@pytest.mark.parametrize("stage", [Stage.COMMITTED, Stage.CLOSED, Stage.SHOWN, Stage.AGREED])
def test_given_up__in_any_stage_after_the_commitment__forgotten(stage: Stage) -> None:
    step = advance(upto(stage), looked("given_up"))
    assert step.closed is not None
    assert step.closed.outcome is Outcome.GIVEN_UP


@pytest.mark.unit
def test_time__over_before_the_run__expires_but_not_what_has_a_result() -> None:
    assert what(upto(Stage.ASSIGNED), NOW + 61) is Do.EXPIRE
    for stage, order in ((Stage.COMPUTED, Do.COMMIT), (Stage.COMMITTED, Do.ASK), (Stage.AGREED, Do.HAND_IN)):
        assert what(upto(stage), NOW + 61) is order  # a step may be done there, and only its answer be lost


@pytest.mark.unit
def test_agreed__goes_before_all_else_even_after_a_failure() -> None:
    """Each receipt signs all before it: one whose answer may be lost is handed in again before any other."""
    other = replace(WANTED, index=8, stage=Stage.SHOWN, result=RESULT, commit_set=SET)
    state = replace(upto(Stage.AGREED), tasks=(other, *upto(Stage.AGREED).tasks))
    failed = after(f.Unavailable(now=NOW), state=state)
    assert what(failed, NOW + 1) is None
    assert what(failed, NOW + 2) is Do.HAND_IN


@pytest.mark.unit
def test_run__fails__tried_again_then_given_up() -> None:
    state, now = upto(Stage.ASSIGNED), NOW
    for _ in range(MAX_TRIES - 1):
        state = after(f.CouldNotRun(key=KEY, now=now, why="out of memory"), state=state)
        assert what(state, now) is None
        now += 10
        assert what(state, now) is Do.RUN
    step = advance(state, f.CouldNotRun(key=KEY, now=now, why="out of memory"))
    assert step.closed is not None
    assert (step.closed.outcome, step.closed.detail) == (Outcome.FAILED, "out of memory")


@pytest.mark.unit
def test_orchestrator__away__waits_longer_each_time_and_never_longer_than_the_longest() -> None:
    state, waits = upto(Stage.COMPUTED), []
    for _ in range(8):
        state = after(f.Unavailable(now=NOW), state=replace(state, tasks=upto(Stage.COMPUTED).tasks))
        waits.append(state.tasks[0].after - NOW)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert after(f.Committed(key=KEY), state=state).failures == 0
    assert after(f.Unavailable(now=NOW, wait_seconds=7), state=state).find_after == NOW + 7


@pytest.mark.unit
def test_clock__put_back_by_an_hour__no_wait_is_kept_for_that_long() -> None:
    state = after(f.Unavailable(now=NOW + 3600), state=upto(Stage.COMPUTED))
    assert what(state, NOW) is Do.COMMIT


@pytest.mark.unit
def test_guards__paused_or_leaving__nothing_begun_but_what_was_begun_ends() -> None:
    assert what(upto(Stage.ASSIGNED), run=False) is None
    assert what(upto(Stage.COMPUTED), run=False) is Do.COMMIT
    assert what(State(), find=False) is None
    assert what(upto(Stage.ASSIGNED), find=False) is Do.RUN


@pytest.mark.unit
def test_find__only_while_nothing_waits_to_run_and_few_wait_for_others() -> None:
    waiting = tuple(replace(upto(Stage.COMMITTED).tasks[0], index=i, after=NOW + 5) for i in range(4))
    assert what(State(tasks=waiting[:3])) is Do.FIND
    assert what(State(tasks=waiting)) is None
    assert what(after(f.NothingFree(now=NOW, wait_seconds=5))) is None
    assert next_look(after(f.NothingFree(now=NOW, wait_seconds=0.5)), NOW) == 0.5


@pytest.mark.unit
def test_owed__only_a_newer_word_replaces_ours() -> None:
    state = after(f.Owed(bundle=BUNDLE))
    less = replace(BUNDLE, count=1, acceptance=b"b" * 65)
    more = replace(BUNDLE, count=2, acceptance=b"c" * 65)
    assert after(f.Owed(bundle=less), state=state).bundles == (BUNDLE,)
    assert after(f.Owed(bundle=more), state=state).bundles == (more,)


KEYS = [(JobId(1), index) for index in range(3)]
FACTS = st.sampled_from(KEYS).flatmap(
    lambda key: st.sampled_from(
        [
            f.Wanted(task=replace(WANTED, index=key[1])),
            f.Assigned(key=key, slot=0, until=int(NOW) + 60),
            f.Computed(key=key, result=RESULT),
            f.Computed(key=key, result=replace(RESULT, digest=OTHER, salt=b"2" * 32)),
            f.CouldNotRun(key=key, now=NOW, why="no"),
            f.Committed(key=key),
            f.Shown(key=key),
            *(replace(looked(stage), key=key) for stage in ("open", "closed", "agreed", "given_up")),
            replace(looked("agreed", digest=OTHER), key=key),
            f.Accepted(key=key, bundle=BUNDLE),
            f.Ended(key=key, outcome=Outcome.REFUSED, detail="no"),
            f.Unavailable(now=NOW),
        ]
    )
)


@pytest.mark.property
@given(st.lists(FACTS, max_size=30))
def test_any_facts_in_any_order__a_result_is_fixed_once_and_every_task_has_a_next_step(facts: list[f.Fact]) -> None:
    state = State()
    for fact in facts:
        before, step = state, advance(state, fact)
        state = step.state
        for task in before.tasks:
            later = state.task(task.key)
            if later is not None and task.result is not None:
                assert later.result == task.result
        ended = {task.key for task in before.tasks} - {task.key for task in state.tasks}
        assert ended == (set() if step.closed is None else {step.closed.task.key})
        for task in state.tasks:
            assert (task.result is not None) == (task.stage not in (Stage.WANTED, Stage.ASSIGNED))
            assert (task.commit_set is not None) == (task.stage in (Stage.CLOSED, Stage.SHOWN, Stage.AGREED))
    if state.tasks:  # never stuck: at the latest when the longest wait is over, something is due
        assert what(state, NOW + LONGEST_WAIT) is not None
