"""`edgebounty job stop`: no new tasks, and the unused bounty back."""

from __future__ import annotations

import click

from edgebounty.cli.options import example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings


@click.command(
    short_help="End a job of yours and get back what is unused.", epilog=example("edgebounty job stop 1 --yes")
)
@click.argument("job_id", type=click.IntRange(1), metavar="ID")
@market_options
@signing_options
def stop(job_id: int, settings: Settings, out: Output) -> None:
    """Stop a job of yours: tasks that are claimed go on and are paid, no new one starts.

    The part of the bounty that no task can cost any more becomes your credit at once. Run it again when the claimed
    tasks are done to get the rest.
    """
    from edgebounty.cli.context import open_market

    market = open_market(settings, account="requester", sign=True)
    job = market.job(job_id)
    now = market.contracts.block().time
    if not job.is_ended(now):
        out.confirm(f"Stop job {job_id} ({job.finished} of {job.terms.total_tasks} tasks are done)?")
        market.stop(job_id)
    refunded = market.refund(job_id)
    left = market.job(job_id).escrow
    if out.as_json:
        out.document({"job_id": job_id, "stopped": True, "refunded": str(refunded), "escrow_left": str(left)})
        return
    out.say(f"Job {job_id} has ended. {market.token.text(refunded)} came back as credit: `edgebounty withdraw`.")
    if left:
        out.say(f"{market.token.text(left)} stays for claimed tasks; run this again when they are done.")
