"""Does checking a tenth of the work suffice? Verification on 1,000,000 simulated phones and 10,000,000 tasks,
a fifth of the workers liars who act together, in six strategies; beside what others do, on the same draws.

The peers are plain replication (cost) and BOINC's adaptive replication (wrong results, gain of a lie).
`python -m bench.policies --help` compares all of them, prints tables and writes a picture.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from bench.figure import RESULTS, Figure
from bench.simulation.comparison import POLICIES, Run, compare, make_scene
from bench.simulation.liars import Strategy
from bench.simulation.report import tables

WORKERS: Final = 1_000_000
TASKS: Final = 10_000_000
SHARE: Final = 0.2
SEED: Final = 1


def run(tasks: int = TASKS, workers: int = WORKERS) -> list[Figure]:
    scene = make_scene(workers=workers, tasks=tasks, share=SHARE, seed=SEED)
    ours = list(compare(scene, ["standard"]))
    twice = list(compare(scene, ["replication of 2"]))
    adaptive = list(compare(scene, ["BOINC adaptive"]))
    return [
        _figure(
            "policy_standard_overhead", "copies per task", 1.15, _overhead(ours), "replication of 2", _overhead(twice)
        ),
        _figure(
            "policy_standard_wrong_per_million",
            "wrong results per million, worst strategy, a fifth liars",
            500,
            _wrong(ours),
            "BOINC adaptive",
            _wrong(adaptive),
        ),
        _figure(
            "policy_standard_liar_profit",
            "prices per lie, best strategy of the liars",
            0,
            _profit(ours),
            "BOINC adaptive",
            _profit(adaptive),
        ),
    ]


def _overhead(runs: list[Run]) -> float:
    return max(run.outcome.overhead for run in runs)


def _wrong(runs: list[Run]) -> float:
    return max(run.outcome.wrong_per_million for run in runs)


def _profit(runs: list[Run]) -> float:
    return max(run.outcome.profit_per_lie for run in runs)


def _figure(name: str, unit: str, target: float, value: float, peer: str, peer_value: float) -> Figure:
    return Figure(
        name=name,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=value / peer_value,
        target=target,
        better="lower",
        bounds_value=True,
    ).save()


@click.command()
@click.option("--workers", default=WORKERS, show_default=True, help="Phones that are there.")
@click.option("--tasks", default=TASKS, show_default=True)
@click.option("--share", default=SHARE, show_default=True, help="Of the workers that are liars and act together.")
@click.option("--seed", default=SEED, show_default=True)
@click.option("--policy", "policies", multiple=True, type=click.Choice(POLICIES), help="Only these; may be repeated.")
@click.option("--everyone", is_flag=True, help="Spread the work over all phones, checked or not.")
@click.option("--returning", is_flag=True, help="Liars that were thrown out come back under new names: steady state.")
@click.option(
    "--phones",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="EDGEBOUNTY_PHONES",
    help="AI Benchmark results in JSON, for the speeds of real phones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS / "policies.png", show_default=True
)
def main(
    workers: int,
    tasks: int,
    share: float,
    seed: int,
    policies: tuple[str, ...],
    everyone: bool,
    returning: bool,
    phones: Path | None,
    as_json: bool,
    plot: Path,
) -> None:
    """Compares policies of verification on a simulated fleet."""
    if not 0 <= share < 1 or tasks < 1_000 or workers < 20:
        raise click.UsageError("needs a share in [0, 1), at least 1,000 tasks and 20 workers")
    out, progress = Console(), Console(stderr=True)
    scene = make_scene(workers=workers, tasks=tasks, share=share, seed=seed, everyone=everyone, listed=phones)
    begun = time.monotonic()

    def on_run(policy: str, strategy: Strategy) -> None:
        progress.print(f"[dim]{time.monotonic() - begun:5.0f} s[/dim]  {policy}: {strategy.name}", highlight=False)

    runs = list(compare(scene, policies or POLICIES, returning=returning, on_run=on_run))
    from bench.simulation.plot import draw  # Pillow comes with an extra

    draw(scene, runs, plot)
    if as_json:
        told = {"workers": workers, "at_work": scene.fleet.seats, "tasks": tasks, "share": share, "seed": seed}
        out.print_json(json.dumps({**told, "runs": [run.as_dict() for run in runs]}))
        return
    when = "liars come back" if returning else "until they are gone"
    out.print(f"{workers:,} phones, {scene.fleet.seats:,} of them at work, {tasks:,} tasks, {share:.0%} liars, {when}")
    for table in tables(when.capitalize(), runs):
        out.print(table)
    progress.print(f"picture: {plot}")


if __name__ == "__main__":
    main()
