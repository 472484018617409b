"""When the worker looks for its next task, and what it need not look at twice. Small fakes, no chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgebounty.chain.views import BlockRef
from edgebounty.protocol.cid import raw_cid
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address
from edgebounty.worker.claims import OpenClaims
from edgebounty.worker.decide import NextStep, Step
from edgebounty.worker.finder import Finder
from edgebounty.worker.link import Offer
from edgebounty.worker.sandbox import SandboxCrashed

pytestmark = pytest.mark.unit
BLOCK = BlockRef(number=7, hash=b"h" * 32, time=100)
WORKER = to_address("0x" + "11" * 20)


class Sandbox:
    """Examines; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.examined = 0

    def examine(self, task: object, *, seconds: float) -> None:
        self.examined += 1
        if self.failures:
            self.failures -= 1
            raise SandboxCrashed("out of memory")


class Link:
    """Offers task after task of one job."""

    def __init__(self) -> None:
        self.next = 0

    def work(self, worker: object) -> Any:
        self.next += 1
        return SimpleNamespace(offers=(Offer(job_id=JobId(1), task_index=TaskIndex(self.next)),), reason=None)


def finder(sandbox: Sandbox) -> Finder:
    manifest = SimpleNamespace(cid=raw_cid(Digest(b"m" * 32)))
    work = SimpleNamespace(job_id=JobId(1), manifest=manifest, spec=None, results={}, sandbox_task=None)
    return Finder(
        market=cast(Any, SimpleNamespace(deployment=SimpleNamespace(block=0))),
        checker=cast(Any, SimpleNamespace(claimable=lambda offer, block: work)),
        content=cast(Any, SimpleNamespace(prefetch=lambda *_: None)),
        sandbox=cast(Any, sandbox),
        link=cast(Any, Link()),
        worker=WORKER,
        is_taken=lambda key: False,
    )


def test_find__second_task_of_a_job__its_programs_are_examined_once() -> None:
    sandbox = Sandbox()
    looking = finder(sandbox)

    assert looking.find(BLOCK) is not None
    assert looking.find(BLOCK) is not None
    assert sandbox.examined == 1


def test_find__examination_failed__examined_again() -> None:
    sandbox = Sandbox(failures=1)
    looking = finder(sandbox)

    assert looking.find(BLOCK) is None
    assert looking.find(BLOCK) is not None
    assert sandbox.examined == 2


def test_has_none_to_run__until_the_claims_were_looked_at_and_while_one_stands_without_a_result__false() -> None:
    nobody = cast(Any, None)
    claims = OpenClaims(
        market=nobody,
        journal=cast(Any, SimpleNamespace(open_entries=list)),
        transactions=nobody,
        content=nobody,
        checker=nobody,
        worker=WORKER,
        uploads=nobody,
        on_closed=nobody,
    )
    assert not claims.has_none_to_run

    claims.advance(BLOCK, in_hand=None)
    assert claims.has_none_to_run

    key = (JobId(1), TaskIndex(0))
    claims.steps = {key: NextStep(step=Step.RUN, detail="")}
    assert not claims.has_none_to_run

    claims.given_up = {key: "failed here"}
    assert claims.has_none_to_run
