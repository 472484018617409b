"""The chain of a test market: anvil as a child process, or a development chain that somebody else runs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.errors import AnvilError
from edgebounty.client.errors import Rejected

BLOCK_SECONDS = 0.5
"""Every stage of a job waits for the seed of the next epoch; shorter blocks cost more work than they save time."""


class Chain(Protocol):
    """What the market needs of its chain."""

    url: str

    @property
    def alive(self) -> bool: ...

    def last_output(self) -> str: ...

    def stop(self) -> None: ...


class ForeignChain:
    """A chain that runs anyway: we neither start nor stop it, and cannot tell more than its address."""

    alive = True

    def __init__(self, url: str) -> None:
        self.url = url

    def last_output(self) -> str:
        return "not started by us"

    def stop(self) -> None:
        """Nothing: it is not ours."""


def start_anvil(directory: Path, *, chain_id: int, port: int, last_port: int, has_contracts: bool) -> Anvil:
    """Starts the chain that keeps its state in `directory`: on `port`, or without a wish on the last one if it is free.

    Raises `Rejected` when contracts were deployed and the state they were in is gone, `AnvilError` for a taken port.
    """
    state = directory / "chain.json"
    if has_contracts and not state.exists():
        raise Rejected(
            f"{directory} has a deployment but its chain's state is gone ({state.name})",
            remedy="start in another folder, or delete this one",
        )
    if not port and last_port:
        try:
            return Anvil.start(port=last_port, chain_id=chain_id, state=state, block_time=BLOCK_SECONDS)
        except AnvilError:  # taken since
            pass
    return Anvil.start(port=port, chain_id=chain_id, state=state, block_time=BLOCK_SECONDS)
