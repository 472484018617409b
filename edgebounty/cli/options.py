"""Options that many commands share: where the market is, who signs, how the answer is printed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgebounty.cli import settings as settings_module
from edgebounty.cli.output import Output

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)
FILE_OR_FOLDER = click.Path(path_type=Path)
DIRECTORY = click.Path(path_type=Path, file_okay=False)

_MARKET_FLAGS = ("dir", "rpc_url", "orchestrator_url", "gateway_url", "deployment", "chain_id")
_SIGNING_FLAGS = ("account", "key_file", "keystore", "password_file")


def output_options(function: F) -> F:
    """Adds --json and --yes, which every command has; the command gets an `out`."""

    @click.option("--yes", is_flag=True, help="Answer yes to whatever this would ask; commands that spend do ask.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON: one document, or one a line while it runs.")
    @functools.wraps(function)
    def wrapper(*, as_json: bool, yes: bool, **rest: Any) -> Any:
        return function(out=Output(as_json=as_json, yes=yes), **rest)

    return wrapper  # type: ignore[return-value]


def market_options(function: F) -> F:
    """Adds the options that find a market, and those of the output; the command gets `settings` and `out`."""

    @click.option("--dir", type=DIRECTORY, help="Folder of a market that `edgebounty up` keeps.")
    @click.option("--config", type=FILE, help="Settings file (default: edgebounty.toml here, if there is one).")
    @click.option("--rpc-url", metavar="URL", help="JSON-RPC of the chain.")
    @click.option("--orchestrator-url", metavar="URL", help="HTTP API of the orchestrator.")
    @click.option("--gateway-url", metavar="URL", help="HTTP gateway that serves content.")
    @click.option("--deployment", type=FILE, help="JSON file with the contracts' addresses.")
    @click.option("--chain-id", type=int, help="Refuse any other chain.")
    @output_options
    @functools.wraps(function)
    def wrapper(*, config: Path | None, **rest: Any) -> Any:
        flags = {name: rest.pop(name) for name in _MARKET_FLAGS + _SIGNING_FLAGS if name in rest}
        settings = settings_module.load(flags=flags, environ=os.environ, cwd=Path.cwd(), config=config)
        return function(settings=settings, **rest)

    return wrapper  # type: ignore[return-value]


def signing_options(function: F) -> F:
    """Adds the options that find a key. Goes under `market_options`."""

    for option in (
        click.option("--password-file", type=FILE, help="File with the keystore's password."),
        click.option("--keystore", type=FILE, help="Encrypted key file (Web3 keystore)."),
        click.option("--key-file", type=FILE, help="File with a private key in hex, readable by you alone."),
        click.option("--account", metavar="NAME", help="Test account of --dir, for example requester or worker-1."),
    ):
        function = option(function)
    return function


def example(*lines: str) -> str:
    """An epilog whose lines click leaves as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
