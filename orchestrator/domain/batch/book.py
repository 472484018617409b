"""All batch-lane jobs of an orchestrator: facts go in, batches come out. Replaying the facts rebuilds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from edgebounty.protocol.batch.wire import SignedBundle
from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.decide import BatchDecision, decide, is_over
from orchestrator.domain.batch.facts import BatchFact, ReceiptSigned, TimePassed
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage, WorkerBundle
from orchestrator.domain.errors import Rejected


@dataclass(slots=True)
class BatchBook:
    """Changed by `open_job` and `apply` alone. `payees[i]`: the account of payout index i + 1, for ever."""

    terms: dict[JobId, BatchTerms] = field(default_factory=dict)
    tasks: dict[tuple[JobId, int], BatchTask] = field(default_factory=dict)
    bundles: dict[tuple[JobId, int, Address], WorkerBundle] = field(default_factory=dict)
    payees: list[Address] = field(default_factory=list)
    _index_of: dict[Address, int] = field(default_factory=dict)

    def open_job(self, terms: BatchTerms) -> None:
        """Raises `ValueError` for terms under which no task could end."""
        if not 1 <= terms.quorum <= terms.copies <= terms.slots or terms.waves < 1 or terms.span < 1:
            raise ValueError(f"job {terms.job}: {terms.quorum} equal of {terms.copies} in {terms.slots} slots")
        self.terms[terms.job] = terms

    def end_job(self, job: JobId, deadline: int, closes: int) -> None:
        """Its requester stopped it. These times only come nearer."""
        terms = self.terms[job]
        self.terms[job] = replace(terms, deadline=min(deadline, terms.deadline), closes=min(closes, terms.closes))

    def task(self, job: JobId, index: int) -> BatchTask:
        """Raises `Rejected` for one that does not exist."""
        terms = self.terms.get(job)
        if terms is None or not 0 <= index < terms.tasks:
            raise Rejected(by="the caller", reason=f"there is no task {index} of a job {job} in the batch lane here")
        return self.tasks.get((job, index), BatchTask(index=index))

    def bundle(self, job: JobId, index: int, worker: Address) -> WorkerBundle:
        """The worker's bundle in the batch of this task; empty before its first receipt."""
        first, _ = self.terms[job].span_of(index)
        return self.bundles.get((job, first, worker), WorkerBundle(job=job, first_task=first, worker=worker))

    def decide(self, fact: BatchFact) -> BatchDecision:
        """What the fact changes, without changing it. Raises `Rejected`."""
        task = self.task(fact.job, fact.task)
        bundle = self.bundle(fact.job, fact.task, fact.worker) if isinstance(fact, ReceiptSigned) else None
        return decide(self.terms[fact.job], task, fact, bundle)

    def apply(self, fact: BatchFact, decision: BatchDecision) -> None:
        self.tasks[(fact.job, fact.task)] = decision.task
        bundle = decision.bundle
        if bundle is not None:
            self.bundles[(bundle.job, bundle.first_task, bundle.worker)] = bundle
            if bundle.worker not in self._index_of:
                self.payees.append(bundle.worker)
                self._index_of[bundle.worker] = len(self.payees)

    def payout_index(self, worker: Address) -> int | None:
        """Where its earnings stand in the payout tree, from its first accepted receipt on."""
        return self._index_of.get(worker)

    def due(self, now: int) -> Iterator[TimePassed]:
        """The tasks that time alone moves on."""
        for (job, index), task in self.tasks.items():
            terms = self.terms[job]
            waits = task.stage is Stage.OPEN and (now >= terms.deadline or any(now >= s.until for s in task.taken))
            if waits or (task.stage is Stage.CLOSED and now >= min(task.until, terms.closes)):
                yield TimePassed(job=job, task=index, now=now)

    def is_ready(self, job: JobId, first: int, now: int) -> bool:
        """Whether the batch that begins at `first` can get no further receipt, and so be posted."""
        terms = self.terms[job]
        start, end = terms.span_of(first)
        if start != first:
            raise ValueError(f"no batch of job {job} begins at task {first}")
        return all(
            is_over(terms, task, now) if (task := self.tasks.get((job, i))) is not None else now >= terms.deadline
            for i in range(start, end)
        )

    def signed_bundles(self, job: JobId, first: int) -> tuple[SignedBundle, ...]:
        """What `building.build` takes: every worker's accepted receipts in this batch, by payout index."""
        found = (b for (j, f, _), b in self.bundles.items() if (j, f) == (job, first))
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
