"""The worker as a process: what it says and how it ends when it cannot begin."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from worker_kit import World

from edgebounty.worker.app import EXIT_REFUSED, EXIT_UNAVAILABLE

pytestmark = pytest.mark.integration


def run_worker(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "edgebounty.worker", *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def arguments(world: World, **changes: object) -> list[object]:
    settings = world.settings("w0")
    told: dict[str, object] = {
        "rpc-url": settings.rpc_url,
        "deployment": settings.deployment,
        "data-dir": settings.data_dir,
        "key-file": settings.key_file,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return [part for name, value in told.items() for part in (f"--{name}", value)]


def test_run__nothing_told__every_missing_setting_named() -> None:
    status, said = run_worker()
    assert status == EXIT_REFUSED
    assert "rpc_url is missing; deployment is missing; data_dir is missing" in said


def test_run__no_deployment_file__says_so(world: World, tmp_path: Path) -> None:
    status, said = run_worker(*arguments(world, deployment=tmp_path / "none.json"))
    assert status == EXIT_REFUSED
    assert "no deployment file" in said


def test_run__key_that_others_may_read__refused(world: World) -> None:
    told = arguments(world)
    key_file = world.settings("w0").key_file
    assert key_file is not None
    key_file.chmod(0o644)
    status, said = run_worker(*told)
    assert status == EXIT_REFUSED
    assert "chmod 600" in said


def test_run__node_not_there__says_where(world: World) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    status, said = run_worker(*arguments(world, rpc_url=url))
    assert status == EXIT_UNAVAILABLE
    assert "no Ethereum node answers" in said


def test_run__folder_of_a_running_worker__refused(world: World) -> None:
    world.start("w0")
    status, said = run_worker(*arguments(world))
    assert status == EXIT_UNAVAILABLE
    assert "already running" in said
