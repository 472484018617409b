"""Checks a job from chain and public content alone: re-runs its tasks and compares with the digests that were paid."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgebounty.client.batch_jobs import accepted_results
from edgebounty.client.errors import Rejected
from edgebounty.client.sampling import SECRET_SHARE, most_wrong, sample_size
from edgebounty.execution import Fetch, fetcher, run_task
from edgebounty.jobs.shape import describe, result_cid, result_tasks
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest
from edgebounty.protocol.unixfs import root_cid

if TYPE_CHECKING:
    from edgebounty.chain.views import Job
    from edgebounty.client.market import Market

OnCheck = Callable[["Check"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One task run again."""

    task: int
    is_reduce: bool
    paid: Digest
    computed: Digest
    work_units: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.paid == self.computed


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found. `unpaid` are tasks without a settled result: there is nothing to check in them."""

    job_id: int
    total_tasks: int
    checks: tuple[Check, ...]
    unpaid: tuple[int, ...]
    result_cid: Cid | None
    wrong: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wrong", tuple(check.task for check in self.checks if not check.right))

    @property
    def right(self) -> bool:
        return bool(self.checks) and not self.wrong

    @property
    def most_wrong(self) -> int:
        """Of the paid tasks, how many may be wrong at most, with 95 % confidence; all of them once one was found."""
        paid = self.total_tasks - len(self.unpaid)
        return paid if self.wrong else most_wrong(paid, len(self.checks))


def spot_check(
    market: Market, job_id: int, *, share: float = SECRET_SHARE, on_check: OnCheck | None = None
) -> Verification:
    """The requester's secret re-run: a share of the paid tasks, drawn here, so that nobody could prepare for it.

    It is the check on an orchestrator that pays its own workers for nothing. Raises as `verify` does.
    """
    return verify(market, job_id, share=share, on_check=on_check)


def verify(
    market: Market,
    job_id: int,
    *,
    sample: int | None = None,
    share: float | None = None,
    on_check: OnCheck | None = None,
) -> Verification:
    """Re-runs `sample` tasks, or a `share` of the paid ones, drawn at random (all without either), reduces included.

    The digests come from the chain (of a batch-lane job from its orchestrator, which posts them); manifest, program and
    data from content that is re-hashed as it is read, so nobody has to be trusted. Raises `Rejected` when nothing was
    paid yet and `ContentError` when content is gone.
    """
    job = market.job(job_id)
    manifest = market.manifest(job)
    check_terms(job, manifest)
    paid = accepted_results(market, job)
    if not paid:
        raise Rejected(
            f"job {job_id} has no settled task yet, so there is nothing to verify",
            whose="nobody's",
            remedy=f"wait for it: edgebounty job status {job_id} --watch",
        )
    if share is not None:
        sample = sample_size(len(paid), share)
    runtime = Runtime(memory_bytes=manifest.limits.memory_bytes)
    checks = []
    for check in rerun(manifest, paid, fetcher(market.content, manifest), runtime, sample=sample):
        checks.append(check)
        if on_check is not None:
            on_check(check)
    return Verification(
        job_id=job_id,
        total_tasks=manifest.total_tasks,
        checks=tuple(checks),
        unpaid=tuple(index for index in range(manifest.total_tasks) if index not in paid),
        result_cid=final_cid(manifest, paid),
    )


def final_cid(manifest: Manifest, paid: dict[int, Digest]) -> Cid | None:
    """The CID of the job's result, None while a task that makes it is not settled."""
    tasks = result_tasks(manifest)
    if any(task not in paid for task in tasks):
        return None
    return result_cid(manifest, [paid[task] for task in tasks])


def rerun(
    manifest: Manifest,
    paid: dict[int, Digest],
    fetch: Fetch,
    runtime: Runtime,
    *,
    sample: int | None = None,
    only: Iterable[int] | None = None,
) -> Iterator[Check]:
    """Runs `sample` of the tasks in `paid` again (all without it), drawn at random; `fetch` reads verified content.

    With `only` these tasks; the others in `paid` are their inputs.
    """
    chosen = sorted(paid if only is None else only)
    if sample is not None and sample < len(chosen):
        chosen = sorted(random.SystemRandom().sample(chosen, sample))
    fetch = _remembering(fetch, set(manifest.modules))
    for index in chosen:
        spec = describe(manifest, index)
        done = run_task(manifest, spec, fetch=fetch, result_of=paid.__getitem__, runtime=runtime)
        yield Check(
            task=index,
            is_reduce=spec.is_reduce,
            paid=paid[index],
            computed=root_cid(done.output).digest,
            work_units=done.work_units,
            seconds=done.seconds,
        )


def check_terms(job: Job, manifest: Manifest) -> None:
    """Raises `Rejected` unless the job escrows for just the tasks that its manifest has."""
    told = (job.terms.map_tasks, job.terms.reduce_tasks, job.terms.rounds)
    meant = (manifest.map_tasks, manifest.reduce_tasks, manifest.rounds)
    if told != meant:
        raise Rejected(
            f"job {job.id} escrows for {told} (map tasks, reduce tasks, rounds), its manifest says {meant}",
            whose="the requester's",
            remedy="do not work for this job",
        )


def _remembering(fetch: Fetch, keep: set[Cid]) -> Fetch:
    """Fetches what every task needs only once."""
    known: dict[Cid, bytes] = {}

    def remembered(cid: Cid) -> bytes:
        if cid not in keep:
            return fetch(cid)
        if cid not in known:
            known[cid] = fetch(cid)
        return known[cid]

    return remembered
