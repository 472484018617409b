"""`edgebounty worker …`: lend this device's idle time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebounty.cli import faults
from edgebounty.cli.options import DIRECTORY, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected
from edgebounty.client.pricing import from_base_units

if TYPE_CHECKING:
    from edgebounty.worker.status import Status

DATA_DIR = Path("~/.edgebounty/worker")
DECIMALS = 18
EXIT_STATUS = {0: 0, 2: faults.EXIT_REJECTED, 3: faults.EXIT_UNAVAILABLE}
"""The worker's own exit statuses, in the command line's."""


@click.group()
def worker() -> None:
    """Lend this device's idle time: claim tasks, run them in a sandbox, be paid when the result is proven right."""


@worker.command(
    context_settings={"ignore_unknown_options": True},
    epilog=example("edgebounty worker run --account worker-1 --data-dir ~/.edgebounty/worker --cpu-share 0.5"),
)
@click.option("--data-dir", type=DIRECTORY, default=DATA_DIR, show_default=True, help="Its journal; one per worker.")
@click.option("--cpu-share", type=click.FloatRange(0, 1, min_open=True), help="Part of one processor it may use.")
@click.option("--stake-target", metavar="UNITS", type=click.IntRange(0), help="Top the stake up to this at the start.")
@click.option("--worker-config", type=click.Path(path_type=Path, dir_okay=False), help="TOML with more settings.")
@market_options
@signing_options
def run(
    data_dir: Path,
    cpu_share: float | None,
    stake_target: int | None,
    worker_config: Path | None,
    settings: Settings,
    out: Output,
    yes: bool,
) -> None:
    """Run a worker until Ctrl-C. It stops within a second; what it had claimed it takes up again at the next start."""
    from edgebounty.worker.app import main

    arguments: list[str] = []
    if worker_config is not None:
        arguments += ["--config", str(worker_config)]
    key_file = settings.key_file
    if key_file is None and settings.keystore is None:
        key_file = _test_key(settings)
    named = {
        "rpc-url": settings.need("rpc_url"),
        "deployment": settings.need("deployment"),
        "orchestrator-url": settings.orchestrator_url,
        "gateway-url": settings.gateway_url,
        "key-file": key_file,
        "keystore": settings.keystore,
        "password-file": settings.password_file,
        "data-dir": data_dir.expanduser(),
        "cpu-share": cpu_share,
        "stake-target": stake_target,
    }
    for name, value in named.items():
        if value is not None:
            arguments += [f"--{name}", str(value)]
    status = EXIT_STATUS.get(main(arguments), faults.EXIT_BROKEN)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads that wait for a slow gateway must not hold the process up


@worker.command(epilog=example("edgebounty worker status --data-dir market/workers/worker-1"))
@click.option("--data-dir", type=DIRECTORY, help="Its folder (default: that of --account in --dir).")
@market_options
@signing_options
def status(data_dir: Path | None, settings: Settings, out: Output, yes: bool) -> None:
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


def _test_key(settings: Settings) -> Path:
    endpoints = settings.endpoints
    account = endpoints.account(settings.account) if endpoints is not None and settings.account is not None else None
    if account is None:
        raise Rejected(
            "no key for the worker", remedy="name one with --key-file or --keystore, or a test account with --account"
        )
    return Path(account.key_file)
