"""`edgebounty up` in a process of its own, and the command line beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from edgebounty.chain.accounts import create_key_file
from edgebounty.chain.deployment import Deployment
from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.market import MarketContracts
from edgebounty.chain.rpc import connect
from edgebounty.protocol.types import to_address

CLI = (sys.executable, "-m", "edgebounty.cli")
UP_SECONDS = 240.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The one document that --json puts on stderr."""
        found: dict[str, Any] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


def run_cli(*arguments: object, home: Path, dir: Path | None = None, seconds: float = 300) -> Said:
    """One `edgebounty` command, as a user would run it in an empty folder."""
    command = [*CLI, *(str(argument) for argument in arguments)]
    environ = environment(home, dir)
    done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, timeout=seconds, check=False)
    return Said(status=done.returncode, out=done.stdout, err=done.stderr)


def environment(home: Path, dir: Path | None = None) -> dict[str, str]:
    """That of a user whose home is `home` and who has set nothing but the market's folder."""
    home.mkdir(exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EDGEBOUNTY_")}
    environ |= {"HOME": str(home), "XDG_STATE_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    return environ if dir is None else environ | {"EDGEBOUNTY_DIR": str(dir)}


class Running:
    """A command that keeps running with --json, and ends with the block that opened it."""

    def __init__(self, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True)
        self._lines: list[dict[str, Any]] = []

    def line(self) -> dict[str, Any]:
        """The next line, as JSON; every line has to be."""
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        assert text, f"it ended with status {self._process.wait()}"
        self._lines.append(json.loads(text))
        return self._lines[-1]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Sends the signal; the exit status, once all that was said is read."""
        self._process.send_signal(number)
        assert self._process.stdout is not None
        self._lines += [json.loads(text) for text in self._process.stdout]
        return self._process.wait(STOP_SECONDS)

    def lines(self) -> list[dict[str, Any]]:
        """All lines so far."""
        return self._lines

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Up:
    """A running `edgebounty up`."""

    def __init__(self, directory: Path, *arguments: object, home: Path) -> None:
        self.directory = directory
        self.home = home
        home.mkdir(exist_ok=True)
        self.log = home / f"{directory.name}.out"
        environ = {
            **os.environ,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        (directory / "endpoints.json").unlink(missing_ok=True)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*CLI, "up", "--dir", str(directory), *(str(argument) for argument in arguments)],
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + UP_SECONDS
        while not (directory / "endpoints.json").exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                raise AssertionError(f"`edgebounty up` did not open the market: {self.log.read_text()}")
            time.sleep(0.1)
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    @property
    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "endpoints.json").read_text())
        return found

    def cli(self, *arguments: object, seconds: float = 300) -> Said:
        """A command beside this market."""
        return run_cli(*arguments, home=self.home, dir=self.directory, seconds=seconds)

    def books(self) -> dict[str, int]:
        """Everything that bad input must leave as it was: the requester's account, the chain's, the service's jobs."""
        contracts = MarketContracts(
            connect(self.endpoints["rpc_url"]), Deployment.load(self.directory / "deployment.json")
        )
        requester = next(
            to_address(each["address"]) for each in self.endpoints["accounts"] if each["name"] == "requester"
        )
        has, ledger = contracts.balances(requester), read_ledger(contracts)
        until = time.monotonic() + STOP_SECONDS
        while (stored := self._stored_jobs()) < contracts.job_count() and time.monotonic() < until:
            time.sleep(0.2)  # the service stores what is final
        return {
            "tokens": has.tokens,
            "credit": has.credit,
            "sent": contracts.web3.eth.get_transaction_count(contracts.web3.to_checksum_address(requester)),
            "deposited": ledger.deposited,
            "escrow": ledger.escrow,
            "jobs": contracts.job_count(),
            "jobs_in_database": stored,
        }

    def _stored_jobs(self) -> int:
        file = self.directory / "orchestrator" / "orchestrator.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (jobs,) = database.execute("SELECT count(*) FROM jobs").fetchone()
        return int(jobs)

    def interrupted(self, *arguments: object, seconds: float) -> tuple[int, str]:
        """The status and words of a command that gets a Ctrl-C after `seconds`, if it still runs then."""
        command = [*CLI, *(str(argument) for argument in arguments)]
        process = subprocess.Popen(
            command,
            env=environment(self.home, self.directory),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def new_account(self, folder: Path) -> Path:
        """The key file of an account that nobody knew, with coin for gas and nothing else."""
        path = folder / "account.key"
        account = create_key_file(path)
        web3 = connect(self.endpoints["rpc_url"])
        web3.provider.make_request("anvil_setBalance", [account.address, hex(10**19)])  # type: ignore[arg-type]
        return path

    def spawn(self, *arguments: object) -> Running:
        """A command beside this market that keeps running and says JSON lines; a context manager."""
        return Running([*CLI, *(str(a) for a in arguments)], environment(self.home, self.directory), self.home)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Sends the signal and waits for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def orphans(self, *, seconds: float = 20) -> list[str]:
        """Which of the processes it had started still live after `seconds`."""
        _, alive = psutil.wait_procs(self.family, timeout=seconds)
        return [" ".join(process.cmdline()) for process in alive if process.status() != psutil.STATUS_ZOMBIE]
