"""A run under the rules of orchestrator/domain/policy.py: the simulator deals, the rules decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.simulation.fleet import Column, Draws, Fleet, Floats, Seats
from bench.simulation.ledger import PARTS, Held, Outcome
from bench.simulation.liars import Bools, Strategy, values
from orchestrator.domain.policy import Check, VerificationRules, check_of, copies_of, passed_after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What was computed and compared."""

    crew: Seats  # (task, copy)
    active: Bools
    auditors: Seats  # one a task; meant where the check is an audit
    checks: NDArray[np.int8]
    value: Floats
    lies: Bools  # (task, copy)
    audit_lies: Bools
    disputed: Bools

    @property
    def wrong(self) -> Bools:
        return self.lies.any(axis=1) & ~self.disputed


def run_rules(
    rules: VerificationRules, fleet: Fleet, draws: Draws, strategy: Strategy, share: float, *, returning: bool = False
) -> Outcome:
    """Plays all tasks. Who is caught is replaced by anybody, or, if `returning`, comes back under a new name."""
    start = draws.generator(0, Column.EVENTS)
    liar = start.random(fleet.seats) < share
    passed = np.zeros(fleet.seats, dtype=np.int32)
    outcome = Outcome(tasks=draws.tasks, liars_at_start=int(liar.sum()))
    held = Held(fleet=fleet, random=draws.generator(1, Column.EVENTS))
    sizes, part_sizes, played = draws.sizes(), np.zeros(PARTS, dtype=np.int64), 0
    all_speed = float(fleet.speeds.sum())
    for number, size in enumerate(sizes):
        part = number * PARTS // len(sizes)
        chunk = _deal(rules, fleet, draws, number, size, strategy, liar, passed)
        played, part_sizes[part] = played + size, part_sizes[part] + size
        _count(rules, chunk, outcome)
        settled = ~chunk.disputed
        told = chunk.lies.sum(axis=1) + (chunk.audit_lies & chunk.wrong)
        held.enter(part, chunk.crew[settled, 0], chunk.wrong[settled], (told * chunk.value)[settled])
        _raise(chunk, passed)
        caught = _caught(rules, chunk, outcome)
        if caught.size:
            entrants = draws.generator(number + 2, Column.EVENTS).random(caught.size)
            liar[caught] = True if returning else entrants < share
            passed[caught] = 0
            again, right = held.run_again(part, caught, liar)
            outcome.computed += again
            outcome.forgone += right
        outcome.curve.append((float(chunk.wrong.mean()), float(fleet.speeds[liar].sum()) / all_speed))
        if outcome.gone_after is None and not liar.any():
            outcome.gone_after = played
    outcome.liars_left = int(liar.sum())
    held.close(outcome, part_sizes)
    return outcome


def _deal(
    rules: VerificationRules,
    fleet: Fleet,
    draws: Draws,
    number: int,
    size: int,
    strategy: Strategy,
    liar: Bools,
    passed: NDArray[np.int32],
) -> _Chunk:
    first = fleet.drawn(draws.numbers(number, Column.COPY, size))
    copies = copies_of(rules, passed[first])
    crew = fleet.crew(draws, number, size, int(copies.max()))
    active = np.arange(crew.shape[1]) < copies[:, None]
    checks = check_of(rules, draws.numbers(number, Column.CHECK, size))
    value = values(draws.numbers(number, Column.VALUE, size))
    suits = strategy.suits(draws.numbers(number, Column.COIN, size), value, copies)
    lies = strategy.lies(liar[crew], active, suits)
    some, every = lies.any(axis=1), (lies | ~active).all(axis=1)
    auditors = fleet.apart(fleet.drawn(draws.numbers(number, Column.AUDITOR, size)), crew)
    audited = checks == Check.AUDIT
    blind = np.zeros(size, dtype=np.bool_) if strategy.whole else suits
    audit_lies = audited & liar[auditors] & (every | (blind & ~some))
    disputed = (some & ~every) | (some & (checks == Check.RINGER)) | (audited & (some != audit_lies))
    return _Chunk(
        crew=crew,
        active=active,
        auditors=auditors,
        checks=checks,
        value=value,
        lies=lies,
        audit_lies=audit_lies,
        disputed=disputed,
    )


def _count(rules: VerificationRules, chunk: _Chunk, outcome: Outcome) -> None:
    outcome.computed += int(chunk.active.sum()) + int((chunk.checks != Check.NONE).sum())
    outcome.computed += int(chunk.disputed.sum())  # by somebody else, whose result counts
    outcome.first_wrong += int(chunk.wrong.sum())
    outcome.lies += int(chunk.lies.sum()) + int(chunk.audit_lies.sum())


def _raise(chunk: _Chunk, passed: NDArray[np.int32]) -> None:
    """Records grow by ringers and audits."""
    checked = chunk.checks != Check.NONE
    meant = chunk.active[checked] & ~(chunk.lies[checked] & chunk.disputed[checked, None])
    seats = chunk.crew[checked][meant]
    checks = np.repeat(chunk.checks[checked], meant.sum(axis=1))
    before = passed[seats]
    np.add.at(passed, seats, passed_after(before, checks, np.ones(len(seats), dtype=np.bool_)) - before)


def _caught(rules: VerificationRules, chunk: _Chunk, outcome: Outcome) -> Seats:
    """Every seat that lied in a disputed task, once: one jury, and the lock of one such task is lost."""
    tasks, copies = np.nonzero(chunk.lies & chunk.disputed[:, None])
    auditing = np.flatnonzero(chunk.audit_lies & chunk.disputed)
    seats = np.concatenate([chunk.crew[tasks, copies], chunk.auditors[auditing]])
    caught, first = np.unique(seats, return_index=True)
    outcome.slashed += rules.lock_factor * float(chunk.value[np.concatenate([tasks, auditing])[first]].sum())
    outcome.caught += len(caught)
    outcome.computed += rules.jury * len(caught)
    return caught
