"""Where batches begin, what they take, and when nothing is added any more."""

from __future__ import annotations

import pytest

from orchestrator.domain.batch.facts import ReceiptSigned
from orchestrator.domain.errors import Rejected
from tests.orchestrator.domain.batch_kit import JOB, Desk, Hand, make_terms

pytestmark = pytest.mark.unit
A, B = Hand("a"), Hand("b")


def desk(**terms: int) -> Desk:
    return Desk(make_terms(**({"tasks": 6, "span": 2, "copies": 2} | terms)))


def agreed(desk: Desk, task: int) -> None:
    """Both have shown one result; nobody has signed."""
    for hand in (A, B):
        desk.claim(hand, task)
    for hand in (A, B):
        desk.commit(hand, task)
    for hand in (A, B):
        desk.show(hand, task)


def paid(desk: Desk, *tasks: int) -> None:
    for task in tasks:
        agreed(desk, task)
        for hand in (A, B):
            desk.sign(hand, task)


def starts(desk: Desk) -> list[int]:
    return desk.book.batches[JOB].starts


def test_claim__beyond_the_span__waits_for_the_next_batch() -> None:
    one = desk()
    agreed(one, 0)
    with pytest.raises(Rejected, match="waits for the next batch"):
        one.claim(A, 2)


def test_cut__full_without_a_receipt__not_yet() -> None:
    """The chain takes no empty batch: one that was cut too early would keep all later ones from it."""
    one = desk()
    for task in (0, 1):
        agreed(one, task)
    one.close()
    assert starts(one) == [0]


def test_cut__full_and_paid__the_next_batch_takes_the_next_tasks() -> None:
    one = desk()
    paid(one, 0)
    agreed(one, 1)
    one.close()
    assert starts(one) == [0, 2]
    assert one.book.batch_of(JOB, 1) == (0, 2)
    paid(one, 2)
    assert one.book.bundle(JOB, 2, A.address).first_task == 2


def test_cut__of_age__behind_the_last_task_that_somebody_has() -> None:
    one = desk(span=6)
    paid(one, 0)
    one.claim(A, 3)
    one.pass_time(9)
    one.close(most_age=10)
    assert starts(one) == [0]
    one.pass_time(1)
    one.close(most_age=10)
    assert starts(one) == [0, 4]


def test_cut__behind_what_was_offered__so_no_worker_learns_another_first_task() -> None:
    one = desk(span=6)
    paid(one, 0)
    (cut,) = one.book.closings(JOB, one.now, most_age=0, offered=4)
    one.book.close(cut)
    assert starts(one) == [0, 5]


def test_room__tasks_in_vain__do_not_use_it_up() -> None:
    """Two tasks that nobody signs for must not stop a job whose batch then never gets a receipt."""
    one = desk()
    for task in (0, 1):
        agreed(one, task)
    one.pass_time(60)  # nobody signed
    paid(one, 2, 3)
    one.close()
    assert starts(one) == [0, 4]
    assert one.book.is_ready(JOB, 0, one.now)


def test_seal__then_a_late_receipt__refused_though_the_clock_was_put_back() -> None:
    """A reorganisation takes time back too; what was sealed is perhaps on its way to the chain already."""
    one = desk()
    agreed(one, 0)
    agreed(one, 1)
    one.sign(A, 0)
    one.pass_time(60)
    one.close(most_age=60)
    assert one.book.batches[JOB].sealed == {0}
    one.now -= 30
    with pytest.raises(Rejected, match="is closed: this receipt is too late"):
        one.sign(B, 0)


def test_seal__a_receipt_told_again__is_answered_as_before() -> None:
    one = desk()
    paid(one, 0, 1)
    one.close()
    before = one.book.bundle(JOB, 1, B.address)
    again = ReceiptSigned(
        job=JOB,
        task=1,
        now=one.now,
        worker=B.address,
        count=2,
        receipts_root=before.receipts_root.root,
        sets_root=before.sets_root.root,
        signature=before.signature,
    )
    assert one.take(again).bundle == before


@pytest.mark.parametrize("end", [0, 1, 6])
def test_cut__where_a_task_is_given_or_none_is_left__refused(end: int) -> None:
    one = desk(span=6)
    paid(one, 0, 1)
    with pytest.raises(ValueError, match="no batch can end"):
        one.book.batches[JOB].cut(end)
