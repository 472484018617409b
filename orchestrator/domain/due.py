"""What block time makes due. Every deadline edge: `now < deadline` acts, `now >= deadline` times out."""

from __future__ import annotations

from collections import Counter

from edgebounty.protocol.types import JobId
from orchestrator.domain.effects import Effect, ExpireClaim, ExpireTask, RecordSeed, Refund, Reopen, Settle, Unpin
from orchestrator.domain.market import Market
from orchestrator.domain.values import BlockRef, ClaimStatus, Job, JobStatus, Task, TaskStatus


def due_effects(market: Market, block: BlockRef) -> tuple[tuple[Effect, ...], tuple[JobId, ...]]:
    """Orders due at this block, and the jobs that need no watching any more. An order repeated is harmless."""
    effects: list[Effect] = []
    active: Counter[JobId] = Counter()
    epochs: set[int] = set()
    mine = {job.id: job for job in market.open_jobs() if is_mine(market, job)}
    for task in market.open_tasks():
        if task.claims:
            active[task.id.job_id] += 1
        job = mine.get(task.id.job_id)
        if job is None:
            continue
        effects += _of_task(market, job, task, block)
        if _waits_for_seed(market, job, task, block):
            epochs.add(task.draw_epoch)
    effects += [RecordSeed(epoch=epoch) for epoch in sorted(epochs)]

    closed: list[JobId] = []
    for job in market.open_jobs():
        over = market.policy.may_be_refunded_at(job.terms)
        if active[job.id] or not job.ended(block.time) or block.time < over:
            continue
        ours = job.id in mine or is_in_our_batches(market, job)
        if ours:
            effects.append(Refund(job_id=job.id, finished=job.finished))
        if block.time >= max(job.terms.deadline, over) + market.policy.keep_seconds:
            closed.append(job.id)
            if ours:
                effects.append(Unpin(job_id=job.id, digest=job.terms.manifest_digest))
    return tuple(effects), tuple(closed)


def is_mine(market: Market, job: Job) -> bool:
    """Whether this orchestrator answers for the job's steps on chain: it gets the fee, and it is the direct lane's."""
    return job.terms.orchestrator == market.policy.me and job.terms.lane == market.policy.lane


def is_in_our_batches(market: Market, job: Job) -> bool:
    """Whether this orchestrator serves the job in the batch lane: its tasks are not in this state, but at the desk."""
    return job.terms.orchestrator == market.policy.me and job.terms.lane == market.policy.batch_lane


def _of_task(market: Market, job: Job, task: Task, block: BlockRef) -> list[Effect]:
    now, policy = block.time, market.policy
    if task.status is TaskStatus.REVEALING:
        return [Settle(task=task.id, wave=task.wave)] if task.all_revealed or now >= task.phase_deadline else []
    waiting = [claim for claim in task.claims if claim.status is ClaimStatus.CLAIMED]
    if waiting:
        late = waiting if now >= task.phase_deadline else []
        return [ExpireClaim(task=task.id, worker=claim.worker) for claim in late]
    if now >= policy.closes_at(job.terms, task.wave):
        return [ExpireTask(task=task.id)] if task.claims else []
    may_widen = task.free_slots > 0 and may_fill(job, task) and task.reopens < policy.max_reopens
    drawn = policy.epoch_of(block.number) > task.draw_epoch  # else the lane refuses: the seed may yet come
    return (
        [Reopen(task=task.id, reopens=task.reopens)] if may_widen and drawn and _had_its_time(market, task, now) else []
    )


def _had_its_time(market: Market, task: Task, now: int) -> bool:
    seed = market.seeds.get(task.draw_epoch)
    ramp_ends = 0 if seed is None else seed.recorded_at + market.policy.ramp_time
    return now >= max(task.fill_deadline, ramp_ends)


def may_fill(job: Job, task: Task) -> bool:
    """An ended job fills up only the tasks that somebody holds."""
    return job.status is JobStatus.OPEN or bool(task.claims)


def _waits_for_seed(market: Market, job: Job, task: Task, block: BlockRef) -> bool:
    return (
        task.draw_epoch not in market.seeds
        and task.free_slots > 0
        and may_fill(job, task)
        and block.time < market.policy.closes_at(job.terms, task.wave)
        and block.number >= task.draw_epoch * market.policy.epoch_blocks
    )
