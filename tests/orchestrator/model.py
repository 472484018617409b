"""A small model of the direct lane: enough of its rules to drive the orchestrator's loops, with its books kept."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from typing import Any

from edgebounty.protocol.types import Address, Digest, JobId, TaskIndex, to_address
from orchestrator.adapters.memory.chain import Event
from orchestrator.domain import effects as e
from orchestrator.domain import facts as f
from orchestrator.domain.errors import Rejected
from orchestrator.domain.values import BlockRef, JobTerms, Policy

EPOCH_BLOCKS = 4
DRAW_TIME = 5
MAX_REOPENS = 16


def address(number: int) -> Address:
    return to_address(number.to_bytes(20, "big"))


ME = address(0xE0)
LANE = address(0x1A)
REQUESTER = address(0x5E)
POLICY = Policy(me=ME, lane=LANE, epoch_blocks=EPOCH_BLOCKS, draw_time=DRAW_TIME)


def digest(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).digest())


def make_terms(**changes: Any) -> JobTerms:
    base: dict[str, Any] = {
        "lane": LANE,
        "orchestrator": ME,
        "deadline": 1_000_200,
        "task_time": 10,
        "map_tasks": 2,
        "reduce_tasks": 0,
        "rounds": 1,
        "quorum": 2,
        "work_slots": 3,
        "audit_slots": 0,
        "fee_bps": 100,
        "slot_price_wei": 1000,
        "stake_per_claim_wei": 5000,
        "manifest_digest": digest("manifest"),
    }
    return JobTerms(**(base | changes))


class ModelLane:
    """Fulfils `World`. Each method is one transaction: its events, or `Rejected` with nothing changed."""

    def __init__(self) -> None:
        self.jobs: dict[int, dict[str, Any]] = {}
        self.tasks: dict[tuple[int, int], dict[str, Any]] = {}
        self.seeds: dict[int, bytes] = {}
        self.seeded_at: dict[int, int] = {}
        self.paid: Counter[tuple[int, int, str]] = Counter()
        self.slashed: Counter[tuple[int, int, str]] = Counter()

    def copy(self) -> ModelLane:
        return copy.deepcopy(self)

    # --- people ---

    def post(self, block: BlockRef, terms: JobTerms) -> list[Event]:
        job_id = len(self.jobs) + 1
        self.jobs[job_id] = {"terms": terms, "stopped": False, "failed": False, "finished": 0, "refunded": False}
        posted = (f.JobPosted, {"job_id": JobId(job_id), "requester": REQUESTER, "terms": terms})
        return [posted, *self._open_stage(job_id, 0, block)]

    def stop(self, block: BlockRef, job_id: int) -> list[Event]:
        job = self.jobs[job_id]
        over = job["finished"] == job["terms"].total_tasks or block.time >= job["terms"].deadline
        self._need(not (job["stopped"] or job["failed"] or over), "ended already")
        self.jobs[job_id]["stopped"] = True
        return [(f.JobStopped, {"job_id": JobId(job_id)})]

    def claim(self, block: BlockRef, job_id: int, index: int, worker: Address) -> list[Event]:
        job, task = self._job(job_id), self._task(job_id, index)
        self._need(task["status"] == "filling" and len(self._live(task)) < task["slots"], "no free slot")
        self._need(worker not in task["claims"], "claimed before")
        self._need(task["epoch"] in self.seeds, "seed not recorded")
        self._need(block.time < self._closes_at(job["terms"], task["wave"]), "too late")
        self._need(not (job["stopped"] or job["failed"]) or bool(task["claims"]), "job ended")
        waiting = any(claim["state"] == "claimed" for claim in task["claims"].values())
        self._need(not waiting or block.time < task["commit_until"], "a late claim has to expire first")
        deadline = block.time + job["terms"].task_time
        task["commit_until"] = deadline
        task["claims"][worker] = {"state": "claimed", "digest": None, "wave": task["wave"]}
        return [self._event(f.TaskClaimed, job_id, index, worker=worker, commit_deadline=deadline)]

    def commit(self, block: BlockRef, job_id: int, index: int, worker: Address, result: Digest) -> list[Event]:
        job, task = self._job(job_id), self._task(job_id, index)
        claim = self._claim(task, worker, "claimed")
        self._need(block.time < task["commit_until"], "commit too late")
        claim.update(state="committed", sealed=result)
        events = [
            self._event(f.ResultCommitted, job_id, index, worker=worker, commitment=digest("sealed" + result.hex()))
        ]
        live = self._live(task)
        if len(live) == task["slots"] and all(c["state"] != "claimed" for c in live):
            task.update(status="revealing", reveal_deadline=block.time + job["terms"].task_time)
            events.append(self._event(f.RevealsOpened, job_id, index, reveal_deadline=task["reveal_deadline"]))
        return events

    def reveal(self, block: BlockRef, job_id: int, index: int, worker: Address) -> list[Event]:
        task = self._task(job_id, index)
        claim = self._claim(task, worker, "committed")
        self._need(task["status"] == "revealing" and block.time < task["reveal_deadline"], "not the time to reveal")
        claim.update(state="revealed", digest=claim["sealed"])
        return [self._event(f.ResultRevealed, job_id, index, worker=worker, digest=claim["digest"])]

    def leave(self, block: BlockRef, job_id: int, index: int, worker: Address) -> list[Event]:
        task = self._task(job_id, index)
        claim = self._claim(task, worker, "committed")
        self._need(task["status"] == "filling" and claim["wave"] == task["wave"], "its wave is over")
        self._need(all(c["state"] != "claimed" for c in task["claims"].values()), "commits pending")
        self._need(self._had_its_time(task, block), "too early")
        claim["state"] = "left"
        return [self._event(f.ClaimLeft, job_id, index, worker=worker)]

    # --- anyone ---

    def execute(self, effect: e.ChainEffect, block: BlockRef) -> list[Event]:
        match effect:
            case e.RecordSeed():
                self._need(effect.epoch not in self.seeds, "seed recorded already")
                self._need(block.number > effect.epoch * EPOCH_BLOCKS, "too early")
                self.seeds[effect.epoch] = digest(f"seed {effect.epoch}")
                self.seeded_at[effect.epoch] = block.time
                return [(f.SeedRecorded, {"epoch": effect.epoch, "seed": self.seeds[effect.epoch]})]
            case e.Refund():
                return self._refund(effect.job_id, block)
            case e.Settle():
                return self.settle(block, effect.task.job_id, effect.task.index)
            case e.ExpireClaim():
                return self._expire_claim(effect, block)
            case e.Reopen():
                return self._reopen(effect, block)
            case e.ExpireTask():
                return self._expire_task(effect, block)

    def settle(self, block: BlockRef, job_id: int, index: int) -> list[Event]:
        job, task = self._job(job_id), self._task(job_id, index)
        terms: JobTerms = job["terms"]
        waiting = [c for c in task["claims"].values() if c["state"] == "committed" and c["wave"] == task["wave"]]
        self._need(task["status"] == "revealing", "not revealing")
        self._need(not waiting or block.time >= task["reveal_deadline"], "too early")
        votes = Counter(c["digest"] for c in task["claims"].values() if c["state"] == "revealed")
        best, count = votes.most_common(1)[0] if votes else (None, 0)
        if best is not None and count >= terms.quorum:
            for worker, claim in task["claims"].items():
                if claim["state"] == "revealed" and claim["digest"] == best:
                    self.paid[(job_id, index, worker)] += 1
                elif claim["state"] in ("revealed", "committed"):
                    self.slashed[(job_id, index, worker)] += 1
            task.update(status="settled", result=best)
            event = self._event(f.TaskSettled, job_id, index, digest=best, winners=count)
            return [event, *self._finish(job_id, index, block)]
        slots = task["slots"] + terms.quorum - count
        if slots <= terms.work_slots and block.time < self._closes_at(terms, 1):
            task.update(status="filling", slots=slots, wave=task["wave"] + 1)
            return [self._redraw(job_id, index, block)]
        self._slash_silent(job_id, index, task)
        return self._refund_task(job_id, index, block)

    def _expire_claim(self, effect: e.ExpireClaim, block: BlockRef) -> list[Event]:
        job_id, index = effect.task.job_id, effect.task.index
        claim = self._claim(self._task(job_id, index), effect.worker, "claimed")
        self._need(block.time >= self._task(job_id, index)["commit_until"], "too early")
        claim["state"] = "expired"
        return [self._event(f.ClaimExpired, job_id, index, worker=effect.worker, fee_wei=50)]

    def _reopen(self, effect: e.Reopen, block: BlockRef) -> list[Event]:
        job_id, index = effect.task.job_id, effect.task.index
        job, task = self._job(job_id), self._task(job_id, index)
        self._need(task["status"] == "filling" and len(self._live(task)) < task["slots"], "full")
        self._need(self._had_its_time(task, block), "too early")
        self._need(block.time < self._closes_at(job["terms"], task["wave"]), "too late")
        self._need(block.number // EPOCH_BLOCKS > task["epoch"], "its draw may yet come")
        self._need(all(c["state"] != "claimed" for c in task["claims"].values()), "commits pending")
        self._need(task["reopens"] < MAX_REOPENS, "reopens exhausted")
        task["reopens"] += 1
        return [self._redraw(job_id, index, block)]

    def _expire_task(self, effect: e.ExpireTask, block: BlockRef) -> list[Event]:
        job_id, index = effect.task.job_id, effect.task.index
        job, task = self._job(job_id), self._task(job_id, index)
        self._need(task["status"] == "filling" and block.time >= self._closes_at(job["terms"], task["wave"]), "not yet")
        self._need(bool(task["claims"]), "nobody ever claimed it")
        self._need(all(c["state"] != "claimed" for c in task["claims"].values()), "commits pending")
        self._slash_silent(job_id, index, task, before=task["wave"])
        return self._refund_task(job_id, index, block)

    def _refund(self, job_id: int, block: BlockRef) -> list[Event]:
        job = self.jobs[job_id]
        done = job["finished"] == job["terms"].total_tasks
        self._need(job["stopped"] or job["failed"] or done or block.time >= job["terms"].deadline, "not ended")
        self._need(job["refunded"] != job["finished"] + 1, "nothing to refund")
        job["refunded"] = job["finished"] + 1
        return [(f.BountyRefunded, {"job_id": JobId(job_id), "amount_wei": 7})]

    # --- inside ---

    def _refund_task(self, job_id: int, index: int, block: BlockRef) -> list[Event]:
        task, job = self._task(job_id, index), self.jobs[job_id]
        task["status"] = "refunded"
        events = [self._event(f.TaskRefunded, job_id, index)]
        if job["terms"].reduce_tasks and not job["failed"]:
            job["failed"] = True
            events.append((f.JobFailed, {"job_id": JobId(job_id)}))
        return [*events, *self._finish(job_id, index, block)]

    def _finish(self, job_id: int, index: int, block: BlockRef) -> list[Event]:
        job = self.jobs[job_id]
        job["finished"] += 1
        terms: JobTerms = job["terms"]
        start = index // terms.tasks_per_round * terms.tasks_per_round
        edges = {start + terms.map_tasks, start + terms.tasks_per_round}
        if job["finished"] in edges and job["finished"] < terms.total_tasks and not job["failed"]:
            return self._open_stage(job_id, job["finished"], block)
        return []

    def _open_stage(self, job_id: int, first: int, block: BlockRef) -> list[Event]:
        terms: JobTerms = self.jobs[job_id]["terms"]
        inside = first % terms.tasks_per_round
        count = terms.map_tasks if inside < terms.map_tasks else terms.reduce_tasks
        epoch = (block.number + 1) // EPOCH_BLOCKS + 1
        for index in range(first, first + count):
            self.tasks[(job_id, index)] = {
                "status": "filling", "slots": terms.quorum, "epoch": epoch,
                "fill_until": block.time + DRAW_TIME + terms.task_time, "commit_until": 0,
                "wave": 0, "reopens": 0, "claims": {}, "reveal_deadline": 0, "result": None,
            }  # fmt: skip
        return [(f.StageOpened, {"job_id": JobId(job_id), "first_task": TaskIndex(first), "draw_epoch": epoch})]

    def _redraw(self, job_id: int, index: int, block: BlockRef) -> Event:
        task = self._task(job_id, index)
        until = block.time + DRAW_TIME + self.jobs[job_id]["terms"].task_time
        task.update(epoch=(block.number + 1) // EPOCH_BLOCKS + 1, fill_until=until, commit_until=0)
        fields = {"slots": task["slots"], "draw_epoch": task["epoch"], "reopens": task["reopens"]}
        return self._event(f.TaskReopened, job_id, index, **fields)

    @staticmethod
    def _closes_at(terms: JobTerms, wave: int) -> int:
        return terms.deadline if wave == 0 else terms.deadline + DRAW_TIME + 4 * terms.task_time

    def _had_its_time(self, task: dict[str, Any], block: BlockRef) -> bool:
        return block.time >= max(task["fill_until"], self.seeded_at.get(task["epoch"], 0) + 1)

    def _slash_silent(self, job_id: int, index: int, task: dict[str, Any], before: int = 99) -> None:
        for worker, claim in task["claims"].items():
            if claim["state"] == "committed" and claim["wave"] < before:
                claim["state"] = "silent"
                self.slashed[(job_id, index, worker)] += 1

    def _event(self, kind: type[f.TaskFact], job_id: int, index: int, **fields: Any) -> Event:
        return (kind, {"job_id": JobId(job_id), "task_index": TaskIndex(index), **fields})

    def _job(self, job_id: int) -> dict[str, Any]:
        self._need(job_id in self.jobs, "no such job")
        return self.jobs[job_id]

    def _task(self, job_id: int, index: int) -> dict[str, Any]:
        self._need((job_id, index) in self.tasks, "stage not open")
        return self.tasks[(job_id, index)]

    def _claim(self, task: dict[str, Any], worker: Address, state: str) -> dict[str, Any]:
        claim: dict[str, Any] | None = task["claims"].get(worker)
        if claim is None or claim["state"] != state:
            raise Rejected(by="the lane", reason=f"not {state}")
        return claim

    @staticmethod
    def _live(task: dict[str, Any]) -> list[dict[str, Any]]:
        return [claim for claim in task["claims"].values() if claim["state"] not in ("expired", "left")]

    @staticmethod
    def _need(condition: bool, reason: str) -> None:
        if not condition:
            raise Rejected(by="the lane", reason=reason)
