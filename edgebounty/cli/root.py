"""The tree of commands. A group's file is imported only when the group is called, so that --help is instant."""

from __future__ import annotations

import importlib
import sys

import click

from edgebounty.cli import boundary

# name: (module, attribute, one line for the overview), in the order a newcomer needs them
COMMANDS = {
    "up": ("edgebounty.cli.up", "up", "Start a whole market on this machine: chain, orchestrator, workers."),
    "job": ("edgebounty.cli.job", "job", "Post, watch, stop, fetch and check jobs."),
    "worker": ("edgebounty.cli.worker", "worker", "Lend this device's idle time and earn."),
    "stake": ("edgebounty.cli.stake", "stake", "Add to your stake, or take it back."),
    "withdraw": ("edgebounty.cli.account", "withdraw", "Pay out your credit."),
    "faucet": ("edgebounty.cli.account", "faucet", "Take test tokens."),
    "ledger": ("edgebounty.cli.ledger", "ledger", "Show where every token is, read from the chain."),
    "watch": ("edgebounty.cli.watch", "watch", "Re-run what a market pays for, and say what is wrong."),
    "content": ("edgebounty.cli.content", "content", "Add, get and pin content by its id (CID)."),
    "orchestrator": ("edgebounty.cli.orchestrator", "orchestrator", "Run the service that matches and settles."),
    "program": ("edgebounty.cli.program", "program", "Make programs from models and functions; check and time them."),
    "deploy": ("edgebounty.cli.deploy", "deploy", "Deploy the contracts to a chain."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help before it imports them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  edgebounty up --dir ~/market --workers 3",
)
@click.version_option(package_name="edgebounty", message="%(prog)s %(version)s")
def root() -> None:
    """A bounty market for AI work on idle phones, tablets and laptops.

    Settings come from a file (edgebounty.toml or --config), then the environment (EDGEBOUNTY_RPC_URL, …), then
    flags; the last one wins. Keys and passwords are only ever read from files.

    \b
    Exit status: 0 done, 1 our fault, 2 wrong usage, 3 refused (says whose fault),
    4 not reachable (try again), 130 Ctrl-C.
    """


def main() -> int:
    """Runs the tree inside the error boundary. Returns the exit status."""
    return boundary.run(root, sys.argv[1:])
