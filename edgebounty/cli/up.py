"""`edgebounty up`: a whole market on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

import click

from edgebounty.cli import settings as settings_module
from edgebounty.cli.options import DIRECTORY, example, output_options
from edgebounty.cli.output import Output
from edgebounty.cli.qr import show_phone_page
from edgebounty.client.errors import Unavailable

if TYPE_CHECKING:
    from edgebounty.client.devnet.market import Devnet
    from edgebounty.client.endpoints import Endpoints

PORT = click.IntRange(0, 65_535)
WATCH_SECONDS = 0.3
BOND_TOKENS = 200
"""What the orchestrator stakes for the batches that it posts: under a CID a batch may pay at most its bond."""
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d+ (INFO )?")


@click.command(epilog=example("edgebounty up --dir ~/market --workers 3"))
@click.option("--dir", "directory", type=DIRECTORY, default=Path("market"), show_default=True, help="Its folder.")
@click.option("--workers", type=click.IntRange(0, 64), default=3, show_default=True, help="How many workers to start.")
@click.option(
    "--batch-workers",
    type=click.IntRange(0, 64),
    default=0,
    show_default=True,
    help="Workers of the batch lane to start beside them: a key each, and nothing else.",
)
@click.option("--rpc-port", type=PORT, default=0, help="Port of the chain (default: the last one, or any free).")
@click.option("--api-port", type=PORT, default=0, help="Port of API and gateway (default: the last one, or any free).")
@click.option(
    "--deployer",
    type=click.Choice(["builtin", "brownie"]),
    default="builtin",
    show_default=True,
    help="What deploys the contracts.",
)
@click.option("--fee-bps", type=click.IntRange(0, 10_000), default=100, show_default=True, help="Orchestrator's fee.")
@click.option("--quiet", is_flag=True, help="Show no log lines; they are in DIR/logs.")
@output_options
def up(
    directory: Path,
    workers: int,
    batch_workers: int,
    rpc_port: int,
    api_port: int,
    deployer: Literal["builtin", "brownie"],
    fee_bps: int,
    quiet: bool,
    out: Output,
) -> None:
    """Start a whole market on this machine and keep it running until Ctrl-C.

    A local chain with the contracts, an orchestrator with its content gateway, and workers with stake: real parts, play
    money. Batch-lane jobs work too: add --batch-workers, or open the phone page. DIR/endpoints.json says where
    everything answers. Start it in the same folder again and it goes on.
    """
    from edgebounty.client.devnet.market import Devnet, DevnetSettings

    signals = _Signals()
    settings = DevnetSettings(
        directory=directory,
        workers=tuple(f"worker-{i + 1}" for i in range(workers)),
        batch_workers=tuple(f"batch-{i + 1}" for i in range(batch_workers)),
        bond_tokens=BOND_TOKENS,
        rpc_port=rpc_port,
        api_port=api_port,
        deployer=deployer,
        fee_bps=fee_bps,
    )
    printer = _Printer(out, quiet=quiet or out.as_json)
    with Devnet(settings, printer.line) as devnet:
        endpoints = _start(devnet, out)
        note = settings_module.remember_running_market(devnet.directory, os.environ)
        try:
            _welcome(endpoints, devnet.directory, out)
            printer.open()
            signals.market_is_open = True
            _keep(devnet, signals.asked)
        finally:
            note.unlink(missing_ok=True)
            printer.close()
            out.say("\nStopping: workers, orchestrator, chain …")
    out.say(f"Stopped. `edgebounty up --dir {directory}` goes on from here.")


def _start(devnet: Devnet, out: Output) -> Endpoints:
    with out.console.status("starting the chain") as status:
        web3 = devnet.start_chain()
        status.update("deploying the contracts")
        devnet.deploy(web3)
        status.update("funding the test accounts")
        devnet.fund()
        status.update("starting the orchestrator")
        devnet.start_orchestrator()
        status.update("starting the workers")
        for name in (*devnet.settings.workers, *devnet.settings.batch_workers):
            devnet.start_worker(name)
        return devnet.write_endpoints()


def _welcome(endpoints: Endpoints, directory: Path, out: Output) -> None:
    if out.as_json:
        out.document({"dir": str(directory), "endpoints": str(directory / "endpoints.json"), "pid": os.getpid()})
        return
    out.say("[bold green]The market is open.[/] Ctrl-C stops it; beside it, in another terminal:\n")
    out.say("  edgebounty job post analyze --data table.csv --bounty 5 --watch")
    out.say("  edgebounty job list\n")
    out.facts(
        {
            "chain": f"{endpoints.rpc_url}  (chain id {endpoints.chain_id})",
            "API": endpoints.api_url,
            "gateway": f"{endpoints.gateway_url}/ipfs/CID",
            **_pages(endpoints.api_url),
            "accounts": ", ".join(account.name for account in endpoints.accounts),
            "all of it": directory / "endpoints.json",
        }
    )
    show_phone_page(out, endpoints.api_url)
    out.say("")


def _pages(api_url: str) -> dict[str, str]:
    """Where the web pages are, or how to get them."""
    from orchestrator.adapters.http.pages import BUILT, built_pages

    pages = built_pages(BUILT)
    return {name: f"{api_url}/{name}/" for name in pages} if pages else {"explorer": "not built yet: `make web`"}


def _keep(devnet: Devnet, asked: threading.Event) -> None:
    """Waits for a signal. Raises `Unavailable` when the chain or the orchestrator ends by itself."""
    gone: set[str] = set()
    while not asked.wait(WATCH_SECONDS):
        ended = devnet.stopped_part()
        if ended is not None:
            raise Unavailable(ended, whose="this machine's or Edgebounty's", remedy=f"read {devnet.directory}/logs")
        for name, worker in devnet.workers.items():
            if not worker.running and name not in gone:
                gone.add(name)
                print(f"{name} ended with status {worker.exit_status}: {worker.last_words()}", flush=True)


class _Signals:
    """Ctrl-C, `kill` and a closed terminal all stop in order; a second one does not interrupt the stopping."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.market_is_open = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked.is_set():
            return
        self.asked.set()
        if not self.market_is_open:  # leave the start wherever it is
            raise KeyboardInterrupt


class _Printer:
    """Prints the children's log lines with their names in colour, from the moment the market is open."""

    COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")

    def __init__(self, out: Output, *, quiet: bool) -> None:
        self._out = out
        self._quiet = quiet
        self._colours: dict[str, str] = {}
        self._open = False

    def open(self) -> None:
        self._open = not self._quiet

    def close(self) -> None:
        self._open = False

    def line(self, name: str, text: str) -> None:
        """May come from any thread."""
        if not self._open:
            return
        from rich.text import Text

        colour = self._colours.setdefault(name, self.COLOURS[len(self._colours) % len(self.COLOURS)])
        stamp = time.strftime("%H:%M:%S")
        self._out.console.print(Text.assemble((f"{stamp} ", "dim"), (f"{name:<13}", colour), plain(text)))


def plain(line: str) -> str:
    """A child's log line without its own time; a structured one as words and `name=value`."""
    if not line.startswith("{"):
        return _STAMP.sub("", line)
    try:
        said = json.loads(line)
    except ValueError:
        return line
    level, message = said.pop("level", "info"), said.pop("message", "")
    facts = " ".join(
        f"{name}={_cut(value)}" for name, value in said.items() if name not in ("time", "logger") and value != ""
    )
    return f"{'' if level == 'info' else level.upper() + ' '}{message}  {facts}".rstrip()


def _cut(value: object) -> str:
    text = str(value)
    return f"{text[:10]}…" if text.startswith("0x") and len(text) > 12 else text
