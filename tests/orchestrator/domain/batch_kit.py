"""A job of the batch lane and workers with keys, who do what the protocol asks, or something else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.messages import Receipts, sign_compact
from edgebounty.protocol.batch.rules import Case, Prices
from edgebounty.protocol.batch.watching import Fault, find_faults
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain, address_of_key
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.book import BatchBook
from orchestrator.domain.batch.decide import BatchDecision
from orchestrator.domain.batch.values import BatchTerms, WorkerBundle

JOB = JobId(7)
START = 1_000_000
OPERATOR = to_address(b"\x0a" * 20)
DOMAIN = Domain(chain_id=31337, verifying_contract=to_address(b"\x0b" * 20))


def make_terms(**changes: Any) -> BatchTerms:
    base = {
        "tasks": 4,
        "slots": 4,
        "copies": 3,
        "quorum": 2,
        "waves": 2,
        "price": 100,
        "fee": 1,
        "deadline": START + 1000,
        "task_seconds": 60,
        "span": 4,
    }
    return BatchTerms(job=JOB, orchestrator=OPERATOR, domain=DOMAIN, **(base | changes))


def right(task: int) -> Digest:
    return Digest(hashlib.sha256(f"result of {task}".encode()).digest())


@dataclass
class Hand:
    """One worker: its key and the salts of its commitments."""

    name: str
    salts: dict[int, tuple[Digest, bytes]] = field(default_factory=dict)

    @cached_property
    def key(self) -> bytes:
        return hashlib.sha256(self.name.encode()).digest()

    @cached_property
    def address(self) -> Address:
        return address_of_key(self.key)

    def sealed(self, task: int, digest: Digest) -> bytes:
        salt = hashlib.sha256(f"{self.name} {task} {len(self.salts)}".encode()).digest()
        self.salts[task] = (digest, salt)
        return commitment(
            chain_id=DOMAIN.chain_id,
            lane=DOMAIN.verifying_contract,
            job_id=JOB,
            task_index=TaskIndex(task),
            worker=self.address,
            digest=digest,
            salt=salt,
        )

    def receipt(self, task: int, slot: int, digest: Digest, commit_set: bytes, before: WorkerBundle) -> f.ReceiptSigned:
        """Signed over all it has in this batch and this one."""
        word = Receipt(task=task, slot=slot, digest=digest[:27])
        grown = before.with_receipt(word, commit_set, keccak256(commit_set), b"")
        message = Receipts(
            worker=self.address,
            job=JOB,
            first_task=before.first_task,
            count=len(grown.receipts),
            receipts=grown.receipts_root.root,
            commit_sets=grown.sets_root.root,
        )
        return f.ReceiptSigned(
            job=JOB,
            task=task,
            now=0,
            worker=self.address,
            count=message.count,
            receipts_root=message.receipts,
            sets_root=message.commit_sets,
            signature=sign_compact(DOMAIN, message, self.key),
        )


@dataclass
class Desk:
    """The book with a clock: each act is one fact, decided and applied."""

    terms: BatchTerms
    now: int = START
    book: BatchBook = field(default_factory=BatchBook)

    def __post_init__(self) -> None:
        self.book.open_job(self.terms)

    def take(self, fact: f.BatchFact) -> BatchDecision:
        decision = self.book.decide(fact)
        self.book.apply(fact, decision)
        return decision

    def claim(
        self,
        hand: Hand,
        task: int,
        parties: tuple[Address, ...] = (),
        *,
        drawn: bool = False,
        audited: bool = False,
    ) -> BatchDecision:
        about = {"job": JOB, "task": task, "now": self.now, "worker": hand.address, "parties": parties}
        return self.take(f.SlotClaimed(**about, drawn=drawn, audited=audited))  # type: ignore[arg-type]

    def run(self, task: int, digest: Digest | None = None) -> BatchDecision:
        """The orchestrator's own run."""
        found = right(task) if digest is None else digest
        return self.take(f.ResultComputed(job=JOB, task=task, now=self.now, digest=found))

    def commit(self, hand: Hand, task: int, digest: Digest | None = None) -> BatchDecision:
        sealed = hand.sealed(task, right(task) if digest is None else digest)
        return self.commit_raw(hand, task, sealed)

    def commit_raw(self, hand: Hand, task: int, sealed: bytes) -> BatchDecision:
        fact = f.ResultCommitted(job=JOB, task=task, now=self.now, worker=hand.address, commitment=sealed)
        return self.take(fact)

    def show(self, hand: Hand, task: int) -> BatchDecision:
        digest, salt = hand.salts[task]
        fact = f.ResultShown(job=JOB, task=task, now=self.now, worker=hand.address, digest=digest, salt=salt)
        return self.take(fact)

    def sign(self, hand: Hand, task: int, before: WorkerBundle | None = None) -> BatchDecision:
        state = self.book.task(JOB, task)
        slot = state.slot_of(hand.address)
        digest = hand.salts[task][0]
        bundle = self.book.bundle(JOB, task, hand.address) if before is None else before
        fact = hand.receipt(task, slot or 0, digest, state.commit_set or bytes(32), bundle)
        return self.take(f.ReceiptSigned(**{name: getattr(fact, name) for name in fact.__slots__} | self._at(task)))

    def _at(self, task: int) -> dict[str, int]:
        return {"job": JOB, "task": task, "now": self.now}

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        for fact in list(self.book.due(self.now)):
            self.take(fact)

    def close(self, most_age: int = 1 << 40) -> None:
        """Cuts and seals what is due."""
        for closing in self.book.closings(JOB, self.now, most_age):
            self.book.close(closing)

    def batch(self, first: int) -> Batch | None:
        """What would be posted now of the batch that begins there; None if nobody earned anything."""
        bundles = self.book.signed_bundles(JOB, first)
        if not bundles:
            return None
        return build(
            orchestrator=OPERATOR,
            number=0,
            job=JOB,
            tasks=self.book.batch_of(JOB, first),
            bundles=bundles,
            prices=self.prices,
        )

    @property
    def prices(self) -> Prices:
        return Prices(price=self.terms.price, fee=self.terms.fee, slots=self.terms.slots)

    def faults(self, batch: Batch) -> list[Fault]:
        return list(find_faults(Case(domain=DOMAIN, prices=self.prices, header=batch.header, previous=None), batch))
