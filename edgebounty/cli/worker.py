"""`edgebounty worker …`: lend this device's idle time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebounty.cli.options import DIRECTORY, FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected
from edgebounty.client.pricing import from_base_units, to_base_units

if TYPE_CHECKING:
    from edgebounty.worker.status import Status

DATA_DIR = Path("~/.edgebounty/worker")
DECIMALS = 18


@click.group(epilog=example("edgebounty worker run --account worker-1 --stake-target 100 --yes"))
def worker() -> None:
    """Lend this device's idle time: claim tasks, run them in a sandbox, be paid when the result is proven right."""


@worker.command(
    epilog=example("edgebounty worker run --account worker-1 --data-dir ~/.edgebounty/worker --cpu-share 0.5")
)
@click.option("--data-dir", type=DIRECTORY, help=f"Its journal; one per worker.  [default: {DATA_DIR}]")
@click.option("--cpu-share", type=click.FloatRange(0, 1, min_open=True), help="Part of one processor it may use.")
@click.option("--stake-target", metavar="TOKENS", help="Top the stake up to this at the start.")
@click.option("--worker-config", type=FILE, help="TOML with more settings.")
@market_options
@signing_options
def run(
    data_dir: Path | None,
    cpu_share: float | None,
    stake_target: str | None,
    worker_config: Path | None,
    settings: Settings,
    out: Output,
) -> None:
    """Run a worker until Ctrl-C. It stops within a second; what it had claimed it takes up again at the next start."""
    from edgebounty.cli.logs import log_to_terminal
    from edgebounty.worker import app
    from edgebounty.worker.settings import WorkerSettings

    flags = {
        "rpc_url": settings.need("rpc_url"),
        "deployment": settings.need("deployment"),
        "orchestrator_url": settings.orchestrator_url,
        "gateway_url": settings.gateway_url,
        "key_file": _key_file(settings),
        "keystore": settings.keystore,
        "password_file": settings.password_file,
        "data_dir": data_dir,
        "cpu_share": cpu_share,
        "stake_target": None if stake_target is None else _to_stake(stake_target, settings, out),
    }
    chosen = WorkerSettings.load(
        file=worker_config, environ=os.environ, flags=flags, defaults={"data_dir": DATA_DIR.expanduser()}
    )
    log_to_terminal(as_json=out.as_json)
    app.work(app.open_agent(chosen))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that wait for a slow gateway must not hold the process up


def _to_stake(text: str, settings: Settings, out: Output) -> int:
    """The wished stake in base units, once its owner has agreed. Raises `Rejected` for what is no amount."""
    from edgebounty.chain.deployment import Deployment
    from edgebounty.chain.market import MarketContracts
    from edgebounty.chain.rpc import connect

    deployment = Deployment.load(Path(settings.need("deployment")))
    contracts = MarketContracts(connect(settings.need("rpc_url"), deployment.chain_id), deployment)
    amount = to_base_units(text, int(contracts.read(contracts.token.functions.decimals())))
    if amount:
        out.confirm(f"Stake tokens of this account until {text} are at stake?")
    return amount


@worker.command(
    short_help="Show what a worker does and why it does not earn.",
    epilog=example("edgebounty worker status --data-dir market/workers/worker-1"),
)
@click.option("--data-dir", type=DIRECTORY, help="Its folder (default: that of --account in --dir).")
@market_options
@signing_options
def status(data_dir: Path | None, settings: Settings, out: Output) -> None:
    """Show what a worker is doing, what it earned, and why it is not earning."""
    from edgebounty.worker.status import Status

    folder = _folder(data_dir, settings)
    try:
        found = Status.load(folder)
    except FileNotFoundError:
        raise Rejected(f"no worker ever ran in {folder}", remedy="name the --data-dir it was started with") from None
    except ValueError as error:
        raise Rejected(str(error), remedy="start the worker again with this release") from error
    if out.as_json:
        from dataclasses import asdict

        out.document({**asdict(found), "running": found.is_running})
        return
    _show(found, out)


def _show(found: Status, out: Output) -> None:
    outcomes = ", ".join(f"{count} {name}" for name, count in found.outcomes.items()) or "none yet"
    out.facts(
        {
            "worker": found.worker,
            "now": found.doing if found.is_running else "not running",
            "earned": from_base_units(int(found.earned), DECIMALS),
            "credit": from_base_units(int(found.credit), DECIMALS),
            "stake": f"{from_base_units(int(found.stake), DECIMALS)} "
            f"({from_base_units(int(found.free_stake), DECIMALS)} free)",
            "tasks": outcomes,
        }
    )
    for reason in found.reasons:
        out.say(f"{'Not earning' if reason.get('blocks') else 'Note'}: {reason.get('text')}")


def _folder(data_dir: Path | None, settings: Settings) -> Path:
    if data_dir is not None:
        return data_dir.expanduser()
    if settings.dir is not None:
        return settings.dir / "workers" / (settings.account or "worker-1")
    return DATA_DIR.expanduser()


def _key_file(settings: Settings) -> Path | None:
    """The named key, or that of the named test account; None where a keystore is named."""
    if settings.key_file is not None or settings.keystore is not None:
        return settings.key_file
    endpoints = settings.endpoints
    account = endpoints.account(settings.account) if endpoints is not None and settings.account is not None else None
    if account is None:
        raise Rejected(
            "no key for the worker", remedy="name one with --key-file or --keystore, or a test account with --account"
        )
    return Path(account.key_file)
