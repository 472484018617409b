"""What the explorer shows of the batch lane: batches and disputes from the chain's events, tasks and bundles from the
desk's own book. A task's workers and results are shown once it is decided: before that they would help to copy, and
those of one task to find each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edgebounty.protocol.batch.publishing import data_cid
from edgebounty.protocol.types import Address, JobId
from orchestrator.adapters.http.explore import Index
from orchestrator.app.desk import BatchDesk
from orchestrator.app.lane_history import LaneFollower
from orchestrator.domain.batch.grid import cell_of
from orchestrator.domain.batch.record import BatchKey, BatchState, Dispute, LaneLog, LaneRecord, PostedBatch
from orchestrator.domain.batch.values import BatchTask, Slot, Stage, WorkerBundle

MOST_BATCHES: Final = 500
MOST_DISPUTES: Final = 500
_SHOWN_AS: Final = {Stage.SHOWN: Stage.CLOSED, Stage.HELD: Stage.CLOSED}  # how a task is checked is not told before


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A bundle of a batch. `tasks`: empty once the journal has no more of them."""

    worker: Address
    receipts: int
    tasks: tuple[int, ...] = ()


class BatchExplorer:
    """Makes the parts of documents, each from what is known in memory."""

    def __init__(self, *, desk: BatchDesk, follower: LaneFollower) -> None:
        self._desk = desk
        self._follower = follower

    @property
    def version(self) -> tuple[int, int]:
        """Another one whenever a document may have changed, but for the passing of windows."""
        return self.record.changes, self._desk.book.changes

    @property
    def record(self) -> LaneRecord:
        return self._follower.record

    # --- jobs ---

    def job_line(self, job: JobId) -> dict[str, Any]:
        """What a job's line says otherwise than in the direct lane; nothing of a job that is not served here."""
        terms = self._desk.book.terms.get(job)
        if terms is None:
            why = self._desk.waiting.get(job)
            return {"problem": why} if why else {}
        counts = self._desk.book.counts[job]
        receipts = self._paid_receipts(job)
        line: dict[str, Any] = {
            "settled": counts[Stage.AGREED],
            "refunded": counts[Stage.GIVEN_UP],
            "paid": str(receipts * terms.price),
            "batches": len(self.record.of_job.get(job, ())),
        }
        if counts[Stage.AGREED] + counts[Stage.GIVEN_UP] == terms.tasks and not self._unposted(job):
            line["status"] = "finished"
        return line

    def job_page(self, job: JobId) -> dict[str, Any]:
        """The rest of a job's page: its tasks, and the batches that pay them."""
        if job not in self._desk.book.terms:
            return {}
        now = self._desk.now()
        keys = self.record.of_job.get(job, ())
        posted = {self.record.batches[key].header.first_task: key[1] for key in keys}
        return self.job_line(job) | {
            "task_list": [self._task_line(job, task, posted) for task in self._desk.book.tasks_of(job)],
            "batch_list": [self._line(self.record.batches[key], now) for key in keys],
        }

    def serves(self, job: JobId) -> bool:
        return job in self._desk.book.terms

    def grid(self, job: JobId) -> dict[str, Any]:
        """Every task of a served job in one letter, for who watches it."""
        book = self._desk.book
        tasks = range(book.terms[job].tasks)
        cells = (cell_of(book.task(job, index), waits=self._desk.waits(job, index)) for index in tasks)
        return {"tasks": len(tasks), "closes": book.terms[job].closes, "now": self._desk.now(), "cells": "".join(cells)}

    def _task_line(self, job: JobId, task: BatchTask, posted: Mapping[int, int]) -> dict[str, Any]:
        """`posted`: the numbers of batches on chain, by first task."""
        first, _ = self._desk.book.batch_of(job, task.index)
        is_over = task.stage in (Stage.AGREED, Stage.GIVEN_UP)
        return {
            "task_index": task.index,
            "status": _SHOWN_AS.get(task.stage, task.stage).value,
            "wave": task.wave,
            "taken": len(task.taken),
            "result": _hex(task.digest) if task.stage is Stage.AGREED else None,
            "claims": [_claim_line(slot, task) for slot in task.taken] if is_over else [],
            "batch": posted.get(first),
        }

    def _unposted(self, job: JobId) -> bool:
        """Whether receipts of the job are in no batch on chain yet."""
        posted = {self.record.batches[key].header.first_task for key in self.record.of_job.get(job, ())}
        starts = self._desk.book.batches[job].starts
        return any(first not in posted and self._desk.book.signed_bundles(job, first) for first in starts)

    def _batch_at(self, job: JobId, first: int) -> PostedBatch | None:
        for key in self.record.of_job.get(job, ()):
            if self.record.batches[key].header.first_task == first:
                return self.record.batches[key]
        return None

    def _paid_receipts(self, job: JobId) -> int:
        """Receipts of the job in batches on chain that nobody has proven wrong."""
        return sum(_unstruck(self.record.batches[key], self._bundles_of) for key in self.record.of_job.get(job, ()))

    # --- batches ---

    def batches(self) -> list[dict[str, Any]]:
        """The newest batches of all orchestrators, the newest first."""
        now = self._desk.now()
        newest = sorted(self.record.batches.values(), key=lambda batch: -batch.block)
        return [self._line(batch, now) for batch in newest[:MOST_BATCHES]]

    def batch(self, key: BatchKey) -> dict[str, Any] | None:
        """All of one batch; None if the chain has none of that name yet."""
        batch = self.record.batches.get(key)
        if batch is None:
            return None
        header, now = batch.header, self._desk.now()
        return self._line(batch, now) | {
            "header": {
                "orchestrator": header.orchestrator,
                "number": header.number,
                "job": str(header.job),
                "firstTask": header.first_task,
                "endTask": header.end_task,
                "bundleCount": header.bundle_count,
                "receiptCount": header.receipt_count,
                "payoutCount": header.payout_count,
                "bundlesRoot": _hex(header.bundles_root),
                "payoutsRoot": _hex(header.payouts_root),
                "dataDigest": _hex(header.data_digest),
                "previous": _hex(header.previous),
            },
            "header_hash": _hex(header.hash),
            "bundle_list": [self._bundle_line(batch, *each) for each in enumerate(self._bundles_of(batch))],
            "events": [_event_line(event) for event in batch.events],
            "disputes": [
                _dispute_line(each) for each in self.record.disputes if (each.against, each.batch) == batch.key
            ],
        }

    def disputes(self) -> list[dict[str, Any]]:
        """The newest proofs, demands and claims, the newest first."""
        return [_dispute_line(each) for each in self.record.disputes[: -MOST_DISPUTES - 1 : -1]]

    def _line(self, batch: PostedBatch, now: int) -> dict[str, Any]:
        header = batch.header
        is_calldata = not any(header.data_digest)
        return {
            "orchestrator": header.orchestrator,
            "number": header.number,
            "job_id": header.job,
            "first_task": header.first_task,
            "end_task": header.end_task,
            "bundles": header.bundle_count,
            "receipts": header.receipt_count,
            "struck": len(batch.struck),
            "state": self.record.state_of(batch, now).value,
            "data_cid": None if is_calldata else str(data_cid(header)),
            "bond": str(batch.bond),
            "bond_lost": str(batch.bond_lost),
            "posted_block": batch.block,
            "posted": batch.posted,
            "window_ends": max(batch.posted, batch.stated) + self.record.window,
            "tx": batch.tx_hash,
        }

    def _bundles_of(self, batch: PostedBatch) -> list[Shown]:
        """As they stand in the batch; empty for another orchestrator's, which only its data tell."""
        if batch.header.orchestrator != self._desk.me:
            return []
        job, first, book = JobId(batch.header.job), batch.header.first_task, self._desk.book
        signed, kept = book.signed_bundles(job, first), book.kept.get((job, first))
        if kept is not None and not signed:  # the journal has no more of it
            return [Shown(worker=leaf.account, receipts=leaf.count) for leaf in kept.leaves]
        if len(signed) != batch.header.bundle_count:
            return []
        return [
            Shown(
                worker=bundle.account,
                receipts=len(bundle.receipts),
                tasks=tuple(receipt.task for receipt in bundle.receipts),
            )
            for bundle in signed
        ]

    def _bundle_line(self, batch: PostedBatch, position: int, bundle: Shown) -> dict[str, Any]:
        return {
            "position": position,
            "worker": bundle.worker,
            "receipts": bundle.receipts,
            "tasks": list(bundle.tasks),
            "amount": str(bundle.receipts * self._desk.book.terms[JobId(batch.header.job)].price),
            "struck_by": batch.struck.get(position),
        }

    # --- workers ---

    def workers(self) -> dict[Address, dict[str, Any]]:
        """Of everybody with an accepted receipt, how many and what they are worth."""
        return {worker: self._sums(worker) for worker in self._desk.book.payees.values()}

    def worker_page(self, worker: Address) -> dict[str, Any] | None:
        """Its record in this lane; None if it has none."""
        bundles = self._desk.book.bundles_of(worker)
        why_out = self._desk.why_out(worker)
        if not bundles and why_out is None and self._desk.book.payout_index(worker) is None:
            return None
        return self._sums(worker) | {
            "payout_index": self._desk.book.payout_index(worker),
            "why_out": why_out,
            "bundles": [self._worker_bundle(bundle) for bundle in reversed(bundles)],
        }

    def _sums(self, worker: Address) -> dict[str, Any]:
        book = self._desk.book
        index, bundles = book.payout_index(worker), book.bundles_of(worker)
        withdrawn = 0 if index is None else self.record.withdrawn.get((self._desk.me, index), 0)
        return {
            "tasks_accepted": sum(len(bundle.receipts) for bundle in bundles) + book.kept_receipts[worker],
            "accepted": str(sum(self._worth(bundle) for bundle in bundles) + book.kept_pay[worker]),
            "withdrawn": str(withdrawn),
        }

    def _worker_bundle(self, bundle: WorkerBundle) -> dict[str, Any]:
        batch = self._batch_at(bundle.job, bundle.first_task)
        state, struck = "waiting", False
        if batch is not None:
            state = self.record.state_of(batch, self._desk.now()).value
            at = next((i for i, each in enumerate(self._bundles_of(batch)) if each.worker == bundle.worker), None)
            struck = at in batch.struck
        return {
            "job_id": bundle.job,
            "first_task": bundle.first_task,
            "receipts": len(bundle.receipts),
            "amount": str(self._worth(bundle)),
            "orchestrator": self._desk.me,
            "batch": batch.header.number if batch is not None else None,
            "state": "struck" if struck else state,
            "tx": batch.tx_hash if batch is not None else None,
        }

    def _worth(self, bundle: WorkerBundle) -> int:
        return len(bundle.receipts) * self._desk.book.terms[bundle.job].price

    # --- the market ---

    def totals(self) -> dict[str, Any]:
        """For the market's page."""
        counts = self._desk.book.counts.values()
        now, jobs = self._desk.now(), self._desk.book.terms
        open_jobs = [job for job, terms in jobs.items() if now < terms.deadline]
        return {
            "tasks_agreed": sum(count[Stage.AGREED] for count in counts),
            "tasks_waiting": sum(self._desk.book.counts[job][Stage.OPEN] for job in open_jobs),
            "receipts_posted": sum(batch.header.receipt_count for batch in self.record.batches.values()),
            "batches": len(self.record.batches),
            "batches_open": sum(
                self.record.state_of(batch, now) is BatchState.OPEN for batch in self.record.batches.values()
            ),
            "disputes": len(self.record.disputes),
            "workers": len(self._desk.book.payees),
            "withdrawn": str(sum(self.record.withdrawn.values())),
        }

    def add_to(self, index: Index) -> None:
        """Where batches, their transactions, data and workers are found, and the results of this lane's tasks."""
        for batch in self.record.batches.values():
            header = batch.header
            place = {"kind": "batch", "orchestrator": header.orchestrator, "number": header.number}
            for name in {bytes.fromhex(batch.tx_hash[2:]), header.hash, header.bundles_root, header.data_digest}:
                if any(name):
                    index[name].append(place)
        for address in {key[0] for key in self.record.batches}:
            index[address].append({"kind": "orchestrator", "address": address})
        for worker in self._desk.book.payees.values():
            if not any(found["kind"] == "worker" for found in index[worker]):
                index[worker].append({"kind": "worker", "address": worker})
        for job, task, digest in self._results():
            index[digest].append({"kind": "result", "job_id": job, "task_index": task})

    def _results(self) -> Iterator[tuple[JobId, int, bytes]]:
        for job in self._desk.book.terms:
            for task, digest in self._desk.results(job).items():
                yield job, task, digest


def _unstruck(batch: PostedBatch, bundles_of: Callable[[PostedBatch], Sequence[Shown]]) -> int:
    if batch.voided:
        return 0
    if not batch.struck:
        return batch.header.receipt_count
    bundles = bundles_of(batch)
    return sum(bundle.receipts for i, bundle in enumerate(bundles) if i not in batch.struck)


def _claim_line(slot: Slot, task: BatchTask) -> dict[str, Any]:
    """The digest only where it is another than the result: a page of 10,000 tasks is half as long without."""
    shown = "revealed" if slot.digest is not None else "committed" if slot.commitment is not None else "claimed"
    return {
        "worker": slot.worker,
        "status": "accepted" if slot.accepted else shown,
        "digest": _hex(slot.digest) if slot.digest != task.digest else None,
    }


def _event_line(event: LaneLog) -> dict[str, Any]:
    args = event.args
    by = next(
        (args[name] for name in ("challenger", "restater", "by", "account", "guilty", "orchestrator") if name in args),
        None,
    )
    amount = args.get("amount", args.get("bond"))
    return {
        "name": event.name,
        "by": by,
        "amount": str(amount) if amount is not None else None,
        "block": event.block,
        "time": event.time,
        "tx": event.tx_hash,
    }


def _dispute_line(dispute: Dispute) -> dict[str, Any]:
    return {
        "kind": dispute.kind,
        "state": dispute.state.value,
        "by": dispute.by,
        "against": dispute.against,
        "batch": dispute.batch,
        "job_id": dispute.job,
        "opened": dispute.opened.time,
        "deadline": dispute.deadline or None,
        "amount": str(dispute.amount),
        "tx": dispute.opened.tx_hash,
        "ended_tx": dispute.ended.tx_hash if dispute.ended is not None else None,
    }


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else "0x" + digest.hex()
