"""What the explorer shows beyond single jobs and workers: the market at a glance, its books, and finding things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict
from statistics import median
from typing import Any, Final

from edgebounty.chain.ledger import Ledger
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.types import Address, JobId, to_address
from orchestrator.app.books import Books
from orchestrator.app.offers import Offering
from orchestrator.domain.market import Market
from orchestrator.domain.values import NO_DIGEST, JobStatus, TaskStatus, Worker
from orchestrator.ports.chain import Header

MOST_WORKERS: Final = 500
MOST_FOUND: Final = 100
Index = dict[str | bytes, list[dict[str, Any]]]
"""Where something appears, by address or by digest."""


def freshness(books: Books, head: Header | None) -> dict[str, Any]:
    """Which block a document shows. `time` is the block's, Unix seconds."""
    tip = books.tip.ref
    return {
        "number": tip.number,
        "hash": "0x" + tip.hash.hex(),
        "time": tip.time,
        "final": books.final_header.ref.number,
        "head": head.ref.number if head is not None else None,
    }


def overview(market: Market, offering: Offering, *, now: float) -> dict[str, Any]:
    """Supply, demand and price. Amounts are token base units as text."""
    open_jobs = [j for j in market.jobs.values() if j.status is JobStatus.OPEN and not j.ended(market.block.time)]
    open_ids = {job.id for job in open_jobs}
    open_tasks = [task for task in market.open_tasks() if task.id.job_id in open_ids]
    prices = [job.terms.slot_price_wei for job in open_jobs]
    working = {c.worker for t in open_tasks for c in t.live_claims}
    return {
        "supply": {
            "workers_known": len(market.workers),
            "workers_listening": sum(worker.until > now for worker in offering.workers.values()),
            "workers_busy": len(working),
        },
        "demand": {
            "jobs_open": len(open_jobs),
            "tasks_waiting": sum(task.free_slots > 0 for task in open_tasks),
            "slots_free": sum(task.free_slots for task in open_tasks),
            "tasks_revealing": sum(task.status is TaskStatus.REVEALING for task in open_tasks),
        },
        "slot_price": {
            "lowest": str(min(prices)) if prices else None,
            "median": str(int(median(prices))) if prices else None,
            "highest": str(max(prices)) if prices else None,
        },
        "totals": {
            "jobs": len(market.jobs),
            "tasks_settled": sum(job.settled for job in market.jobs.values()),
            "tasks_refunded": sum(job.refunded for job in market.jobs.values()),
            "paid": str(sum(job.paid_wei for job in market.jobs.values())),
            "refunded": str(sum(job.refunded_wei for job in market.jobs.values())),
            "slashed": str(sum(worker.slashed_wei for worker in market.workers.values())),
        },
    }


def worker_lines(market: Market, in_batches: Mapping[Address, dict[str, Any]]) -> list[dict[str, Any]]:
    """The workers that did most in both lanes, without the reasons of their losses. `in_batches`: sums by worker."""
    nothing = {"tasks_accepted": 0, "accepted": "0", "withdrawn": "0"}
    lines = [
        _worker_line(market.workers.get(address) or Worker(address=address)) | in_batches.get(address, nothing)
        for address in {*market.workers, *in_batches}
    ]
    return sorted(lines, key=lambda it: (-it["tasks_paid"] - it["tasks_accepted"], it["address"]))[:MOST_WORKERS]


def ledger_page(ledger: Ledger) -> dict[str, Any]:
    """The books as text amounts; `difference` is 0 when they add up."""
    amounts = {name: str(value) for name, value in asdict(ledger).items() if name != "block_number"}
    return {"block_number": ledger.block_number, "difference": str(ledger.difference), **amounts}


def index_of(market: Market) -> Index:
    """Where each address, CID digest and worker appears. Built at once, so that one search costs one look-up."""
    index: Index = defaultdict(list)
    for address in market.workers:
        index[address].append({"kind": "worker", "address": address})
    for job in market.jobs.values():
        index[job.requester].append({"kind": "requester", "address": job.requester, "job_id": job.id})
        index[job.terms.manifest_digest].append({"kind": "manifest", "job_id": job.id})
        known = market.manifests.get(job.terms.manifest_digest)
        for place, cid in enumerate(known.shard_cids if known is not None else ()):
            index[Cid.parse(cid).digest].append({"kind": "shard", "job_id": job.id, "task_index": place})
    for task in market.tasks.values():
        place_of_task = {"job_id": task.id.job_id, "task_index": task.id.index}
        for digest in {task.result, *(claim.digest for claim in task.claims)} - {NO_DIGEST}:
            index[digest].append({"kind": "result" if digest == task.result else "reveal", **place_of_task})
    return index


def find(index: Index, jobs: Container[JobId], text: str) -> list[dict[str, Any]]:
    """Jobs, tasks and workers that a job number, address, CID or digest names. Transactions are on the chain itself."""
    text = text.strip()
    if text.isdigit() and len(text) < 19:
        return [{"kind": "job", "job_id": int(text)}] if JobId(int(text)) in jobs else []
    key = _key(text)
    return index.get(key, [])[:MOST_FOUND] if key is not None else []


def _key(text: str) -> str | bytes | None:
    readers: tuple[Callable[[str], str | bytes], ...] = (to_address, lambda text: Cid.parse(text).digest, _digest)
    for read in readers:
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text.removeprefix("0x"))
    if len(digest) != 32:
        raise ValueError("a digest has 32 bytes")
    return digest


def _worker_line(worker: Worker) -> dict[str, Any]:
    return {
        "address": worker.address,
        "claims": worker.claims,
        "reveals": worker.reveals,
        "tasks_paid": worker.tasks_paid,
        "earned": str(worker.earned_wei),
        "slashed": str(worker.slashed_wei),
        "losses": len(worker.reasons),
    }
