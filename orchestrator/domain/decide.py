"""The rules: one table of what may follow what. Whatever is not listed is refused."""

from __future__ import annotations

from dataclasses import replace

from edgebounty.protocol.types import Address, TaskIndex
from orchestrator.domain import facts as f
from orchestrator.domain.due import due_effects
from orchestrator.domain.effects import LoadManifest, Recompute, Settle
from orchestrator.domain.errors import Rejected
from orchestrator.domain.market import Decision, Market
from orchestrator.domain.values import (
    NO_DIGEST,
    Claim,
    ClaimStatus,
    Job,
    JobStatus,
    Manifest,
    Reason,
    Seed,
    Task,
    TaskId,
    TaskStatus,
    Worker,
)

CHAIN = "the chain"


def decide(market: Market, fact: f.Fact) -> Decision:
    """What the market becomes, and what to do about it. Raises `Rejected` if the fact cannot follow the state."""
    match fact:
        case f.BlockAdvanced():
            if fact.block.number < market.block.number:
                raise _refused(fact, f"block {market.block.number} was told before")
            effects, closed = due_effects(market, fact.block)
            return Decision(block=fact.block, effects=effects, closed=closed)
        case f.ManifestLoaded() | f.ManifestRefused() | f.ManifestAwaited():
            return Decision(manifests=(_manifest(fact),))
        case f.SeedRecorded():
            seed = Seed(epoch=fact.epoch, value=fact.seed, recorded_at=fact.ref.block.time)
            return Decision(seeds=(seed,))
        case f.JobPosted():
            return _posted(market, fact)
        case f.JobStopped() | f.JobFailed() | f.StageOpened() | f.BountyRefunded():
            return _job(market, market.jobs.get(fact.job_id), fact)
        case f.TaskFact():
            job, task = market.jobs.get(fact.job_id), market.tasks.get(fact.task)
            if job is None or task is None:
                raise _refused(fact, f"task {fact.task} is not known or its stage is not open")
            return _task(market, job, task, fact)
        case _:
            raise _refused(fact, "nothing in the table takes it")


def _posted(market: Market, fact: f.JobPosted) -> Decision:
    if fact.job_id in market.jobs:
        raise _refused(fact, f"job {fact.job_id} exists")
    job = Job(id=fact.job_id, requester=fact.requester, terms=fact.terms, posted=fact.ref.block)
    return Decision(
        jobs=(job,),
        effects=(LoadManifest(job_id=job.id, digest=job.terms.manifest_digest),),
    )


def _job(market: Market, job: Job | None, fact: f.ChainFact) -> Decision:
    match job, fact:
        case Job(status=JobStatus.OPEN), f.JobStopped():
            return Decision(jobs=(replace(job, status=JobStatus.STOPPED),))
        case Job(), f.JobFailed() if job.status is not JobStatus.FAILED:
            return Decision(jobs=(replace(job, status=JobStatus.FAILED),))
        case Job(), f.StageOpened() if job.draw_epoch_of_stage(fact.first_task) is None:
            return _stage_opened(market, job, fact)
        case Job(), f.BountyRefunded():
            return Decision(jobs=(replace(job, refunded_wei=job.refunded_wei + fact.amount_wei),))
        case None, _:
            raise _refused(fact, "the job is not known")
        case Job(status=status), _:
            raise _refused(fact, f"the job is {status}")
    raise _refused(fact, "nothing in the table takes it")


def _stage_opened(market: Market, job: Job, fact: f.StageOpened) -> Decision:
    first, end = job.stage_of(fact.first_task)
    if first != fact.first_task or end > job.terms.total_tasks:
        raise _refused(fact, f"no stage of job {job.id} begins at task {fact.first_task}")
    tasks = tuple(
        Task(
            id=TaskId(job_id=job.id, index=TaskIndex(index)),
            slots=job.terms.quorum,
            draw_epoch=fact.draw_epoch,
            fill_deadline=market.policy.fill_deadline(fact.ref.block.time, job.terms),
        )
        for index in range(first, end)
    )
    return Decision(jobs=(replace(job, stages=(*job.stages, (first, fact.draw_epoch))),), tasks=tasks)


def _task(market: Market, job: Job, task: Task, fact: f.TaskFact) -> Decision:
    """The table of a task: (status, fact) to what it becomes."""
    match task.status, fact:
        case TaskStatus.FILLING, f.TaskClaimed() if task.free_slots and task.claim_of(fact.worker) is None:
            claim = Claim(worker=fact.worker, wave=task.wave)
            worker = _worker(market, fact.worker)
            return Decision(
                tasks=(replace(task, claims=(*task.claims, claim), phase_deadline=fact.commit_deadline),),
                workers=(replace(worker, claims=worker.claims + 1),),
            )
        case TaskStatus.FILLING, f.ResultCommitted():
            claim = _claim(task, fact, fact.worker, ClaimStatus.CLAIMED)
            worker = _worker(market, fact.worker)
            return Decision(
                tasks=(task.with_claim(replace(claim, status=ClaimStatus.COMMITTED)),),
                workers=(replace(worker, commits=worker.commits + 1),),
            )
        case TaskStatus.FILLING, f.ClaimExpired():
            claim = _claim(task, fact, fact.worker, ClaimStatus.CLAIMED)
            reason = Reason(task=task.id, kind="no commit", amount_wei=fact.fee_wei, tx_hash=fact.ref.tx_hash)
            worker = _worker(market, fact.worker).with_reason(reason)
            return Decision(
                tasks=(task.with_claim(replace(claim, status=ClaimStatus.EXPIRED)),),
                workers=(replace(worker, fees_wei=worker.fees_wei + fact.fee_wei),),
            )
        case TaskStatus.FILLING, f.ClaimLeft():
            claim = _claim(task, fact, fact.worker, ClaimStatus.COMMITTED)
            return Decision(tasks=(task.with_claim(replace(claim, status=ClaimStatus.LEFT)),))
        case TaskStatus.FILLING, f.RevealsOpened() if task.is_full:
            return Decision(
                tasks=(replace(task, status=TaskStatus.REVEALING, phase_deadline=fact.reveal_deadline),),
            )
        case TaskStatus.REVEALING, f.ResultRevealed():
            claim = _claim(task, fact, fact.worker, ClaimStatus.COMMITTED)
            worker = _worker(market, fact.worker)
            revealed = task.with_claim(replace(claim, status=ClaimStatus.REVEALED, digest=fact.digest))
            mine = job.terms.orchestrator == market.policy.me
            return Decision(
                tasks=(revealed,),
                workers=(replace(worker, reveals=worker.reveals + 1),),
                effects=(Settle(task=task.id, wave=task.wave),) if revealed.all_revealed and mine else (),
            )
        case ((TaskStatus.FILLING | TaskStatus.REVEALING), f.TaskReopened()):
            return _reopened(market, job, task, fact)
        case TaskStatus.REVEALING, f.TaskSettled():
            return _settled(market, job, task, fact)
        case ((TaskStatus.FILLING | TaskStatus.REVEALING), f.TaskRefunded()):
            return _refunded(market, job, task, fact)
        case status, _:
            raise _refused(fact, f"task {task.id} is {status}")


def _settled(market: Market, job: Job, task: Task, fact: f.TaskSettled) -> Decision:
    """Winners are paid the slot price each; who revealed something else, or nothing, loses the stake of the claim."""
    claims: list[Claim] = []
    workers: list[Worker] = []
    price, stake = job.terms.slot_price_wei, job.terms.stake_per_claim_wei
    for claim in task.claims:
        worker = _worker(market, claim.worker)
        match claim.status:
            case ClaimStatus.REVEALED if claim.digest == fact.digest:
                claims.append(replace(claim, status=ClaimStatus.PAID))
                earned = worker.earned_wei + price
                workers.append(replace(worker, tasks_paid=worker.tasks_paid + 1, earned_wei=earned))
            case ClaimStatus.REVEALED:
                claims.append(replace(claim, status=ClaimStatus.SLASHED_WRONG))
                workers.append(_slashed(worker, task, "wrong result", stake, fact, claim))
            case ClaimStatus.COMMITTED:
                claims.append(replace(claim, status=ClaimStatus.SLASHED_SILENT))
                workers.append(_slashed(worker, task, "no reveal", stake, fact, claim))
            case _:
                claims.append(claim)
    paid = sum(1 for claim in claims if claim.status is ClaimStatus.PAID)
    if paid < job.terms.quorum or paid != fact.winners:
        raise _refused(fact, f"{paid} workers revealed 0x{fact.digest.hex()}, not {fact.winners}")
    settled = replace(task, status=TaskStatus.SETTLED, claims=tuple(claims), result=fact.digest)
    after = replace(job, settled=job.settled + 1, paid_wei=job.paid_wei + paid * price)
    mine = job.terms.orchestrator == market.policy.me
    return Decision(
        jobs=(_if_finished(after),),
        tasks=(settled,),
        workers=tuple(workers),
        effects=(Recompute(task=task.id, digest=fact.digest),) if mine else (),
    )


def _reopened(market: Market, job: Job, task: Task, fact: f.TaskReopened) -> Decision:
    """A new draw: for more slots after a missed quorum (a new wave), or a wider one for a wave that did not fill."""
    reopened = replace(
        task,
        status=TaskStatus.FILLING,
        slots=fact.slots,
        wave=task.wave + 1 if task.status is TaskStatus.REVEALING else task.wave,
        reopens=fact.reopens,
        draw_epoch=fact.draw_epoch,
        fill_deadline=market.policy.fill_deadline(fact.ref.block.time, job.terms),
        phase_deadline=0,
    )
    return Decision(tasks=(reopened,))


def _refunded(market: Market, job: Job, task: Task, fact: f.TaskRefunded) -> Decision:
    """No outcome: whoever claimed or revealed gets the stake back, the silent do not."""
    stake = job.terms.stake_per_claim_wei
    claims: list[Claim] = []
    workers: list[Worker] = []
    for claim in task.claims:
        if task.is_silent(claim):
            claims.append(replace(claim, status=ClaimStatus.SLASHED_SILENT))
            workers.append(_slashed(_worker(market, claim.worker), task, "no reveal", stake, fact, claim))
        elif claim.status in (ClaimStatus.EXPIRED, ClaimStatus.LEFT):
            claims.append(claim)
        else:
            claims.append(replace(claim, status=ClaimStatus.RELEASED))
    return Decision(
        jobs=(_if_finished(replace(job, refunded=job.refunded + 1)),),
        tasks=(replace(task, status=TaskStatus.REFUNDED, claims=tuple(claims)),),
        workers=tuple(workers),
    )


def _slashed(worker: Worker, task: Task, kind: str, stake: int, fact: f.TaskFact, claim: Claim) -> Worker:
    accepted = fact.digest if isinstance(fact, f.TaskSettled) else NO_DIGEST
    reason = Reason(
        task=task.id, kind=kind, amount_wei=stake, revealed=claim.digest, accepted=accepted, tx_hash=fact.ref.tx_hash
    )
    return replace(worker.with_reason(reason), slashed_wei=worker.slashed_wei + stake)


def _if_finished(job: Job) -> Job:
    done = job.finished == job.terms.total_tasks and job.status in (JobStatus.OPEN, JobStatus.STOPPED)
    return replace(job, status=JobStatus.FINISHED) if done else job


def _claim(task: Task, fact: f.TaskFact, worker: Address, status: ClaimStatus) -> Claim:
    claim = task.claim_of(worker)
    if claim is None or claim.status is not status:
        raise _refused(fact, f"{worker} has not {status} task {task.id}")
    return claim


def _worker(market: Market, address: Address) -> Worker:
    return market.workers.get(address) or Worker(address=address)


def _manifest(fact: f.ManifestLoaded | f.ManifestRefused | f.ManifestAwaited) -> Manifest:
    status = f.MANIFEST_STATUS[type(fact)]
    if not isinstance(fact, f.ManifestLoaded):
        return Manifest(digest=fact.digest, status=status, detail=fact.reason)
    return Manifest(
        digest=fact.digest,
        status=status,
        kind=fact.kind,
        map_tasks=fact.map_tasks,
        reduce_tasks=fact.reduce_tasks,
        rounds=fact.rounds,
        memory_bytes=fact.memory_bytes,
        simd=fact.simd,
        shard_cids=fact.shard_cids,
    )


def _refused(fact: f.Fact, reason: str) -> Rejected:
    return Rejected(by=CHAIN, reason=f"{type(fact).__name__}: {reason}")
