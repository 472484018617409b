"""How results are checked in the batch lane: pure rules, the same for the service and the simulator.

The life of a task under any policy:

    copies_of      how many workers get it: more while the first of them has no record
    check_of       none, ringer or audit, from a secret draw, whoever the workers are and however many
                   ringer: the orchestrator computes the task itself, so every wrong copy is caught
                   audit:  another worker computes it once the copies are committed
    all copies (and the audit) equal?   no: a jury decides, and whoever differs from it is caught
    passed_after   a ringer or an audit passed counts towards the record; agreeing with peers never does
    caught         the worker is out, loses the lock of that task, and what it did and is still held back is run again
    held back      pay, and the word "final", wait until the window is over

Ringers and audits know nothing of copies or workers: so whoever holds all copies of a task still cannot tell whether it
is checked. How well all this works is counted in the checks that a worker meets in one window, so work goes to no more
workers than can be checked (`most_workers`, docs/adr/0015). Figures and what is not promised: docs/verification.md.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Draws = NDArray[np.floating[Any]]

TOLERATED_SHARE: Final = 0.2  # of the work in the hands of liars who act together
TOLERATED_WRONG: Final = 500e-6  # of the results, once final


class VerificationPolicy(StrEnum):
    """What the requester chooses when posting."""

    STANDARD = "standard"
    INSURED = "insured"
    STRICT = "strict"


class Check(IntEnum):
    """What happens to a task besides its copies."""

    NONE = 0
    RINGER = 1
    AUDIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRules:
    """The numbers of one policy."""

    copies: int  # equal results that a task needs from workers with a record
    newcomer_copies: int  # the same while the first worker has no record
    record: int  # checks passed that make a record
    ringer_share: float  # of the tasks
    audit_share: float  # of the tasks
    lock_factor: int  # stake locked by each worker of a task, in the task's declared value
    jury: int  # copies that settle a disagreement


RULES: Final[Mapping[VerificationPolicy, VerificationRules]] = {
    VerificationPolicy.STANDARD: VerificationRules(
        copies=1, newcomer_copies=2, record=2, ringer_share=0.03, audit_share=0.06, lock_factor=16, jury=9
    ),
    VerificationPolicy.INSURED: VerificationRules(
        copies=2, newcomer_copies=3, record=2, ringer_share=0.03, audit_share=0.06, lock_factor=16, jury=9
    ),
    VerificationPolicy.STRICT: VerificationRules(
        copies=9, newcomer_copies=9, record=0, ringer_share=0.0, audit_share=0.0, lock_factor=16, jury=9
    ),
}


def secret_draw(secret: bytes, job_id: int, task_index: int) -> float:
    """A number in [0, 1) that only the holder of `secret` can foretell and that is the same after a restart."""
    if len(secret) < 16:
        raise ValueError(f"the secret of the checks has {len(secret)} bytes; at least 16 are needed")
    message = job_id.to_bytes(32, "big") + task_index.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(message, key=secret, digest_size=8).digest(), "big") / 2.0**64


def check_of(rules: VerificationRules, draws: Draws) -> NDArray[np.int8]:
    """The `Check` of each task, from one secret draw in [0, 1) each."""
    checks = np.full(draws.shape, Check.NONE, dtype=np.int8)
    checks[draws < rules.ringer_share + rules.audit_share] = Check.AUDIT
    checks[draws < rules.ringer_share] = Check.RINGER
    return checks


def has_record(rules: VerificationRules, passed: Ints) -> Bools:
    """Whether workers have passed enough checks to be believed like anybody else."""
    return passed >= rules.record


def copies_of(rules: VerificationRules, passed: Ints) -> Ints:
    """How many workers compute each task, `passed` being the checks that its first worker has passed."""
    return np.where(has_record(rules, passed), rules.copies, rules.newcomer_copies).astype(np.int32)


def passed_after(passed: Ints, checks: NDArray[np.int8], right: Bools) -> Ints:
    """The checks that each worker has passed after a task: only ringers and audits count; being caught ends it."""
    counted = passed + (checks != Check.NONE)
    return np.where(right, counted, 0).astype(np.int32)


def catch_chance(rules: VerificationRules, liars: float) -> float:
    """The least chance that one wrong result is caught, if all its copies and a share `liars` of auditors lie alike."""
    return rules.ringer_share + rules.audit_share * (1 - liars)


def least_lock(gain: float, chance: float) -> float:
    """The stake at which one lie does not pay: gain (1 - p) / p, in the unit of `gain`."""
    return gain * (1 - chance) / chance


def wrong_bound(rules: VerificationRules, workers: int, tasks: int, liars: float = TOLERATED_SHARE) -> float:
    """Of `tasks` results of one window, the share that stays wrong, if liars pick the rate that suits them best.

    Who lies k times in a window keeps k lies with chance (1 - p)^k: at most 1 / (e p) lies on average, whatever k is,
    for each of `liars` x `workers`. A liar that comes back under a new name is a new one. Never more than the tasks
    whose copies are all in the liars' hands.
    """
    unchecked = float(liars**rules.copies)
    chance = catch_chance(rules, liars)
    return min(unchecked, liars * workers / (tasks * math.e * chance)) if chance else unchecked


def most_workers(
    rules: VerificationRules, tasks: int, liars: float = TOLERATED_SHARE, wrong: float = TOLERATED_WRONG
) -> int:
    """To how many workers at most the `tasks` of one window may go, so that `wrong_bound` stays below `wrong`.

    As many as there are copies where copies alone keep it; never fewer than one task, its audit and its jury take.
    """
    if liars**rules.copies <= wrong:
        return tasks * rules.copies
    least = max(rules.copies, rules.newcomer_copies) + 1 + rules.jury
    return max(least, int(tasks * wrong * math.e * catch_chance(rules, liars) / liars))


def price_multiplier(rules: VerificationRules, newcomers: float = 0.0) -> float:
    """Expected copies per task, ringers and audits in, with a share `newcomers` of the tasks at new workers first.

    Juries and repeats are not in it: those who were caught pay for them.
    """
    return rules.copies + newcomers * (rules.newcomer_copies - rules.copies) + rules.ringer_share + rules.audit_share
