"""How much one worker may have in hand and unchecked, and how many workers at once: asked before a task is given out.

What was given out stays valid whatever is asked here, so these rules may change without spoiling a journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from edgebounty.protocol.types import Address
from orchestrator.domain.batch.checking import Standing
from orchestrator.domain.batch.terms import STEPS
from orchestrator.domain.batch.values import BatchTask, BatchTerms, Stage
from orchestrator.domain.policy import RULES, VerificationPolicy, most_workers

MOST_IN_HAND: Final = 16
"""Of one worker: keys cost nothing, and each task in hand is kept from others. Results that are held back are not in
it: they want nothing of anybody."""
MOST_HELD: Final = 256
"""Of one worker: if it is caught, the orchestrator runs so many tasks at once."""


def hand_problem(tasks: Iterable[BatchTask]) -> str:
    """Why a worker that has these tasks gets no further one; empty if it does."""
    held = [task.stage is Stage.HELD for task in tasks]
    if held.count(False) >= MOST_IN_HAND:
        return f"has {MOST_IN_HAND} tasks in hand: finish one of them first"
    if held.count(True) >= MOST_HELD:
        return f"has {MOST_HELD} results that are held back, none checked yet: wait until one of them is accepted"
    return ""


def exposure_problem(terms: BatchTerms, worker: Address, unchecked: int, standing: Standing) -> str:
    """The same for the worth of its results that nobody has checked: each check it passed vouches for `lock_factor`
    times that task's price. So a record earned on cheap tasks opens no dear ones.
    """
    if terms.policy is None:
        return ""
    most = RULES[terms.policy].lock_factor * (standing.vouched[worker] + terms.price)
    if unchecked + terms.price <= most:
        return ""
    return (
        f"has results worth {unchecked} base units that are not checked yet, and its record covers {most} with a task "
        f"of {terms.price}: wait until one of them is accepted or checked"
    )


def window_of(terms: BatchTerms) -> int:
    """Seconds in which a worker is at work of a job: its hold, or the time of one attempt."""
    return max(terms.hold, STEPS * terms.task_seconds)


class Seats:
    """Who had work of each policy lately. Newcomers take no seat: the orchestrator runs all that they decide."""

    def __init__(self) -> None:
        self._since: dict[VerificationPolicy, dict[Address, int]] = {}

    def take(self, terms: BatchTerms, worker: Address, now: int) -> None:
        """The worker was given a task."""
        if terms.policy is not None:
            self._since.setdefault(terms.policy, {})[worker] = now

    def seated(self, terms: BatchTerms, now: int, standing: Standing) -> list[Address]:
        """Those of record who had work of the job's policy within its window, and may have more."""
        if terms.policy is None:
            return []
        rules, window = RULES[terms.policy], window_of(terms)
        since = self._since.get(terms.policy, {})
        found = (worker for worker, at in since.items() if now - at < window and worker not in standing.caught)
        return [worker for worker in found if standing.has_record(rules, worker)]

    def problem(
        self, policy: VerificationPolicy, worker: Address, now: int, standing: Standing, jobs: Iterable[BatchTerms]
    ) -> str:
        """Why this worker gets no work of the policy now: there is not enough to check one more (ADR 15).

        `jobs`: those of the policy that give out tasks; their longest hold is the window.
        """
        rules, since, jobs = RULES[policy], self._since.setdefault(policy, {}), list(jobs)
        if not standing.has_record(rules, worker):
            return ""
        window = max((window_of(job) for job in jobs), default=0)
        for other in [other for other, at in since.items() if now - at >= window or other in standing.caught]:
            del since[other]
        seated = [other for other in since if other != worker and standing.has_record(rules, other)]
        most = most_workers(rules, sum(job.tasks * job.copies for job in jobs) // rules.copies)
        if len(seated) < most:
            return ""
        return (
            f"{len(seated)} workers have work of {policy.value} jobs, and there is enough to check {most}: wait until "
            "there is more work, or one of them stops"
        )
