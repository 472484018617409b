from __future__ import annotations

from typing import Any

import pytest

from edgebounty.chain.events import (
    ClaimExpired,
    Event,
    EventRef,
    JobFailed,
    JobPosted,
    JobStopped,
    RevealsOpened,
    StageOpened,
    TaskClaimed,
    TaskRefunded,
    TaskReopened,
    TaskSettled,
)
from edgebounty.chain.views import JobTerms
from edgebounty.protocol.types import Address, Digest
from edgebounty.worker.scan import MarketPicture

pytestmark = pytest.mark.unit
REF = EventRef(block_number=1, block_hash=b"", log_index=0, tx_hash=b"")
ME, PEER = Address("0xMe"), Address("0xPeer")
TERMS = JobTerms(
    lane=Address("0x"),
    orchestrator=Address("0x"),
    deadline=100,
    task_time=10,
    map_tasks=2,
    reduce_tasks=1,
    rounds=2,
    quorum=2,
    work_slots=3,
    audit_slots=0,
    fee_bps=0,
    slot_price=1,
    stake_per_claim=1,
    manifest_digest=Digest(bytes(32)),
)


def said(cls: type[Event], index: int = 0, **values: Any) -> Event:
    told: dict[str, Any] = {"ref": REF, "job_id": 1, **values}
    if "task_index" in cls.__slots__ or hasattr(cls, "task_index"):
        told["task_index"] = index
    return cls(**told)


def picture(*events: Event) -> MarketPicture:
    made = MarketPicture()
    made.apply([said(JobPosted, requester=PEER, orchestrator=PEER, escrowed=1, terms=TERMS), *events])
    return made


def offered(made: MarketPicture, now: int = 50) -> list[int]:
    return sorted(offer.task_index for offer in made.offers(ME, now=now))


def claimed(index: int, worker: Address) -> Event:
    return said(TaskClaimed, index, worker=worker, commit_deadline=1)


def test_offers__new_job__the_first_stage() -> None:
    assert offered(picture()) == [0, 1]
    assert picture().open_jobs(50) == 1


def test_offers__own_full_revealing_or_final__left_out() -> None:
    assert offered(picture(claimed(0, ME))) == [1]
    assert offered(picture(claimed(0, PEER), claimed(0, Address("0xThird")))) == [1]
    assert offered(picture(said(RevealsOpened, 0, reveal_deadline=9))) == [1]
    assert offered(picture(said(TaskSettled, 0, result_digest=b"", winners=2))) == [1]


def test_offers__others_wait_in_a_task__that_one_first() -> None:
    made = picture(claimed(1, PEER))
    assert made.offers(ME, now=50)[0].task_index == 1


def test_offers__claim_expired_or_reopened__open_again() -> None:
    full = [claimed(0, PEER), claimed(0, Address("0xThird"))]
    assert offered(picture(*full, said(ClaimExpired, 0, worker=PEER, fee=1))) == [0, 1]
    reopened = said(TaskReopened, 0, slots=3, draw_epoch=5, reopens=1)
    assert offered(picture(*full, said(RevealsOpened, 0, reveal_deadline=9), reopened)) == [0, 1]


def test_offers__next_stage_opened__only_its_tasks() -> None:
    assert offered(picture(said(StageOpened, first_task=2, draw_epoch=1))) == [2]
    assert offered(picture(said(StageOpened, first_task=3, draw_epoch=1))) == [3, 4]


def test_offers__job_over__nothing() -> None:
    assert offered(picture(), now=100) == []
    assert offered(picture(said(JobFailed))) == []
    assert offered(picture(*[said(TaskRefunded, i) for i in range(6)])) == []


def test_offers__job_stopped__only_where_others_wait() -> None:
    assert offered(picture(claimed(1, PEER), said(JobStopped))) == [1]
    assert picture(said(JobStopped)).open_jobs(50) == 0


def test_offers__two_workers__look_in_different_orders() -> None:
    made = picture()
    orders = {tuple(o.task_index for o in made.offers(Address(f"0x{i}"), now=50)) for i in range(20)}
    assert len(orders) == 2
