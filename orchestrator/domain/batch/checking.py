"""Which copies of a batch-lane task decide it, and who is believed: `domain.policy`, as the service applies it.

Copies decide if they are enough, all alike, not drawn for a run here, and as many of them as the policy wants come from
workers of record; if the task is drawn for an audit, another worker of record has to show the same. Otherwise the
orchestrator runs the task itself, and that decides: newcomers' copies alone never do. A record is earned by results
that such a run or an audit confirmed; agreeing with peers earns nothing. Why: docs/adr/0019, 0021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from edgebounty.protocol.types import Address, JobId
from orchestrator.domain import policy as policy_rules
from orchestrator.domain.batch.auditing import auditor_of
from orchestrator.domain.batch.due import Place
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Slot, Stage
from orchestrator.domain.policy import RULES, Check, VerificationPolicy, VerificationRules, secret_draw


@dataclass(slots=True)
class Standing:
    """What the checks have shown of each worker, over all jobs. Replaying the journal's facts rebuilds it."""

    passed: Counter[Address] = field(default_factory=Counter)
    vouched: Counter[Address] = field(default_factory=Counter)  # what those tasks paid, in base units
    caught: dict[Address, Place] = field(default_factory=dict)  # by the first wrong result

    def take(self, place: Place, price: int, passed: Iterable[Address], caught: Iterable[Address]) -> None:
        for worker in passed:
            self.passed[worker] += 1
            self.vouched[worker] += price
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


def check_of(policy: VerificationPolicy, secret: bytes, job: JobId, task: int) -> Check:
    """How this task is checked whatever its copies are, by the rules that the simulator draws with."""
    draw = np.array([secret_draw(secret, job, task)])
    return Check(int(policy_rules.check_of(RULES[policy], draw)[0]))


def is_drawn(policy: VerificationPolicy, secret: bytes, job: JobId, task: int) -> bool:
    """Whether this task is checked at all."""
    return check_of(policy, secret, job, task) is not Check.NONE


def may_audit(terms: BatchTerms, worker: Address, standing: Standing) -> bool:
    return terms.policy is not None and standing.has_record(RULES[terms.policy], worker)


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
    rules, auditor = RULES[terms.policy], auditor_of(terms, task)
    believed = [slot.worker for slot in copies if slot.worker not in standing.caught]
    if task.audited and (auditor is None or auditor.worker not in believed):
        return False
    counted = [worker for worker in believed if auditor is None or worker != auditor.worker]
    of_record = sum(standing.has_record(rules, worker) for worker in counted)
    return len(counted) >= terms.quorum and of_record >= rules.copies
