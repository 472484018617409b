"""`edgebounty deploy`: the contracts on any chain."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgebounty.cli.options import FILE, example, market_options, signing_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings


@click.command(
    epilog=example(
        "edgebounty deploy --rpc-url https://rpc.example.org --chain-id 11155111 \\",
        "    --keystore deployer.json --password-file password.txt --out deployment.json",
    )
)
@click.option("--out", "target", type=FILE, default=Path("deployment.json"), show_default=True, help="File to write.")
@click.option("--token", metavar="ADDRESS", help="ERC-20 to pay with (default: deploys a test token with a faucet).")
@click.option("--epoch-blocks", type=click.IntRange(1), default=32, show_default=True, help="Blocks per seed.")
@click.option(
    "--margin-blocks", type=click.IntRange(1), default=4, show_default=True, help="Least between opening and seed."
)
@click.option("--draw-seconds", type=click.IntRange(1), default=900, show_default=True, help="For a seed to be known.")
@click.option(
    "--ramp-seconds", type=click.IntRange(1), default=300, show_default=True, help="Until all the drawn may claim."
)
@click.option("--min-task-seconds", type=click.IntRange(1), default=60, show_default=True, help="Least task time.")
@click.option("--unbonding-seconds", type=click.IntRange(1), default=604_800, show_default=True, help="Delay of stake.")
@market_options
@signing_options
def deploy(
    target: Path,
    token: str | None,
    epoch_blocks: int,
    margin_blocks: int,
    draw_seconds: int,
    ramp_seconds: int,
    min_task_seconds: int,
    unbonding_seconds: int,
    settings: Settings,
    out: Output,
) -> None:
    """Deploy the contracts to a chain. There is no owner and no upgrade: settings hold for ever.

    Defaults suit Ethereum and its test networks.
    """
    from edgebounty.chain.deployment import BATCH_ON_ETHEREUM, COURT_ON_ETHEREUM, DeploymentSettings
    from edgebounty.chain.deployment import deploy as deploy_contracts
    from edgebounty.chain.rpc import connect
    from edgebounty.cli.context import open_account
    from edgebounty.client.errors import Rejected
    from edgebounty.protocol.types import to_address

    if target.exists():
        raise Rejected(f"{target} is there already", remedy="name another --out, so that no deployment is forgotten")
    try:
        paid_in = None if token is None else to_address(token)
    except ValueError as error:
        raise Rejected(str(error), remedy="copy the token's whole address") from error
    account = open_account(settings, "spare")
    web3 = connect(settings.need("rpc_url"), settings.chain_id)
    chosen = DeploymentSettings(
        token=paid_in,
        epoch_blocks=epoch_blocks,
        margin_blocks=margin_blocks,
        draw_seconds=draw_seconds,
        ramp_seconds=ramp_seconds,
        min_task_seconds=min_task_seconds,
        unbonding_seconds=unbonding_seconds,
        batch=BATCH_ON_ETHEREUM,
        court=COURT_ON_ETHEREUM,
    )
    out.confirm(f"Deploy to chain {web3.eth.chain_id} from {account.address}?")
    with out.console.status("deploying"):
        deployment = deploy_contracts(web3, account, chosen)
    deployment.save(target)
    if out.as_json:
        out.document(asdict(deployment))
    else:
        out.facts(asdict(deployment))
        out.say(f"Written to {target}")
