"""`edgebounty ledger`: where every token of a market is."""

from __future__ import annotations

import click

from edgebounty.cli.options import example, market_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings

EXIT_WRONG = 1
ROWS = (
    ("escrow", "for jobs that are not finished"),
    ("stake", "of workers: free, locked and unbonding"),
    ("credits", "owed and not withdrawn yet"),
    ("withdrawn", "paid out"),
    ("fees", "of orchestrators"),
    ("burned", "of slashed stake"),
)


@click.command(epilog=example("edgebounty ledger --json"))
@market_options
def ledger(settings: Settings, out: Output) -> None:
    """Show where every token of the market is, read from the chain.

    What came in is escrow, stake, credit, withdrawn, fee or burned, to the last unit: the difference is 0. Exit status
    1 when it is not.
    """
    from edgebounty.chain.ledger import read_ledger
    from edgebounty.cli.context import open_market

    market = open_market(settings)
    books = read_ledger(market.contracts)
    names = ("deposited", *(name for name, _ in ROWS), "difference")
    if out.as_json:
        out.document({name: str(getattr(books, name)) for name in names})
    else:
        token = market.token
        out.table(
            ("", "tokens>", ""),
            [
                ("deposited", token.text(books.deposited), "all that ever came in"),
                *((name, token.text(getattr(books, name)), meaning) for name, meaning in ROWS),
                ("difference", token.text(books.difference), "must be 0"),
            ],
        )
    if books.difference:
        click.get_current_context().exit(EXIT_WRONG)
