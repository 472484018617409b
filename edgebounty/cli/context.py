"""Opens what a command works with: an account, a market, a planned job. Imports web3 only where a chain is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgebounty.cli.settings import Settings
from edgebounty.client.errors import Rejected
from edgebounty.client.planning import plan_all
from edgebounty.client.plans import Plan
from edgebounty.client.requests import Request
from edgebounty.protocol.cid import Cid

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from edgebounty.client.market import Market

MAX_WEIGHTS_BYTES = 1 << 30


def open_account(settings: Settings, default: str | None) -> LocalAccount:
    """The account that the settings name, or the test account `default` of the market's folder."""
    from edgebounty.chain.accounts import load_account

    if settings.key_file is not None or settings.keystore is not None:
        return load_account(
            key_file=settings.key_file, keystore=settings.keystore, password_file=settings.password_file
        )
    name = settings.account or default
    endpoints = settings.endpoints
    if endpoints is None or name is None:
        raise Rejected(
            "no account to sign with",
            remedy="name a key with --key-file or --keystore, or a test account with --account and --dir",
        )
    account = endpoints.account(name)
    if account is None:
        known = ", ".join(account.name for account in endpoints.accounts)
        raise Rejected(f"this market has no test account {name!r}", remedy=f"known are {known}")
    return load_account(key_file=Path(account.key_file))


def open_market(settings: Settings, *, account: str | None = None, sign: bool = False) -> Market:
    """The market that the settings name; with `sign`, for an account (`account` is the test account by default)."""
    from edgebounty.client.market import Market

    return Market.connect(
        rpc_url=settings.need("rpc_url"),
        deployment_file=Path(settings.need("deployment")),
        gateway_url=settings.need("gateway_url"),
        orchestrator_url=settings.orchestrator_url,
        chain_id=settings.chain_id,
        account=open_account(settings, account) if sign else None,
    )


def plan_request(request: Request, settings: Settings) -> Plan:
    """The jobs of a request, nearly always one. Weights named by a job or a CID come from the market's content."""
    return plan_all(request, lambda name: _weights(name, settings))


def _weights(name: str, settings: Settings) -> bytes:
    path = Path(name)
    if path.is_file():
        return path.read_bytes()
    if name.isascii() and name.isdigit():
        from edgebounty.client.fetching import fetch_result

        return fetch_result(open_market(settings), int(name)).content
    if not name.startswith("b") or "/" in name or "." in name:
        raise Rejected(
            f"{name!r} is neither a file, nor a job's number, nor a CID",
            remedy="name what a train job made: see --help",
        )
    from edgebounty.content.http import HttpGateway
    from edgebounty.content.store import get_file

    cid = Cid.parse(name)
    return get_file(HttpGateway(settings.need("gateway_url")), cid, MAX_WEIGHTS_BYTES)
