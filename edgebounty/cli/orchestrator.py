"""`edgebounty orchestrator …`: run the service, ask how it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from edgebounty.cli.options import FILE, example, market_options
from edgebounty.cli.output import Output
from edgebounty.cli.settings import Settings


@click.group()
def orchestrator() -> None:
    """Run an orchestrator: it matches tasks to workers, keeps content, settles, and earns a fee.

    It holds nobody's money. When it is gone, requesters and workers go on with the contracts alone.
    """


@orchestrator.command(
    context_settings={"ignore_unknown_options": True},
    epilog=example("edgebounty orchestrator run --config orchestrator.toml --port 8420"),
)
@click.option("--config", type=FILE, help="TOML file with its settings.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(config: Path | None, options: tuple[str, ...]) -> None:
    """Run an orchestrator until Ctrl-C. OPTIONS such as --port 8420 overrule the file.

    All of them: python -m orchestrator --help
    """
    arguments = [sys.executable, "-m", "orchestrator"]
    if config is not None:
        arguments += ["--config", str(config)]
    sys.stdout.flush()
    os.execv(sys.executable, [*arguments, *options])  # the same process: signals and exit status are its own


@orchestrator.command(epilog=example("edgebounty orchestrator status"))
@market_options
def status(settings: Settings, out: Output) -> None:
    """Show how an orchestrator does."""
    from edgebounty.client.orchestrator_api import OrchestratorApi

    api = OrchestratorApi(settings.need("orchestrator_url"))
    said: dict[str, Any] = {**api.get("/v1/status"), "url": api.url}
    if out.as_json:
        out.document(said)
    else:
        out.facts({name: value for name, value in said.items() if not isinstance(value, dict | list)})
