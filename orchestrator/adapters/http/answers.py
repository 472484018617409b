"""Values to the JSON that others read: hex digests, text amounts, words."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from edgebounty.protocol.types import Address, Digest, to_address
from orchestrator.domain.errors import Rejected
from orchestrator.domain.market import Market
from orchestrator.domain.matching import content_problem
from orchestrator.domain.values import NO_DIGEST, Claim, Job, Reason, Task, Worker


def job_line(market: Market, job: Job) -> dict[str, Any]:
    """One job, for lists."""
    manifest = market.manifests.get(job.terms.manifest_digest)
    return {
        "id": job.id,
        "lane": "direct" if job.terms.lane == market.policy.lane else "batch",
        "status": _status(market, job),
        "kind": manifest.kind if manifest is not None else "",
        "requester": job.requester,
        "orchestrator": job.terms.orchestrator,
        "manifest_digest": _hex(job.terms.manifest_digest),
        "content": manifest.status.value if manifest is not None else "waiting",
        "problem": content_problem(market, job),
        "deadline": job.terms.deadline,
        "tasks": job.terms.total_tasks,
        "settled": job.settled,
        "refunded": job.refunded,
        "paid": str(job.paid_wei),
        "refunded_amount": str(job.refunded_wei),
    }


def job_page(soft: Market, job: Job) -> dict[str, Any]:
    """One job with its tasks. Tasks whose stage is not open yet are left out."""
    terms = job.terms
    return job_line(soft, job) | {
        "terms": {
            "map_tasks": terms.map_tasks,
            "reduce_tasks": terms.reduce_tasks,
            "rounds": terms.rounds,
            "quorum": terms.quorum,
            "work_slots": terms.work_slots,
            "slot_price": str(terms.slot_price_wei),
            "stake_per_claim": str(terms.stake_per_claim_wei),
            "fee_bps": terms.fee_bps,
            "task_time": terms.task_time,
        },
        "posted_block": job.posted.number,
        "task_list": [task_line(task) for task in soft.tasks_of(job.id)],
    }


def task_line(task: Task) -> dict[str, Any]:
    return {
        "task_index": task.id.index,
        "status": task.status.value,
        "slots": task.slots,
        "wave": task.wave,
        "reopens": task.reopens,
        "draw_epoch": task.draw_epoch,
        "fill_deadline": task.fill_deadline,
        "phase_deadline": task.phase_deadline,
        "result": _hex(task.result),
        "claims": [claim_line(claim) for claim in task.claims],
    }


def claim_line(claim: Claim) -> dict[str, Any]:
    return {
        "worker": claim.worker,
        "status": claim.status.value,
        "digest": _hex(claim.digest),
    }


def worker_page(worker: Worker) -> dict[str, Any]:
    """A worker's record: what it did, earned, lost, and why."""
    return {
        "address": worker.address,
        "claims": worker.claims,
        "commits": worker.commits,
        "reveals": worker.reveals,
        "tasks_paid": worker.tasks_paid,
        "earned": str(worker.earned_wei),
        "slashed": str(worker.slashed_wei),
        "no_show_fees": str(worker.fees_wei),
        "reasons": [reason_line(reason) for reason in worker.reasons],
    }


def reason_line(reason: Reason) -> dict[str, Any]:
    return {
        "job_id": reason.task.job_id,
        "task_index": reason.task.index,
        "reason": reason.kind,
        "amount": str(reason.amount_wei),
        "revealed": _hex(reason.revealed),
        "accepted": _hex(reason.accepted),
        "tx": "0x" + reason.tx_hash.hex(),
        "text": str(reason),
    }


def address_of(text: str | None, what: str) -> Address:
    """An account that a caller names. Raises `Rejected`."""
    if not text:
        raise Rejected(by="the caller", reason=f"{what} is missing: give an account as 0x and 40 hex digits")
    try:
        return to_address(text)
    except ValueError as error:
        raise Rejected(by="the caller", reason=f"{what}: {error}") from error


def problem(status: int, reason: str, *, who: str) -> web.Response:
    """An error, with who has to act."""
    return web.json_response({"error": reason, "who_acts": who}, status=status)


def _status(market: Market, job: Job) -> str:
    if job.status.value == "open" and market.block.time >= job.terms.deadline:
        return "past its deadline"
    return job.status.value


def _hex(digest: Digest) -> str | None:
    return None if digest == NO_DIGEST else "0x" + digest.hex()
