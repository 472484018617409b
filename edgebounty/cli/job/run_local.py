"""`edgebounty job run-local …`: the same job on this machine, without a market."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edgebounty.cli.job.plans import (
    analyze_options,
    infer_options,
    take_request,
    take_wasm,
    train_options,
    wasm_options,
)
from edgebounty.cli.job.show import show_result
from edgebounty.cli.job.train_options import take_train
from edgebounty.cli.options import FILE, example, market_options, output_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.requests import AnalyzeRequest, InferRequest, Request

OUTPUT = click.option(
    "-o",
    "--output",
    type=FILE,
    help="Write the result here (.json, .npz, .npy, .parquet; trained: .onnx, .safetensors; else raw bytes).",
)


@click.group(
    "run-local",
    short_help="Run a job on this machine, without a market.",
    epilog=example("edgebounty job run-local analyze --data table.csv --json"),
)
def run_local() -> None:
    """Run a job on this machine, without a market: the same tasks and the same result CID, for nothing."""


@run_local.command(
    short_help="Put questions to a table: describe, group, correlate, …",
    epilog=example("edgebounty job run-local analyze --data table.csv --json"),
)
@analyze_options
@OUTPUT
@output_options
def analyze(out: Output, output: Path | None, **options: Any) -> None:
    """Put a question to a table: describe it, group it, correlate it, …"""
    _run(take_request(AnalyzeRequest, options), Settings(), out, output)


@run_local.command(epilog=example("edgebounty job run-local train --data digits.npz --rounds 4 -o net.onnx"))
@train_options
@OUTPUT
@output_options
def train(out: Output, output: Path | None, **options: Any) -> None:
    """Train a model on labelled samples."""
    request = take_train(options)
    if not request.is_followed:
        _run(request, Settings(), out, output, source=request.model)
        return
    from edgebounty.cli.job.follow import follow_training
    from edgebounty.client.here import Local
    from edgebounty.client.train_requests import plan_training

    planned = plan_training(request)
    follow_training(planned, Local().start(planned.plan), out, output)


@run_local.command(
    epilog=example("edgebounty job run-local infer --data test.npz --weights weights.bin -o labels.json")
)
@infer_options
@OUTPUT
@market_options
def infer(settings: Settings, out: Output, output: Path | None, **options: Any) -> None:
    """Run a trained model over many inputs."""
    _run(take_request(InferRequest, options), settings, out, output)


@run_local.command(
    short_help="Run a program of your own on every shard.",
    epilog=example("edgebounty job run-local wasm --program sum.wasm --shard a.bin --shard b.bin -o sums.npz"),
)
@wasm_options
@OUTPUT
@output_options
def wasm(out: Output, output: Path | None, **options: Any) -> None:
    """Run a program of your own, one task for each shard (see docs/own-programs.md)."""
    _run(take_wasm(options), Settings(), out, output)


def _run(request: Request, settings: Settings, out: Output, output: Path | None, *, source: str | None = None) -> None:
    from edgebounty.cli.context import plan_request
    from edgebounty.client.local import run_here
    from edgebounty.client.results import Part, decode_parts
    from edgebounty.execution import fetcher

    plan = plan_request(request, settings)
    columns = (TextColumn("[dim]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out.console, transient=True, disable=not out.console.is_terminal) as progress:
        bar = progress.add_task("tasks", total=plan.total_tasks)
        done = [run_here(part, on_progress=lambda spec, execution: progress.advance(bar)) for part in plan.parts]
    parts = [
        Part(
            manifest=one.planned.manifest,
            cid=one.run.result_cid,
            content=one.run.result,
            fetch=fetcher(one.store, one.planned.manifest),
        )
        for one in done
    ]
    found = decode_parts(parts)
    show_result(out, found, output, source=source)
    out.facts(
        {
            "result": found.cid,
            "manifest": " ".join(map(str, plan.cids)),
            "work units": f"{sum(one.run.work_units for one in done):,}",
            "seconds": f"{sum(one.run.seconds for one in done):.2f}",
        }
    )
