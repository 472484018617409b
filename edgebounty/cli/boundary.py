"""The one place where errors become words and an exit status: what is wrong, whose fault it is, what to do."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Sequence
from dataclasses import asdict

import click

from edgebounty.cli import faults

EXIT_OK = 0
EXIT_INTERRUPTED = 130


def run(command: click.Command, arguments: Sequence[str]) -> int:
    """Runs `command`; whatever it raises is told on stderr. Returns the exit status."""
    as_json = "--json" in arguments
    try:
        status = command.main(args=list(arguments), prog_name="edgebounty", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except faults.Declined:
        print("Not done: nothing was sent.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (KeyboardInterrupt, click.Abort):
        print("\nStopped. Nothing that was already sent is undone.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except click.ClickException as wrong_usage:
        context = getattr(wrong_usage, "ctx", None)
        path = "edgebounty" if context is None else context.command_path
        _tell(faults.Fault.usage(wrong_usage.format_message(), command=path), as_json=as_json)
        return wrong_usage.exit_code
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - must outlive this function: Python flushes it at exit
        return EXIT_OK
    except Exception as error:
        fault = faults.explain(error)
        if fault.exit_status == faults.EXIT_BROKEN and os.environ.get("EDGEBOUNTY_TRACEBACK"):
            traceback.print_exc()
        _tell(fault, as_json=as_json)
        return fault.exit_status
    return status if isinstance(status, int) else EXIT_OK


def _tell(fault: faults.Fault, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": asdict(fault)}), file=sys.stderr)
        return
    head = click.style("Error:", fg="red", bold=True)
    click.echo(f"{head} {_folded(fault.what, used=7, indent=2)}", err=True)
    for name, text in (("Whose fault:", fault.whose), ("What to do:", fault.remedy)):
        click.echo(f"  {name:<12}  {_folded(text, used=16, indent=16)}", err=True)


def _folded(text: str, *, used: int, indent: int) -> str:
    """The text folded at the terminal's width; whole where it is not read on a terminal. `used`: columns before it."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    folded = textwrap.wrap(
        text, width, initial_indent=" " * used, subsequent_indent=" " * indent, break_long_words=False
    )
    return "\n".join(folded)[used:]
