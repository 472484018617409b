"""`edgebounty faucet` and `edgebounty withdraw`: an account's tokens."""

from __future__ import annotations

from pathlib import Path

import click

from edgebounty.cli.options import DIRECTORY, FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings


@click.command(epilog=example("edgebounty faucet --account spare"))
@market_options
@signing_options
def faucet(settings: Settings, out: Output) -> None:
    """Take test tokens. Only the test token has a faucet."""
    from edgebounty.cli.context import open_market

    market = open_market(settings, account="requester", sign=True)
    market.take_from_faucet()
    tokens = market.balances().tokens
    if out.as_json:
        out.document({"account": market.address, "tokens": str(tokens)})
    else:
        out.say(f"{market.address} has {market.token.text(tokens)} now.")


@click.command(
    epilog=example(
        "edgebounty withdraw --account requester --yes",
        "edgebounty withdraw --lane batch --account batch-1 --to 0x… --yes",
    )
)
@click.option(
    "--lane",
    type=click.Choice(["direct", "batch"]),
    default="direct",
    show_default=True,
    help="direct: credit in the escrow. batch: what a worker earned in batches; its orchestrator sends it.",
)
@click.option("--to", metavar="ADDRESS", help="batch: send it there.  [default: the account]")
@click.option("--wait", is_flag=True, help="batch: stay until it has arrived.")
@click.option("--on-chain", is_flag=True, help="batch: without the orchestrator, from published data; costs gas.")
@click.option("--left-out", is_flag=True, help="batch: claim what was accepted and is in no batch; costs gas.")
@click.option("--orchestrator", metavar="ADDRESS", help="batch, --on-chain: whose batches, if it does not answer.")
@click.option("--gas-key-file", type=FILE, help="batch: another account that pays the gas.")
@click.option("--data-dir", type=DIRECTORY, help="batch, --left-out: the worker's folder.")
@market_options
@signing_options
def withdraw(
    lane: str,
    to: str | None,
    wait: bool,
    on_chain: bool,
    left_out: bool,
    orchestrator: str | None,
    gas_key_file: Path | None,
    data_dir: Path | None,
    settings: Settings,
    out: Output,
) -> None:
    """Pay out your credit: what you earned, and bounties that came back."""
    if lane == "batch":
        from edgebounty.cli import batch_pay

        if left_out and data_dir is None:
            raise click.UsageError("--left-out needs the worker's --data-dir: the signed acceptances are there")
        if left_out and data_dir is not None:
            batch_pay.claim_left_out(settings, out, data_dir=data_dir, gas_key=gas_key_file)
        elif on_chain:
            batch_pay.withdraw_on_chain(settings, out, to=to, gas_key=gas_key_file, orchestrator=orchestrator)
        else:
            batch_pay.ask_orchestrator(settings, out, to=to, wait=wait)
        return
    if to or wait or on_chain or left_out or orchestrator or gas_key_file or data_dir:
        raise click.UsageError("these options are for --lane batch; credit goes to the account itself")
    from edgebounty.cli.context import open_market

    market = open_market(settings, account="requester", sign=True)
    credit = market.balances().credit
    if credit:
        out.confirm(f"Pay {market.token.text(credit)} out to {market.address}?")
        credit = market.withdraw()
    if out.as_json:
        out.document({"account": market.address, "withdrawn": str(credit)})
    elif credit:
        out.say(f"{market.token.text(credit)} went to {market.address}.")
    else:
        out.say(f"{market.address} has no credit.")
