"""What came out: the report's figures, the promises that are checked against them, and both on screen."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from demo.cast import CAST, Executioner
from demo.data import DemoData
from demo.energy import PHONE_CORE_WATTS, SERVER_CORE_WATTS, SERVER_PUE, estimate
from demo.jobs import DemoJob, labels_accuracy, largest_error, mean_of_means, weights_accuracy
from edgebounty.chain.ledger import Ledger
from edgebounty.cli.output import make_table, short
from edgebounty.client.endpoints import TestAccount
from edgebounty.client.history import History, JobHistory, WorkerHistory
from edgebounty.client.market import Token
from edgebounty.client.verification import Verification
from edgebounty.jobs.shape import output_cid

MIN_ACCURACY = 0.95
MAX_SECONDS = 120
MAX_RELATIVE_ERROR = 1e-9
ENERGY_NOTE = f"""\
* joules, estimated: work units x seconds per unit x {PHONE_CORE_WATTS:g} W on a phone's core
  (freqbench, Snapdragon 855), {SERVER_CORE_WATTS:g} W x PUE {SERVER_PUE:g} on a server's (Cloud Carbon
  Footprint, AWS). Phones run each task two or three times, the server once.
  The formula, the sources and what they leave out: docs/energy.md"""
_BASE_UNITS = re.compile(r"(\d+) base units")
LEDGER = ("deposited", "escrow", "stake", "credits", "withdrawn", "fees", "burned", "difference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything the demo found out, before it is told."""

    jobs: tuple[DemoJob, ...]
    history: History
    accounts: dict[str, TestAccount]
    executioner: Executioner
    ledger: Ledger
    verifications: dict[int, Verification]
    independent_accuracy: float
    """Of scikit-learn's training with as many passes over the samples."""
    data: DemoData
    token: Token
    market_folder: Path
    started: float
    """By the monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One thing that must be so."""

    text: str
    kept: bool


def build(outcome: Outcome) -> dict[str, Any]:
    """The report as JSON; its fields are a contract."""
    seconds = time.monotonic() - outcome.started
    return {
        "jobs": [_job(job, outcome) for job in outcome.jobs],
        "workers": [_worker(member.name, member.role, outcome) for member in CAST],
        "ledger": {name: str(getattr(outcome.ledger, name)) for name in LEDGER},
        "seconds": round(seconds, 1),
    }


def promises(outcome: Outcome, report: dict[str, Any]) -> list[Promise]:
    """What the demo promises, each kept or not."""
    jobs = {job["kind"]: job for job in report["jobs"]}
    by_role: dict[str, list[dict[str, Any]]] = {}
    for worker in report["workers"]:
        by_role.setdefault(worker["role"], []).append(worker)
    workers = {role: [_record(outcome, w["address"]) for w in found] for role, found in by_role.items()}
    analyzed = next(job for job in outcome.jobs if job.kind == "analyze").result
    error = largest_error(analyzed.document["columns"], outcome.data) if analyzed is not None else float("inf")
    checks = outcome.verifications.values()
    killed_in = outcome.executioner.killed_in
    return [
        Promise(text="every job is finished", kept=all(job["status"] == "finished" for job in jobs.values())),
        Promise(
            text="the market's results are the local runs' results, to the last bit",
            kept=all(job["result_cid"] == job["local_result_cid"] for job in jobs.values()),
        ),
        Promise(
            text=f"all {sum(len(c.checks) for c in checks)} paid tasks, run again from public content, are right",
            kept=all(check.right and not check.unpaid for check in checks),
        ),
        Promise(
            text=f"test accuracy is at least {MIN_ACCURACY}",
            kept=all(jobs[kind]["metric"] >= MIN_ACCURACY for kind in ("train", "infer")),
        ),
        Promise(
            text="infer's labels are as good as the weights that train made",
            kept=jobs["train"]["metric"] == jobs["infer"]["metric"],
        ),
        Promise(text=f"the wine statistics are numpy's (largest error {error:.0e})", kept=error <= MAX_RELATIVE_ERROR),
        Promise(
            text="honest workers are paid and lose nothing",
            kept=all(w.tasks_paid > 0 and w.slashed == 0 for w in workers["honest"]),
        ),
        Promise(
            text="the liar is slashed for wrong results and paid nothing",
            kept=all(w.slashed > 0 and w.tasks_paid == 0 for w in workers["liar"]),
        ),
        Promise(
            text="one worker was killed while its wasm ran"
            + (f" (job {killed_in[0]} task {killed_in[1]})" if killed_in else ""),
            kept=killed_in is not None,
        ),
        Promise(
            text="the killed and the slow worker lose at most the no-show fee",
            kept=all(w.slashed <= w.no_show_fees for w in workers["killed"] + workers["slow"]),
        ),
        Promise(
            text="the ledger adds up to the last unit, and nothing is left in escrow",
            kept=outcome.ledger.difference == 0 and outcome.ledger.escrow == 0,
        ),
        Promise(text=f"it took at most {MAX_SECONDS} s", kept=report["seconds"] <= MAX_SECONDS),
    ]


def write(report: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


def show(console: Console, outcome: Outcome, report: dict[str, Any], kept: list[Promise]) -> None:
    """The whole report for people."""
    token = outcome.token
    console.rule("[bold]Jobs")
    cost = f"cost, {token.symbol}>"
    columns = ("job", "accuracy>", "sklearn>", "work units>", "phones*>", "server*>", cost, "local")
    rows = [_job_row(job, token) for job in report["jobs"]]
    console.print(make_table(columns, rows))
    console.print(Text(ENERGY_NOTE, "dim"))
    console.rule("[bold]Workers")
    console.print(
        make_table(("worker", "role", "address", "tasks paid>", "earned>", "lost>"), _worker_rows(outcome, report))
    )
    for worker, member in zip(report["workers"], CAST, strict=True):
        if reasons := worker["reasons"]:
            more = f" … and {len(reasons) - 1} more like it" if len(reasons) > 1 else ""
            told = _BASE_UNITS.sub(lambda found: _rounded(token, int(found[1])), reasons[0])
            console.print(Text(f"{member.name} lost stake: {told}{more}", "dim"))
    console.rule("[bold]Ledger, read from the chain")
    console.print(
        make_table(("", "tokens>", "base units>"), [(n, token.text(int(v)), v) for n, v in report["ledger"].items()])
    )
    console.rule("[bold]Content")
    for job in outcome.jobs:
        _show_content(console, job, outcome.history.jobs[job.job_id])
    console.print("Check any of it yourself, from the chain and this content alone:")
    command, folder = _near(Path(sys.executable).parent / "edgebounty"), _near(outcome.market_folder)
    console.print(f"  {command} up --dir {folder} --workers 0   [dim]# and in another terminal[/]", soft_wrap=True)
    for job in outcome.jobs:
        console.print(f"  {command} job verify {job.job_id} --dir {folder}", soft_wrap=True)
    console.rule("[bold]Promised and kept?")
    for promise in kept:
        mark = "[green]✓[/]" if promise.kept else "[red bold]✗[/]"
        console.print(f"{mark} {promise.text}", soft_wrap=True)


def _job(job: DemoJob, outcome: Outcome) -> dict[str, Any]:
    history = outcome.history.jobs[job.job_id]
    metric, local_metric = _metrics(job, outcome.data, outcome.independent_accuracy)
    replica_units = sum(
        job.task_units[task.index] * sum(state in ("paid", "revealed", "slashed") for state in task.claims.values())
        for task in history.tasks.values()
    )
    run = job.done_here.run
    energy = estimate(work_units=run.work_units, replica_work_units=replica_units, seconds=job.local_cpu_seconds)
    return {
        "id": job.job_id,
        "kind": job.kind,
        "status": "finished" if _is_finished(history) else "unfinished",
        "result_cid": None if job.result is None else str(job.result.cid),
        "local_result_cid": str(run.result_cid),
        "metric": metric,
        "local_metric": local_metric,
        "work_units": run.work_units,
        "energy_joules": round(energy.phones_joules, 4),
        "server_energy_joules": round(energy.server_joules, 4),
        "energy_is_estimated": energy.is_estimated,
        "cost": str(history.escrowed - history.refunded),
    }


def _metrics(job: DemoJob, data: DemoData, independent: float) -> tuple[float, float]:
    if job.result is None:
        return 0.0, 0.0
    match job.kind:
        case "train":
            return weights_accuracy(job.result.arrays, data), independent
        case "infer":
            return labels_accuracy(job.result.arrays["labels"], data), independent
        case _:
            return mean_of_means(job.result.document["columns"]), float(data.wine.mean(axis=0).mean())


def _is_finished(history: JobHistory) -> bool:
    return history.done and all(task.state == "settled" for task in history.tasks.values())


def _record(outcome: Outcome, address: str) -> WorkerHistory:
    found = next((w for w in outcome.history.workers.values() if w.address == address), None)
    return found or WorkerHistory(address=address)  # type: ignore[arg-type]


def _worker(name: str, role: str, outcome: Outcome) -> dict[str, Any]:
    address = outcome.accounts[name].address
    record = _record(outcome, address)
    return {
        "address": address,
        "role": role,
        "tasks_paid": record.tasks_paid,
        "earned": str(record.earned),
        "slashed": str(record.slashed),
        "reasons": record.reasons,
    }


def _job_row(job: dict[str, Any], token: Token) -> tuple[object, ...]:
    learns = job["kind"] != "analyze"
    return (
        f"{job['id']} {job['kind']}",
        f"{job['metric']:.4f}" if learns else "-",
        f"{job['local_metric']:.4f}" if learns else "-",
        f"{job['work_units'] / 1e6:,.1f} M",
        f"{job['energy_joules']:.2f} J",
        f"{job['server_energy_joules']:.2f} J",
        f"{int(job['cost']) / 10**token.decimals:.2f}",
        "same" if job["result_cid"] == job["local_result_cid"] else "DIFFERS",
    )


def _worker_rows(outcome: Outcome, report: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            member.name,
            member.role,
            short(worker["address"]),
            worker["tasks_paid"],
            _rounded(outcome.token, int(worker["earned"])),
            _rounded(outcome.token, int(worker["slashed"])),
        )
        for member, worker in zip(CAST, report["workers"], strict=True)
    ]


def _rounded(token: Token, amount: int) -> str:
    return f"{amount / 10**token.decimals:.2f} {token.symbol}"


def _near(path: Path) -> Path:
    """The path as seen from here, where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _show_content(console: Console, job: DemoJob, history: JobHistory) -> None:
    manifest = job.planned.manifest
    lines = [("manifest", job.planned.cid), ("program", manifest.program)]
    lines += [("reducer", manifest.reducer)] if manifest.reducer is not None else []
    lines += [("state", manifest.state)] if manifest.state is not None else []
    lines += [(f"shard {i}", shard.cid) for i, shard in enumerate(manifest.shards)]
    lines += [
        (f"output {task.index}", output_cid(manifest, task.index, task.result))
        for task in (history.tasks[index] for index in sorted(history.tasks))
        if task.result is not None
    ]
    lines += [("result", job.result.cid)] if job.result is not None else []
    for i, (name, cid) in enumerate(lines):
        head = f"job {job.job_id} {job.kind}" if i == 0 else ""
        console.print(Text.assemble((f"{head:<15}", "bold"), (f"{name:<9} ", "dim"), str(cid)), soft_wrap=True)
