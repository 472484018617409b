"""DirectLane: binding a result before anybody shows one, then showing it."""

from __future__ import annotations

import pytest

from edgebounty.protocol.types import Digest
from tests.contracts.rig import CLAIMING, IDLE, REVEALING, RIGHT, SALT, TASK_TIME, WRONG, Market, at, refuses

pytestmark = pytest.mark.integration

ZERO = Digest(bytes(32))


# --- commit ---


def test_commit__first_of_two__recorded_and_reveals_stay_closed(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.claim(job, 0, 1)

    tx = staked.commit(job, 0, 0)

    assert tx.events["ResultCommitted"]["worker"] == staked.worker(0)
    assert bytes(tx.events["ResultCommitted"]["commitment"]) == staked.sealed(job, 0, 0, RIGHT)
    assert "RevealsOpened" not in tx.events
    assert staked.status(job, 0) == CLAIMING
    with refuses("TaskStatusWrong", job, 0, CLAIMING):
        staked.reveal(job, 0, 0)


def test_commit__wave_not_full_of_claims__reveals_stay_closed(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    assert staked.status(job, 0) == CLAIMING


def test_commit__last_of_the_wave__opens_the_reveals(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.claim(job, 0, 1)
    staked.commit(job, 0, 0)

    tx = staked.commit(job, 0, 1)

    until = tx.timestamp + TASK_TIME
    assert tx.events["RevealsOpened"] == {"jobId": job, "taskIndex": 0, "revealDeadline": until}
    assert (staked.status(job, 0), staked.phase_deadline(job, 0)) == (REVEALING, until)


def test_commit__without_a_claim__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    with refuses("NoClaim", job, 0, staked.worker(1)):
        staked.commit(job, 0, 1)


def test_commit__untouched_task__refused(staked: Market) -> None:
    job = staked.post()
    with refuses("TaskStatusWrong", job, 0, IDLE):
        staked.commit(job, 0, 0)


def test_commit__twice__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.commit(job, 0, 0)
    with refuses("AlreadyCommitted", job, 0, staked.worker(0)):
        staked.commit(job, 0, 0, WRONG)


def test_commit__to_zero__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    with refuses("DigestZero"):
        staked.lane.commit(job, 0, ZERO, {"from": staked.worker(0)})


def test_commit__second_before_the_deadline__allowed(staked: Market) -> None:
    job = staked.post()
    at(staked.claim(job, 0, 0).timestamp + TASK_TIME - 1)
    staked.commit(job, 0, 0)
    assert staked.lane.taskOf(job, 0)["committed"] == 1


def test_commit__at_the_deadline__refused(staked: Market) -> None:
    job = staked.post()
    deadline = staked.claim(job, 0, 0).timestamp + TASK_TIME
    at(deadline)
    with refuses("CommitTooLate", job, deadline, deadline):
        staked.commit(job, 0, 0)


# --- reveal ---


def test_reveal__as_committed__shown(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: WRONG})

    tx = staked.reveal(job, 0, 0)

    assert bytes(tx.events["ResultRevealed"]["resultDigest"]) == RIGHT
    assert staked.lane.taskOf(job, 0)["revealed"] == 1
    assert [bytes(c["digest"]) for c in staked.lane.claimsOf(job, 0)] == [RIGHT, staked.sealed(job, 0, 1, WRONG)]


def test_reveal__another_digest_than_committed__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("CommitmentMismatch", job, 0, staked.worker(0)):
        staked.reveal(job, 0, 0, WRONG)


def test_reveal__another_salt__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("CommitmentMismatch", job, 0, staked.worker(0)):
        staked.lane.reveal(job, 0, RIGHT, SALT[::-1][:-1] + b"\x06", {"from": staked.worker(0)})


def test_reveal__of_a_copied_commitment__refused(staked: Market) -> None:
    job = staked.post()
    staked.claim(job, 0, 0)
    staked.claim(job, 0, 1)
    staked.commit(job, 0, 0)
    staked.lane.commit(job, 0, staked.sealed(job, 0, 0, RIGHT), {"from": staked.worker(1)})
    staked.reveal(job, 0, 0)
    with refuses("CommitmentMismatch", job, 0, staked.worker(1)):
        staked.reveal(job, 0, 1, RIGHT)


def test_reveal__without_a_claim__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("NoClaim", job, 0, staked.worker(2)):
        staked.reveal(job, 0, 2)


def test_reveal__zero__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    with refuses("DigestZero"):
        staked.reveal(job, 0, 0, ZERO)


def test_reveal__twice__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    staked.reveal(job, 0, 0)
    with refuses("AlreadyRevealed", job, 0, staked.worker(0)):
        staked.reveal(job, 0, 0)


def test_reveal__second_before_the_deadline__allowed(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    at(staked.phase_deadline(job, 0) - 1)
    staked.reveal(job, 0, 0)
    assert staked.lane.taskOf(job, 0)["revealed"] == 1


def test_reveal__at_the_deadline__refused(staked: Market) -> None:
    job = staked.post()
    staked.fill(job, 0, {0: RIGHT, 1: RIGHT})
    deadline = staked.phase_deadline(job, 0)
    at(deadline)
    with refuses("RevealTooLate", job, deadline, deadline):
        staked.reveal(job, 0, 0)
