"""The table of what may follow what in the batch lane. Whatever is not listed is refused, saying whose fault it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from edgebounty.protocol.batch.messages import CommitSet
from edgebounty.protocol.batch.wire import Receipt
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import signing_digest
from edgebounty.protocol.types import Address, Digest, TaskIndex
from orchestrator.domain.batch import facts as f
from orchestrator.domain.batch.auditing import audited_by_another, auditor_of, awaits_auditor
from orchestrator.domain.batch.checking import Standing, is_decided, may_audit
from orchestrator.domain.batch.due import held_until
from orchestrator.domain.batch.holding import hold_until
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, Stage, WorkerBundle
from orchestrator.domain.errors import Rejected

AUDIT_PART = 4  # of the task time: so long the committed wait for an auditor


class ResignNeeded(Rejected):
    """Another receipt of this worker was accepted meanwhile: sign over that one too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDecision:
    """The task after a fact, and with a receipt the worker's bundle. `outvoted`: who showed another result.

    `passed` and `caught`: who showed the result that the orchestrator computed itself, and who another one.
    """

    task: BatchTask
    bundle: WorkerBundle | None = None
    outvoted: tuple[Address, ...] = ()
    passed: tuple[Address, ...] = ()
    caught: tuple[Address, ...] = ()


def decide(
    terms: BatchTerms, task: BatchTask, fact: f.BatchFact, standing: Standing, bundle: WorkerBundle | None = None
) -> BatchDecision:
    """What the task becomes. `bundle`: what the signer of a receipt has in the task's batch. Raises `Rejected`."""
    match task.stage, fact:
        case _, f.TimePassed():
            return _in_time(terms, task, fact.now, standing)
        case Stage.OPEN, f.SlotClaimed():
            return _claimed(terms, task, fact, standing)
        case Stage.OPEN, f.ResultCommitted():
            return _committed(terms, task, fact)
        case Stage.CLOSED, f.ResultShown():
            return _shown(terms, task, fact, standing)
        case Stage.OPEN | Stage.CLOSED | Stage.SHOWN, f.ResultComputed():
            return _computed(terms, task, fact, standing)
        case Stage.HELD, f.HoldEnded():
            return BatchDecision(task=_released(terms, task, fact.now))
        case Stage.AGREED, f.ReceiptSigned() if bundle is not None:
            return _receipt(terms, task, bundle, fact)
        case stage, f.SlotClaimed():
            raise _no("nobody", f"task {task.index} of job {terms.job} takes no more workers: it is {stage}")
        case stage, unexpected:
            raise _no("the worker", f"task {task.index} of job {terms.job} is {stage}: no {_name(unexpected)} now")


def _claimed(terms: BatchTerms, task: BatchTask, fact: f.SlotClaimed, standing: Standing) -> BatchDecision:
    worker = fact.worker
    if fact.now >= terms.deadline:
        raise _no("nobody", f"job {terms.job} gives out no more tasks: its deadline was {terms.deadline}")
    if worker in task.barred:
        raise _no("the worker", f"was silent or outvoted in task {task.index} before and cannot take it again")
    if task.slot_of(worker) is not None:
        raise _no("the worker", f"has task {task.index} already")
    if terms.policy is not None:
        if worker in standing.caught:
            raise _no("the worker", standing.why_out(worker))
        if shares_party(task, worker, fact.parties):
            raise _no("nobody", f"task {task.index} has a worker of the same payout address or sponsor already")
    until = fact.now + terms.task_seconds
    free = next((i for i, slot in enumerate(task.slots) if slot is None), len(task.slots))
    if free >= terms.copies and not awaits_auditor(terms, task):
        raise _no("nobody", f"all {terms.copies} places of task {task.index} are taken")
    if free >= terms.copies and not may_audit(terms, worker, standing):
        raise _no("nobody", f"the place of task {task.index} that is left is for workers with a record")
    audited = task.audited or (fact.audited and not task.taken and terms.slots > terms.copies)
    drawn = task.drawn or (fact.drawn and not audited)
    slots = list(task.slots)
    slots[free : free + 1] = [Slot(worker=worker, until=until, parties=fact.parties)]
    return BatchDecision(task=replace(task, slots=tuple(slots), drawn=drawn, audited=audited))


def shares_party(task: BatchTask, worker: Address, parties: tuple[Address, ...]) -> bool:
    """Whether somebody who would earn by this place earns by another one of the task: then they are not two."""
    return any({worker, *parties} & {slot.worker, *slot.parties} for slot in task.taken)


def _committed(terms: BatchTerms, task: BatchTask, fact: f.ResultCommitted) -> BatchDecision:
    number, slot = _own(task, fact.worker)
    if slot.commitment is not None:
        if slot.commitment == fact.commitment:
            return BatchDecision(task=task)  # told twice
        raise _no("the worker", f"has committed to task {task.index} already, to something else")
    if fact.now >= slot.until:
        raise _no("the worker", f"the time to commit to task {task.index} ended at {slot.until}")
    if any(other.commitment == fact.commitment for other in task.taken):
        raise _no("the worker", "this commitment is another worker's: it could never be opened")
    after = _with_slot(task, number, replace(slot, commitment=fact.commitment))
    if awaits_auditor(terms, after):
        return BatchDecision(task=replace(after, until=fact.now + terms.task_seconds // AUDIT_PART))
    full = len(after.taken) >= terms.copies and all(other.commitment is not None for other in after.taken)
    return BatchDecision(task=_closed(terms, after, fact.now) if full else after)


def _closed(terms: BatchTerms, task: BatchTask, now: int) -> BatchTask:
    """From here on nobody joins, and everybody may show. An audit that nobody wanted is a run of ours instead."""
    if task.audited and auditor_of(terms, task) is None:
        task = replace(task, audited=False, drawn=True)
    commitments = tuple(slot.commitment for slot in task.taken if slot.commitment is not None)
    message = CommitSet(orchestrator=terms.orchestrator, job=terms.job, task=task.index, commitments=commitments)
    return replace(
        task,
        stage=Stage.CLOSED,
        until=now + terms.task_seconds,
        commitments=commitments,
        commit_set=signing_digest(terms.domain, message),
    )


def _shown(terms: BatchTerms, task: BatchTask, fact: f.ResultShown, standing: Standing) -> BatchDecision:
    number, slot = _own(task, fact.worker)
    opened = commitment(
        chain_id=terms.domain.chain_id,
        lane=terms.domain.verifying_contract,
        job_id=terms.job,
        task_index=TaskIndex(task.index),
        worker=fact.worker,
        digest=fact.digest,
        salt=fact.salt,
    )
    if opened != slot.commitment:
        raise _no("the worker", f"this result and salt do not open its commitment to task {task.index}")
    if slot.digest is None and fact.now >= task.until:
        raise _no("the worker", f"the time to show the result of task {task.index} ended at {task.until}")
    after = _with_slot(task, number, replace(slot, digest=fact.digest))
    if any(other.digest is None for other in after.taken):
        return BatchDecision(task=after)
    return _judged(terms, after, fact.now, standing)


def _judged(terms: BatchTerms, task: BatchTask, now: int, standing: Standing) -> BatchDecision:
    """All have shown, or their time is over: the policy decides; without one a quorum does, else there is a new wave.

    Where results differ nobody of this one comes again: who lies is not known. Where all that were shown are equal, it
    was silence that kept them from a quorum, and only the silent are barred: else one silent worker would keep two
    honest ones from a task that needs three, and the liars' share among those who are left would grow.
    """
    if terms.policy is not None:
        return _judged_by_policy(terms, task, now, standing)
    counts = Counter(slot.digest for slot in task.taken if slot.digest is not None)
    digest, votes = counts.most_common(1)[0] if counts else (None, 0)
    # A tie can only be below a quorum, or show that the quorum is no majority: then nothing is decided either.
    if digest is not None and votes >= terms.quorum and list(counts.values()).count(votes) == 1:
        return BatchDecision(task=_agreed(terms, task, digest, now), outvoted=_others(task, digest))
    barred = {slot.worker for slot in task.taken if len(counts) > 1 or slot.digest is None}
    return BatchDecision(task=_next_wave(terms, task, barred, now))


def _judged_by_policy(terms: BatchTerms, task: BatchTask, now: int, standing: Standing) -> BatchDecision:
    """Copies that are enough and all alike decide; otherwise the orchestrator's own run, and nobody's copy against it.

    Whoever showed that run's result is right, however few they are: no liar and no silent worker takes their pay.
    """
    shown = {slot.worker: slot.digest for slot in task.taken if slot.digest is not None}
    everybody = {slot.worker for slot in task.taken}
    if not shown:
        return BatchDecision(task=_next_wave(terms, task, everybody, now))
    if task.own is None:
        if is_decided(terms, task, standing):
            held = replace(task, stage=Stage.HELD, until=hold_until(terms, now))
            agreed = _agreed(terms, task, next(iter(shown.values())), now)
            passed = audited_by_another(terms, task)
            return BatchDecision(task=held if now < held.until else agreed, passed=passed)
        return BatchDecision(task=doubted(terms, task))
    passed = tuple(worker for worker, digest in shown.items() if digest == task.own)
    caught = _others(task, task.own)
    after = _agreed(terms, task, task.own, now) if passed else _next_wave(terms, task, everybody, now)
    return BatchDecision(task=after, outvoted=caught, passed=passed, caught=caught)


def doubted(terms: BatchTerms, task: BatchTask) -> BatchTask:
    """Its copies do not decide, or no longer do as one of their workers was caught: our own run will."""
    return replace(task, stage=Stage.SHOWN, until=terms.closes)


def _released(terms: BatchTerms, task: BatchTask, now: int) -> BatchTask:
    """Held back for long enough. Whoever was away meanwhile has as long again to sign."""
    digest = next(slot.digest for slot in task.taken if slot.digest is not None)
    return replace(_agreed(terms, task, digest, now), until=now + max(terms.hold, terms.task_seconds))


def _computed(terms: BatchTerms, task: BatchTask, fact: f.ResultComputed, standing: Standing) -> BatchDecision:
    if task.own is not None:
        return BatchDecision(task=task)  # told twice: the first one counts
    after = replace(task, own=fact.digest)
    if task.stage is not Stage.SHOWN or fact.now >= terms.closes:
        return BatchDecision(task=after)
    return _judged(terms, after, fact.now, standing)


def _agreed(terms: BatchTerms, task: BatchTask, digest: Digest, now: int) -> BatchTask:
    silent = {slot.worker for slot in task.taken if slot.digest is None}
    barred = task.barred | silent | {*_others(task, digest)}
    return replace(task, stage=Stage.AGREED, digest=digest, until=now + terms.task_seconds, barred=barred)


def _others(task: BatchTask, digest: Digest) -> tuple[Address, ...]:
    """Who showed another result."""
    return tuple(slot.worker for slot in task.taken if slot.digest not in (None, digest))


def _next_wave(terms: BatchTerms, task: BatchTask, barred: set[Address], now: int) -> BatchTask:
    # Once the result is known here, liars can use up their time and no more: the task is given out until the deadline.
    last = (task.wave + 1 >= terms.waves and task.own is None) or now >= terms.deadline
    return BatchTask(
        index=task.index,
        stage=Stage.GIVEN_UP if last else Stage.OPEN,
        wave=task.wave + 1,
        barred=task.barred | barred,
        released=(task.released | {slot.worker for slot in task.taken}) - barred,
        own=task.own,
    )


def _receipt(terms: BatchTerms, task: BatchTask, bundle: WorkerBundle, fact: f.ReceiptSigned) -> BatchDecision:
    number, slot = _own(task, fact.worker)
    if slot.digest != task.digest or task.digest is None or task.commit_set is None:
        raise _no("the worker", f"its result of task {task.index} is not the one that the quorum showed")
    if slot.accepted:
        at = fact.count - 1
        if 0 <= at < len(bundle.receipts) and bundle.receipts[at].task == task.index:
            return BatchDecision(task=task, bundle=bundle)  # told again, perhaps after later ones
        raise _no("the worker", f"its receipt for task {task.index} was accepted already")
    until = min(task.until, terms.closes)
    if fact.now >= until:
        raise _no("the worker", f"the time to sign the receipt of task {task.index} ended at {until}")
    receipt = Receipt(task=task.index, slot=number, digest=task.digest[:27])
    grown = bundle.with_receipt(receipt, task.commit_set, keccak256(task.commit_set), fact.signature)
    told = (fact.count, fact.receipts_root, fact.sets_root)
    if told != (len(grown.receipts), grown.receipts_root.root, grown.sets_root.root):
        raise ResignNeeded(
            by="the worker",
            reason=f"signed other roots than those over its {len(bundle.receipts)} accepted receipts and this one: "
            "sign again",
        )
    return BatchDecision(task=_with_slot(task, number, replace(slot, accepted=True)), bundle=grown)


def _in_time(terms: BatchTerms, task: BatchTask, now: int, standing: Standing) -> BatchDecision:
    """Whoever did not commit in time loses the place; a set closes when all who are left have committed; and so on."""
    match task.stage:
        case Stage.OPEN | Stage.CLOSED | Stage.SHOWN | Stage.HELD if now >= terms.closes:
            return BatchDecision(task=_next_wave(terms, task, set(), now))
        case Stage.OPEN:
            late = {slot.worker for slot in task.taken if slot.commitment is None and now >= slot.until}
            left = tuple(None if slot is None or slot.worker in late else slot for slot in task.slots)
            after = replace(task, slots=left, barred=task.barred | late) if late else task
            if awaits_auditor(terms, after) and now >= task.until:
                return BatchDecision(task=_closed(terms, after, now))
            if now >= terms.deadline and not any(slot.commitment is None for slot in after.taken):
                # Nobody else comes any more. Those who committed may still be a quorum.
                enough = len(after.taken) >= terms.quorum
                after = _closed(terms, after, now) if enough else _next_wave(terms, after, set(), now)
            return BatchDecision(task=after)
        case Stage.CLOSED if now >= task.until:
            return _judged(terms, task, now, standing)
        case Stage.HELD if now >= held_until(terms, task):
            return BatchDecision(task=_released(terms, task, now))
        case _:
            return BatchDecision(task=task)


def is_over(terms: BatchTerms, task: BatchTask, now: int) -> bool:
    """Whether the task can bring no further receipt: then it does not hold up its batch."""
    if now >= terms.closes:
        return True
    match task.stage:
        case Stage.GIVEN_UP:
            return True
        case Stage.AGREED:
            waiting = any(slot.digest == task.digest and not slot.accepted for slot in task.taken)
            return not waiting or now >= task.until
        case _:
            return False


def _own(task: BatchTask, worker: Address) -> tuple[int, Slot]:
    number = task.slot_of(worker)
    slot = task.slots[number] if number is not None else None
    if number is None or slot is None:
        raise _no("the worker", f"{worker} has no place in task {task.index}")
    return number, slot


def _with_slot(task: BatchTask, number: int, slot: Slot) -> BatchTask:
    return replace(task, slots=(*task.slots[:number], slot, *task.slots[number + 1 :]))


def _name(fact: f.BatchFact) -> str:
    names = {f.ResultCommitted: "commitment", f.ResultShown: "result", f.ReceiptSigned: "receipt"}
    return names.get(type(fact), type(fact).__name__)


def _no(by: str, reason: str) -> Rejected:
    return Rejected(by=by, reason=reason)
