"""Is this task worth starting? Looked up on chain and in verified content, before anything is at stake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.views import BlockRef, ClaimStatus, Job, JobTerms, Task, TaskLook, TaskStatus
from edgebounty.jobs.shape import TaskSpec, needed_tasks
from edgebounty.protocol.failure import explain as explain_failure
from edgebounty.protocol.failure import failure_of_digest
from edgebounty.protocol.hashing import abi_words, keccak256
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex
from edgebounty.worker.content import Named, TaskContent
from edgebounty.worker.explain import Refused
from edgebounty.worker.link import Offer
from edgebounty.worker.sandbox import SandboxTask
from edgebounty.worker.settings import WorkerSettings

_FAILURE_BYTES = 64
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A task that has been checked: what to run, and on which facts of the chain that rests."""

    job_id: JobId
    task_index: TaskIndex
    terms: JobTerms
    manifest: Manifest
    spec: TaskSpec
    results: dict[int, Digest]  # of the earlier tasks that it reads
    basis: bytes

    @property
    def key(self) -> tuple[JobId, TaskIndex]:
        return self.job_id, self.task_index

    @property
    def sandbox_task(self) -> SandboxTask:
        largest = max(self.manifest.limits.output_bytes, self.manifest.state_bytes, _FAILURE_BYTES)
        return SandboxTask(
            manifest=self.manifest.cid, index=self.spec.index, results=self.results, max_output_bytes=largest
        )


class Checker:
    """Checks tasks for one worker. Raises `Refused` with the reason, and `ChainError` when the node fails."""

    def __init__(
        self, *, market: MarketContracts, content: TaskContent, settings: WorkerSettings, worker: Address
    ) -> None:
        self._market = market
        self._content = content
        self._settings = settings
        self._worker = worker

    def claimable(self, offer: Offer, block: BlockRef) -> Work:
        """The work of a task that this worker may claim, as at `block`."""
        at, (job_id, index) = block.number, offer.key
        look = self._look(offer, at)
        job, task = look.job, look.task
        self._check_job(job, task, block)
        if not look.stage_open:
            raise Refused(
                "stage_closed", f"job {job_id}: tasks before task {index} are not finished yet", for_seconds=0.5
            )
        if task.status not in (TaskStatus.IDLE, TaskStatus.CLAIMING):
            raise Refused("wave_full", f"job {job_id} task {index} is already decided or being revealed")
        if task.status is TaskStatus.CLAIMING and task.free_slots == 0:
            raise Refused("wave_full", f"job {job_id} task {index}: all {task.slots_open} places are taken")
        if block.time >= task.phase_deadline and any(claim.status is ClaimStatus.CLAIMED for claim in look.claims):
            text = f"job {job_id} task {index}: a claim in it is overdue and has to expire before anybody may join"
            raise Refused("late_claims", text, for_seconds=0.5)
        self._check_draw(look, block)
        self._check_stake(look, block)
        return self.work(job_id, index, job.terms, at)

    def work(self, job_id: JobId, index: TaskIndex, terms: JobTerms, at: int) -> Work:
        """What the task is, from verified content and settled results: nothing about whether it may be claimed."""
        named = self._content.named(terms.manifest_digest)
        self._check_manifest(job_id, named, terms)
        spec = named.spec(index)
        results = self._results(job_id, needed_tasks(spec), at)
        return Work(
            job_id=job_id,
            task_index=index,
            terms=terms,
            manifest=named.manifest,
            spec=spec,
            results=results,
            basis=basis_of(terms.manifest_digest, results),
        )

    def basis_now(self, job_id: JobId, index: TaskIndex, at: int) -> bytes:
        """The basis of a task as the chain has it now: to be compared before a result is committed."""
        terms = self._market.terms(job_id, at)
        spec = self._content.named(terms.manifest_digest).spec(index)
        return basis_of(terms.manifest_digest, self._results(job_id, needed_tasks(spec), at))

    def _look(self, offer: Offer, at: int) -> TaskLook:
        try:
            return self._market.look(*offer.key, self._worker, at)
        except ContractRejected as error:
            text = f"job {offer.job_id} task {offer.task_index} was offered and does not exist: {error}"
            raise Refused("job_unknown", text, for_seconds=10.0) from error

    def _check_job(self, job: Job, task: Task, block: BlockRef) -> None:
        terms, name = job.terms, f"job {job.id}"
        # A task that somebody holds goes on after its job has ended, and its further waves even after the deadline.
        held = task.status is TaskStatus.CLAIMING
        if block.time >= task.closes_at if held else job.is_ended(block.time):
            raise Refused(
                "job_ended", f"{name} gives out no more tasks: it is stopped, failed, finished or past its end"
            )
        if terms.slot_price < self._settings.min_slot_price:
            text = f"{name} pays {terms.slot_price} a task, your minimum is {self._settings.min_slot_price}"
            raise Refused("price_low", text, for_seconds=None)
        self._check_times(job, block)
        task_cost = terms.bounty // terms.total_tasks
        if job.escrow < task_cost:
            raise Refused(
                "escrow_short", f"{name} has {job.escrow} in escrow, a task may cost {task_cost}: not paid for"
            )

    def _check_times(self, job: Job, block: BlockRef) -> None:
        """Terms that are legal and bad for a worker: no time to answer, or stake held for very long."""
        settings, time = self._settings, job.terms.task_time
        if time < settings.min_task_seconds:
            text = (
                f"job {job.id} gives {time} s to commit and to reveal, your minimum is {settings.min_task_seconds} s "
                "(min_task_seconds): who is late loses stake"
            )
            raise Refused("time_short", text, for_seconds=None)
        left = job.terms.deadline - block.time
        if left > settings.max_job_days * _DAY:
            text = (
                f"job {job.id} ends in {left / _DAY:.1f} days and may hold a claim's stake until then, your limit is "
                f"{settings.max_job_days:g} days (max_job_days)"
            )
            raise Refused("end_far", text, for_seconds=600.0)

    def _check_draw(self, look: TaskLook, block: BlockRef) -> None:
        market, at, worker, task = self._market, block.number, self._worker, look.task
        name = f"job {task.job_id} task {task.index}"
        if look.barred:
            raise Refused(
                "barred", f"{name}: this worker claimed it before and did not commit in time", for_seconds=None
            )
        if any(claim.worker == worker for claim in look.claims):
            raise Refused("wave_full", f"{name}: this worker has its place already")
        if look.drawn_from is not None:
            if block.time >= look.drawn_from:
                return
            wait = look.drawn_from - block.time
            text = f"{name}: drawn, and may be claimed in {wait} s: the luckier go first"
            raise Refused("draw_awaited", text, for_seconds=min(wait, 0.5))
        if market.seed(task.draw_epoch, at) is None:
            text = f"{name}: its draw waits for the seed of epoch {task.draw_epoch}"
            raise Refused("seed_awaited", text, for_seconds=0.2)
        counted = market.stake_block(task.draw_epoch)
        if market.stake_at(worker, counted, at) == 0:
            text = f"{name}: stake counts as at block {counted}, before this worker had any; later draws will count it"
            raise Refused("stake_fresh", text)
        raise Refused(
            "not_drawn", f"{name}: not drawn this time; the draw is by stake, and widens when places stay empty"
        )

    def _check_stake(self, look: TaskLook, block: BlockRef) -> None:
        needed, name = look.job.terms.stake_per_claim, f"a claim of job {look.job.id}"
        if look.free_stake >= needed:
            return
        stake = self._market.balances(self._worker, block.number).stake
        if stake >= needed:
            text = f"{name} locks {needed}; {look.free_stake} is free until open claims are settled"
            raise Refused("stake_locked", text)
        raise Refused("stake_short", f"{name} locks {needed}, your stake is {stake}; run `edgebounty stake add`")

    def _check_manifest(self, job_id: JobId, named: Named, terms: JobTerms) -> None:
        shape = named.shape
        if shape != (terms.map_tasks, terms.reduce_tasks, terms.rounds):
            raise Refused(
                "manifest_bad",
                f"job {job_id}: its manifest has {shape} map tasks, reduce tasks and rounds, the chain has "
                f"{(terms.map_tasks, terms.reduce_tasks, terms.rounds)}: the requester's mistake",
                for_seconds=None,
            )
        limits, settings = named.manifest.limits, self._settings
        if limits.memory_bytes > settings.max_memory_bytes:
            text = (
                f"job {job_id} needs {limits.memory_bytes} bytes of memory, your limit is {settings.max_memory_bytes}"
            )
            raise Refused("over_limits", text, for_seconds=None)
        if settings.max_work_units is not None and limits.work_units > settings.max_work_units:
            text = f"job {job_id} may take {limits.work_units} work units, your limit is {settings.max_work_units}"
            raise Refused("over_limits", text, for_seconds=None)

    def _results(self, job_id: JobId, tasks: Sequence[int], at: int) -> dict[int, Digest]:
        results: dict[int, Digest] = {}
        for task, digest in zip(tasks, self._market.results(job_id, tasks, at), strict=True):
            if digest is None:
                text = f"job {job_id}: task {task} has no result on chain, and this task reads it"
                raise Refused("stage_closed", text, for_seconds=0.5)
            code = failure_of_digest(digest)
            if code is not None:
                text = f"job {job_id} cannot go on: {explain_failure(code)} (task {task})"
                raise Refused("input_failed", text, for_seconds=None)
            results[task] = digest
        return results


def basis_of(manifest_digest: Digest, results: dict[int, Digest]) -> bytes:
    """A hash of all that a task's result is computed from."""
    words = [word for task in sorted(results) for word in (task, results[task])]
    return keccak256(abi_words(manifest_digest, *words))
