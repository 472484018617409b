"""Where settings come from, and that secrets do not."""

import json
import os
from pathlib import Path

import pytest

from edgebounty.cli import settings as module
from edgebounty.client.endpoints import Endpoints, TestAccount
from edgebounty.client.errors import Rejected

pytestmark = pytest.mark.unit


def make_market(folder: Path) -> Endpoints:
    folder.mkdir(parents=True, exist_ok=True)
    endpoints = Endpoints(
        chain_id=31337,
        rpc_url="http://127.0.0.1:1",
        api_url="http://127.0.0.1:2",
        gateway_url="http://127.0.0.1:2",
        contracts={"token": "0x" + "00" * 20},
        deployment_file="deployment.json",
        accounts=(TestAccount(name="requester", address="0x" + "11" * 20, key_file=str(folder / "r.key")),),
    )
    endpoints.save(folder)
    return endpoints


def load(
    folder: Path, *, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None
) -> module.Settings:
    return module.load(flags=flags or {}, environ={"HOME": str(folder), **(environ or {})}, cwd=folder)


def test_settings__file_environment_flags__the_last_wins(tmp_path: Path) -> None:
    (tmp_path / "edgebounty.toml").write_text(
        'rpc_url = "http://file"\ngateway_url = "http://file"\naccount = "file"\n'
    )
    environ = {"EDGEBOUNTY_GATEWAY_URL": "http://environment", "EDGEBOUNTY_ACCOUNT": "environment"}
    settings = load(tmp_path, flags={"account": "flag", "key_file": None}, environ=environ)
    assert (settings.rpc_url, settings.gateway_url, settings.account) == ("http://file", "http://environment", "flag")


def test_settings__market_folder__fills_what_is_open(tmp_path: Path) -> None:
    make_market(tmp_path / "market")
    settings = load(tmp_path, flags={"dir": tmp_path / "market", "rpc_url": "http://mine"})
    assert settings.rpc_url == "http://mine"
    assert settings.orchestrator_url == "http://127.0.0.1:2"
    assert settings.deployment == tmp_path / "market" / "deployment.json"


def test_settings__no_gateway_named__the_orchestrator_is_it(tmp_path: Path) -> None:
    assert load(tmp_path, flags={"orchestrator_url": "http://o"}).gateway_url == "http://o"
    assert load(tmp_path, flags={"orchestrator_url": "http://o", "gateway_url": "http://g"}).gateway_url == "http://g"


def test_settings__inside_a_market_folder__found_without_flags(tmp_path: Path) -> None:
    make_market(tmp_path)
    assert load(tmp_path).rpc_url == "http://127.0.0.1:1"


def test_settings__market_that_runs__found_without_flags(tmp_path: Path) -> None:
    make_market(tmp_path / "market")
    environ = {"HOME": str(tmp_path)}
    note = module.remember_running_market(tmp_path / "market", environ)
    assert load(tmp_path).dir == tmp_path / "market"
    note.write_text(json.dumps({"dir": str(tmp_path / "market"), "pid": 2**22 + os.getpid()}))  # of a dead process
    assert load(tmp_path).dir is None


@pytest.mark.parametrize("name", ["key", "private_key", "password", "mnemonic"])
def test_settings__secret_in_the_file__refused_without_repeating_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "edgebounty.toml").write_text(f'{name} = "0xsecret"\n')
    with pytest.raises(Rejected) as told:
        load(tmp_path)
    assert "holds a secret" in told.value.what
    assert "0xsecret" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("rpcurl = 1", "unknown setting 'rpcurl'"), ("rpc_url =", "not TOML"), ('chain_id = "x"', "chain id")],
)
def test_settings__bad_file__says_what(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "edgebounty.toml").write_text(text)
    with pytest.raises(Rejected) as told:
        load(tmp_path)
    assert said in told.value.what


def test_settings__folder_without_a_market__says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as told:
        load(tmp_path, flags={"dir": tmp_path})
    assert "edgebounty up" in told.value.remedy


def test_settings__needed_and_missing__names_every_way_to_set_it(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as told:
        load(tmp_path).need("rpc_url")
    assert all(
        way in told.value.remedy for way in ("edgebounty up", "--rpc-url", "EDGEBOUNTY_RPC_URL", "edgebounty.toml")
    )
