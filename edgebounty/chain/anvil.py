"""A local Ethereum chain as a child process: Foundry's anvil, set up the way our tests and `edgebounty up` need it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from eth_account import Account
from eth_account.signers.local import LocalAccount

from edgebounty.chain.child import BoundChild
from edgebounty.chain.errors import AnvilError

MNEMONIC = "test test test test test test test test test test test junk"
"""Foundry's public test mnemonic. Everybody knows its keys: never fund them on a real chain."""

_LISTENING = re.compile(r"Listening on [^:]+:(\d+)")
_READY_SECONDS = 20.0
_SAVING_SECONDS = 10
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find_binary() -> Path:
    """The native anvil: `ANVIL` in the environment, else npm's package near this file or here, else on PATH.

    npm's front (`node_modules/.bin/anvil`) is a node script whose process id is not the chain's, hence the native file.
    Raises `AnvilError` when there is none.
    """
    named = os.environ.get("ANVIL")
    if named:
        if not os.access(named, os.X_OK):
            raise AnvilError(f"ANVIL names {named}, which cannot be executed; correct it or unset it")
        return Path(named)
    package = f"anvil-{platform.system().lower()}-{_ARCHITECTURES.get(platform.machine().lower(), platform.machine())}"
    for root in (Path.cwd(), *Path(__file__).resolve().parents):
        candidate = root / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
        if os.access(candidate, os.X_OK):
            return candidate
    on_path = shutil.which("anvil")
    if on_path:
        return Path(on_path)
    raise AnvilError("anvil, the local chain, is not installed; run `make setup` (or `npm ci`), or name it in ANVIL")


@lru_cache(maxsize=64)
def dev_account(index: int) -> LocalAccount:
    """Account number `index` of the public test mnemonic: funded on every chain that `Anvil` starts."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


class Anvil:
    """One running chain. Use `Anvil.start(...)`, as a context manager or with `stop()`."""

    def __init__(self, *, child: BoundChild, port: int, chain_id: int, output: deque[str]) -> None:
        self.port = port
        self.chain_id = chain_id
        self.url = f"http://127.0.0.1:{port}"
        self._child = child
        self._output = output

    @classmethod
    def start(
        cls,
        *,
        port: int = 0,
        chain_id: int = 31337,
        block_time: float | None = 0.5,
        accounts: int = 10,
        state: Path | None = None,
        state_interval: int = 1,
        mining: bool = True,
        final_after_blocks: int = 2,
        extra: Sequence[str] = (),
    ) -> Anvil:
        """Start a chain on loopback and wait until it answers.

        `port` 0 lets the system choose. `block_time` (seconds) mines a block that often *and* at once for each
        transaction; None mines for transactions only. `state` names a file that survives the end of this process,
        however it comes; a kill of the chain itself may lose its last second, or cut the file off. `mining` False
        mines only when told (`evm_mine`). `final_after_blocks` is how far back "finalized" points. Raises `AnvilError`
        when the port is taken, the state cut off, or the binary missing or broken.
        """
        if port:
            _refuse_taken(port)
        argv = [str(find_binary()), "--host", "127.0.0.1", "--port", str(port), "--chain-id", str(chain_id)]
        argv += ["--accounts", str(accounts), "--mnemonic", MNEMONIC]
        argv += ["--slots-in-an-epoch", str(max(final_after_blocks // 2, 1))]  # final is two epochs back
        if not mining:
            argv += ["--no-mining"]
        elif block_time is not None:
            argv += ["--block-time", f"{block_time:g}", "--mixed-mining"]
        if state is not None:
            _refuse_cut_off(state)
            argv += ["--state", str(state), "--state-interval", str(state_interval)]
        child = BoundChild([*argv, *extra], orphan_grace_seconds=_SAVING_SECONDS)
        output: deque[str] = deque(maxlen=40)
        found: list[int] = []
        ready = threading.Event()
        threading.Thread(target=_drain, args=(child, output, found, ready), daemon=True, name="anvil-output").start()
        deadline = time.monotonic() + _READY_SECONDS
        ready.wait(_READY_SECONDS)
        if not found:
            child.stop()
            said = " | ".join(line for line in output if line.strip())[-400:] or "nothing"
            late = " in time" if time.monotonic() >= deadline else ""
            raise AnvilError(f"anvil did not start{late} on port {port or 'of its choice'}; it said: {said}")
        return cls(child=child, port=found[0], chain_id=chain_id, output=output)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.alive

    def last_output(self) -> str:
        """The last lines that the chain printed, for reports of its failure."""
        return "\n".join(self._output)

    def stop(self) -> None:
        """End the chain in order (it saves its state first). Safe to call twice."""
        self._child.stop()

    def kill(self) -> None:
        """End the chain as a power cut would."""
        self._child.kill()

    def __enter__(self) -> Anvil:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise AnvilError(
                f"port {port} on 127.0.0.1 cannot be used ({error.strerror}): another program listens there; "
                "choose another port, or 0 for any free one"
            ) from error


def _refuse_cut_off(state: Path) -> None:
    """Anvil writes its state in place: a power cut in the midst leaves half of it, and half a chain is none."""
    if state.exists():
        try:
            json.loads(state.read_bytes())
        except ValueError as error:
            raise AnvilError(
                f"{state} is cut off (the chain was killed while it saved itself); start in another folder, or delete "
                "the folder that this file is in"
            ) from error


def _drain(child: BoundChild, output: deque[str], found: list[int], ready: threading.Event) -> None:
    """Read all that the chain prints: a full pipe would stop it."""
    stdout = child.process.stdout
    if stdout is None:
        return
    with stdout:
        for raw in stdout:
            line = raw.decode(errors="replace").rstrip()
            output.append(line)
            match = None if found else _LISTENING.search(line)
            if match:
                found.append(int(match[1]))
                ready.set()
    ready.set()
