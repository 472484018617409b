"""`edgebounty orchestrator …`: run the service, ask how it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from edgebounty.cli.options import FILE, example, market_options, output_options
from edgebounty.cli.output import Output
from edgebounty.cli.qr import show_phone_page
from edgebounty.cli.settings import Settings
from orchestrator import config as service

F = TypeVar("F", bound=Callable[..., Any])


@click.group(epilog=example("edgebounty orchestrator run --config orchestrator.toml"))
def orchestrator() -> None:
    """Run an orchestrator: it matches tasks to workers, keeps content, settles, and earns a fee.

    It holds nobody's money. When it is gone, requesters and workers go on with the contracts alone.
    """


def settings_options(function: F) -> F:
    """Adds one option for each of the service's settings, in their order."""
    for each in reversed(fields(service.Settings)):
        default = "" if each.default in (MISSING, None, "") else f" (default: {each.default})"
        name = each.name.replace("_", "-")
        is_file = "Path" in str(each.type) and not each.name.endswith("_dir")
        metavar = "FILE" if is_file else each.name.rpartition("_")[2].upper()
        function = click.option(f"--{name}", each.name, metavar=metavar, help=service.HELP[each.name] + default)(
            function
        )
    return function


@orchestrator.command(epilog=example("edgebounty orchestrator run --config orchestrator.toml --port 8420"))
@click.option("--config", type=FILE, help="TOML file with any of these settings.")
@settings_options
@output_options
def run(config: Path | None, out: Output, **flags: str | None) -> None:
    """Run an orchestrator until Ctrl-C.

    Settings come from --config, then the environment (EDGEBOUNTY_PORT, …), then these options; the last one wins.
    """
    from edgebounty.cli.logs import log_to_terminal
    from orchestrator.__main__ import serve

    log_to_terminal(as_json=out.as_json)
    arguments = [] if config is None else ["--config", str(config)]
    for name, value in flags.items():
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}", value]
    serve(service.load(arguments), announce=lambda url: show_phone_page(out, url))


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
        plain = {name: value for name, value in said.items() if not isinstance(value, dict | list)}
        out.facts({name.replace("_", " "): "-" if value in ("", None) else value for name, value in plain.items()})
