"""Keys of test accounts: one file each, readable by their owner alone."""

from __future__ import annotations

from pathlib import Path

from edgebounty.chain.accounts import create_key_file, load_account
from edgebounty.client.endpoints import TestAccount


def make_account(name: str, folder: Path) -> TestAccount:
    """The account whose key is in `folder`, made if it is not there yet: a restart finds the same account."""
    path = folder / f"{name}.key"
    account = load_account(key_file=path) if path.exists() else create_key_file(path)
    return TestAccount(name=name, address=account.address, key_file=str(path))
