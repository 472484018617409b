from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from eth_account import Account

from edgebounty.chain.accounts import create_key_file, load_account
from edgebounty.chain.errors import AccountError

pytestmark = pytest.mark.unit
KEY = "0x" + "11" * 32


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_load_account__key_file__same_address(tmp_path: Path) -> None:
    account = load_account(key_file=secret(tmp_path / "key", KEY + "\n"))
    assert account.address == Account.from_key(KEY).address


def test_load_account__others_may_read__refused(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="chmod 600"):
        load_account(key_file=secret(tmp_path / "key", KEY, 0o644))


@pytest.mark.parametrize("text", ["", "0x12", "zz" * 32, "0x" + "00" * 32])
def test_load_account__no_key_inside__refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(AccountError, match="64 hexadecimal digits") as caught:
        load_account(key_file=secret(tmp_path / "key", text))
    assert "zz" not in str(caught.value)


def test_load_account__missing_file__named(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="no-such-key does not exist"):
        load_account(key_file=tmp_path / "no-such-key")


def test_load_account__binary_file__refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)
    with pytest.raises(AccountError, match="not text"):
        load_account(key_file=path)


def make_keystore(tmp_path: Path) -> Path:
    content = Account.encrypt(KEY, "right horse", kdf="pbkdf2", iterations=2)
    return secret(tmp_path / "keystore.json", json.dumps(content))


def test_load_account__keystore__opens_with_its_password(tmp_path: Path) -> None:
    password = secret(tmp_path / "password", "right horse\n")
    account = load_account(keystore=make_keystore(tmp_path), password_file=password)
    assert account.address == Account.from_key(KEY).address


def test_load_account__wrong_password__says_so(tmp_path: Path) -> None:
    password = secret(tmp_path / "password", "wrong horse\n")
    with pytest.raises(AccountError, match="does not open"):
        load_account(keystore=make_keystore(tmp_path), password_file=password)


def test_load_account__keystore_without_password_file__asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="--password-file"):
        load_account(keystore=make_keystore(tmp_path))


def test_load_account__not_a_keystore__says_so(tmp_path: Path) -> None:
    password = secret(tmp_path / "password", "x")
    with pytest.raises(AccountError, match="not a keystore"):
        load_account(keystore=secret(tmp_path / "k", "[1]"), password_file=password)


@pytest.mark.parametrize("both", [True, False])
def test_load_account__both_or_neither__refused(tmp_path: Path, both: bool) -> None:
    path = tmp_path / "x"
    with pytest.raises(AccountError, match="either"):
        load_account(key_file=path if both else None, keystore=path if both else None)


def test_create_key_file__new__only_the_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    account = create_key_file(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert load_account(key_file=path).address == account.address


def test_create_key_file__already_there__kept(tmp_path: Path) -> None:
    path = secret(tmp_path / "key", KEY)
    with pytest.raises(AccountError, match="never overwritten"):
        create_key_file(path)
    assert path.read_text() == KEY
