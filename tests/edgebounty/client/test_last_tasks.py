"""Until when tasks of a batch-lane job are given out: the requester hears what its orchestrator will do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgebounty.chain.views import JobTerms
from edgebounty.client.errors import Rejected
from edgebounty.client.terms import BATCH_STEPS, last_batch_tasks
from edgebounty.protocol.types import Digest, to_address
from orchestrator.domain.batch import terms as served

pytestmark = pytest.mark.unit
NOW, DEADLINE, GRACE = 1_000, 9_000, 400
TERMS = JobTerms(
    lane=to_address("0x" + "1a" * 20),
    orchestrator=to_address("0x" + "2b" * 20),
    deadline=DEADLINE,
    task_time=75,
    map_tasks=1,
    reduce_tasks=0,
    rounds=1,
    quorum=1,
    work_slots=1,
    audit_slots=0,
    fee_bps=0,
    slot_price=1,
    stake_per_claim=1,
    manifest_digest=Digest(b"\x01" * 32),
)


@pytest.mark.parametrize(
    ("task_time", "end"), [(1, DEADLINE), (75, DEADLINE), (76, DEADLINE - 4), (2_074, DEADLINE + 300 - 4 * 2_074)]
)
def test_last_tasks__three_quarters_of_the_grace_are_for_the_last_attempt(task_time: int, end: int) -> None:
    assert last_batch_tasks(replace(TERMS, task_time=task_time), grace=GRACE, now=NOW) == end


def test_last_tasks__before_now__the_job_is_refused() -> None:
    with pytest.raises(Rejected, match="nobody could be given one") as refused:
        last_batch_tasks(replace(TERMS, task_time=2_075), grace=GRACE, now=NOW)
    assert "--task-time" in str(refused.value.remedy)


def test_last_tasks__are_those_of_the_orchestrator() -> None:
    """`batch_terms` has `min(deadline, closes - STEPS * task time)`, `closes` a quarter of the grace before its end."""
    assert BATCH_STEPS == served.STEPS
