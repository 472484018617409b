"""The batch lane's jobs: from the final chain, once their content is here, to the desk; and their stops."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from orchestrator.app.books import Books
from orchestrator.app.desk import BatchDesk
from orchestrator.domain.batch.bonding import BondRules, BondStanding, bond_problem
from orchestrator.domain.batch.terms import LaneRules, batch_terms
from orchestrator.domain.batch.values import BatchTerms
from orchestrator.domain.due import is_in_our_batches
from orchestrator.domain.errors import Unavailable
from orchestrator.domain.matching import content_problem
from orchestrator.domain.values import Job, JobId, JobStatus
from orchestrator.ports.batch import BatchChain
from orchestrator.ports.chain import LaneReader
from orchestrator.ports.content import ContentKeeper

_log = logging.getLogger(__name__)


class ChainTime:
    """The time of the newest block taken in. A reorganisation does not turn it back."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._newest = 0

    def __call__(self) -> int:
        self._newest = max(self._newest, self._books.soft.block.time)
        return self._newest


class BatchJobs:
    """`step` is one short cycle: what is new or was stopped goes to the desk, after a restart everything again."""

    def __init__(
        self,
        *,
        books: Books,
        desk: BatchDesk,
        keeper: ContentKeeper,
        lane: LaneReader,
        rules: LaneRules,
        chain: BatchChain | None = None,
        bonds: BondRules | None = None,
    ) -> None:
        """Without `chain` and `bonds` no job's batches take a bond."""
        self.is_whole: Callable[[], bool] = lambda: True  # whether the desk knows all that was posted
        self._books = books
        self._desk = desk
        self._keeper = keeper
        self._lane = lane
        self._rules = rules
        self._chain = chain
        self._bonds = bonds
        self._told: dict[JobId, JobStatus] = {}  # what the desk was told last

    async def step(self) -> None:
        """Raises `Unavailable` (call again) after it has done what it could; `Broken` if a job has other terms now."""
        if not self.is_whole():
            return
        troubles: list[Unavailable] = []
        for job in list(self._books.final.open_jobs()):
            if is_in_our_batches(self._books.final, job) and self._told.get(job.id) is not job.status:
                try:
                    await self._tell(job)
                except Unavailable as trouble:  # perhaps of this job alone
                    troubles.append(trouble)
        if troubles:
            raise troubles[0]

    async def terms_of(self, job_id: JobId) -> BatchTerms:
        """Raises `Unavailable`, also for a job that the final blocks do not have yet."""
        job = self._books.final.jobs.get(job_id)
        if job is None:
            raise Unavailable(what=f"job {job_id}", reason="it is not in the blocks that were read so far")
        told = await self._lane.lane_job(job.id, self._books.final.block)
        return batch_terms(job, told, self._rules, self._desk.book.terms.get(job_id))

    async def _tell(self, job: Job) -> None:
        known = self._desk.book.terms.get(job.id)
        if known is None and (job.ended(self._desk.now()) or content_problem(self._books.final, job)):
            return  # too late to begin, or not yet: /v1/jobs shows the problem
        terms = await self.terms_of(job.id)
        if known is None and await self._has_no_bond(terms):
            return  # asked again with the next step
        manifest = await self._keeper.manifest(job.terms.manifest_digest)
        await self._desk.open_job(terms, manifest)
        self._told[job.id] = job.status
        _log.info(
            "batch-lane job" if job.status is JobStatus.OPEN else "batch-lane job ends",
            extra={"job": job.id, "tasks": terms.tasks, "deadline": terms.deadline, "closes": terms.closes},
        )

    async def _has_no_bond(self, terms: BatchTerms) -> bool:
        """Also tells the desk, whom people ask."""
        if self._chain is None or self._bonds is None:
            return False
        look = await self._chain.look(self._books.final_header.ref, (), ())
        problem = bond_problem(
            terms,
            self._not_over(),
            BondStanding(stake=look.allotted + look.free_stake, bonded=look.bonded),
            self._bonds,
        )
        if problem and self._desk.waiting.get(terms.job) != problem:
            _log.warning("batch-lane job waits", extra={"job": terms.job, "reason": problem})
        if problem:
            self._desk.waiting[terms.job] = problem
        else:
            self._desk.waiting.pop(terms.job, None)
        return bool(problem)

    def _not_over(self) -> Iterator[BatchTerms]:
        """Jobs that were taken, and of which something may yet be posted."""
        open_jobs = {job.id for job in self._books.final.open_jobs()}
        now = self._desk.now()
        return (
            terms
            for job, terms in self._desk.book.terms.items()
            if job in open_jobs and now < terms.closes + self._rules.grace
        )
