"""Where the command line finds the market and the account: file, then environment, then flags, the last one wins."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from edgebounty.client.endpoints import FILE_NAME, Endpoints
from edgebounty.client.errors import Rejected

CONFIG_NAME = "edgebounty.toml"
ENVIRONMENT_PREFIX = "EDGEBOUNTY_"
SECRET_NAMES = ("key", "private_key", "password", "mnemonic", "secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command may need. Everything is optional here; who needs a value asks for it by `need`."""

    dir: Path | None = None
    rpc_url: str | None = None
    orchestrator_url: str | None = None
    gateway_url: str | None = None
    deployment: Path | None = None
    chain_id: int | None = None
    account: str | None = None
    key_file: Path | None = None
    keystore: Path | None = None
    password_file: Path | None = None

    @property
    def endpoints(self) -> Endpoints | None:
        return Endpoints.load(self.dir) if self.dir is not None else None

    def need(self, name: str) -> str:
        """The setting `name` as text. Raises `Rejected` that says where it can be set."""
        value = getattr(self, name)
        if value is None:
            flag = "--" + name.replace("_", "-")
            raise Rejected(
                f"where the market is, is not known: {name} is not set",
                whose="yours (the settings)",
                remedy=f"start a market with `edgebounty up`, or pass --dir or {flag}, or set "
                f"{ENVIRONMENT_PREFIX}{name.upper()} or `{name}` in {CONFIG_NAME}",
            )
        return str(value)


def load(*, flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, config: Path | None = None) -> Settings:
    """Raises `Rejected` for unreadable files, unknown names and secrets written into a configuration file."""
    from_file = _read_config(config, cwd)
    from_environment = {
        field.name: value
        for field in fields(Settings)
        if (value := environ.get(ENVIRONMENT_PREFIX + field.name.upper())) is not None
    }
    from_flags = {name: value for name, value in flags.items() if value is not None}
    told: dict[str, object] = {**from_file, **from_environment, **from_flags}
    settings = Settings(**{name: _typed(name, value) for name, value in told.items()})  # type: ignore[arg-type]
    if settings.dir is None and settings.rpc_url is None:
        settings = replace(settings, dir=_running_market(environ, cwd))
    settings = _with_endpoints(settings)
    # an orchestrator serves content too, unless another gateway is named
    return replace(settings, gateway_url=settings.gateway_url or settings.orchestrator_url)


def remember_running_market(directory: Path, environ: Mapping[str, str]) -> Path:
    """Notes that `edgebounty up` keeps a market in `directory`, so that commands beside it find it without --dir."""
    path = _state_file(environ)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"dir": str(directory), "pid": os.getpid()}))
    return path


def _running_market(environ: Mapping[str, str], cwd: Path) -> Path | None:
    if (cwd / FILE_NAME).is_file():
        return cwd
    try:
        note = json.loads(_state_file(environ).read_text())
        os.kill(int(note["pid"]), 0)
        directory = Path(note["dir"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return directory if (directory / FILE_NAME).is_file() else None


def _state_file(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_STATE_HOME") or os.path.join(environ.get("HOME", "/tmp"), ".local", "state")
    return Path(home) / "edgebounty" / "up.json"


def _with_endpoints(settings: Settings) -> Settings:
    """Fills what is still open from the market's own file."""
    endpoints = settings.endpoints
    if endpoints is None or settings.dir is None:
        return settings
    return replace(
        settings,
        rpc_url=settings.rpc_url or endpoints.rpc_url,
        orchestrator_url=settings.orchestrator_url or endpoints.api_url,
        gateway_url=settings.gateway_url or endpoints.gateway_url,
        deployment=settings.deployment or settings.dir / endpoints.deployment_file,
        chain_id=settings.chain_id if settings.chain_id is not None else endpoints.chain_id,
    )


def _read_config(config: Path | None, cwd: Path) -> dict[str, object]:
    path = config or cwd / CONFIG_NAME
    if config is None and not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text())
    except OSError as error:
        raise Rejected(f"cannot read {path}: {error.strerror}", remedy="check the path of --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} is not TOML: {error}", remedy="fix that line") from error
    known = {field.name for field in fields(Settings)}
    for name in told:
        if name in SECRET_NAMES:
            raise Rejected(
                f"{path} holds a secret ({name})",
                remedy="move it into a file that only you can read, and name that file as key_file or password_file",
            )
        if name not in known:
            raise Rejected(f"{path}: unknown setting {name!r}", remedy=f"known are {', '.join(sorted(known))}")
    base = path.parent
    return {name: base / str(value) if name in _PATHS else value for name, value in told.items()}


_PATHS = ("dir", "deployment", "key_file", "keystore", "password_file")


def _typed(name: str, value: object) -> object:
    if name in _PATHS:
        return Path(str(value)).expanduser()
    if name == "chain_id":
        try:
            return int(str(value))
        except ValueError:
            raise Rejected(f"the chain id {value!r} is not a number", remedy="write it as 31337") from None
    return str(value)
