"""What to do next about one claim: a pure function of the journal's entry and of what the chain says now.

The chain is asked each time, and only it: so a claim or commit that a reorganisation has undone is simply seen to be
missing, and done again with the same digest and salt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from edgebounty.chain.views import Claim, ClaimStatus, Task, TaskStatus
from edgebounty.worker.journal import Entry, Outcome

_SILENT = "committed and did not reveal in time: the task's stake is lost"


class Step(Enum):
    WAIT = auto()  # for others, or for the chain
    RUN = auto()  # the claim stands and there is no result yet
    COMMIT = auto()
    REVEAL = auto()
    LEAVE = auto()  # this worker is to end, and the task's places did not fill in time
    CLOSE = auto()  # it is over; see `outcome`


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    step: Step
    detail: str
    outcome: Outcome | None = None
    deadline: int | None = None  # Unix seconds by the chain, for RUN, COMMIT and REVEAL
    is_revealed: bool = False  # all that we could do is done


def next_step(
    entry: Entry,
    claim: Claim | None,
    task: Task,
    *,
    now: int,
    in_flight: bool,
    barred: bool = False,
    leaving: bool = False,
) -> NextStep:
    """`now` is the chain's time; `claim` this worker's own; `in_flight`: transactions of ours wait for a block.

    `leaving`: this worker is to end, and waits for nobody that it need not wait for.
    """
    if task.status.is_final:
        return _closed(entry, claim, task, barred)
    if claim is None:
        return _unclaimed(entry, in_flight, barred)
    if claim.status is ClaimStatus.REVEALED:
        text = "revealed; waiting for the others to reveal and for the task to settle"
        return NextStep(step=Step.WAIT, detail=text, is_revealed=True)
    if claim.status is ClaimStatus.COMMITTED:
        return _committed(entry, claim, task, now, leaving)
    if now >= claim.commit_deadline:
        return _wait("too late to commit: the claim will expire, which costs the no-show fee")
    if entry.sealed:
        return NextStep(step=Step.COMMIT, detail="has a result to commit", deadline=claim.commit_deadline)
    return NextStep(step=Step.RUN, detail="claimed and not yet run", deadline=claim.commit_deadline)


def _committed(entry: Entry, claim: Claim, task: Task, now: int, leaving: bool) -> NextStep:
    if not entry.sealed:
        return _wait("committed by another process with this key, or the journal was lost: cannot be revealed here")
    if task.status is TaskStatus.REVEALING:
        if now < task.phase_deadline:
            return NextStep(step=Step.REVEAL, detail="reveals are open", deadline=task.phase_deadline)
        return _wait("too late to reveal: the task's stake is lost")
    free_to_go = now >= task.fill_deadline and claim.slot >= task.first_slot and task.claimed == task.committed
    if leaving and free_to_go:
        return NextStep(step=Step.LEAVE, detail="the other places did not fill in time; leaving, as asked")
    missing = task.slots_open - task.committed
    return _wait(f"committed; waiting for {missing} more commit{'' if missing == 1 else 's'} before anyone may reveal")


def _closed(entry: Entry, claim: Claim | None, task: Task, barred: bool) -> NextStep:
    if claim is None:
        return _removed(entry) if barred else _close(Outcome.GONE, "ended without our claim")
    if claim.status is ClaimStatus.CLAIMED:
        return _close(Outcome.NO_SHOW, "ended while our claim had no commit")
    if claim.status is ClaimStatus.COMMITTED:
        # An expired task never reached its reveals: its wave was not full, and nobody is at fault.
        if task.status is TaskStatus.SETTLED or task.committed >= task.slots_open:
            return _close(Outcome.SILENT, _SILENT)
        return _close(Outcome.UNPAID, "expired before all slots had committed; the stake is free again")
    if task.status is TaskStatus.REFUNDED:
        return _close(Outcome.UNPAID, "no quorum formed; the bounty went back and the stake is free again")
    assert task.result is not None
    if claim.digest == task.result:
        return _close(Outcome.PAID, "our result is the accepted one")
    ours = claim.digest.hex()
    return _close(
        Outcome.WRONG,
        f"our result 0x{ours[:16]}… differs from the accepted 0x{task.result.hex()[:16]}…: the task's stake is lost. "
        "Check this machine's memory and the version of this program",
    )


def _unclaimed(entry: Entry, in_flight: bool, barred: bool) -> NextStep:
    if barred:
        return _removed(entry)
    if in_flight:
        return _wait("the claim is not in a block yet")
    return _close(Outcome.GONE, "the chain did not take the claim: others were faster")


def _removed(entry: Entry) -> NextStep:
    """We have no claim any more and are barred: we left after our commit, or did not commit at all."""
    if entry.committed:
        return _close(Outcome.UNPAID, "left a task whose places did not fill in time; the stake is free again")
    return _close(Outcome.NO_SHOW, "did not commit in time: the no-show fee is lost")


def _wait(detail: str) -> NextStep:
    return NextStep(step=Step.WAIT, detail=detail)


def _close(outcome: Outcome, detail: str) -> NextStep:
    return NextStep(step=Step.CLOSE, detail=detail, outcome=outcome)
