"""`edgebounty stake …`: a worker's own tokens at risk."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click

from edgebounty.cli.options import example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings

if TYPE_CHECKING:
    from edgebounty.client.market import Market


@click.group(epilog=example("edgebounty stake add 100 --account worker-1 --yes"))
def stake() -> None:
    """Add to your stake, or take it back.

    Stake is what a worker risks: each claim locks a part of it, and a wrong or withheld result loses that part.
    What no claim locks can be taken back: unbond first, withdraw once the delay has passed.
    """


@stake.command(epilog=example("edgebounty stake add 100 --account worker-1 --yes"))
@click.argument("tokens")
@market_options
@signing_options
def add(tokens: str, settings: Settings, out: Output) -> None:
    """Add TOKENS of your own to your stake."""
    market = _open(settings)
    amount = market.token.amount(tokens)
    market.need_tokens(amount, "to stake")
    out.confirm(f"Stake {market.token.text(amount)} of {market.address}?")
    market.stake(amount)
    _tell(market, out)


@stake.command(epilog=example("edgebounty stake unbond 100 --account worker-1 --yes"))
@click.argument("tokens")
@market_options
@signing_options
def unbond(tokens: str, settings: Settings, out: Output) -> None:
    """Start to take back TOKENS of free stake. A second call starts the delay again for all of it."""
    market = _open(settings)
    amount = market.token.amount(tokens)
    out.confirm(f"Take {market.token.text(amount)} out of the stake of {market.address}?")
    market.unbond(amount)
    _tell(market, out)


@stake.command(epilog=example("edgebounty stake withdraw --account worker-1"))
@market_options
@signing_options
def withdraw(settings: Settings, out: Output) -> None:
    """Pay out what has finished unbonding."""
    market = _open(settings)
    market.withdraw_stake()
    _tell(market, out)


@stake.command(epilog=example("edgebounty stake show --account worker-1"))
@market_options
@signing_options
def show(settings: Settings, out: Output) -> None:
    """Show an account's stake, credit and tokens."""
    _tell(_open(settings), out)


def _open(settings: Settings) -> Market:
    from edgebounty.cli.context import open_market

    return open_market(settings, account="worker-1", sign=True)


def _tell(market: Market, out: Output) -> None:
    has = market.balances()
    if out.as_json:
        out.document(
            {
                "account": has.account,
                "stake": str(has.stake),
                "free": str(has.free_stake),
                "locked": str(has.locked),
                "unbonding": str(has.unbonding),
                "available_at": has.available_at,
                "credit": str(has.credit),
                "tokens": str(has.tokens),
            }
        )
        return
    token = market.token
    facts = {
        "account": has.account,
        "stake": f"{token.text(has.stake)}, of which {token.text(has.locked)} locked by claims",
        "credit": token.text(has.credit),
        "tokens": token.text(has.tokens),
    }
    if has.unbonding:
        when = datetime.datetime.fromtimestamp(has.available_at, datetime.UTC)
        facts["unbonding"] = f"{token.text(has.unbonding)}, to withdraw from {when:%Y-%m-%d %H:%M:%S} UTC"
    out.facts(facts)
