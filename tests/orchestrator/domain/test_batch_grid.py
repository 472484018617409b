"""A task's letter through its life, as its requester sees it."""

from __future__ import annotations

import pytest

from edgebounty.protocol.types import Digest
from orchestrator.domain.batch.grid import Cell, cell_of
from orchestrator.domain.batch.open import OpenTasks
from tests.orchestrator.domain.batch_kit import JOB, Desk, Hand, make_terms

pytestmark = pytest.mark.unit
WRONG = Digest(b"\x66" * 32)


def cell(desk: Desk, *, waits: bool = False) -> Cell:
    return cell_of(desk.book.task(JOB, 0), waits=waits)


def test_cell__of_a_task_that_goes_well__is_each_step() -> None:
    desk, people = Desk(make_terms(tasks=1)), [Hand(name) for name in "abc"]
    seen = [cell(desk, waits=True), cell(desk)]
    for hand in people:
        desk.claim(hand, 0)
    seen.append(cell(desk, waits=True))
    for hand in people:
        desk.commit(hand, 0)
        seen.append(cell(desk))
    for hand in people:
        desk.show(hand, 0)
        seen.append(cell(desk))
    assert "".join(seen) == "wo" + "c" + "mmv" + "vva"


def test_cell__of_unequal_results__is_disputed_until_there_is_one() -> None:
    desk, people = Desk(make_terms(tasks=1)), [Hand(name) for name in "abc"]
    for hand in people:
        desk.claim(hand, 0)
    for hand in people:
        desk.commit(hand, 0, WRONG if hand is people[0] else None)
    seen = []
    for hand in people:
        desk.show(hand, 0)
        seen.append(cell(desk))
    assert "".join(seen) == "vda"


def test_cell__of_silence_in_a_wave__is_disputed_then_refunded() -> None:
    desk, people = Desk(make_terms(tasks=1, waves=2)), [Hand(name) for name in "abc"]
    for hand in people:
        desk.claim(hand, 0)
    for hand in people:
        desk.commit(hand, 0)
    desk.pass_time(61)
    assert cell(desk) is Cell.DISPUTED
    desk.pass_time(2000)
    assert cell(desk) is Cell.REFUNDED


def test_waits__until_what_it_reads_is_brought() -> None:
    tasks = OpenTasks([(), (0,), (0, 1)])
    assert [tasks.waits(index) for index in range(3)] == [False, True, True]
    tasks.brought(0)
    assert [tasks.waits(index) for index in range(3)] == [False, False, True]
