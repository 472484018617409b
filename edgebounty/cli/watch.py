"""`edgebounty watch`: a watchtower over any market, from chain and content alone."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from edgebounty.cli.options import FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected

if TYPE_CHECKING:
    from edgebounty.content.store import ContentStore
    from edgebounty.watchtower.rules import Finding
    from edgebounty.watchtower.tower import Health

EXIT_WRONG = 3
EXIT_MISSING = 4
POLL_SECONDS = 2.0
STATUS_SECONDS = 60.0


@click.command(
    epilog=example(
        "edgebounty watch --sample 0.05",
        "edgebounty watch --all --once --json",
        "edgebounty watch --challenge --keystore watch.json --also-gateway https://ipfs.example",
    )
)
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="Share of the settled tasks to run again, drawn in secret.",
)
@click.option("--all", "everything", is_flag=True, help="Run every settled task again.")
@click.option("--from-block", type=click.IntRange(0), help="Where a new journal begins (default: at the deployment).")
@click.option("--once", is_flag=True, help="Look at all that is final now, sum up and end.")
@click.option("--state", type=FILE, help="Journal to go on from (default: watch-CHAIN-ESCROW.sqlite in this folder).")
@click.option("--challenge", is_flag=True, help="Prove faults of batches to the chain, with the account named below.")
@click.option(
    "--also-gateway", "more_gateways", multiple=True, metavar="URL", help="Asked too for content; may be repeated."
)
@market_options
@signing_options
def watch(
    sample: float,
    everything: bool,
    from_block: int | None,
    once: bool,
    state: Path | None,
    challenge: bool,
    more_gateways: tuple[str, ...],
    settings: Settings,
    out: Output,
) -> None:
    """Follow a market's final blocks, run a secret share of what it paid for again, and say what is wrong.

    Every batch of the batch lane is derived again from its data. With --challenge whoever posted a wrong one loses its
    bond, half of it to your account: that needs coin for gas, free stake for the deposits of demands, and stake
    allotted to itself to state the right payouts afterwards.

    Trusts nobody: digests come from the chain, bytes from the gateway, and every byte is re-hashed. Stopped or killed,
    it goes on where it was. With --once the exit status is 3 when something is wrong, 4 when
    something could not be judged.
    """
    from edgebounty.chain.errors import ChainError
    from edgebounty.cli.context import open_market
    from edgebounty.content.store import FallbackStore
    from edgebounty.watchtower.journal import Journal
    from edgebounty.watchtower.tower import Tower

    market = open_market(settings, sign=challenge)
    if more_gateways:
        market.content = FallbackStore([market.content, *map(_gateway, more_gateways)])
    deployment = market.contracts.deployment
    path = state or Path(f"watch-{deployment.chain_id}-{deployment.escrow.lower()}.sqlite")
    first = deployment.block if from_block is None else from_block
    journal = Journal(path, chain_id=deployment.chain_id, escrow=deployment.escrow.lower(), first_block=first)
    share = 1.0 if everything else sample
    sender = market.sender if challenge else None
    tower = Tower(market, journal, share=share, tell=lambda finding: _tell(out, finding), sender=sender)
    try:
        if once:
            tower.round(once=True)
            health = tower.health()
            _say(out, health)
            if health.alarms:
                click.get_current_context().exit(EXIT_WRONG)
            if health.missing or health.waiting:
                click.get_current_context().exit(EXIT_MISSING)
            return
        out.say(f"Watching the market {deployment.escrow}; journal {escape(str(path))}. Ctrl-C stops it.")
        said_at = float("-inf")
        while True:
            try:
                tower.round()
            except ChainError as error:  # the node's, or our account's: whatever it is, it may be over soon
                out.say(f"[yellow]{escape(str(error))}[/]")
            if time.monotonic() - said_at >= STATUS_SECONDS:
                _say(out, tower.health())
                said_at = time.monotonic()
            time.sleep(POLL_SECONDS)
    finally:
        journal.close()


def _gateway(url: str) -> ContentStore:
    from edgebounty.content.http import HttpGateway

    try:
        return HttpGateway(url)
    except ValueError as error:
        raise Rejected(str(error), whose="yours (the settings)", remedy="see --also-gateway") from error


def _tell(out: Output, finding: Finding) -> None:
    if out.as_json:
        out.line({"type": "finding"} | dataclasses.asdict(finding))
        return
    head = "[red bold]WRONG[/]" if finding.is_alarm else "[yellow]Note[/]"
    out.say(f"{head} {escape(finding.text)}")
    if finding.is_alarm:
        for name, value in finding.evidence.items():
            out.say(f"    [dim]{name:<12}[/] {escape(value)}")


def _say(out: Output, health: Health) -> None:
    if out.as_json:
        out.line({"type": "status"} | dataclasses.asdict(health))
        return
    out.say(
        f"Block {health.final_block}, {health.behind} behind: {health.right} re-run and right, {health.wrong} wrong, "
        f"{health.missing} without content, {health.waiting} waiting, {health.skipped} not drawn; "
        f"{health.batches} batches seen, {health.challenged} challenges won; "
        f"findings that say something is wrong: {health.alarms}."
    )
