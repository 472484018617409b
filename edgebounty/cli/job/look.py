"""`edgebounty job list|status|result`: read from the chain; the content is checked against it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebounty.cli.job.board import job_board
from edgebounty.cli.job.show import show_result
from edgebounty.cli.options import FILE, example, market_options
from edgebounty.cli.output import Output, short
from edgebounty.cli.settings import Settings
from edgebounty.protocol.cid import raw_cid

if TYPE_CHECKING:
    from edgebounty.client.history import JobHistory
    from edgebounty.client.market import Market

WATCH_SECONDS = 0.5


@click.command("list", epilog=example("edgebounty job list --json"))
@market_options
def list_jobs(settings: Settings, out: Output) -> None:
    """List the jobs of this market."""
    from edgebounty.cli.context import open_market
    from edgebounty.client.batch_jobs import fold_batch
    from edgebounty.client.errors import ClientError
    from edgebounty.client.history import History

    market = open_market(settings)
    history = History(market.contracts)
    history.update()
    for job in history.jobs.values():
        with contextlib.suppress(ClientError):  # of another orchestrator, or it is away: what the chain has stays
            fold_batch(market, job)
    now = market.contracts.block().time
    documents = [job_document(job, now) for job in history.jobs.values()]
    if out.as_json:
        out.document({"jobs": documents})
    elif not documents:
        out.say("No job was posted yet. Post one: edgebounty job post --help")
    else:
        rows = [
            (
                document["id"],
                document["status"],
                f"{document['finished']}/{document['tasks']}",
                market.token.short(int(document["escrowed"])),
                market.token.short(int(document["paid"])),
                short(str(document["requester"])),
            )
            for document in documents
        ]
        out.table(("id>", "status", "tasks>", f"escrowed, {market.token.symbol}>", "paid>", "requester"), rows)


@click.command(epilog=example("edgebounty job status 1 --watch"))
@click.argument("job_id", type=click.IntRange(1), metavar="ID")
@click.option("--watch", is_flag=True, help="Stay and show every change until the job has ended.")
@market_options
def status(job_id: int, watch: bool, settings: Settings, out: Output) -> None:
    """Show how far a job is, task by task."""
    from edgebounty.cli.context import open_market
    from edgebounty.client.batch_jobs import fold_batch
    from edgebounty.client.history import History

    market = open_market(settings)
    market.job(job_id)  # a clear error when there is none
    if watch:
        watch_job(market, job_id, out)
        return
    history = History(market.contracts)
    history.update()
    job = history.jobs[job_id]
    fold_batch(market, job)
    now = market.contracts.block().time
    known = _from_manifest(market, job_id, job)
    if out.as_json:
        out.document({**job_document(job, now, with_tasks=True), **known})
        return
    out.console.print(job_board(job, market.token, now))
    out.facts({name.removesuffix("_cid"): value for name, value in known.items() if value is not None})


def _from_manifest(market: Market, job_id: int, job: JobHistory) -> dict[str, str | None]:
    """What only the job's manifest tells; nothing of it while nobody serves the manifest."""
    from edgebounty.client.verification import final_cid
    from edgebounty.content.store import ContentError
    from edgebounty.protocol.types import Digest

    try:
        manifest = market.manifest(market.job(job_id))
    except ContentError:
        return {"kind": None, "result_cid": None}
    settled = {index: Digest(task.result) for index, task in job.tasks.items() if task.result is not None}
    result = final_cid(manifest, settled)
    return {"kind": manifest.kind, "result_cid": None if result is None else str(result)}


def watch_job(market: Market, job_id: int, out: Output) -> None:
    """Shows the job until it has ended: live for people, one JSON document a line for programs."""
    from rich.live import Live

    from edgebounty.client.batch_jobs import fold_batch
    from edgebounty.client.errors import Unavailable
    from edgebounty.client.history import History

    history = History(market.contracts)

    def update() -> JobHistory:
        history.update()
        with contextlib.suppress(Unavailable):  # it is seen again; the deadline is the chain's
            fold_batch(market, history.jobs[job_id])
        return history.jobs[job_id]

    job = update()
    if out.as_json:
        last: dict[str, Any] | None = None
        while True:
            document = job_document(job, market.contracts.block().time)
            if document != last:
                out.line(document)
            if document["status"] != "open":
                return
            last = document
            time.sleep(WATCH_SECONDS)
            update()
    with Live(console=out.console, refresh_per_second=8) as live:
        while True:
            now = market.contracts.block().time
            live.update(job_board(job, market.token, now))
            if job.state(now) != "open":
                break
            time.sleep(WATCH_SECONDS)
            update()
    if not out.console.is_terminal:  # the live view ends its last line only on a terminal
        out.console.print()
    if job.state(market.contracts.block().time) == "finished":
        out.say(f"Fetch the result:  edgebounty job result {job_id} -o FILE")
        out.say(f"Check it yourself: edgebounty job verify {job_id}")


@click.command(epilog=example("edgebounty job result 1 -o statistics.json"))
@click.argument("job_id", type=click.IntRange(1), metavar="ID")
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Write the result here (.json, .npz, .npy, .parquet; trained: .onnx, .safetensors; else raw bytes).",
)
@click.option("--model", metavar="MODEL", help="What was trained, for -o FILE.onnx of an ONNX model.")
@market_options
def result(job_id: int, output: Path | None, model: str | None, settings: Settings, out: Output) -> None:
    """Fetch a finished job's result and check it against the chain."""
    from edgebounty.cli.context import open_market
    from edgebounty.client.fetching import fetch_result

    found = fetch_result(open_market(settings), job_id)
    show_result(out, found, output, source=model)
    if not out.as_json:
        out.facts({"result": found.cid})


def job_document(job: JobHistory, now: int, *, with_tasks: bool = False) -> dict[str, Any]:
    """A job as JSON; amounts in base units as strings."""
    document: dict[str, Any] = {
        "id": job.id,
        "status": job.state(now),
        "requester": job.requester,
        "tasks": job.terms.total_tasks,
        "finished": job.finished,
        "rounds": job.terms.rounds,
        "deadline": job.terms.deadline,
        "slot_price": str(job.terms.slot_price),
        "escrowed": str(job.escrowed),
        "paid": str(job.paid),
        "fee": str(job.fee),
        "refunded": str(job.refunded),
        "manifest_cid": str(raw_cid(job.terms.manifest_digest)),
    }
    if with_tasks:
        document["task_list"] = [
            {
                "index": task.index,
                "state": task.state,
                "claims": dict(task.claims),
                "result_digest": None if task.result is None else "0x" + task.result.hex(),
            }
            for task in (job.tasks[index] for index in sorted(job.tasks))
        ]
    return document
