"""Values with defaults, so that a test shows only what it is about."""

from __future__ import annotations

import hashlib
from typing import Any

from edgebounty.protocol.types import Address, JobId, TaskIndex
from orchestrator.domain import facts as f
from orchestrator.domain.decide import decide
from orchestrator.domain.market import Decision, Market
from orchestrator.domain.values import BlockRef, FactRef, JobTerms, TaskId
from tests.orchestrator.model import POLICY, REQUESTER, address, digest, make_terms

ANN, BOB, EVE = address(1), address(2), address(3)
FIRST = TaskId(job_id=JobId(1), index=TaskIndex(0))
START = 1_000_000


def block(number: int, *, time: int | None = None) -> BlockRef:
    block_hash = hashlib.sha256(f"block {number}".encode()).digest()
    return BlockRef(number=number, hash=block_hash, time=START + number if time is None else time)


class Teller:
    """Tells a market facts of task 1/0, one block each."""

    def __init__(self, **terms: Any) -> None:
        self.terms: JobTerms = make_terms(**terms)
        self.market = Market(policy=POLICY, block=block(0))
        self.number = 0
        self.tell(f.JobPosted, job_id=JobId(1), requester=REQUESTER, terms=self.terms)
        self.tell(f.StageOpened, job_id=JobId(1), first_task=TaskIndex(0), draw_epoch=1)

    def tell(self, kind: type[f.ChainFact], *, time: int | None = None, **fields: Any) -> Decision:
        self.number += 1
        at = block(self.number, time=time)
        ref = FactRef(block=at, log_index=0, tx_hash=hashlib.sha256(str(self.number).encode()).digest())
        if issubclass(kind, f.TaskFact):
            fields = {"job_id": JobId(1), "task_index": TaskIndex(0)} | fields
        decision = decide(self.market, kind(ref=ref, **fields))
        self.market.apply(decision)
        return decision

    def pass_time(self, time: int, *, number: int | None = None) -> Decision:
        self.number = max(self.number + 1, number or 0)
        decision = decide(self.market, f.BlockAdvanced(block=block(self.number, time=time)))
        self.market.apply(decision)
        return decision

    def claim(self, *workers: Address, until: int = START + 50) -> None:
        for worker in workers:
            self.tell(f.TaskClaimed, worker=worker, commit_deadline=until)

    def commit(self, *workers: Address) -> None:
        for worker in workers:
            self.tell(f.ResultCommitted, worker=worker, commitment=b"\1" * 32)

    def open_reveals(self, until: int = START + 80) -> None:
        self.tell(f.RevealsOpened, reveal_deadline=until)

    def reveal(self, worker: Address, result: str = "right") -> Decision:
        return self.tell(f.ResultRevealed, worker=worker, digest=digest(result))

    def load(self, **changes: Any) -> None:
        shape = {"map_tasks": 2, "reduce_tasks": 0, "rounds": 1, "memory_bytes": 1 << 20, "simd": True}
        shape |= {"shard_cids": ("shard-0", "shard-1"), "kind": "analyze"}
        fact = f.ManifestLoaded(digest=self.terms.manifest_digest, **(shape | changes))
        self.market.apply(decide(self.market, fact))
