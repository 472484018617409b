"""`edgebounty worker …`: lend this device's idle time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from edgebounty.cli.options import DIRECTORY, FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected
from edgebounty.client.pricing import from_base_units, to_base_units

if TYPE_CHECKING:
    from edgebounty.worker.status import Status

DATA_DIR = Path("~/.edgebounty/worker")
BATCH_DATA_DIR = Path("~/.edgebounty/batch-worker")
KEY_NAME = "worker.key"
DECIMALS = 18


@click.group(epilog=example("edgebounty worker run --account worker-1 --stake-target 100 --yes"))
def worker() -> None:
    """Lend this device's idle time: claim tasks, run them in a sandbox, be paid when the result is proven right."""


@worker.command(
    epilog=example(
        "edgebounty worker run --account worker-1 --data-dir ~/.edgebounty/worker --cpu-share 0.5",
        "edgebounty worker run --lane batch --orchestrator-url http://127.0.0.1:8600   (no stake, no gas)",
    )
)
@click.option(
    "--lane",
    type=click.Choice(["direct", "batch"]),
    default="direct",
    show_default=True,
    help="direct: staked, on chain. batch: tiny tasks, nothing needed but a key, which is made if there is none.",
)
@click.option(
    "--data-dir",
    type=DIRECTORY,
    help=f"Its journal; one per worker.  [default: {DATA_DIR}, batch: {BATCH_DATA_DIR}]",
)
@click.option("--cpu-share", type=click.FloatRange(0, 1, min_open=True), help="Part of one processor it may use.")
@click.option(
    "--only-charging/--on-battery",
    default=None,
    help="Whether it rests while a machine that has a battery is not on its charger.  [default: only-charging]",
)
@click.option(
    "--battery-above",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="It rests below this much battery; 0: at none.  [default: 30]",
)
@click.option("--hours", metavar="FROM-TO", help="Work only between these times, like 22:00-07:00.  [default: always]")
@click.option("--stake-target", metavar="TOKENS", help="direct: top the stake up to this at the start.")
@click.option("--payout", metavar="ADDRESS", help="batch: account that the earnings belong to.  [default: the worker]")
@click.option("--worker-config", type=FILE, help="TOML with more settings.")
@market_options
@signing_options
def run(
    lane: str,
    data_dir: Path | None,
    cpu_share: float | None,
    only_charging: bool | None,
    battery_above: int | None,
    hours: str | None,
    stake_target: str | None,
    payout: str | None,
    worker_config: Path | None,
    settings: Settings,
    out: Output,
) -> None:
    """Run a worker until Ctrl-C. It stops within a second; what it had begun it takes up again at the next start."""
    device = {
        "cpu_share": cpu_share,
        "only_charging": only_charging,
        "battery_above": None if battery_above is None else battery_above / 100,
        "hours": hours,
    }
    if lane == "batch":
        if stake_target is not None:
            raise click.UsageError("--stake-target is for the direct lane: no stake is needed in the batch lane")
        _run_batch(settings, out, config=worker_config, data_dir=data_dir, payout=payout, **device)
    if payout is not None:
        raise click.UsageError("--payout is for the batch lane: a direct-lane worker is paid itself")
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
        **device,
        "stake_target": None if stake_target is None else _to_stake(stake_target, settings, out),
    }
    chosen = WorkerSettings.load(
        file=worker_config, environ=os.environ, flags=flags, defaults={"data_dir": DATA_DIR.expanduser()}
    )
    log_to_terminal(as_json=out.as_json)
    app.work(app.open_agent(chosen))
    _leave()


def _run_batch(
    settings: Settings, out: Output, *, config: Path | None, data_dir: Path | None, **chosen: Any
) -> NoReturn:
    from edgebounty.cli.logs import log_to_terminal
    from edgebounty.worker import app
    from edgebounty.worker.batch.settings import BatchSettings
    from edgebounty.worker.settings import load_settings

    folder = (data_dir or BATCH_DATA_DIR).expanduser()
    has_node = settings.rpc_url is not None and settings.deployment is not None
    flags = {
        "orchestrator_url": settings.need("orchestrator_url"),
        "gateway_url": settings.gateway_url,
        "rpc_url": settings.rpc_url if has_node else None,
        "deployment": settings.deployment if has_node else None,
        "key_file": None if settings.keystore is not None else _batch_key(settings, folder, out),
        "keystore": settings.keystore,
        "password_file": settings.password_file,
        "data_dir": data_dir,
        **chosen,
    }
    found = load_settings(BatchSettings, file=config, environ=os.environ, flags=flags, defaults={"data_dir": folder})
    log_to_terminal(as_json=out.as_json)
    app.work(app.open_batch_agent(found))
    _leave()


def _batch_key(settings: Settings, folder: Path, out: Output) -> Path:
    """The named key; else the one in the worker's folder, made at its first start."""
    if settings.key_file is not None or settings.account is not None:
        named = _key_file(settings)
        assert named is not None  # a keystore was ruled out
        return named
    path = folder / KEY_NAME
    if not path.exists():
        from edgebounty.chain.accounts import create_key_file

        account = create_key_file(path)
        if not out.as_json:
            out.say(f"New key of {account.address} in {path}. Keep a copy: what this worker earns is that key's.")
    return path


def _leave() -> NoReturn:
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
    now = {"worker": found.worker, "now": found.doing if found.is_running else "not running"}
    if found.lane == "batch":
        accepted, earned, withdrawn = (int(text) for text in (found.accepted, found.earned, found.withdrawn))
        money = {
            "accepted": f"{from_base_units(accepted, DECIMALS)} (signed by the orchestrator as owed)",
            "to withdraw": from_base_units(max(earned - withdrawn, 0), DECIMALS),
            "withdrawn": from_base_units(withdrawn, DECIMALS),
        }
    else:
        money = {
            "earned": from_base_units(int(found.earned), DECIMALS),
            "credit": from_base_units(int(found.credit), DECIMALS),
            "stake": f"{from_base_units(int(found.stake), DECIMALS)} "
            f"({from_base_units(int(found.free_stake), DECIMALS)} free)",
        }
    out.facts({**now, **money, "tasks": outcomes})
    for reason in found.reasons:
        out.say(f"{'Not earning' if reason.get('blocks') else 'Note'}: {reason.get('text')}")
    for closed in found.last_closed:
        if closed.get("evidence") and closed.get("outcome") in ("outvoted", "refused"):
            out.say(f"Job {closed['job_id']} task {closed['task_index']}: {closed['detail']}")
            out.say(f"  its answer: {str(closed['evidence'])[:300]}")


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
