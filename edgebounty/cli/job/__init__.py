"""`edgebounty job …`: post, watch, stop, fetch and check jobs."""

from __future__ import annotations

import click

from edgebounty.cli.job.look import list_jobs, result, status
from edgebounty.cli.job.post import post
from edgebounty.cli.job.run_local import run_local
from edgebounty.cli.job.stop import stop
from edgebounty.cli.job.verify import verify
from edgebounty.cli.options import example


@click.group(epilog=example("edgebounty job post analyze --data table.csv --bounty 5"))
def job() -> None:
    """Post, watch, stop, fetch and check jobs.

    A job trains a model, runs one over many inputs, or analyses a table. It is cut into tasks that strangers'
    devices run; each task is run by several of them and paid only when their results agree.
    """


for command in (post, list_jobs, status, result, stop, verify, run_local):
    job.add_command(command)
