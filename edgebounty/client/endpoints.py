"""`DIR/endpoints.json`: where a market's chain, orchestrator and content gateway answer, and its test accounts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgebounty.client.errors import Rejected

FILE_NAME = "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAccount:
    """An account of a test market. Its key lies in a file only its owner can read; the key itself is never here."""

    __test__ = False  # not a test case

    name: str
    address: str
    key_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Everything a client needs to know about one market."""

    chain_id: int
    rpc_url: str
    api_url: str
    gateway_url: str
    contracts: dict[str, str]
    deployment_file: str
    accounts: tuple[TestAccount, ...] = ()

    def account(self, name: str) -> TestAccount | None:
        return next((account for account in self.accounts if account.name == name), None)

    def save(self, directory: Path) -> Path:
        """Writes the file at once or not at all: who reads it never sees half of it."""
        path = directory / FILE_NAME
        fresh = path.with_suffix(".json.new")
        fresh.write_text(json.dumps({"version": 1, **asdict(self)}, indent=2) + "\n")
        os.replace(fresh, path)
        return path

    @classmethod
    def load(cls, directory: Path) -> Endpoints:
        """Raises `Rejected` when there is no market in `directory` or the file is not ours."""
        path = directory / FILE_NAME
        try:
            fields: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            raise Rejected(
                f"there is no market in {directory}: {FILE_NAME} is missing",
                remedy=f"start one with `edgebounty up --dir {directory}`, or name another --dir",
            ) from None
        except (OSError, ValueError) as error:
            raise Rejected(f"cannot read {path}: {error}", remedy="restore it, or start the market again") from error
        try:
            accounts = tuple(TestAccount(**account) for account in fields["accounts"])
            known = {name: fields[name] for name in cls.__dataclass_fields__ if name != "accounts"}
            return cls(**known, accounts=accounts)
        except (KeyError, TypeError) as error:
            raise Rejected(f"{path} is not an endpoints file: {error}", remedy="start the market again") from error
