"""A real Kubo on loopback, offline; skips where there is none and none can be built."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def binary() -> Path:
    """The real Kubo, built if Go is here; else skips, saying so."""
    made = ROOT / "build" / "bin" / "ipfs"
    if made.exists():
        return made
    found = shutil.which("ipfs")
    if found:
        return Path(found)
    if shutil.which("go") is None:
        pytest.skip("Kubo is not tested here: neither an `ipfs` binary nor Go to build one is installed")
    built = subprocess.run([ROOT / "scripts" / "kubo" / "build.sh"], capture_output=True, text=True, check=False)
    if not made.exists():
        pytest.skip(f"Kubo is not tested here: it could not be built ({built.stderr.strip()[-200:]})")
    return made


class Daemon:
    """A Kubo of its own on loopback, offline, with free ports."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "IPFS_PATH": str(home), "IPFS_TELEMETRY": "off"}
        self.ipfs = binary()
        self.run("init", "--profile=test")  # loopback, random ports, no bootstrap, no mDNS
        self.run("config", "--json", "Provide.Enabled", "false")
        self.home = home
        self.start()

    def start(self) -> None:
        home = self.home
        (home / "api").unlink(missing_ok=True)
        with (home / "daemon.log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.ipfs, "daemon", "--offline"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while not (home / "api").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"the IPFS daemon did not start: {(home / 'daemon.log').read_text()[-500:]}")
            time.sleep(0.1)
        self.api = (home / "api").read_text().strip() + "/http"

    def run(self, *args: str) -> str:
        done = subprocess.run([self.ipfs, *args], env=self.environment, capture_output=True, check=True, text=True)
        return done.stdout.strip()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
