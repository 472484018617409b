"""`edgebounty job verify`: re-run tasks from public content and compare with what was paid."""

from __future__ import annotations

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edgebounty.cli.options import example, market_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings

EXIT_WRONG = 3


@click.command(
    short_help="Re-run paid tasks here and say whether they are right.",
    epilog=example("edgebounty job verify 1 --sample 5"),
)
@click.argument("job_id", type=click.IntRange(1), metavar="ID")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Check N tasks drawn at random (default: all).")
@click.option("--spot-check", is_flag=True, help="Check a secret 2 % of the tasks, drawn here and now.")
@market_options
def verify(job_id: int, sample: int | None, spot_check: bool, settings: Settings, out: Output) -> None:
    """Re-run a job's tasks and reduces here, from public content alone, and say whether the paid results are right.

    Digests come from the chain, bytes from the gateway, and every byte is re-hashed: no one has to be trusted.
    Exit status 3 when a paid result is wrong.
    """
    from edgebounty.cli.context import open_market
    from edgebounty.client.sampling import SECRET_SHARE
    from edgebounty.client.verification import verify as verify_job

    if spot_check and sample is not None:
        raise click.UsageError("give --sample or --spot-check, not both")
    market = open_market(settings)
    columns = (TextColumn("[dim]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out.console, transient=True, disable=not out.console.is_terminal) as progress:
        bar = progress.add_task("re-running", total=sample)
        found = verify_job(
            market,
            job_id,
            sample=sample,
            share=SECRET_SHARE if spot_check else None,
            on_check=lambda check: progress.advance(bar),
        )
    if out.as_json:
        out.document(
            {
                "job_id": job_id,
                "right": found.right,
                "checked": len(found.checks),
                "tasks": found.total_tasks,
                "reduces_checked": sum(check.is_reduce for check in found.checks),
                "most_wrong": found.most_wrong,  # of the paid ones, with 95 % confidence
                "unsettled": list(found.unpaid),
                "wrong": [
                    {"task": c.task, "paid": "0x" + c.paid.hex(), "computed": "0x" + c.computed.hex()}
                    for c in found.checks
                    if not c.right
                ],
                "result_cid": None if found.result_cid is None else str(found.result_cid),
                "work_units": sum(check.work_units for check in found.checks),
            }
        )
    else:
        reduces = sum(check.is_reduce for check in found.checks)
        checked = f"{len(found.checks)} of {found.total_tasks} tasks ({reduces} of them reduces)"
        if found.right:
            out.say(f"[green]Right.[/] {checked} re-run here give the very digests that were paid.")
            if found.most_wrong:
                out.say(
                    f"With 95 % confidence at most {found.most_wrong} of the others are wrong; more to see: --sample N."
                )
        else:
            out.say(f"[red bold]WRONG.[/] Of {checked} re-run here, {len(found.wrong)} differ from what was paid:")
            for check in found.checks:
                if not check.right:
                    out.say(f"  task {check.task}: paid 0x{check.paid.hex()}, computed 0x{check.computed.hex()}")
        if found.unpaid:
            out.say(f"{len(found.unpaid)} tasks have no settled result, so there was nothing to check in them.")
        if found.result_cid is not None:
            out.facts({"result": found.result_cid})
    if not found.right:
        click.get_current_context().exit(EXIT_WRONG)
