"""Which copies of a batch-lane task decide it, and who is believed: `domain.policy`, as the service applies it.

Copies decide if they are enough, all alike, not drawn for a check, and as many of them as the policy wants come from
workers of record. Otherwise the orchestrator runs the task itself, and that decides: newcomers' copies alone never do.
A record is earned by results that such a run confirmed; agreeing with peers earns nothing. Why: docs/adr/0019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, Stage
from orchestrator.domain.policy import RULES, VerificationPolicy, VerificationRules, secret_draw


@dataclass(slots=True)
class Standing:
    """What the checks have shown of each worker, over all jobs. Replaying the journal's facts rebuilds it."""

    passed: Counter[Address] = field(default_factory=Counter)
    caught: dict[Address, Place] = field(default_factory=dict)  # by the first wrong result

    def take(self, place: Place, passed: Iterable[Address], caught: Iterable[Address]) -> None:
        self.passed.update(passed)
        for worker in caught:
            self.caught.setdefault(worker, place)

    def has_record(self, rules: VerificationRules, worker: Address) -> bool:
        return self.passed[worker] >= rules.record

    def why_out(self, worker: Address) -> str:
        job, task = self.caught[worker]
        return f"gave a wrong result of task {task} of job {job}: it gets no more work of the batch lane here"


def policy_of(quorum: int) -> VerificationPolicy:
    """What a job asks for: the strictest policy whose copies, those for newcomers, its quorum reaches.

    A job never gets less than `standard`: below its copies our own run decides.
    """
    reached = [policy for policy, rules in RULES.items() if rules.newcomer_copies <= quorum]
    return max(reached, key=lambda policy: RULES[policy].newcomer_copies, default=VerificationPolicy.STANDARD)


def is_drawn(policy: VerificationPolicy, secret: bytes, job: JobId, task: int) -> bool:
    """Whether this task is checked whatever its copies are."""
    rules = RULES[policy]
    return secret_draw(secret, job, task) < rules.ringer_share + rules.audit_share


def is_decided(terms: BatchTerms, task: BatchTask, standing: Standing) -> bool:
    """Whether the copies that were shown need no check."""
    shown = [slot for slot in task.taken if slot.digest is not None]
    return len({slot.digest for slot in shown}) == 1 and _would_decide(terms, task, standing, shown)


def has_to_run(terms: BatchTerms, task: BatchTask, standing: Standing) -> bool:
    """Whether the orchestrator has to run the task: known mostly once all have committed."""
    if terms.policy is None or task.own is not None:
        return False
    if task.stage is Stage.CLOSED:
        return not _would_decide(terms, task, standing, task.taken)
    return task.stage is Stage.SHOWN


def _would_decide(terms: BatchTerms, task: BatchTask, standing: Standing, copies: Iterable[Slot]) -> bool:
    """Whether these copies decide if they are all alike."""
    if terms.policy is None or task.drawn:
        return False
    rules = RULES[terms.policy]
    counted = [slot.worker for slot in copies if slot.worker not in standing.caught]
    of_record = sum(standing.has_record(rules, worker) for worker in counted)
    return len(counted) >= terms.quorum and of_record >= rules.copies
