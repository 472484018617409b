"""Follows a train job round by round, for `job post` and `job run-local`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgebounty.cli.job.show import show_result, write_result
from edgebounty.cli.output import Output

if TYPE_CHECKING:
    from edgebounty.client.jobs import Job
    from edgebounty.client.train_requests import TrainingPlan
    from edgebounty.client.training import Round


def follow_training(planned: TrainingPlan, job: Job, out: Output, output: Path | None) -> None:
    """Waits for every round, says how it went, and shows what came out; with --json a line each."""
    rounds = planned.first_round + planned.plan.parts[0].manifest.rounds

    def tell(done: Round) -> None:
        if out.as_json:
            out.line(asdict(done))
            return
        metric = "" if done.metric is None else f"  validation {done.metric:.4f}"
        out.say(f"round {done.number} of {rounds}{metric}  {done.seconds:.1f} s")

    training = planned.follow(job, tell).wait(bar=False)
    if training.ended_early:
        best = " with the best round's weights" if any(one.metric is not None for one in training.curve) else ""
        out.say(f"Ended after round {training.curve[-1].number}{best}.")
    result = training.result()
    if out.as_json:
        if output is not None:
            write_result(result, output, source=planned.source)
        out.line({**result.document, "ended_early": training.ended_early, "cost": str(training.cost())})
        return
    show_result(out, result, output, source=planned.source)
    out.facts({"cost": training.cost()})
    if planned.watch.folder is not None:
        out.say(f"Rounds and curve are in {planned.watch.folder}")
