"""All batch-lane jobs of an orchestrator: facts go in, batches come out. Replaying the facts rebuilds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from edgebounty.protocol.batch.wire import Bundle, Receipt, SignedBundle, bundle_leaves
from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.batches import JobBatches
from orchestrator.domain.batch.checking import Standing, has_to_run
from orchestrator.domain.batch.decide import BatchDecision, decide, doubted, is_over
from orchestrator.domain.batch.due import DueTimes, Place
from orchestrator.domain.batch.facts import (
    BatchCut,
    BatchFact,
    BatchKept,
    BatchSealed,
    Closing,
    ReceiptSigned,
    ResultFound,
    SlotClaimed,
    TimePassed,
)
from orchestrator.domain.batch.holding import HeldBack
from orchestrator.domain.batch.places import Places
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage, WorkerBundle
from orchestrator.domain.errors import Broken, Rejected


@dataclass(slots=True)
class BatchBook:
    """Changed by `open_job`, `apply`, `close`, `keep`, `found` alone. `payees[i]`: whose payout index i is for ever.

    `to_run`: tasks that the orchestrator has to run itself, the longest waiting first. `kept`: posted batches without
    what led to them. `unknown`: tasks of which only the first 27 bytes of the accepted digest are known.
    """

    terms: dict[JobId, BatchTerms] = field(default_factory=dict)
    tasks: dict[tuple[JobId, int], BatchTask] = field(default_factory=dict)
    bundles: dict[tuple[JobId, int, Address], WorkerBundle] = field(default_factory=dict)
    batches: dict[JobId, JobBatches] = field(default_factory=dict)
    payees: dict[int, Address] = field(default_factory=dict)
    counts: dict[JobId, Counter[Stage]] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    held: HeldBack = field(default_factory=HeldBack)
    standing: Standing = field(default_factory=Standing)
    to_run: dict[Place, None] = field(default_factory=dict)
    changes: int = 0  # another number whenever something of a task or bundle is another
    kept: dict[tuple[JobId, int], BatchKept] = field(default_factory=dict)
    kept_pay: Counter[Address] = field(default_factory=Counter)  # by the batches in `kept`, base units
    kept_receipts: Counter[Address] = field(default_factory=Counter)
    unknown: dict[Place, bytes] = field(default_factory=dict)
    _next_index: int = 1
    _due: DueTimes = field(default_factory=DueTimes)
    _index_of: dict[Address, int] = field(default_factory=dict)
    _batches_of: dict[Address, list[tuple[JobId, int]]] = field(default_factory=dict)
    _workers_of: dict[tuple[JobId, int], list[Address]] = field(default_factory=dict)  # by batch

    def open_job(self, terms: BatchTerms) -> None:
        """Raises `ValueError` for terms under which no task could end."""
        if not 1 <= terms.quorum <= terms.copies <= terms.slots or terms.waves < 1 or terms.span < 1:
            raise ValueError(f"job {terms.job}: {terms.quorum} equal of {terms.copies} in {terms.slots} slots")
        self.terms[terms.job] = terms
        self.batches[terms.job] = JobBatches(tasks=terms.tasks)
        self.counts[terms.job] = Counter({Stage.OPEN: terms.tasks})

    def end_job(self, job: JobId, deadline: int, closes: int) -> None:
        """Its requester stopped it. These times only come nearer."""
        terms = self.terms[job]
        self.terms[job] = replace(terms, deadline=min(deadline, terms.deadline), closes=min(closes, terms.closes))
        for task in self.tasks_of(job):
            self._due.moved(self.terms[job], task)

    def tasks_of(self, job: JobId) -> Iterator[BatchTask]:
        """Those that anybody ever had, by number."""
        found = (self.tasks.get((job, index)) for index in range(self.terms[job].tasks))
        return (task for task in found if task is not None)

    def task(self, job: JobId, index: int) -> BatchTask:
        """Raises `Rejected` for one that does not exist."""
        terms = self.terms.get(job)
        if terms is None or not 0 <= index < terms.tasks:
            raise Rejected(by="the caller", reason=f"there is no task {index} of a job {job} in the batch lane here")
        return self.tasks.get((job, index), BatchTask(index=index))

    def bundle(self, job: JobId, index: int, worker: Address) -> WorkerBundle:
        """The worker's bundle in the batch of this task; empty before its first receipt."""
        first, _ = self.batch_of(job, index)
        return self.bundles.get((job, first, worker), WorkerBundle(job=job, first_task=first, worker=worker))

    def bundles_of(self, worker: Address) -> list[WorkerBundle]:
        """All that the worker is owed, the oldest batch first."""
        return [self.bundles[job, first, worker] for job, first in self._batches_of.get(worker, ())]

    def decide(self, fact: BatchFact) -> BatchDecision:
        """What the fact changes, without changing it. Raises `Rejected`."""
        task = self.task(fact.job, fact.task)
        if isinstance(fact, SlotClaimed) and fact.task >= self.room(fact.job, fact.now):
            raise Rejected(by="nobody", reason=f"task {fact.task} waits for the next batch: take an earlier one")
        bundle = self.bundle(fact.job, fact.task, fact.worker) if isinstance(fact, ReceiptSigned) else None
        decision = decide(self.terms[fact.job], task, fact, self.standing, bundle)
        if bundle is not None and decision.bundle != bundle and bundle.first_task in self.batches[fact.job].sealed:
            raise Rejected(by="the worker", reason=f"the batch of task {fact.task} is closed: this receipt is too late")
        return decision

    def apply(self, fact: BatchFact, decision: BatchDecision) -> None:
        self.checked((fact.job, fact.task), decision.passed, decision.caught)
        self._put(fact.job, decision.task)
        if isinstance(fact, SlotClaimed):
            self.batches[fact.job].take(fact.task)
        bundle = decision.bundle
        if bundle is not None:
            self.batches[fact.job].pay(fact.task, fact.now)
            key = (bundle.job, bundle.first_task, bundle.worker)
            if key not in self.bundles:
                self._workers_of.setdefault(key[:2], []).append(bundle.worker)
                self._batches_of.setdefault(bundle.worker, []).append(key[:2])
            self.bundles[key] = bundle
            if bundle.worker not in self._index_of:
                self._add_payee(self._next_index, bundle.worker)

    def checked(self, place: Place, passed: Iterable[Address], caught: Collection[Address]) -> None:
        """What a check of this task has shown. Of who is caught all that is held back is doubted."""
        self.standing.take(place, self.terms[place[0]].price, passed, caught)
        for job, index in (held for worker in caught for held in self.held.of(worker)):
            self._put(job, doubted(self.terms[job], self.task(job, index)))

    def _put(self, job: JobId, task: BatchTask) -> None:
        """The task as it is from now on, in every index."""
        self.changes += 1
        before = self.task(job, task.index)
        self.counts[job].subtract([before.stage])
        self.counts[job].update([task.stage])
        self.places.moved(job, before, task)
        self.held.moved(job, before, task)
        self._due.moved(self.terms[job], task)
        self.tasks[job, task.index] = task
        if has_to_run(self.terms[job], task, self.standing):
            self.to_run[job, task.index] = None
        else:
            self.to_run.pop((job, task.index), None)

    def payout_index(self, worker: Address) -> int | None:
        """Where its earnings stand in the payout tree, from its first accepted receipt on."""
        return self._index_of.get(worker)

    def due(self, now: int) -> Iterator[TimePassed]:
        """The tasks that time alone moves on."""
        return (TimePassed(job=job, task=index, now=now) for job, index in self._due.until(now))

    # --- batches ---

    def batch_of(self, job: JobId, task: int) -> tuple[int, int]:
        """The tasks [first, end) of the batch that this task is in."""
        return self.batches[job].of(task)

    def room(self, job: JobId, now: int) -> int:
        """Tasks from this one on wait for the next batch: the open one has its `span` of tasks that may yet be paid."""
        terms, batches = self.terms[job], self.batches[job]
        room = batches.open_first + terms.span
        if batches.last_taken + 1 >= room:  # else nobody needs to know how many were in vain
            room += sum(self._was_in_vain(terms, i, now) for i in range(batches.open_first, batches.last_taken + 1))
        return min(room, terms.tasks)

    def closings(self, job: JobId, now: int, most_age: int, offered: int = -1) -> Iterator[Closing]:
        """What is to be closed now; `close` each before the next. `offered`: the highest task that workers think of.

        The next batch begins when the open one is full, or got its first receipt `most_age` seconds ago.
        """
        batches = self.batches[job]
        if batches.paid_since is not None:
            end = max(batches.last_taken, offered) + 1
            full = end >= self.room(job, now)
            if end < batches.tasks and (full or now - batches.paid_since >= most_age):
                yield BatchCut(job=job, end=end)
        for first in batches.starts:
            if first not in batches.sealed and self.is_ready(job, first, now):
                yield BatchSealed(job=job, first=first)

    def close(self, closing: Closing) -> None:
        match closing:
            case BatchCut():
                self.batches[closing.job].cut(closing.end)
            case BatchSealed():
                self.batches[closing.job].seal(closing.first)

    def is_ready(self, job: JobId, first: int, now: int) -> bool:
        """Whether the batch that begins at `first` can get no further receipt, and so be sealed."""
        terms = self.terms[job]
        start, end = self.batch_of(job, first)
        if start != first:
            raise ValueError(f"no batch of job {job} begins at task {first}")
        return all(
            is_over(terms, task, now) if (task := self.tasks.get((job, i))) is not None else now >= terms.deadline
            for i in range(start, end)
        )

    def keep(self, kept: BatchKept) -> None:
        """Its payees are told by themselves. Raises `Broken` for a batch that contradicts what is known."""
        terms, batches = self.terms[kept.job], self.batches[kept.job]
        name = f"the batch of job {kept.job}, tasks {kept.first} to {kept.end - 1}"
        if any(slot.accepted for i in range(kept.first, kept.end) for slot in self.task(kept.job, i).taken):
            raise Broken(f"{name}, is not what this database holds of it: delete the database to have it rebuilt")
        try:
            batches.keep(kept.first, kept.end)
        except ValueError as error:
            raise Broken(f"{name}, does not follow what this database holds: {error}") from error
        for leaf in kept.leaves:
            self.kept_pay[leaf.account] += leaf.count * terms.price
            self.kept_receipts[leaf.account] += leaf.count
        digests = {result.task: result.digest for result in kept.results}
        begun = {receipt.task: receipt.digest for bundle in _bundles_of(kept) for receipt in bundle.receipts}
        for index in range(kept.first, kept.end):
            stage = Stage.AGREED if index in digests or index in begun else Stage.GIVEN_UP
            self._put(kept.job, BatchTask(index=index, stage=stage, digest=digests.get(index)))
            self.to_run.pop((kept.job, index), None)
            if index in begun and index not in digests:
                self.unknown[kept.job, index] = begun[index]
        self.kept[kept.job, kept.first] = kept

    def found(self, result: ResultFound) -> None:
        """Raises `Broken` for a digest that is not the one that was accepted."""
        place = (result.job, result.task)
        if self.unknown.get(place) != result.digest[:27]:
            raise Broken(f"task {result.task} of job {result.job} was not accepted as 0x{result.digest.hex()}")
        del self.unknown[place]
        self._put(result.job, replace(self.tasks[place], digest=result.digest))

    def keep_payee(self, index: int, account: Address) -> None:
        """Raises `Broken` if either has another already."""
        if index in self.payees or account in self._index_of:
            raise Broken(f"payout index {index} is {self.payees.get(index)}'s, and was posted as {account}'s")
        self._add_payee(index, account)

    def leaves_of(self, job: JobId, first: int) -> tuple[Bundle, ...]:
        """The bundles of the batch that begins at `first`, as they stand in its tree."""
        kept = self.kept.get((job, first))
        return kept.leaves if kept is not None else bundle_leaves(self.signed_bundles(job, first))

    def _add_payee(self, index: int, account: Address) -> None:
        self.payees[index], self._index_of[account] = account, index
        self._next_index = max(self._next_index, index + 1)

    def _was_in_vain(self, terms: BatchTerms, index: int, now: int) -> bool:
        task = self.tasks.get((terms.job, index))
        return task is not None and is_over(terms, task, now) and not any(slot.accepted for slot in task.taken)

    def signed_bundles(self, job: JobId, first: int) -> tuple[SignedBundle, ...]:
        """What `building.build` takes: every worker's accepted receipts in this batch, by payout index."""
        if (job, first) in self.kept:
            return _bundles_of(self.kept[job, first])
        found = [self.bundles[job, first, worker] for worker in self._workers_of.get((job, first), ())]
        return tuple(
            sorted(
                (
                    SignedBundle(
                        payout_index=self._index_of[bundle.worker],
                        account=bundle.worker,
                        receipts=bundle.receipts,
                        commit_sets=bundle.commit_sets,
                        signature=bundle.signature,
                    )
                    for bundle in found
                ),
                key=lambda bundle: bundle.payout_index,
            )
        )


def _bundles_of(kept: BatchKept) -> tuple[SignedBundle, ...]:
    """As far as they are known."""

    def words(data: bytes) -> tuple[bytes, ...]:
        return tuple(data[i : i + 32] for i in range(0, len(data), 32))

    return tuple(
        SignedBundle(
            payout_index=leaf.payout_index,
            account=leaf.account,
            receipts=tuple(map(Receipt.parse, words(behind.receipts))),
            commit_sets=words(behind.commit_sets),
            signature=leaf.signature,
        )
        for leaf, behind in zip(kept.leaves, kept.words, strict=bool(kept.words))
    )
