"""What the owner of a device decides for work in the batch lane. Secrets stay in files; only their paths are here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgebounty.protocol.types import to_address
from edgebounty.worker.settings import SettingsError, faults_of_device


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """One worker of the batch lane. Amounts are token base units, times seconds."""

    orchestrator_url: str
    data_dir: Path  # journal, content and status; one worker per folder
    key_file: Path | None = None
    keystore: Path | None = None
    password_file: Path | None = None
    payout: str | None = None  # account that earnings may be sent to; None: the worker's own
    gateway_url: str | None = None  # None: the orchestrator's
    rpc_url: str | None = None  # with `deployment`: bounties are looked up on chain before work begins
    deployment: Path | None = None
    cpu_share: float = 1.0  # of one processor, above 0 to 1
    niceness: int = 10  # how far the program gives way to the owner's own programs, 0 to 19
    only_charging: bool = True  # on a machine with a battery; without one this holds nobody
    battery_above: float = 0.3  # share of the battery that is kept for the owner, 0 to 1; 0: do not look
    hours: str | None = None  # works only between these times of the machine's clock, as 22:00-07:00; None: always
    min_slot_price: int = 0  # tasks that pay less are left to others
    max_memory_bytes: int = 1 << 30
    max_work_units: int | None = None
    max_task_seconds: float = 3600.0  # a program is stopped after this, or when its time to commit is over
    max_cache_bytes: int = 4 << 30  # of content kept for later tasks; the longest unused goes first, results stay
    max_open: int = 4  # tasks that may wait for peers while the next one runs
    withdraw_threshold: int | None = None  # asked for from this amount on; None: only by hand
    poll_seconds: float | None = None  # at most between two looks; None: one second

    def __post_init__(self) -> None:
        wrong = faults_of_device(self)
        if (self.rpc_url is None) != (self.deployment is None):
            wrong.append("name both rpc_url and deployment, or neither")
        if self.payout is not None:
            try:
                to_address(self.payout)
            except ValueError as error:
                wrong.append(f"payout is no address: {error}")
        if wrong:
            raise SettingsError("worker settings: " + "; ".join(wrong))
