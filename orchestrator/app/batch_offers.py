"""What a worker of the batch lane may be given now: tasks with a free place whose inputs are here, in its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgebounty.jobs.shape import describe, needed_tasks
from edgebounty.protocol.failure import failure_of_digest
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Address, Digest, JobId
from orchestrator.app.members import Members
from orchestrator.domain.batch.auditing import awaits_auditor
from orchestrator.domain.batch.book import BatchBook
from orchestrator.domain.batch.checking import may_audit
from orchestrator.domain.batch.decide import is_over, shares_party
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.facts import BatchKept
from orchestrator.domain.batch.limits import Seats, exposure_problem, hand_problem
from orchestrator.domain.batch.open import OpenTasks, is_free
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage
from orchestrator.domain.errors import Unavailable

MOST_OFFERED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A task that a worker may claim, with the accepted results that it reads."""

    terms: BatchTerms
    task: int
    manifest: str
    inputs: dict[int, Digest]


class BatchOffers:
    """Told of everything that moves; changes nothing in the book."""

    def __init__(self, book: BatchBook, members: Members) -> None:
        self._book = book
        self._members = members
        self._open: dict[JobId, OpenTasks] = {}
        self.seats = Seats()
        self.manifests: dict[JobId, Manifest] = {}  # none until its job was opened, also after a restart
        self._cids: dict[JobId, str] = {}  # theirs: making one hashes all of a manifest, and every offer has it
        self.outputs: set[Place] = set()  # tasks whose accepted output is kept here
        self.awaited: dict[Place, None] = {}  # tasks whose accepted output is not
        self.told: dict[JobId, int] = {}  # the highest task of which a worker was told the batch

    # --- what moved ---

    def opened(self, terms: BatchTerms, manifest: Manifest) -> None:
        if terms.job not in self.manifests:
            self.manifests[terms.job] = manifest
            self._cids[terms.job] = str(manifest.cid)
            self._open[terms.job] = self._open_tasks(terms, manifest)

    def moved(self, job: JobId, task: BatchTask) -> None:
        place = (job, task.index)
        if task.stage is Stage.AGREED and place not in self.outputs:
            self.awaited[place] = None
        if job in self._open:
            self._open[job].moved(task.index, is_free(self._book.terms[job], task))

    def brought(self, place: Place) -> None:
        """Its accepted output is here for good."""
        job, index = place
        self.outputs.add(place)
        self.awaited.pop(place, None)
        digest = self._book.task(job, index).digest
        if job in self._open and digest is not None and failure_of_digest(digest) is None:
            self._open[job].brought(index)

    def kept(self, batch: BatchKept) -> None:
        """A posted batch without what led to it."""
        self.outputs |= {(batch.job, task) for task in batch.outputs}
        places = ((batch.job, result.task) for result in batch.results)
        self.awaited |= {place: None for place in places if place not in self.outputs}

    # --- what follows ---

    def waits(self, job: JobId, index: int) -> bool:
        """Whether something that the task reads is not here. False until the job was opened, also after a restart."""
        return job in self._open and self._open[job].waits(index)

    def to(self, worker: Address, now: int) -> list[Offer]:
        """Up to four tasks that this worker may claim now."""
        found: list[Offer] = []
        for offer in self._open_to(worker, now):
            found.append(offer)
            self.told[offer.terms.job] = max(self.told.get(offer.terms.job, -1), offer.task)
            if len(found) == MOST_OFFERED:
                break
        return found

    def problem(self, worker: Address, job: JobId, now: int) -> str:
        """Why this worker is given no further task of the job, whichever; empty if it is."""
        return self._problems(worker, now)(self._book.terms[job])

    def has_auditors(self, terms: BatchTerms, now: int) -> bool:
        """Whether the job pays for an audit, and more workers of record are at work than one task has copies."""
        return terms.slots > terms.copies and len(self.seats.seated(terms, now, self._book.standing)) > terms.copies

    def why_none(self, worker: Address, now: int) -> str | None:
        """By which limit this worker is offered nothing; None if by none."""
        problem_of = self._problems(worker, now)
        return next((problem for terms in self._open_jobs(now) if (problem := problem_of(terms))), None)

    def in_hand(self, worker: Address, now: int) -> tuple[Place, ...]:
        """The tasks that this worker works on, or whose receipt it may still sign. May be asked from any thread."""
        book = self._book
        places = book.places.of(worker)
        return tuple(p for p in places if not is_over(book.terms[p[0]], book.task(*p), now))

    def inputs(self, terms: BatchTerms, index: int) -> dict[int, Digest] | None:
        """The accepted results that a task reads; None while one is not here, or failed."""
        if terms.job not in self.manifests:
            raise Unavailable(what=f"job {terms.job}", reason="this orchestrator has just started")
        inputs: dict[int, Digest] = {}
        for needed in self._needs(terms.job, index):
            digest = self._book.task(terms.job, needed).digest
            here = (terms.job, needed) in self.outputs
            if not here or digest is None or failure_of_digest(digest) is not None:
                return None
            inputs[needed] = digest
        return inputs

    def ripe(self) -> list[Place]:
        """Results that are held back and that others wait for, with nothing but held ones missing there: longer holds
        would teach nothing of these workers that the job's other tasks could."""
        found: dict[Place, None] = {}
        for job in {job for job, _ in self._book.held.places if job in self._open}:
            for needed in self._open[job].waiting():
                states = {index: self._book.task(job, index).stage for index in needed}
                if all(stage in (Stage.HELD, Stage.AGREED) for stage in states.values()):
                    found |= {(job, index): None for index, stage in states.items() if stage is Stage.HELD}
        return list(found)

    # --- internals ---

    def _open_jobs(self, now: int) -> list[BatchTerms]:
        """Those that give out tasks."""
        return [terms for job in self._open if now < (terms := self._book.terms[job]).deadline]

    def _problems(self, worker: Address, now: int) -> Callable[[BatchTerms], str]:
        """Of each job, why it gets none of its tasks: all but the job's own part is looked at once."""
        book, jobs = self._book, self._open_jobs(now)
        places = self.in_hand(worker, now)
        tasks = [book.task(*place) for place in places]
        unchecked = sum(book.terms[p[0]].price for p, t in zip(places, tasks, strict=True) if t.digest is None)
        hand = hand_problem(tasks)
        seats = {
            policy: self.seats.problem(policy, worker, now, book.standing, [j for j in jobs if j.policy is policy])
            for policy in {job.policy for job in jobs}
            if policy is not None
        }

        def problem_of(terms: BatchTerms) -> str:
            exposure = exposure_problem(terms, worker, unchecked, book.standing)
            return hand or exposure or (seats.get(terms.policy, "") if terms.policy is not None else "")

        return problem_of

    def _open_to(self, worker: Address, now: int) -> Iterator[Offer]:
        problem_of = self._problems(worker, now)
        parties, is_out = self._members.parties(worker), worker in self._book.standing.caught
        for terms in self._open_jobs(now):
            job = terms.job
            if (terms.policy is not None and is_out) or problem_of(terms):
                continue
            for index in self._open[job].below(self._book.room(job, now)):
                task = self._book.task(job, index)
                inputs = self.inputs(terms, index)
                if terms.policy is not None and shares_party(task, worker, parties):
                    continue
                if awaits_auditor(terms, task) and not may_audit(terms, worker, self._book.standing):
                    continue
                if worker not in task.barred and task.slot_of(worker) is None and inputs is not None:
                    yield Offer(terms=terms, task=index, manifest=self._cids[job], inputs=inputs)

    def _needs(self, job: JobId, index: int) -> tuple[int, ...]:
        return tuple(needed_tasks(describe(self.manifests[job], index)))

    def _open_tasks(self, terms: BatchTerms, manifest: Manifest) -> OpenTasks:
        found = OpenTasks([needed_tasks(describe(manifest, index)) for index in range(terms.tasks)])
        for task in self._book.tasks_of(terms.job):
            found.moved(task.index, is_free(terms, task))
            if (terms.job, task.index) in self.outputs and task.digest and failure_of_digest(task.digest) is None:
                found.brought(task.index)
        return found
