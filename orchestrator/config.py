"""Settings: from a TOML file, then the environment (EDGEBOUNTY_NAME), then flags (--name); the later wins.

Every problem is told at once. Secrets are read from files that the settings name, never given here.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

PREFIX = "EDGEBOUNTY_"
NOT_TOLD = -1.0
FINALIZED = "finalized"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class SettingsProblem(Exception):
    """Settings that cannot be used; the text lists every problem and says what to do."""


HELP = {
    "rpc_url": "JSON-RPC of the chain, http:// or https://",
    "witness_rpc_url": "second node, of another operator: nothing is done that the two disagree about; empty: none",
    "deployment": "deployment file that `edgebounty deploy` wrote",
    "data_dir": "folder for the database and the content",
    "key_file": "file with the orchestrator's private key, mode 0600",
    "keystore": "encrypted keystore, instead of a key file",
    "password_file": "file with the keystore's password, mode 0600",
    "host": "address to listen on",
    "port": "port to listen on; 0 takes a free one and writes it to DATA_DIR/orchestrator.json",
    "public_url": "address under which others reach this service; empty: the one listened on",
    "public_rpc_url": "JSON-RPC that workers are told; empty: rpc_url",
    "finality": "`finalized`, or how many blocks deep a block is final",
    "poll_seconds": "how often the chain is asked for news",
    "fee_bps": "fee asked for, in 1/100 of a per cent of what workers are paid",
    "max_fee_gwei": "most to pay per gas; above it transactions wait",
    "bump_after_blocks": "blocks after which a stuck transaction is replaced at 12.5 % more",
    "keep_days": "how long after its end a job's content stays pinned",
    "recompute_after_blocks": "blocks to wait for a settled output before computing it here",
    "content_gb": "most that is stored of content which no job needs any more; the longest unused goes first",
    "upload_quota_mb": "megabytes that one account may upload a day",
    "upload_total_gb": "gigabytes that all accounts together may upload a day: accounts cost next to nothing",
    "batch_span": "tasks of a batch-lane job that are posted together; a job keeps what it began with",
    "batch_waves": "attempts to find a quorum for a task of the batch lane, each with other workers",
    "batch_age_seconds": "how long after its first receipt a batch is closed though it is not full",
    "batch_hold_seconds": "how long a result of copies alone is held back, and run again if its worker is caught",
    "batch_calldata_receipts": "batches of at most so many receipts go on chain whole; larger ones under a CID",
    "batch_most_bond": "most tokens of this account's stake that are put up for batches; 0: no batch lane here",
    "batch_bonds_lost": "lost bonds that the operator has looked into: with more of them on chain nothing is posted",
    "token_gwei": "what a token is worth, in gwei of the chain's coin, to weigh fees of withdrawals; 0: not weighed",
    "withdraw_fee_percent": "withdrawals are sent for workers while the fee is at most this much of the amounts",
    "withdraw_gather_seconds": "how long a withdrawal waits for others that are sent with it, up to 50",
    "requests_per_second": "most requests of one IP address",
    "behind_proxy": "true if a proxy of yours stands in front: callers are then told apart by its X-Forwarded-For",
    "web_dir": "folder with the built web pages; empty: those that `make web` built in this checkout",
    "kubo_url": "RPC API of an IPFS node that gets a copy of all content; empty: none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Times in seconds unless the name says blocks."""

    rpc_url: str
    deployment: Path
    data_dir: Path
    key_file: Path | None = None
    keystore: Path | None = None
    password_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str = ""
    public_rpc_url: str = ""
    witness_rpc_url: str = ""
    finality: str = FINALIZED
    poll_seconds: float = 0.5
    fee_bps: int = 100
    max_fee_gwei: float = 200.0
    bump_after_blocks: int = 10
    keep_days: float = 7.0
    recompute_after_blocks: int = 8
    content_gb: float = 20.0
    upload_quota_mb: int = 4096
    upload_total_gb: float = 100.0
    batch_span: int = 1000
    batch_waves: int = 3
    batch_age_seconds: int = 3600
    batch_hold_seconds: int = 600
    batch_calldata_receipts: int = 0
    batch_most_bond: float = 10_000.0
    batch_bonds_lost: int = 0
    token_gwei: float = NOT_TOLD
    withdraw_fee_percent: float = 5.0
    withdraw_gather_seconds: int = 60
    requests_per_second: float = 200.0
    behind_proxy: bool = False
    kubo_url: str = ""
    web_dir: Path | None = None

    def __post_init__(self) -> None:
        problems = [problem for check in _CHECKS for problem in check(self)]
        if problems:
            raise SettingsProblem("; ".join(problems))

    @property
    def final_depth(self) -> int | None:
        """Blocks below the head; None follows the chain's `finalized` tag."""
        return None if self.finality == FINALIZED else int(self.finality)


def load(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this start. Raises `SettingsProblem`."""
    flags = vars(_parser().parse_args(arguments))
    config = flags.pop("config")
    given: dict[str, Any] = _from_file(config) if config is not None else {}
    given |= _from_environment(os.environ if environment is None else environment)
    given |= {name: value for name, value in flags.items() if value is not None}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in fields(Settings):
        if each.name not in given:
            if each.default is MISSING:
                flag = "--" + each.name.replace("_", "-")
                problems.append(f"{each.name} is missing (config file, {PREFIX}{each.name.upper()} or {flag})")
            continue
        try:
            values[each.name] = _convert(str(each.type), given[each.name])
        except ValueError as error:
            problems.append(f"{each.name}: {error}")
    if problems:
        if not values.keys() & {"key_file", "keystore"}:
            problems.append("key_file or keystore is missing, the orchestrator's account")
        raise SettingsProblem("; ".join(problems))
    return Settings(**values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestrator",
        description="Runs one orchestrator. Settings come from a TOML file, EDGEBOUNTY_* variables and flags.",
        epilog="example: python -m orchestrator --config orchestrator.toml --port 8420",
    )
    parser.add_argument("--config", type=Path, help="TOML file with any of the settings below")
    for each in fields(Settings):
        default = "" if each.default in (MISSING, None, "") else f" (default {each.default})"
        parser.add_argument(
            "--" + each.name.replace("_", "-"),
            help=(HELP[each.name] + default).replace("%", "%%"),
            metavar=each.name.rpartition("_")[2].upper(),
        )
    return parser


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        raise SettingsProblem(f"the config file {path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsProblem(f"the config file {path} is not TOML: {error}") from error
    known = {each.name for each in fields(Settings)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise SettingsProblem(
            f"the config file {path} has unknown settings: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = {PREFIX + each.name.upper(): each.name for each in fields(Settings)}
    return {names[variable]: value for variable, value in environment.items() if variable in names}


def _convert(kind: str, value: Any) -> Any:
    if "Path" in kind:
        return Path(str(value)).expanduser()
    if kind == "str":
        return str(value)
    if kind == "bool":
        if str(value).lower() not in _BOOLEANS:
            raise ValueError(f"true or false is expected, not {value!r}")
        return _BOOLEANS[str(value).lower()]
    try:
        return int(value) if kind == "int" else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"a {'whole number' if kind == 'int' else 'number'} is expected, not {value!r}") from None


def _check_urls(settings: Settings) -> list[str]:
    named = {"rpc_url": settings.rpc_url, "public_url": settings.public_url, "kubo_url": settings.kubo_url}
    named |= {"public_rpc_url": settings.public_rpc_url, "witness_rpc_url": settings.witness_rpc_url}
    wrong = {n: u for n, u in named.items() if u and not u.startswith(("http://", "https://", "/ip"))}
    return [f"{name}: {url!r} must begin with http:// or https://" for name, url in wrong.items()]


def _check_account(settings: Settings) -> list[str]:
    if (settings.key_file is None) == (settings.keystore is None):
        return ["name either key_file or keystore, the orchestrator's account"]
    if settings.keystore is not None and settings.password_file is None:
        return ["password_file is missing: the keystore needs one"]
    return []


def _check_numbers(settings: Settings) -> list[str]:
    problems: list[str] = []
    if settings.finality != FINALIZED and not settings.finality.isdigit():
        problems.append(f"finality: `{FINALIZED}` or a number of blocks, not {settings.finality!r}")
    bounds: dict[str, tuple[float, float]] = {
        "port": (0, 65535),
        "poll_seconds": (0.01, 60),
        "fee_bps": (0, 10_000),
        "max_fee_gwei": (1e-9, 1e9),
        "bump_after_blocks": (1, 10_000),
        "keep_days": (0, 36_500),
        "recompute_after_blocks": (0, 100_000),
        "content_gb": (0, 1e9),
        "upload_quota_mb": (0, 1 << 40),
        "upload_total_gb": (0, 1e9),
        "batch_span": (1, 1 << 20),
        "batch_waves": (1, 100),
        "batch_age_seconds": (0, 30 * 86_400),
        "batch_hold_seconds": (0, 30 * 86_400),
        "batch_calldata_receipts": (0, 1 << 20),
        "batch_most_bond": (0, 1e12),
        "batch_bonds_lost": (0, 1 << 32),
        "token_gwei": (NOT_TOLD, 1e18),
        "withdraw_fee_percent": (0, 100),
        "withdraw_gather_seconds": (0, 86_400),
        "requests_per_second": (1, 1e6),
    }
    for name, (low, high) in bounds.items():
        value = getattr(settings, name)
        if not low <= value <= high or (name == "token_gwei" and NOT_TOLD < value < 0):
            problems.append(f"{name}: {low:g} to {high:g}, this is {value:g}")
    return problems


_CHECKS: tuple[Callable[[Settings], list[str]], ...] = (_check_urls, _check_account, _check_numbers)
