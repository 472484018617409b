"""A job's result from the chain and public content."""

from __future__ import annotations

from edgebounty.client.batch_jobs import accepted_results, is_batch
from edgebounty.client.errors import Rejected
from edgebounty.client.market import Market
from edgebounty.client.results import JobResult, Part, decode_parts
from edgebounty.client.verification import final_cid
from edgebounty.execution import Fetch, fetcher
from edgebounty.jobs.shape import output_cid, result_list, result_tasks
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import explain, failure_of_digest
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.types import Digest


def fetch_result(market: Market, job_id: int) -> JobResult:
    """The job's result, decoded. Raises as `fetch_part`."""
    return decode_parts([fetch_part(market, job_id)])


def fetch_part(market: Market, job_id: int) -> Part:
    """The job's result; every byte is checked against the digests on chain.

    Raises `Rejected` when the job is not finished or its program failed, `ContentError` when content is gone.
    """
    job = market.job(job_id)
    manifest = market.manifest(job)
    tasks = [int(task) for task in result_tasks(manifest)]
    if is_batch(market, job):
        known = accepted_results(market, job)
    else:
        settled = market.contracts.results(job_id, tasks)
        known = {task: digest for task, digest in zip(tasks, settled, strict=True) if digest is not None}
    paid = {task: known[task] for task in tasks if task in known}
    cid = final_cid(manifest, paid)
    if cid is None:
        raise _not_finished(market, job_id)
    for index, found in paid.items():
        code = failure_of_digest(found)
        if code is not None:
            raise Rejected(
                f"job {job_id} failed in task {index}: {explain(code)}",
                whose="the job author's (program or data)",
                remedy="change the job and post it again",
            )
    fetch = fetcher(market.content, manifest)
    return Part(manifest=manifest, cid=cid, content=_content(manifest, paid, cid, fetch), fetch=fetch)


def _content(manifest: Manifest, paid: dict[int, Digest], cid: Cid, fetch: Fetch) -> bytes:
    if manifest.reducer is None:  # the list follows from the digests: nobody needs to serve it
        return result_list([output_cid(manifest, task, paid[task]) for task in result_tasks(manifest)])
    return fetch(cid)


def _not_finished(market: Market, job_id: int) -> Rejected:
    job = market.job(job_id)
    now = market.contracts.block().time
    if job.failed:
        return Rejected(
            f"job {job_id} has no result: a task found no quorum before its deadline, and later ones depend on it",
            whose="the workers' or the network's",
            remedy="the unused bounty comes back as credit; post the job again with more time or work slots",
        )
    if job.is_ended(now):
        return Rejected(
            f"job {job_id} ended with {job.finished} of {job.terms.total_tasks} tasks",
            whose="nobody's",
            remedy="the unused bounty comes back as credit; post the job again",
        )
    return Rejected(
        f"job {job_id} is not finished: {job.finished} of {job.terms.total_tasks} tasks",
        whose="nobody's",
        remedy=f"wait for it: edgebounty job status {job_id} --watch",
    )
