"""Every policy against every strategy, on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.simulation.fleet import Draws, Fleet, make_fleet, phone_speeds
from bench.simulation.ledger import PARTS, WINDOW_PARTS, Outcome
from bench.simulation.liars import STRATEGIES, Strategy
from bench.simulation.ours import run_rules
from bench.simulation.peers import TRUST, Play, boinc, poco, replication, run_peer
from orchestrator.domain.policy import RULES, VerificationPolicy, most_workers

OURS: Final = {policy.value: RULES[policy] for policy in VerificationPolicy}
PEERS: Final[dict[str, Callable[[int], Play]]] = {
    "replication of 2": lambda seats: replication(2),
    "replication of 3": lambda seats: replication(3),
    "BOINC adaptive": boinc,
    f"PoCo, trust {TRUST:,}": poco,
}
POLICIES: Final = (*OURS, *PEERS)
OnRun = Callable[[str, Strategy], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stays the same while policies and strategies change."""

    fleet: Fleet
    draws: Draws
    share: float  # of the workers who lie

    @property
    def window(self) -> int:
        """Tasks that a result is held back for."""
        return self.draws.tasks * WINDOW_PARTS // PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy against one strategy."""

    policy: str
    strategy: str
    returning: bool
    outcome: Outcome

    def as_dict(self) -> dict[str, Any]:
        outcome = self.outcome
        return {
            "policy": self.policy,
            "strategy": self.strategy,
            "liars_return": self.returning,
            "overhead": outcome.overhead,
            "wrong_per_million": outcome.wrong_per_million,
            "wrong_per_million_before_the_window_ends": outcome.first_wrong_per_million,
            "liar_profit_per_lie": outcome.profit_per_lie,
            "lies": outcome.lies,
            "gained": outcome.gained,
            "slashed": outcome.slashed,
            "held_back_pay_lost": outcome.forgone,
            "caught": outcome.caught,
            "liars_at_start": outcome.liars_at_start,
            "liars_left": outcome.liars_left,
            "gone_after_tasks": outcome.gone_after,
            "honest_outvoted": outcome.honest_hurt,
        }


def make_scene(
    *, workers: int, tasks: int, share: float, seed: int, everyone: bool = False, listed: Path | None = None
) -> Scene:
    """Work goes to as many workers as `standard` can check, or to all of them if `everyone`."""
    seats = most_workers(OURS["standard"], tasks * WINDOW_PARTS // PARTS)
    fleet = make_fleet(phone_speeds(workers, seed, listed), workers if everyone else min(workers, seats), seed)
    # Decisions lag by one chunk, as they do by the time that a task takes; forty chunks a part of the run are enough.
    return Scene(fleet=fleet, draws=Draws(seed=seed, tasks=tasks, chunk=max(100, tasks // 500)), share=share)


def play(scene: Scene, policy: str, strategy: Strategy, *, returning: bool = False) -> Run:
    if policy in OURS:
        outcome = run_rules(OURS[policy], scene.fleet, scene.draws, strategy, scene.share, returning=returning)
    else:
        outcome = run_peer(PEERS[policy](scene.fleet.seats), scene.fleet, scene.draws, strategy, scene.share)
    return Run(policy=policy, strategy=strategy.name, returning=returning, outcome=outcome)


def compare(
    scene: Scene, policies: Iterable[str], *, returning: bool = False, on_run: OnRun | None = None
) -> Iterator[Run]:
    for policy in policies:
        for strategy in STRATEGIES:
            if on_run is not None:
                on_run(policy, strategy)
            yield play(scene, policy, strategy, returning=returning)
