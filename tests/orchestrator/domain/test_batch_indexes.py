"""What is found by an index is what looking at everything finds."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from edgebounty.protocol.types import JobId
from orchestrator.domain.batch.places import has_in_hand
from tests.orchestrator.domain.batch_kit import JOB
from tests.orchestrator.domain.test_batch_decide import HostileWorkers


class Indexed(HostileWorkers):
    @invariant()
    def places__are_those_of_all_tasks(self) -> None:
        book = self.desk.book
        for hand in self.hands:
            scanned = {(job, i) for (job, i), task in book.tasks.items() if has_in_hand(task, hand.address)}
            assert set(book.places.of(hand.address)) == scanned
            assert len(book.places.of(hand.address)) == len(scanned)
            assert scanned <= {(JobId(JOB), i) for i in range(5)}


@pytest.mark.property
class TestIndexed(Indexed.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
