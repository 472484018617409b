"""Accounts from files. Secrets are never taken from a command line or the environment."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from edgebounty.chain.errors import AccountError


def load_account(
    *, key_file: Path | None = None, keystore: Path | None = None, password_file: Path | None = None
) -> LocalAccount:
    """The account in a key file (64 hex digits) or in an encrypted keystore (Web3 Secret Storage).

    Raises `AccountError`: missing file, file that others may read, no key inside, wrong password.
    """
    if (key_file is None) == (keystore is None):
        raise AccountError("name either a key file or a keystore, not both and not neither")
    if key_file is not None:
        return _from_key(key_file)
    assert keystore is not None
    if password_file is None:
        raise AccountError(f"the keystore {keystore} needs a password file; name one with --password-file")
    return _from_keystore(keystore, password_file)


def create_key_file(path: Path) -> LocalAccount:
    """Make a new random key, written to `path` with mode 0600. Raises `AccountError` when the file is already there."""
    account: LocalAccount = Account.create()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise AccountError(f"{path} exists already; a key is never overwritten: choose another name") from error
    except OSError as error:
        raise AccountError(f"cannot write the key file {path}: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(account.key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return account


def _from_key(path: Path) -> LocalAccount:
    text = _read_secret(path, "key file").strip().removeprefix("0x")
    try:
        key = bytes.fromhex(text)
        if len(key) != 32:
            raise ValueError
        account: LocalAccount = Account.from_key(key)
    except Exception as error:
        # Not the error's own words: they may contain the key.
        raise AccountError(f"{path} does not hold a private key: 64 hexadecimal digits are expected") from error
    return account


def _from_keystore(path: Path, password_file: Path) -> LocalAccount:
    password = _read_secret(password_file, "password file").rstrip("\r\n")
    try:
        content = json.loads(_read_secret(path, "keystore"))
        if not isinstance(content, dict) or "crypto" not in {name.lower() for name in content}:
            raise ValueError
    except ValueError as error:
        raise AccountError(f"{path} is not a keystore (JSON with a `crypto` part)") from error
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(content, password))
    except ValueError as error:
        raise AccountError(f"the password in {password_file} does not open the keystore {path}") from error
    except Exception as error:
        raise AccountError(f"the keystore {path} cannot be read: {type(error).__name__}") from error
    return account


def _read_secret(path: Path, what: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise AccountError(f"the {what} {path} is not a file")
        if mode & 0o077:
            raise AccountError(f"others may read the {what} {path} (mode {mode & 0o777:04o}); run: chmod 600 {path}")
        return path.read_text()
    except FileNotFoundError as error:
        raise AccountError(f"the {what} {path} does not exist; create it or correct the path") from error
    except PermissionError as error:
        raise AccountError(f"the {what} {path} belongs to another user; this one may not read it") from error
    except UnicodeDecodeError as error:
        raise AccountError(f"the {what} {path} is not text") from error
    except OSError as error:
        raise AccountError(f"the {what} {path} cannot be read: {error.strerror}") from error
