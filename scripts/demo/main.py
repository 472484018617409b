"""Runs the demo from nothing to the report. Exit status 0 only when everything is as promised."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from eth_account.signers.local import LocalAccount
from rich.console import Console
from rich.live import Live

from demo import cast, jobs, report
from demo.data import DemoData
from demo.data import write as write_data
from demo.live import LiveView
from edgebounty.chain.accounts import load_account
from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ContractRejected
from edgebounty.chain.ledger import read_ledger
from edgebounty.cli import faults
from edgebounty.client import posting
from edgebounty.client.devnet.market import DEPLOYMENT_FILE, Devnet, DevnetSettings
from edgebounty.client.errors import Unavailable
from edgebounty.client.fetching import fetch_result
from edgebounty.client.history import History
from edgebounty.client.market import Market
from edgebounty.client.orchestrator_api import OrchestratorApi
from edgebounty.client.verification import Verification, verify

BUILD = Path("build") / "demo"
JOB_SECONDS = 100.0
REFUND_SECONDS = 10.0
TASK_SECONDS = 6  # what the killed worker's claim holds its task up for; a task takes the slow one about 1 s
DEADLINE_SECONDS = 600
POLL_SECONDS = 0.3


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything that the acts of the demo share."""

    devnet: Devnet
    market: Market
    history: History
    view: LiveView
    say: Callable[[str], None]
    data: DemoData
    executioner: cast.Executioner
    threads: ThreadPoolExecutor
    """What needs no market, or only its public content, is computed here while the market works."""
    patience: float
    """Seconds to wait for one job."""
    verifications: dict[int, Future[Verification]] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--deployer", choices=("brownie", "builtin"), default="brownie", help="what deploys the contracts"
    )
    parser.add_argument(
        "--rpc", metavar="URL", help="use this development chain instead of starting one (builtin deployer)"
    )
    parser.add_argument(
        "--patience", type=float, default=JOB_SECONDS, metavar="SECONDS", help="wait so long for one job"
    )
    parser.add_argument("--out", type=Path, default=BUILD, help="folder for the market and the report")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    started = time.monotonic()
    try:
        outcome = _perform(
            console,
            options.out.resolve(),
            deployer="builtin" if options.rpc else options.deployer,
            rpc_url=options.rpc,
            patience=options.patience,
            started=started,
        )
    except KeyboardInterrupt:
        console.print("\nStopped: every process of the demo has ended.")
        return 130
    except Exception as error:
        if os.environ.get("EDGEBOUNTY_TRACEBACK"):
            raise
        fault = faults.explain(error)
        console.print(
            f"[red bold]The demo failed:[/] {fault.what}\n  Whose fault:  {fault.whose}\n  What to do:   {fault.remedy}"
        )
        return fault.exit_status
    told = report.build(outcome)
    kept = report.promises(outcome, told)
    target = options.out / "report.json"
    report.write(told, target)
    report.show(console, outcome, told, kept)
    broken = [promise for promise in kept if not promise.kept]
    verdict = "[red bold]NOT as promised[/]" if broken else "[green bold]All as promised[/]"
    console.print(f"\n{verdict} in {told['seconds']} s. The report: {target}", soft_wrap=True)
    return 1 if broken else 0


def _perform(
    console: Console, folder: Path, *, deployer: str, rpc_url: str | None, patience: float, started: float
) -> report.Outcome:
    """Opens the market, runs the jobs, closes it again."""
    view = LiveView(started)
    executioner = cast.Executioner("killed", view.tell)

    def hear(name: str, line: str) -> None:
        view.hear(name, line)
        if name == executioner.name:
            executioner.hear(line)

    def say(step: str) -> None:
        view.step = step
        if not console.is_terminal:
            console.print(f"{time.monotonic() - started:6.1f} s  {step}", soft_wrap=True)

    data = write_data(folder / "data")
    market_folder = folder / "market"
    shutil.rmtree(market_folder, ignore_errors=True)
    settings = DevnetSettings(
        directory=market_folder,
        workers=tuple(member.name for member in cast.CAST),
        deployer=deployer,  # type: ignore[arg-type]
        extra_accounts=("requester",),
        rpc_url=rpc_url,
    )
    live = Live(view, console=console, refresh_per_second=6) if console.is_terminal else nullcontext()
    with live, Devnet(settings, hear) as devnet, ThreadPoolExecutor(2) as threads:
        train, analyze = jobs.train_job(data), jobs.analyze_job(data)
        local = [threads.submit(job.run_locally) for job in (train, analyze)]  # the chain starts meanwhile
        independent = threads.submit(jobs.independent_accuracy, data)
        say(f"starting the chain, deploying with {deployer}")
        deployment = _open(devnet, view, say)
        market = _requesters_market(devnet, deployment)
        stage = Stage(
            devnet=devnet,
            market=market,
            history=History(market.contracts),
            view=view,
            say=say,
            data=data,
            executioner=executioner,
            threads=threads,
            patience=patience,
        )
        view.history, view.contracts, view.token = stage.history, market.contracts, market.token
        done = _run_jobs(stage, train, analyze)
        for each in local:
            each.result()
        say("re-running every paid task from public content")
        verifications = {job_id: found.result() for job_id, found in stage.verifications.items()}
        _collect(stage, done)
        say("stopping the workers, reading the ledger from the chain")
        devnet.stop_workers()
        devnet.stop_orchestrator()
        _update(stage)
        return report.Outcome(
            jobs=tuple(sorted(done, key=lambda job: job.job_id)),
            history=stage.history,
            accounts=devnet.accounts,
            executioner=executioner,
            ledger=read_ledger(market.contracts),
            verifications=verifications,
            independent_accuracy=independent.result(),
            data=data,
            token=market.token,
            market_folder=market_folder,
            started=started,
        )


def _open(devnet: Devnet, view: LiveView, say: Callable[[str], None]) -> Deployment:
    web3 = devnet.start_chain()
    deployment = devnet.deploy(web3)
    say("funding and staking the test accounts")
    devnet.fund()
    view.accounts = devnet.accounts
    say("starting the orchestrator and six workers")
    devnet.start_orchestrator()
    for member in cast.CAST:
        cast.start(devnet, member)
    devnet.write_endpoints()
    return deployment


def _requesters_market(devnet: Devnet, deployment: Deployment) -> Market:
    return _connect(devnet, deployment, load_account(key_file=Path(devnet.accounts["requester"].key_file)))


def _connect(devnet: Devnet, deployment: Deployment, account: LocalAccount | None) -> Market:
    return Market.connect(
        rpc_url=devnet.chain.url,
        deployment_file=devnet.directory / DEPLOYMENT_FILE,
        gateway_url=devnet.orchestrator.url,
        orchestrator_url=devnet.orchestrator.url,
        chain_id=deployment.chain_id,
        account=account,
    )


def _verify(stage: Stage, job: jobs.DemoJob) -> None:
    """Begins to re-run every task of a finished job, as a stranger: no account, a connection of its own."""
    stranger = _connect(stage.devnet, stage.market.contracts.deployment, None)
    stage.verifications[job.job_id] = stage.threads.submit(verify, stranger, job.job_id)


def _run_jobs(stage: Stage, train: jobs.DemoJob, analyze: jobs.DemoJob) -> tuple[jobs.DemoJob, ...]:
    """Train and analyze side by side, then infer with the model just trained."""
    stage.say("posting train and analyze")
    _post(stage, train)
    stage.executioner.job_id = train.job_id
    hunt = threading.Thread(
        target=stage.executioner.work,
        args=(stage.devnet.workers[stage.executioner.name],),
        kwargs={"seconds": stage.patience},
        daemon=True,
    )
    hunt.start()
    _post(stage, analyze)
    stage.say("training and analyzing")
    _wait_for(stage, train)
    train.result = fetch_result(stage.market, train.job_id)
    _verify(stage, train)
    infer = jobs.infer_job(stage.data, train.result.content)
    stage.say("posting infer with the model just trained")
    _post(stage, infer)
    infer.run_locally()
    stage.say("inferring")
    _wait_for(stage, infer)
    infer.result = fetch_result(stage.market, infer.job_id)
    _verify(stage, infer)
    _wait_for(stage, analyze)
    analyze.result = fetch_result(stage.market, analyze.job_id)
    _verify(stage, analyze)
    return train, infer, analyze


def _post(stage: Stage, job: jobs.DemoJob) -> None:
    terms = OrchestratorApi(stage.devnet.orchestrator.url).terms()
    wishes = posting.Wishes(
        bounty=stage.market.token.amount(jobs.BOUNTIES[job.kind]),
        task_seconds=TASK_SECONDS,
        deadline_seconds=DEADLINE_SECONDS,
    )
    offer = posting.quote(stage.market, job.planned, wishes, terms)
    job.job_id = posting.post(stage.market, offer).job_id
    stage.view.titles[job.job_id] = f"job {job.job_id} {job.kind}"
    _update(stage)


def _wait_for(stage: Stage, job: jobs.DemoJob) -> None:
    """Raises `Unavailable` when the job takes too long, or a part of the market ends."""
    until = time.monotonic() + stage.patience
    while not stage.history.jobs[job.job_id].done:
        if ended := stage.devnet.stopped_part():
            raise Unavailable(ended, whose="Edgebounty's", remedy=f"read {stage.devnet.directory}/logs")
        if time.monotonic() > until:
            raise Unavailable(
                f"job {job.job_id} ({job.kind}) is not done after {stage.patience:.0f} s: "
                f"{stage.history.jobs[job.job_id].finished} of {job.planned.manifest.total_tasks} tasks",
                whose="Edgebounty's, or this machine is very busy",
                remedy=f"read {stage.devnet.directory}/logs",
            )
        time.sleep(POLL_SECONDS)
        _update(stage)


def _update(stage: Stage) -> None:
    stage.history.update()
    stage.view.now = stage.market.contracts.block().time


def _collect(stage: Stage, done: tuple[jobs.DemoJob, ...]) -> None:
    """Waits until the unused bounties are the requester's credit (anyone may see to that), then withdraws it."""
    stage.say("collecting what was not used")
    until = time.monotonic() + REFUND_SECONDS
    while time.monotonic() < until and any(stage.market.job(job.job_id).escrow for job in done):
        time.sleep(POLL_SECONDS)
    for job in done:
        try:
            stage.market.refund(job.job_id)
        except ContractRejected:  # the orchestrator was quicker
            continue
    stage.market.withdraw()
    _update(stage)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
