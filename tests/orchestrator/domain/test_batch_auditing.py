"""Audits: one more worker of record runs what was drawn, once all copies are committed; if none comes, we do."""

from __future__ import annotations

import pytest

from edgebounty.protocol.types import Digest
from orchestrator.domain.batch.auditing import awaits_auditor
from orchestrator.domain.batch.checking import check_of, is_drawn
from orchestrator.domain.batch.decide import AUDIT_PART
from orchestrator.domain.batch.open import is_free
from orchestrator.domain.batch.values import Stage
from orchestrator.domain.errors import Rejected
from orchestrator.domain.policy import RULES, Check, VerificationPolicy
from tests.orchestrator.domain.batch_kit import JOB, START, Desk, Hand, make_terms, right
from tests.orchestrator.domain.test_batch_policy import stage, with_record

pytestmark = pytest.mark.unit
STANDARD = VerificationPolicy.STANDARD
WRONG = Digest(b"\x66" * 32)
TASK = 60
ANN, BOB, CAT, DAN, EVE, MAL = (Hand(name) for name in ("ann", "bob", "cat", "dan", "eve", "mal"))


def desk_of(slots: int = 3, **changes: int) -> Desk:
    base = {"tasks": 20, "span": 20, "slots": slots, "copies": 2, "quorum": 2, "policy": STANDARD, "hold": 0}
    times = {"deadline": START + 5000, "closes": START + 6000, "task_seconds": TASK}
    desk = Desk(make_terms(**(base | times | changes)))
    for first, pair in ((18, (ANN, BOB)), (16, (CAT, DAN)), (14, (EVE, MAL))):
        with_record(desk, *pair, first=first)
    return desk


def committed(desk: Desk, task: int, *pairs: tuple[Hand, Digest | None]) -> None:
    for hand, _ in pairs:
        desk.claim(hand, task, audited=True)
    for hand, digest in pairs:
        desk.commit(hand, task, digest)


def audit(desk: Desk, task: int, auditor: Hand, digest: Digest | None = None) -> None:
    desk.claim(auditor, task)
    desk.commit(auditor, task, digest)


def show(desk: Desk, task: int, *hands: Hand) -> None:
    for hand in hands:
        desk.show(hand, task)


def test_audit__place_opens_once_all_copies_are_committed_and_closes_the_set_with_the_auditor() -> None:
    desk = desk_of()
    desk.claim(ANN, 0, audited=True)
    desk.claim(BOB, 0)
    assert not is_free(desk.terms, desk.book.task(JOB, 0))
    with pytest.raises(Rejected, match="all 2 places"):
        desk.claim(CAT, 0)
    desk.commit(ANN, 0)
    with pytest.raises(Rejected, match="all 2 places"):
        desk.claim(CAT, 0)
    desk.commit(BOB, 0)
    assert (stage(desk, 0), awaits_auditor(desk.terms, desk.book.task(JOB, 0))) == (Stage.OPEN, True)
    assert is_free(desk.terms, desk.book.task(JOB, 0))
    audit(desk, 0, CAT)
    assert (stage(desk, 0), len(desk.book.task(JOB, 0).commitments)) == (Stage.CLOSED, 3)
    assert list(desk.book.to_run) == []


def test_audit__all_equal__decides_passes_the_copies_and_pays_the_auditor() -> None:
    desk = desk_of()
    committed(desk, 0, (ANN, None), (BOB, None))
    audit(desk, 0, CAT)
    show(desk, 0, ANN, BOB, CAT)
    assert stage(desk, 0) is Stage.AGREED
    assert [desk.book.standing.passed[hand.address] for hand in (ANN, BOB, CAT)] == [3, 3, 2]
    assert desk.sign(CAT, 0).bundle is not None
    for hand in (ANN, BOB):
        desk.sign(hand, 0)
    desk.pass_time(6000)
    batch = desk.batch(0)
    assert batch is not None
    assert desk.faults(batch) == []


def test_audit__whole_quorum_lies__the_honest_auditor_differs_and_our_run_decides() -> None:
    desk = desk_of()
    committed(desk, 0, (EVE, WRONG), (MAL, WRONG))
    audit(desk, 0, ANN)
    show(desk, 0, EVE, MAL, ANN)
    assert (stage(desk, 0), list(desk.book.to_run)) == (Stage.SHOWN, [(JOB, 0)])
    assert set(desk.run(0).caught) == {EVE.address, MAL.address}
    assert (stage(desk, 0), desk.book.task(JOB, 0).digest) == (Stage.AGREED, right(0))
    assert desk.sign(ANN, 0).bundle is not None


def test_audit__auditor_lies__the_copies_are_right_and_it_is_out() -> None:
    desk = desk_of()
    committed(desk, 0, (ANN, None), (BOB, None))
    audit(desk, 0, EVE, WRONG)
    show(desk, 0, ANN, BOB, EVE)
    assert stage(desk, 0) is Stage.SHOWN
    assert desk.run(0).caught == (EVE.address,)
    assert desk.book.standing.passed[ANN.address] == 3


def test_audit__auditor_among_the_liars__confirms_the_lie() -> None:
    """As the arithmetic has it: ringers + audits x (1 - f)."""
    desk = desk_of()
    committed(desk, 0, (EVE, WRONG), (MAL, WRONG))
    audit(desk, 0, CAT, WRONG)
    show(desk, 0, EVE, MAL, CAT)
    assert desk.book.task(JOB, 0).digest == WRONG


def test_audit__newcomer__may_not_and_decides_nothing() -> None:
    desk = desk_of()
    committed(desk, 0, (ANN, None), (BOB, None))
    with pytest.raises(Rejected, match="for workers with a record"):
        desk.claim(Hand("new"), 0)


def test_audit__nobody_comes__we_run_it_and_the_committed_do_not_wait_longer() -> None:
    desk = desk_of()
    committed(desk, 0, (ANN, None), (BOB, None))
    desk.pass_time(TASK // AUDIT_PART - 1)
    assert stage(desk, 0) is Stage.OPEN
    desk.pass_time(1)
    assert (stage(desk, 0), list(desk.book.to_run)) == (Stage.CLOSED, [(JOB, 0)])
    show(desk, 0, ANN, BOB)
    assert stage(desk, 0) is Stage.SHOWN
    assert desk.run(0).passed == (ANN.address, BOB.address)


@pytest.mark.parametrize("commits", [False, True])
def test_audit__auditor_vanishes__we_run_it(commits: bool) -> None:
    desk = desk_of()
    committed(desk, 0, (ANN, None), (BOB, None))
    desk.claim(CAT, 0)
    if commits:
        desk.commit(CAT, 0)
        show(desk, 0, ANN, BOB)
    desk.pass_time(TASK)
    assert CAT.address in desk.book.task(JOB, 0).barred or commits
    if not commits:
        show(desk, 0, ANN, BOB)
    assert stage(desk, 0) is Stage.SHOWN
    desk.run(0)
    assert (stage(desk, 0), desk.book.task(JOB, 0).digest) == (Stage.AGREED, right(0))


def test_audit__copies_without_a_record__are_run_all_the_same() -> None:
    desk = desk_of()
    new = [Hand("new 1"), Hand("new 2")]
    committed(desk, 0, *((hand, None) for hand in new))
    audit(desk, 0, CAT)
    show(desk, 0, *new, CAT)
    assert stage(desk, 0) is Stage.SHOWN


def test_audit__job_that_pays_for_none__has_no_further_place() -> None:
    desk = desk_of(slots=2)
    committed(desk, 0, (ANN, None), (BOB, None))
    assert (stage(desk, 0), desk.book.task(JOB, 0).audited) == (Stage.CLOSED, False)


def test_audit__job_ends_meanwhile__closes_without_one() -> None:
    desk = desk_of(deadline=START + 10)
    committed(desk, 0, (ANN, None), (BOB, None))
    desk.pass_time(10)
    assert (stage(desk, 0), desk.book.task(JOB, 0).drawn) == (Stage.CLOSED, True)


def test_draw__ringers_and_audits_are_the_simulators_shares() -> None:
    secret, rules = b"s" * 32, RULES[STANDARD]
    checks = [check_of(STANDARD, secret, JOB, i) for i in range(20_000)]
    assert checks.count(Check.RINGER) / 20_000 == pytest.approx(rules.ringer_share, abs=0.005)
    assert checks.count(Check.AUDIT) / 20_000 == pytest.approx(rules.audit_share, abs=0.005)
    assert [check is not Check.NONE for check in checks[:500]] == [
        is_drawn(STANDARD, secret, JOB, i) for i in range(500)
    ]
