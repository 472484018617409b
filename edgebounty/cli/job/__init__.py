"""`edgebounty job …`: post, watch, stop, fetch and check jobs."""

from __future__ import annotations

import click

from edgebounty.cli.job.run_local import run_local


@click.group()
def job() -> None:
    """Post, watch, stop, fetch and check jobs.

    A job trains a model, runs one over many inputs, or analyses a table. It is cut into tasks that strangers'
    devices run; each task is run by several of them and paid only when their results agree.
    """


for command in (run_local,):
    job.add_command(command)
