"""Bad input at the command line: each says what is wrong, whose fault it is and what to do, and moves no money."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from eth_account import Account

from tests.e2e.market_kit import Up, run_cli

REJECTED, UNAVAILABLE = 3, 4
pytestmark = pytest.mark.integration


@pytest.fixture
def untouched(market: Up) -> Iterator[None]:
    """Money, chain and the service's database are afterwards as they were."""
    before = market.books()
    yield
    assert market.books() == before


def post(market: Up, table: Path, *arguments: object) -> dict[str, str]:
    """The error of a post that must be refused."""
    bounty = () if "--bounty" in arguments else ("--bounty", "5")
    said = market.cli("job", "post", "analyze", "--data", table, *bounty, "--yes", "--json", *arguments)
    assert said.status != 0
    assert said.out == ""
    assert said.error["whose"]
    assert said.error["remedy"]
    return {**said.error, "status": str(said.status)}


@pytest.mark.usefixtures("untouched")
class TestPost:
    def test_bounty__too_small_for_its_tasks__says_the_least(self, market: Up, table: Path) -> None:
        error = post(market, table, "--bounty", "0.000000000000000001")
        assert error["status"] == "3"
        assert "too small" in error["what"]

    def test_bounty__below_the_least_slot_price__says_the_least(self, market: Up, table: Path) -> None:
        error = post(market, table, "--bounty", "0.000000000000001")
        assert "this market takes 1000000000000 to" in error["what"]
        assert error["whose"] == "yours (the bounty)"

    @pytest.mark.parametrize("bounty", ["-5", "many", "1e9", "nan"])
    def test_bounty__not_an_amount__refused(self, market: Up, table: Path, bounty: str) -> None:
        assert "not an amount" in post(market, table, f"--bounty={bounty}", "--bounty", bounty)["what"]

    def test_balance__too_little__says_how_much_there_is(self, market: Up, table: Path) -> None:
        error = post(market, table, "--bounty", "1000000")
        assert error["status"] == "3"
        assert "are needed for the bounty" in error["what"]

    def test_quorum__more_than_work_slots__refused(self, market: Up, table: Path) -> None:
        assert "quorum" in post(market, table, "--quorum", 4, "--work-slots", 3)["what"]

    def test_tasks__more_shards_than_rows__refused(self, market: Up, table: Path) -> None:
        assert "cannot be cut into 1000 shards" in post(market, table, "--shards", 1000)["what"]

    def test_tasks__more_than_a_job_may_have__says_how_many_may_be(self, market: Up, tmp_path: Path) -> None:
        np.savez(tmp_path / "d.npz", x=np.ones((4, 13)), y=np.zeros(4))
        said = market.cli(
            *("job", "post", "train", "--data", tmp_path / "d.npz", "--model", "mlp:13-32-3", "--rounds", 40_000),
            *("--shards", 2, "--bounty", "5", "--yes", "--json"),
        )
        assert said.status == REJECTED
        assert "120000 tasks over all rounds; at most 65535 are allowed" in said.error["what"]
        assert said.error["whose"] == "yours (the data or the settings)"

    @pytest.mark.parametrize(("flag", "value"), [("--deadline", 7_776_001), ("--task-time", 604_801)])
    def test_time__longer_than_the_contract_takes__says_the_longest(
        self, market: Up, table: Path, flag: str, value: int
    ) -> None:
        error = post(market, table, flag, value)
        assert "are allowed" in error["what"]
        assert flag in error["remedy"]

    def test_data__nan__says_where(self, market: Up, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("a,b\n1,2\n3,nan\n")
        error = post(market, tmp_path / "t.csv")
        assert "row 2, column 'b' is nan" in error["what"]
        assert error["whose"] == "yours (the data or the settings)"

    def test_data__empty__refused(self, market: Up, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("a,b\n")
        assert "empty" in post(market, tmp_path / "t.csv")["what"]

    def test_chain_id__of_another_chain__nothing_sent(self, market: Up, table: Path) -> None:
        error = post(market, table, "--chain-id", "1")
        assert error["status"] == "3"
        assert "chain id" in error["what"]

    def test_rpc__not_reachable__try_again(self, market: Up, table: Path) -> None:
        error = post(market, table, "--rpc-url", _closed())
        assert error["status"] == "4"
        assert "no Ethereum node answers" in error["what"]

    def test_gateway__not_reachable__try_again_before_any_money_moves(self, market: Up, table: Path) -> None:
        error = post(market, table, "--gateway-url", _closed())
        assert error["status"] == "4"
        assert "does not answer" in error["what"]

    def test_orchestrator__not_reachable__try_again(self, market: Up, table: Path) -> None:
        error = post(market, table, "--orchestrator-url", _closed())
        assert error["status"] == "4"
        assert "no orchestrator answers" in error["what"]

    def test_token__deployment_names_another_contract__says_so(self, market: Up, table: Path, tmp_path: Path) -> None:
        deployment = json.loads((market.directory / "deployment.json").read_text())
        deployment["token"] = deployment["seeds"]
        (tmp_path / "deployment.json").write_text(json.dumps(deployment))
        error = post(market, table, "--deployment", tmp_path / "deployment.json")
        assert error["status"] == "3"
        assert f"the deployment file names {deployment['token']}" in error["what"]
        assert "--deployment" in error["remedy"]

    def test_escrow__deployment_names_no_escrow__says_so(self, market: Up, table: Path, tmp_path: Path) -> None:
        deployment = json.loads((market.directory / "deployment.json").read_text())
        deployment["escrow"] = deployment["seeds"]
        (tmp_path / "deployment.json").write_text(json.dumps(deployment))
        error = post(market, table, "--deployment", tmp_path / "deployment.json")
        assert error["status"] == "3"
        assert "is no escrow" in error["what"]

    def test_key__file_missing__says_so(self, market: Up, table: Path, tmp_path: Path) -> None:
        assert "does not exist" in post(market, table, "--key-file", tmp_path / "none")["what"]

    def test_key__readable_by_others__refused(self, market: Up, table: Path, tmp_path: Path) -> None:
        key = tmp_path / "key"
        key.write_text("11" * 32)
        key.chmod(0o644)
        assert "chmod 600" in str(post(market, table, "--key-file", key))

    def test_keystore__wrong_password__refused_without_telling_it(
        self, market: Up, table: Path, tmp_path: Path
    ) -> None:
        keystore, password = tmp_path / "keystore.json", tmp_path / "password"
        keystore.write_text(json.dumps(Account.encrypt(bytes(range(1, 33)), "right", kdf="pbkdf2", iterations=2)))
        password.write_text("wrong-password\n")
        for path in (keystore, password):
            path.chmod(0o600)
        error = post(market, table, "--keystore", keystore, "--password-file", password)
        assert "does not open" in error["what"]
        assert "wrong-password" not in str(error)

    def test_confirmation__nobody_there_to_give_it__refused(self, market: Up, table: Path) -> None:
        said = market.cli("job", "post", "analyze", "--data", table, "--bounty", "5")
        assert said.status == REJECTED
        assert "--yes" in said.err


def test_stop__somebody_elses_job__refused(market: Up, table: Path) -> None:
    terms = ("--quorum", 4, "--work-slots", 5, "--bounty", "3", "--yes", "--json")
    job = market.cli("job", "post", "analyze", "--data", table, *terms).json["job_id"]
    said = market.cli("job", "stop", job, "--account", "spare", "--yes", "--json")
    assert said.status == REJECTED
    assert "not the requester" in said.error["what"]
    assert market.cli("job", "stop", job, "--yes").status == 0


@pytest.mark.parametrize("command", ["status", "result", "verify", "stop"])
def test_job__unknown_number__says_which_are_there(market: Up, command: str) -> None:
    said = market.cli("job", command, 999, "--json")
    assert said.status == REJECTED
    assert "no job 999" in said.error["what"]


def test_content__damaged_where_it_is_kept__never_taken_for_the_bytes(market: Up, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"whole" * 1000)
    cid = market.cli("content", "add", tmp_path / "f", "--yes", "--json").json["cid"]
    (kept,) = (path for path in (market.directory / "orchestrator" / "content").rglob("*") if cid in path.name)
    good = kept.read_bytes()
    kept.chmod(0o644)
    kept.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    try:
        said = market.cli("content", "get", cid, "-o", tmp_path / "out", "--json")
    finally:
        kept.write_bytes(good)
    assert said.status in (REJECTED, UNAVAILABLE)
    assert cid in said.error["what"]
    assert "content node" in said.error["whose"] or "served" in said.error["whose"]
    assert not (tmp_path / "out").exists()
    assert market.cli("content", "get", cid, "-o", tmp_path / "out").status == 0


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.1, 1.7])
def test_post__ctrl_c_at_any_moment__posted_once_or_not_at_all(market: Up, table: Path, seconds: float) -> None:
    """From the moment on at which the command runs: what Python does before that is not ours."""
    begun = time.monotonic()
    market.cli("--version")
    seconds += time.monotonic() - begun
    before = market.books()
    command = ("job", "post", "analyze", "--data", table, "--bounty", "3", "--quorum", 4, "--work-slots", 5, "--yes")
    status, said = market.interrupted(*command, seconds=seconds)
    assert status in (0, 130)
    assert "Traceback" not in said
    after = market.books()
    assert after["jobs"] - before["jobs"] in (0, 1)
    assert before["tokens"] - after["tokens"] == after["escrow"] - before["escrow"]
    if after["jobs"] > before["jobs"]:  # said or not: it stands on chain, and its owner ends it as any other
        assert market.cli("job", "stop", after["jobs"], "--yes").status == 0
        assert market.cli("withdraw", "--yes").status == 0
    else:
        assert after == before


def test_content__nobody_has_it__try_again(market: Up) -> None:
    said = market.cli(
        "content", "get", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "--json", "-o", "x"
    )
    assert said.status == UNAVAILABLE
    assert not (market.home / "x").exists()


def test_up__folder_in_use__refused(market: Up) -> None:
    said = run_cli("up", "--dir", market.directory, home=market.home)
    assert said.status == REJECTED
    assert "another market runs in" in said.err


def test_up__port_taken__says_so_and_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = run_cli("up", "--dir", tmp_path / "m", "--rpc-port", taken.getsockname()[1], home=tmp_path / "h")
    assert said.status == UNAVAILABLE
    assert "another program listens there" in said.err
    assert not (tmp_path / "m" / "endpoints.json").exists()


def test_up__api_port_taken__says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = run_cli("up", "--dir", tmp_path / "m", "--api-port", taken.getsockname()[1], home=tmp_path / "h")
    assert said.status == UNAVAILABLE
    assert "port" in said.err


def test_list__no_market_anywhere__says_how_to_start_one(tmp_path: Path) -> None:
    said = run_cli("job", "list", home=tmp_path / "h")
    assert said.status == REJECTED
    assert "edgebounty up" in said.err


def _closed() -> str:
    """An address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
