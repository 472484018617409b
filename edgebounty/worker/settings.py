"""What the owner of a device decides, read once at the start. Secrets stay in files; only their paths are here."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgebounty.worker.guards import Hours

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Loaded = TypeVar("Loaded", bound=DataclassInstance)

ENVIRONMENT_PREFIX = "EDGEBOUNTY_WORKER_"


class SettingsError(ValueError):
    """Settings that cannot be used. Names everything that is wrong, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """One worker. Amounts are token base units, times seconds."""

    rpc_url: str
    deployment: Path  # the deployment's JSON file
    data_dir: Path  # journal, content and status; one worker per folder
    key_file: Path | None = None
    keystore: Path | None = None
    password_file: Path | None = None
    orchestrator_url: str | None = None  # None: look for work on the chain itself
    gateway_url: str | None = None  # None: the orchestrator's
    cpu_share: float = 1.0  # of one processor, above 0 to 1
    niceness: int = 10  # how far the program gives way to the owner's own programs, 0 to 19
    only_charging: bool = True  # on a machine with a battery; without one this holds nobody
    battery_above: float = 0.3  # share of the battery that is kept for the owner, 0 to 1; 0: do not look
    hours: str | None = None  # works only between these times of the machine's clock, as 22:00-07:00; None: always
    stake_target: int = 0  # topped up to this at the start
    min_slot_price: int = 0  # tasks that pay less are left to others
    max_memory_bytes: int = 1 << 30
    max_work_units: int | None = None
    max_task_seconds: float = 3600.0  # a program is stopped after this, or at its commit deadline if that is sooner
    min_task_seconds: int = 5  # jobs that give less time to commit and to reveal are left to others: late costs stake
    max_job_days: float = 30.0  # a claim may lock its stake until the job's end: jobs that end later are left to others
    max_cache_bytes: int = 4 << 30  # of content kept for later tasks; the longest unused goes first, results stay
    max_open: int = 8  # claims that may wait for peers while the next task runs
    withdraw_threshold: int | None = None  # credit is withdrawn from this amount on; None: only by hand
    withdraw_at_stop: bool = False
    max_fee_gwei: float = 500.0  # per gas; above it transactions wait
    poll_seconds: float | None = None  # None: follows the chain's block time

    def __post_init__(self) -> None:
        wrong = list(_faults(self))
        if wrong:
            raise SettingsError("worker settings: " + "; ".join(wrong))

    @classmethod
    def load(
        cls,
        *,
        file: Path | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> WorkerSettings:
        """See `load_settings`."""
        return load_settings(cls, file=file, environ=environ, flags=flags, defaults=defaults)


def load_settings(
    kind: type[Loaded],
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Loaded:
    """From a TOML or JSON file, then `EDGEBOUNTY_WORKER_…`, then flags: the later wins. Raises `SettingsError`.

    `defaults` stand below the file, for what a caller can fill in where nobody says anything.
    """
    known = {field.name: field for field in fields(kind)}
    told: dict[str, Any] = _read(file) if file is not None else {}
    unknown = sorted(told.keys() - known.keys())
    if unknown:
        raise SettingsError(f"{file}: unknown settings {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    base = file.parent if file is not None else Path()
    told = {n: base / v if n in _PATHS and v is not None else v for n, v in told.items()}
    for name in known:
        value = (environ or {}).get(ENVIRONMENT_PREFIX + name.upper())
        if value is not None:
            told[name] = value
    told |= {name: value for name, value in (flags or {}).items() if value is not None}
    told = {**(defaults or {}), **told}
    missing = [n for n, field in known.items() if field.default is MISSING and n not in told]
    wrong = [f"{name} is missing" for name in missing]
    typed: dict[str, Any] = {}
    for name, value in told.items():
        try:
            typed[name] = _typed(name, value)
        except (KeyError, TypeError, ValueError):
            wrong.append(f"{name} cannot be {value!r}")
    if wrong:
        hint = f"set them by flag, by {ENVIRONMENT_PREFIX}NAME or in a file"
        raise SettingsError(f"worker settings: {'; '.join(wrong)}; {hint}")
    return kind(**typed)


_PATHS = ("deployment", "data_dir", "key_file", "keystore", "password_file")
_INTEGERS = (
    *("niceness", "stake_target", "min_slot_price", "max_memory_bytes", "max_work_units", "min_task_seconds"),
    *("max_open", "max_cache_bytes"),
)
_NUMBERS = ("cpu_share", "max_task_seconds", "max_job_days", "poll_seconds", "max_fee_gwei", "battery_above")


def _faults(settings: WorkerSettings) -> list[str]:
    wrong = faults_of_device(settings)
    for name in ("stake_target", "min_task_seconds"):
        if getattr(settings, name) < 0:
            wrong.append(f"{name} is not negative")
    for name in ("max_job_days", "max_fee_gwei"):
        if getattr(settings, name) <= 0:
            wrong.append(f"{name} is above 0")
    return wrong


def faults_of_device(settings: Any) -> list[str]:
    """What is wrong with the settings that workers of both lanes have."""
    wrong = []
    if (settings.key_file is None) == (settings.keystore is None):
        wrong.append("name either key_file or keystore")
    if not 0 < settings.cpu_share <= 1:
        wrong.append(f"cpu_share is above 0 and at most 1, this is {settings.cpu_share}")
    if not 0 <= settings.niceness <= 19:
        wrong.append(f"niceness is 0 to 19, this is {settings.niceness}")
    if not 0 <= settings.battery_above <= 1:
        wrong.append(f"battery_above is 0 to 1, this is {settings.battery_above}")
    if settings.hours is not None:
        try:
            Hours.parse(settings.hours)
        except ValueError as error:
            wrong.append(str(error))
    if settings.max_open < 1:
        wrong.append("max_open is at least 1")
    if settings.max_cache_bytes < 16 << 20:
        wrong.append("max_cache_bytes is at least 16 MiB")
    if settings.max_memory_bytes < 1 << 20:
        wrong.append("max_memory_bytes is at least 1 MiB")
    for name in ("min_slot_price", "withdraw_threshold"):
        if (getattr(settings, name) or 0) < 0:
            wrong.append(f"{name} is not negative")
    for name in ("max_task_seconds", "poll_seconds"):
        if getattr(settings, name) is not None and getattr(settings, name) <= 0:
            wrong.append(f"{name} is above 0")
    return wrong


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text()
        told = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"the settings file {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file} is neither TOML nor JSON: {error}") from error
    if not isinstance(told, dict):
        raise SettingsError(f"{file} holds no settings")
    return told


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _PATHS:
        return Path(os.path.expanduser(value))
    if name in (*_INTEGERS, "withdraw_threshold"):
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(name)
        return int(value)
    if name in _NUMBERS:
        return float(value)
    if name in ("withdraw_at_stop", "only_charging"):
        if isinstance(value, str):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[value.lower()]
        return bool(value)
    return str(value)
