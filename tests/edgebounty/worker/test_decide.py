from __future__ import annotations

from dataclasses import replace

import pytest

from edgebounty.chain.views import Claim, ClaimStatus, Task, TaskStatus
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex
from edgebounty.worker.decide import NextStep, Step, next_step
from edgebounty.worker.journal import Entry, Outcome

pytestmark = pytest.mark.unit
OURS, OTHER = Digest(b"o" * 32), Digest(b"x" * 32)
ENTRY = Entry(job_id=JobId(1), task_index=TaskIndex(0), opened_at=0, basis=b"", stake=1, price=1)
SEALED = replace(ENTRY, digest=OURS, salt=b"s" * 32)
COMMITTED = replace(SEALED, committed=True)


def task(status: TaskStatus, *, committed: int = 2, slots: int = 2, result: Digest | None = None) -> Task:
    return Task(
        job_id=JobId(1),
        index=TaskIndex(0),
        status=status,
        slots_open=slots,
        reopens=0,
        claimed=slots,
        committed=committed,
        revealed=0,
        draw_epoch=1,
        first_slot=0,
        fill_deadline=200,
        closes_at=1000,
        phase_deadline=200,
        result=result,
    )


def claim(status: ClaimStatus, digest: bytes = b"") -> Claim:
    return Claim(worker=Address("0x"), slot=0, status=status, commit_deadline=100, digest=digest)


def step(
    entry: Entry, mine: Claim | None, at: Task, *, now: int = 50, in_flight: bool = False, **more: bool
) -> NextStep:
    return next_step(entry, mine, at, now=now, in_flight=in_flight, **more)


CLAIMING, REVEALING = task(TaskStatus.CLAIMING, committed=1), task(TaskStatus.REVEALING)
CLAIMED = claim(ClaimStatus.CLAIMED)


def test_claimed__no_result_yet__run_until_the_commit_deadline() -> None:
    assert step(ENTRY, CLAIMED, CLAIMING) == NextStep(step=Step.RUN, detail="claimed and not yet run", deadline=100)


def test_claimed__has_result__commit() -> None:
    assert step(SEALED, CLAIMED, CLAIMING).step is Step.COMMIT


@pytest.mark.parametrize(("now", "expected"), [(99, Step.COMMIT), (100, Step.WAIT), (101, Step.WAIT)])
def test_claimed__at_the_deadline__only_before_it(now: int, expected: Step) -> None:
    assert step(SEALED, CLAIMED, CLAIMING, now=now).step is expected


def test_committed__others_missing__wait_and_say_how_many() -> None:
    found = step(COMMITTED, claim(ClaimStatus.COMMITTED), CLAIMING)
    assert found.step is Step.WAIT
    assert "1 more commit " in found.detail


@pytest.mark.parametrize(("now", "expected"), [(199, Step.REVEAL), (200, Step.WAIT), (201, Step.WAIT)])
def test_committed__reveals_open__only_before_the_deadline(now: int, expected: Step) -> None:
    assert step(COMMITTED, claim(ClaimStatus.COMMITTED), REVEALING, now=now).step is expected


def test_committed__journal_lost__never_reveals_at_random() -> None:
    assert step(ENTRY, claim(ClaimStatus.COMMITTED), REVEALING).step is Step.WAIT


def test_commit_undone_by_a_reorganisation__committed_again() -> None:
    assert step(COMMITTED, CLAIMED, CLAIMING).step is Step.COMMIT


def test_revealed__not_settled__wait() -> None:
    assert step(COMMITTED, claim(ClaimStatus.REVEALED, OURS), REVEALING).step is Step.WAIT


@pytest.mark.parametrize(
    ("entry", "mine", "at", "barred", "outcome"),
    [
        (COMMITTED, claim(ClaimStatus.REVEALED, OURS), task(TaskStatus.SETTLED, result=OURS), False, Outcome.PAID),
        (COMMITTED, claim(ClaimStatus.REVEALED, OURS), task(TaskStatus.SETTLED, result=OTHER), False, Outcome.WRONG),
        (COMMITTED, claim(ClaimStatus.COMMITTED), task(TaskStatus.SETTLED, result=OTHER), False, Outcome.SILENT),
        (COMMITTED, claim(ClaimStatus.COMMITTED), task(TaskStatus.REFUNDED), False, Outcome.SILENT),
        (COMMITTED, claim(ClaimStatus.COMMITTED), task(TaskStatus.REFUNDED, committed=1), False, Outcome.UNPAID),
        (COMMITTED, claim(ClaimStatus.REVEALED, OURS), task(TaskStatus.REFUNDED), False, Outcome.UNPAID),
        (ENTRY, CLAIMED, task(TaskStatus.REFUNDED), False, Outcome.NO_SHOW),
        (ENTRY, None, task(TaskStatus.SETTLED, result=OTHER), False, Outcome.GONE),
        (ENTRY, None, task(TaskStatus.SETTLED, result=OTHER), True, Outcome.NO_SHOW),
        (COMMITTED, None, task(TaskStatus.SETTLED, result=OTHER), True, Outcome.UNPAID),
        (COMMITTED, None, CLAIMING, True, Outcome.UNPAID),
        (SEALED, None, CLAIMING, True, Outcome.NO_SHOW),
        (ENTRY, None, CLAIMING, False, Outcome.GONE),
    ],
)
def test_over__closed_with_what_it_cost(
    entry: Entry, mine: Claim | None, at: Task, barred: bool, outcome: Outcome
) -> None:
    found = step(entry, mine, at, barred=barred)
    assert found.step is Step.CLOSE
    assert found.outcome is outcome
    assert found.detail


def test_unclaimed__claim_on_its_way__wait() -> None:
    assert step(ENTRY, None, CLAIMING, in_flight=True).step is Step.WAIT


def test_wrong__says_both_digests() -> None:
    found = step(COMMITTED, claim(ClaimStatus.REVEALED, OURS), task(TaskStatus.SETTLED, result=OTHER))
    assert OURS.hex()[:16] in found.detail
    assert OTHER.hex()[:16] in found.detail


LONELY = replace(CLAIMING, claimed=1)  # committed alone, one place free; its time to fill ends at 200


@pytest.mark.parametrize(("now", "expected"), [(199, Step.WAIT), (200, Step.LEAVE), (201, Step.LEAVE)])
def test_committed__to_end_and_places_stay_empty__leaves_once_the_chain_allows(now: int, expected: Step) -> None:
    mine = claim(ClaimStatus.COMMITTED)
    assert step(COMMITTED, mine, LONELY, now=now, leaving=True).step is expected
    assert step(COMMITTED, mine, LONELY, now=now).step is Step.WAIT  # nobody asked it to end


@pytest.mark.parametrize(
    "at",
    [
        replace(LONELY, claimed=2),  # a peer has yet to commit
        replace(LONELY, first_slot=1),  # our wave is over, a further one is filling
    ],
)
def test_committed__to_end_and_bound__waits(at: Task) -> None:
    assert step(COMMITTED, claim(ClaimStatus.COMMITTED), at, now=500, leaving=True).step is Step.WAIT
