"""Settings: where they come from, and that all problems are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import Settings, SettingsProblem, load

pytestmark = pytest.mark.unit


def write(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "orchestrator.toml"
    path.write_text(text)
    return ["--config", str(path)]


MINIMAL = 'rpc_url = "http://a"\ndeployment = "d.json"\ndata_dir = "x"\nkey_file = "k"\n'


def test_load__file_environment_flags__the_later_wins(tmp_path: Path) -> None:
    arguments = write(tmp_path, MINIMAL + "port = 1\nfee_bps = 1\npoll_seconds = 1.0\n")
    settings = load([*arguments, "--fee-bps", "3"], {"EDGEBOUNTY_FEE_BPS": "2", "EDGEBOUNTY_PORT": "2"})
    assert (settings.poll_seconds, settings.port, settings.fee_bps) == (1.0, 2, 3)
    assert settings.data_dir == Path("x")


def test_load__nothing_given__all_missing_names_together() -> None:
    with pytest.raises(SettingsProblem) as problem:
        load([], {})
    for name in ("rpc_url", "deployment", "data_dir", "key_file", "EDGEBOUNTY_RPC_URL", "--data-dir"):
        assert name in str(problem.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('colour = "red"\n', "unknown settings: colour"),
        ("port = 99999\n", "port: 0 to 65535"),
        ('finality = "soon"\n', "`finalized` or a number of blocks, not 'soon'"),
        ('public_url = "ftp://x"\n', "public_url"),
        ('keystore = "s"\n', "either key_file or keystore"),
        ("= 3\n", "is not TOML"),
        ('behind_proxy = "maybe"\n', "true or false is expected"),
        ('fee_bps = "much"\n', "a whole number is expected, not 'much'"),
    ],
)
def test_load__wrong_value__named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsProblem, match=words.replace("(", r"\(")):
        load(write(tmp_path, MINIMAL + text), {})


def test_load__several_wrong_values__all_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem) as problem:
        load(write(tmp_path, MINIMAL + 'finality = "x"\nport = -1\nfee_bps = 10001\n'), {})
    assert all(name in str(problem.value) for name in ("finality", "port", "fee_bps"))


def test_load__no_such_file__said(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem, match="cannot be read: No such file"):
        load(["--config", str(tmp_path / "none.toml")], {})


def test_keystore__without_password_file__said(tmp_path: Path) -> None:
    text = MINIMAL.replace("key_file", "keystore")
    with pytest.raises(SettingsProblem, match="password_file is missing"):
        load(write(tmp_path, text), {})


def test_depth__number_or_tag() -> None:
    base = {"rpc_url": "http://a", "deployment": Path("d"), "data_dir": Path("x"), "key_file": Path("k")}
    assert Settings(**base).final_depth is None
    assert Settings(**base, finality="12").final_depth == 12
