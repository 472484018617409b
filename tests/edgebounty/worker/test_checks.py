"""Which tasks a worker leaves alone, before anything is at stake: told from what the chain says, without a chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from worker_kit import table_job

from edgebounty.chain.views import BlockRef, Claim, ClaimStatus, Job, JobTerms, Task, TaskLook, TaskStatus
from edgebounty.content.store import MemoryStore, put_file
from edgebounty.protocol.batch.court import jury_digest, jury_document
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex
from edgebounty.worker.checks import Checker
from edgebounty.worker.content import TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.link import Offer
from edgebounty.worker.settings import WorkerSettings

pytestmark = pytest.mark.unit
NOW, DAY = 1_000_000, 24 * 3600
ME, PEER = Address("0xMe"), Address("0xPeer")
TERMS = JobTerms(
    lane=Address("0x"),
    orchestrator=Address("0x"),
    deadline=NOW + 600,
    task_time=20,
    map_tasks=1,
    reduce_tasks=0,
    rounds=1,
    quorum=2,
    work_slots=3,
    audit_slots=0,
    fee_bps=0,
    slot_price=10,
    stake_per_claim=10,
    manifest_digest=Digest(bytes(32)),
)
JOB = Job(
    id=JobId(1),
    requester=PEER,
    terms=TERMS,
    escrow=TERMS.bounty,
    refundable=0,
    stopped=False,
    finished=0,
    active=0,
    failed=False,
)
TASK = Task(
    job_id=JobId(1),
    index=TaskIndex(0),
    status=TaskStatus.CLAIMING,
    slots_open=2,
    reopens=0,
    claimed=1,
    committed=0,
    revealed=0,
    draw_epoch=1,
    first_slot=0,
    fill_deadline=NOW + 10,
    closes_at=NOW + 100,
    phase_deadline=NOW + 10,
    result=None,
)
BARRED = TaskLook(job=JOB, task=TASK, claims=(), stage_open=True, drawn_from=None, barred=True, free_stake=10)


class Chain:
    """A market in which there is one task to look at."""

    def __init__(self, look: TaskLook) -> None:
        self._look = look

    def look(self, *_: Any) -> TaskLook:
        return self._look

    def results(self, _job: int, tasks: Any, _at: int) -> list[Digest]:
        assert not list(tasks)  # a map task of a first round reads none
        return []


def refusal(look: TaskLook = BARRED, **settings: Any) -> Refused:
    """Why the task is refused. All are at the least because the worker is barred, which is checked late."""
    mine = WorkerSettings(
        rpc_url="http://x", deployment=Path("d.json"), data_dir=Path("data"), key_file=Path("key"), **settings
    )
    checker = Checker(market=cast(Any, Chain(look)), content=cast(Any, None), settings=mine, worker=ME)
    with pytest.raises(Refused) as caught:
        checker.claimable(Offer(job_id=JobId(1), task_index=TaskIndex(0)), BlockRef(number=9, hash=b"", time=NOW))
    return caught.value


def terms(**changes: Any) -> TaskLook:
    return replace(BARRED, job=replace(JOB, terms=replace(TERMS, **changes)))


def test_claimable__too_little_time_to_answer__refused_for_good() -> None:
    refused = refusal(terms(task_time=4))
    assert (refused.code, refused.for_seconds) == ("time_short", None)
    assert "gives 4 s to commit and to reveal, your minimum is 5 s" in refused.text
    assert refusal(terms(task_time=5)).code == "barred"
    assert refusal(terms(task_time=59), min_task_seconds=60).code == "time_short"
    assert refusal(terms(task_time=1), min_task_seconds=0).code == "barred"


def test_claimable__ends_too_far_away__refused_for_now() -> None:
    refused = refusal(terms(deadline=NOW + 30 * DAY + 1))
    assert refused.code == "end_far"
    assert refused.for_seconds is not None
    assert "ends in 30.0 days and may hold a claim's stake until then, your limit is 30 days" in refused.text
    assert refusal(terms(deadline=NOW + 30 * DAY)).code == "barred"
    assert refusal(terms(deadline=NOW + DAY), max_job_days=0.5).code == "end_far"


def test_claimable__somebody_elses_claim_is_late__waits_until_it_has_expired() -> None:
    claim = Claim(worker=PEER, slot=0, status=ClaimStatus.CLAIMED, commit_deadline=NOW, digest=bytes(32))
    late = replace(BARRED, claims=(claim,), task=replace(TASK, phase_deadline=NOW))
    assert refusal(late).code == "late_claims"
    assert refusal(replace(late, task=replace(TASK, phase_deadline=NOW + 1))).code == "barred"
    committed = replace(claim, status=ClaimStatus.COMMITTED)
    assert refusal(replace(late, claims=(committed,))).code == "barred"


def test_work__of_a_jury__is_the_tried_task_under_the_jurys_number(tmp_path: Path) -> None:
    planned = table_job(shards=2)
    store = MemoryStore(planned.blocks)
    put_file(store, jury_document(planned.manifest.digest, 1))
    terms = replace(TERMS, manifest_digest=jury_digest(planned.manifest.digest, 1))
    mine = WorkerSettings(rpc_url="http://x", deployment=Path("d.json"), data_dir=Path("data"), key_file=Path("key"))
    content = TaskContent(tmp_path, store)
    checker = Checker(market=cast(Any, Chain(BARRED)), content=content, settings=mine, worker=ME)
    work = checker.work(JobId(1), TaskIndex(0), terms, 9)
    assert work.key == (1, 0)
    assert (work.sandbox_task.manifest, work.sandbox_task.index) == (planned.manifest.cid, 1)
    with pytest.raises(Refused, match="requester's mistake"):  # posted by somebody else than the court
        checker.work(JobId(1), TaskIndex(0), replace(terms, map_tasks=2), 9)
