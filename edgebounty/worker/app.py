"""Starts a worker as a process: settings, account, signals, exit status. Thin."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from edgebounty.chain.accounts import load_account
from edgebounty.chain.deployment import Deployment
from edgebounty.chain.errors import ChainError, NodeUnreachable
from edgebounty.worker.agent import Agent
from edgebounty.worker.batch.agent import BatchAgent
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.journal import JournalError
from edgebounty.worker.settings import SettingsError, WorkerSettings, load_settings

LOGGER = logging.getLogger(__name__)
STOP_SECONDS = 0.9
"""After this a worker that was told to stop ends hard: its journal is made for that."""

EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE = 0, 2, 3


def run(settings: WorkerSettings | BatchSettings, agent_class: type[Agent] = Agent) -> int:
    """Run a worker until SIGINT or SIGTERM (at once) or SIGUSR1 (once its claims are over). Returns the exit status."""
    try:
        agent = open_batch_agent(settings) if isinstance(settings, BatchSettings) else open_agent(settings, agent_class)
    except (ChainError, JournalError) as error:
        print(f"edgebounty worker: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE if isinstance(error, JournalError | NodeUnreachable) else EXIT_REFUSED
    except KeyboardInterrupt:
        return EXIT_OK  # nothing was begun
    try:
        work(agent)
    except JournalError as error:
        LOGGER.error("%s", error)
        return EXIT_UNAVAILABLE
    return EXIT_OK


def open_agent(settings: WorkerSettings, agent_class: type[Agent] = Agent) -> Agent:
    """A worker that is ready to run.

    Raises `ChainError` (settings, account, node) and `JournalError` (its folder is in use, or of another account).
    """
    deployment = Deployment.load(settings.deployment)
    account = load_account(key_file=settings.key_file, keystore=settings.keystore, password_file=settings.password_file)
    return agent_class(settings, deployment=deployment, account=account)


def open_batch_agent(settings: BatchSettings) -> BatchAgent:
    """A worker of the batch lane that is ready to run. Raises as `open_agent`; its orchestrator may be away."""
    account = load_account(key_file=settings.key_file, keystore=settings.keystore, password_file=settings.password_file)
    return BatchAgent(settings, account=account)


def work(agent: Agent | BatchAgent) -> None:
    """Runs until SIGINT or SIGTERM (at once) or SIGUSR1 (once its claims are over). Raises `JournalError`."""

    def stop(number: int, frame: object) -> None:
        timer = threading.Timer(STOP_SECONDS, os._exit, (EXIT_OK,))
        timer.daemon = True
        timer.start()
        agent.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.signal(signal.SIGUSR1, lambda number, frame: agent.drain())
    agent.run()


def main(argv: Sequence[str] | None = None, agent_class: type[Agent] = Agent) -> int:
    """`python -m edgebounty.worker [--lane batch] --config FILE [--SETTING VALUE …]`."""
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--lane", choices=("direct", "batch"), default="direct")
    lane, rest = first.parse_known_args(argv)
    is_batch = lane.lane == "batch"
    parser = argparse.ArgumentParser(
        prog="python -m edgebounty.worker", description="Run an edge worker.", parents=[first]
    )
    parser.add_argument("--config", type=Path, help="TOML or JSON file with settings")
    parser.add_argument("--verbose", action="store_true", help="log every step")
    for field in fields(BatchSettings if is_batch else WorkerSettings):
        parser.add_argument("--" + field.name.replace("_", "-"), dest=field.name)
    told = vars(parser.parse_args(rest))
    config, verbose, _ = told.pop("config"), told.pop("verbose"), told.pop("lane")
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("edgebounty").setLevel(logging.INFO)
    settings: WorkerSettings | BatchSettings
    try:
        if is_batch:
            settings = load_settings(BatchSettings, file=config, environ=os.environ, flags=told)
        else:
            settings = WorkerSettings.load(file=config, environ=os.environ, flags=told)
    except SettingsError as error:
        print(f"edgebounty worker: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return run(settings, agent_class)
