"""`edgebounty faucet` and `edgebounty withdraw`: an account's tokens."""

from __future__ import annotations

import click

from edgebounty.cli.options import example, market_options, signing_options
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


@click.command(epilog=example("edgebounty withdraw --account requester --yes"))
@market_options
@signing_options
def withdraw(settings: Settings, out: Output) -> None:
    """Pay out your credit: what you earned, and bounties that came back."""
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
