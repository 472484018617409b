"""How far each task is and what to do next: pure, so that a restart in the middle of anything just goes on.

    wanted ─► assigned ─► computed ─► committed ─► closed ─► shown ─► agreed ─► over: accepted
     TAKE       RUN        COMMIT       ASK         SHOW      ASK     HAND_IN

The phone page's web/phone/work/machine.ts is the same life.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edgebounty.worker.batch import facts as f
from edgebounty.worker.batch.values import Bundle, Closed, Outcome, Stage, State, Task, TaskKey

MOST_OPEN = 4
MAX_TRIES = 3
RETRY_SECONDS = 2.0
LONGEST_WAIT = 60.0


class Do(StrEnum):
    FIND = "find"
    TAKE = "take"
    RUN = "run"
    COMMIT = "commit"
    ASK = "ask"
    SHOW = "show"
    HAND_IN = "hand_in"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    state: State
    closed: Closed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    do: Do
    task: Task | None = None


def advance(state: State, fact: f.Fact) -> Step:
    """The state after a fact. A fact about a task that is over, or not so far, changes nothing."""
    answered = state if isinstance(fact, f.Unavailable | f.Computed | f.CouldNotRun) else replace(state, failures=0)
    match fact:
        case f.Wanted():
            return Step(state=_with_wanted(answered, fact.task))
        case f.NothingFree():
            return Step(state=replace(answered, find_after=fact.now + _bounded(fact.wait_seconds)))
        case f.Assigned():
            return _change(answered, fact.key, Stage.WANTED, Stage.ASSIGNED, slot=fact.slot, until=fact.until)
        case f.Computed():
            return _change(answered, fact.key, Stage.ASSIGNED, Stage.COMPUTED, result=fact.result)
        case f.CouldNotRun():
            return _could_not_run(answered, fact)
        case f.Committed():
            return _change(answered, fact.key, Stage.COMPUTED, Stage.COMMITTED)
        case f.Shown():
            return _change(answered, fact.key, Stage.CLOSED, Stage.SHOWN)
        case f.Looked():
            return _looked(answered, fact)
        case f.Accepted():
            kept = _with_bundle(answered, fact.bundle)
            return _close(kept, fact.key, Outcome.ACCEPTED, "the orchestrator signed that it owes it")
        case f.Owed():
            known = state.bundle(fact.bundle.key)
            newer = known is None or known.count < fact.bundle.count
            return Step(state=_with_bundle(answered, fact.bundle) if newer else answered)
        case f.Ended():
            return _close(answered, fact.key, fact.outcome, fact.detail, fact.evidence)
        case f.Unavailable():
            return Step(state=_unavailable(state, fact))


_NEAREST_FIRST = (
    (Stage.AGREED, Do.HAND_IN),  # one after the other: each signs over all before it
    (Stage.CLOSED, Do.SHOW),
    (Stage.COMPUTED, Do.COMMIT),
    (Stage.WANTED, Do.TAKE),
    (Stage.SHOWN, Do.ASK),
    (Stage.COMMITTED, Do.ASK),
)


def next_order(state: State, now: float, *, may_run: bool, may_find: bool, most_open: int = MOST_OPEN) -> Order | None:
    """What to do next by the chain's time; None: nothing now. What is nearest to money comes first.

    `may_run`: the owner lets it, and the sandbox is free. `may_find`: false once only what was begun shall end.
    """
    late = next((t for t in state.tasks if t.stage is Stage.ASSIGNED and t.until <= now), None)
    if late is not None:
        return Order(do=Do.EXPIRE, task=late)
    due = [task for task in state.tasks if _is_due(task.after, now)]
    for stage, order in _NEAREST_FIRST:
        task = next((task for task in due if task.stage is stage), None)
        if task is not None:
            return Order(do=order, task=task)
    if not may_run:
        return None
    assigned = next((task for task in due if task.stage is Stage.ASSIGNED), None)
    if assigned is not None:
        return Order(do=Do.RUN, task=assigned)
    has_to_run = any(task.stage in (Stage.WANTED, Stage.ASSIGNED) for task in state.tasks)
    free = may_find and not has_to_run and open_tasks(state) < most_open and _is_due(state.find_after, now)
    return Order(do=Do.FIND) if free else None


def open_tasks(state: State) -> int:
    """Those that still want something of this worker. A result that was shown only waits, perhaps for a hold."""
    return sum(task.stage is not Stage.SHOWN for task in state.tasks)


def next_look(state: State, now: float) -> float:
    """In how many seconds something may be due at the latest."""
    times = [state.find_after, *(task.after for task in state.tasks)]
    times += [task.until for task in state.tasks if task.stage is Stage.ASSIGNED]
    return min([1.0, *(at - now for at in times if at > now)])


def _is_due(after: float, now: float) -> bool:
    """A wait is never longer than the longest: else a clock that was put back would hold a task for good."""
    return after <= now or after > now + LONGEST_WAIT


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _with_wanted(state: State, task: Task) -> State:
    if state.task(task.key) is not None:
        return state
    return replace(state, tasks=(*state.tasks, task))


def _with_bundle(state: State, bundle: Bundle) -> State:
    others = tuple(other for other in state.bundles if other.key != bundle.key)
    return replace(state, bundles=(*others, bundle))


def _could_not_run(state: State, fact: f.CouldNotRun) -> Step:
    task = state.task(fact.key)
    if task is None or task.stage is not Stage.ASSIGNED:
        return Step(state=state)
    tries = task.tries + 1
    if tries >= MAX_TRIES:
        return _close(state, fact.key, Outcome.FAILED, fact.why)
    later = replace(task, tries=tries, after=fact.now + RETRY_SECONDS * 2**tries)
    return Step(state=_replaced(state, later))


def _looked(state: State, fact: f.Looked) -> Step:
    task, look = state.task(fact.key), fact.look
    if task is None or task.result is None or task.stage is Stage.COMPUTED:
        return Step(state=state)
    if look.stage == "given_up":
        detail = "no quorum formed, or its time ran out: this worker has no place in it any more"
        return _close(state, fact.key, Outcome.GIVEN_UP, detail, look.evidence)
    later = replace(task, until=look.until, after=fact.now + _bounded(look.wait_seconds))
    if task.stage is Stage.COMMITTED:
        if look.commit_set is None:
            return Step(state=_replaced(state, later))
        return Step(state=_replaced(state, replace(later, stage=Stage.CLOSED, commit_set=look.commit_set, after=0.0)))
    if look.commit_set is not None and look.commit_set != task.commit_set:
        detail = "the orchestrator closed the commit set of this task twice, and differently"
        return _close(state, fact.key, Outcome.REFUSED, detail, look.evidence)
    if task.stage is not Stage.SHOWN:
        return Step(state=state)
    if look.stage != "agreed" or look.digest is None:
        return Step(state=_replaced(state, later))
    if look.digest == task.result.digest:
        return Step(state=_replaced(state, replace(later, stage=Stage.AGREED, after=0.0)))
    detail = (
        f"our result 0x{task.result.digest.hex()[:16]}… differs from the quorum's 0x{look.digest.hex()[:16]}…: nothing "
        "is owed. Check this machine's memory and the version of this program"
    )
    return _close(state, fact.key, Outcome.OUTVOTED, detail, look.evidence)


def _unavailable(state: State, fact: f.Unavailable) -> State:
    wait = RETRY_SECONDS * 2 ** min(state.failures, 10) if fact.wait_seconds is None else fact.wait_seconds
    after = fact.now + _bounded(wait)
    tasks = tuple(
        task if task.stage is Stage.ASSIGNED else replace(task, after=_later(task.after, after, fact.now))
        for task in state.tasks
    )
    return replace(state, failures=state.failures + 1, find_after=after, tasks=tasks)


def _later(known: float, after: float, now: float) -> float:
    return after if known > now + LONGEST_WAIT else max(known, after)


def _change(state: State, key: TaskKey, before: Stage, stage: Stage, **values: object) -> Step:
    task = state.task(key)
    if task is None or task.stage is not before:
        return Step(state=state)
    return Step(state=_replaced(state, replace(task, stage=stage, after=0.0, **values)))  # type: ignore[arg-type]


def _replaced(state: State, task: Task) -> State:
    return replace(state, tasks=tuple(task if other.key == task.key else other for other in state.tasks))


def _close(state: State, key: TaskKey, outcome: Outcome, detail: str, evidence: str = "") -> Step:
    task = state.task(key)
    if task is None:
        return Step(state=state)
    left = replace(state, tasks=tuple(other for other in state.tasks if other.key != key))
    return Step(state=left, closed=Closed(task=task, outcome=outcome, detail=detail, evidence=evidence))
