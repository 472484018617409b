"""A batch-lane job as its requester sees it: accepted results from the orchestrator, money from the chain.

Which result was accepted is the orchestrator's word; what it is worth is seen by running tasks again (`verification`).
Bytes are re-hashed like everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgebounty.chain.views import Job
from edgebounty.client.errors import Rejected, Unavailable
from edgebounty.client.history import JobHistory, TaskHistory
from edgebounty.client.orchestrator_api import OrchestratorApi
from edgebounty.protocol.types import Digest, to_digest

if TYPE_CHECKING:
    from edgebounty.client.market import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far the orchestrator says it is. `results`: accepted digests by task."""

    results: dict[int, Digest]
    given_up: int
    closes: int  # Unix seconds of the chain; no receipt is taken from then on


def is_batch(market: Market, job: Job) -> bool:
    return job.terms.lane == market.contracts.deployment.batch_lane


def batch_progress(market: Market, job: Job) -> BatchProgress:
    """Asks the job's orchestrator. Raises `Unavailable`, and `Rejected` for another's job."""
    if market.orchestrator_url is None:
        raise Rejected("no orchestrator is named", remedy="name the job's with --orchestrator-url")
    api = OrchestratorApi(market.orchestrator_url)
    results: dict[int, Digest] = {}
    start: int | None = 0
    told: dict[str, object] = {}
    while start is not None:
        told = api.get(f"/v1/batch/jobs/{job.id}?from={start}")
        try:
            page = {int(i): to_digest(bytes.fromhex(str(text)[2:])) for i, text in told["results"].items()}  # type: ignore[attr-defined]
            results |= {i: digest for i, digest in page.items() if 0 <= i < job.terms.total_tasks}
            following = None if told["next"] is None else int(str(told["next"]))
            given_up = int(told["stages"]["given_up"])  # type: ignore[index]
            closes = int(str(told["closes"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(
                f"{market.orchestrator_url} tells of job {job.id} otherwise than documented: {error}",
                whose="the orchestrator's",
                remedy="check --orchestrator-url",
            ) from error
        start = following if following is not None and following > start else None
    return BatchProgress(results=results, given_up=given_up, closes=closes)


def accepted_results(market: Market, job: Job) -> dict[int, Digest]:
    """The digests of finished tasks: settled on chain in the direct lane, accepted in the batch lane."""
    if is_batch(market, job):
        return batch_progress(market, job).results
    tasks = range(job.terms.total_tasks)
    found = market.contracts.results(job.id, tasks)
    return {index: digest for index, digest in zip(tasks, found, strict=True) if digest is not None}


def fold_batch(market: Market, history: JobHistory) -> None:
    """Brings a batch-lane job's history up to now; of other jobs nothing changes. Raises as `batch_progress`."""
    job = market.contracts.job(history.id)
    if not is_batch(market, job):
        return
    terms = history.terms
    fee = terms.slot_price * terms.fee_bps // 10_000  # rounded down, as the lane does
    receipts = max(history.escrowed - history.refunded - job.escrow, 0) // (terms.slot_price + fee)
    history.paid, history.fee = receipts * terms.slot_price, receipts * fee
    progress = batch_progress(market, job)
    history.given_up = progress.given_up
    for index, digest in progress.results.items():
        task = history.tasks.setdefault(index, TaskHistory(index=index))
        task.state, task.result = "settled", digest
