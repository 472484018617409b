"""A job's whole life by the command line alone, on a real chain with real workers."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.e2e.market_kit import Up, run_cli

pytestmark = pytest.mark.integration


def test_up__market_open__endpoints_tell_all_and_hold_no_secret(market: Up) -> None:
    told = market.endpoints
    assert {"rpc_url", "api_url", "gateway_url", "contracts", "accounts"} <= told.keys()
    lanes = {"direct_lane", "batch_lane", "batch_challenges", "batch_payouts", "batch_court"}
    assert {"token", "vault", "escrow", "seeds"} | lanes == told["contracts"].keys()
    text = json.dumps(told)
    for account in told["accounts"]:
        key_file = Path(account["key_file"])
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert key_file.read_text().strip().removeprefix("0x") not in text


def test_job__analyze__posted_run_verified_and_paid(market: Up, table: Path) -> None:
    posted = market.cli("job", "post", "analyze", "--data", table, "--shards", 3, "--bounty", "7", "--yes", "--json")
    assert posted.status == 0, posted.err
    job = posted.json["job_id"]
    assert int(posted.json["escrowed"]) <= 7 * 10**18

    watched = market.cli("job", "status", job, "--watch", "--json")
    assert watched.status == 0, watched.err
    lines = [json.loads(line) for line in watched.out.splitlines()]
    assert lines[-1]["status"] == "finished"
    assert lines[-1]["finished"] == lines[-1]["tasks"] == 8

    result = market.cli("job", "result", job, "-o", market.home / "statistics.json", "--json")
    assert result.status == 0, result.err
    values = np.loadtxt(table, delimiter=",", skiprows=1)
    for name, column in zip("abc", values.T, strict=True):
        assert result.json["columns"][name]["variance"] == pytest.approx(column.var(), rel=1e-12)
    assert json.loads((market.home / "statistics.json").read_text()) == result.json

    local = run_cli("job", "run-local", "analyze", "--data", table, "--shards", 3, "--json", home=market.home)
    assert local.json == result.json

    status = market.cli("job", "status", job, "--json").json
    assert status["kind"] == "analyze"
    assert status["result_cid"] in local.err  # the same result CID
    assert all(task["state"] == "settled" for task in status["task_list"])

    raw = market.home / "result.bin"
    assert market.cli("content", "get", status["result_cid"], "-o", raw).status == 0
    assert market.cli("content", "add", raw, "--only-hash", "--json").json["cid"] == status["result_cid"]
    assert market.cli("content", "pin", status["manifest_cid"]).status == 0

    verified = market.cli("job", "verify", job, "--json")
    assert verified.status == 0
    assert (verified.json["right"], verified.json["checked"], verified.json["reduces_checked"]) == (True, 8, 2)
    assert verified.json["most_wrong"] == 0
    assert market.cli("job", "verify", job, "--sample", 2, "--json").json["checked"] == 2
    spot = market.cli("job", "verify", job, "--spot-check", "--json").json  # 2 % of eight tasks: one
    assert (spot["right"], spot["checked"], spot["most_wrong"]) == (True, 1, 7)
    assert market.cli("job", "verify", job, "--spot-check", "--sample", 2).status == 2

    listed = market.cli("job", "list", "--json").json["jobs"]
    assert [each["status"] for each in listed if each["id"] == job] == ["finished"]

    manifest = market.cli("content", "get", status["manifest_cid"], "-o", raw).status == 0 and json.loads(
        raw.read_bytes()
    )
    shards = {shard["cid"] for shard in manifest["shards"]}
    workers = {worker for task in status["task_list"] for worker in task["claims"]}
    until = time.monotonic() + 120
    while shards - (told := held_by(market, workers)) and time.monotonic() < until:
        time.sleep(0.2)
    assert shards <= told  # the orchestrator knows who has which shard, for the next job that reads it


def held_by(market: Up, workers: set[str]) -> set[str]:
    """What these workers have told the orchestrator that they hold."""
    found: set[str] = set()
    for worker in workers:
        page = requests.get(f"{market.endpoints['api_url']}/v1/workers/{worker}", timeout=60).json()
        found |= set((page["capabilities"] or {}).get("held", []))
    return found


def test_job__train_then_infer_by_job_number__labels_are_right(market: Up) -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 120)
    inputs = rng.normal(size=(120, 13)) + 2 * labels[:, None]
    data = market.home / "samples.npz"
    np.savez(data, x=inputs, y=labels)
    model = ("--model", "mlp:13-32-3", "--data", data, "--yes", "--json", "--watch")
    trained = market.cli("job", "post", "train", *model, "--rounds", 2, "--epochs", 30, "--shards", 2, "--bounty", "6")
    assert trained.status == 0, trained.err
    job = json.loads(trained.out.splitlines()[-1])
    assert job["status"] == "finished"
    inferred = market.cli("job", "post", "infer", *model, "--weights", job["id"], "--bounty", "2")
    assert inferred.status == 0, inferred.err
    answer = market.cli("job", "result", json.loads(inferred.out.splitlines()[-1])["id"], "--json").json
    assert np.mean(np.array(answer["labels"]) == labels) > 0.9


def test_ledger__after_jobs__adds_up(market: Up) -> None:
    books = market.cli("ledger", "--json")
    assert books.status == 0
    assert books.json["difference"] == "0"
    parts = ("escrow", "stake", "credits", "withdrawn", "fees", "burned", "difference")
    assert int(books.json["deposited"]) == sum(int(books.json[name]) for name in parts)


def test_job__stopped__the_bounty_comes_back(market: Up, table: Path) -> None:
    """A quorum that this market cannot form: the job waits for a fourth worker that does not exist."""
    terms = ("--quorum", 4, "--work-slots", 5, "--bounty", "3", "--yes", "--json")
    job = market.cli("job", "post", "analyze", "--data", table, *terms).json["job_id"]
    stopped = market.cli("job", "stop", job, "--yes", "--json")
    assert stopped.status == 0, stopped.err
    assert int(stopped.json["refunded"]) > 0
    withdrawn = market.cli("withdraw", "--yes", "--json")
    assert int(withdrawn.json["withdrawn"]) >= int(stopped.json["refunded"])
    assert market.cli("withdraw", "--json").json["withdrawn"] == "0"
    assert market.cli("job", "result", job).status == 3


def test_stake__add_unbond_withdraw__through_the_whole_way(market: Up) -> None:
    account = ("--account", "spare", "--yes", "--json")
    assert market.cli("stake", "add", "5", *account).json["stake"] == str(5 * 10**18)
    unbonded = market.cli("stake", "unbond", "2", *account).json
    assert (unbonded["stake"], unbonded["unbonding"]) == (str(3 * 10**18), str(2 * 10**18))
    early = market.cli("stake", "withdraw", *account)
    assert early.status == 3
    assert "still unbonding" in early.error["what"]
    too_much = market.cli("stake", "unbond", "4", *account)
    assert too_much.status == 3
    assert "is free" in too_much.error["what"]


def test_faucet__spare_account__has_tokens_more(market: Up) -> None:
    before = int(market.cli("stake", "show", "--account", "spare", "--json").json["tokens"])
    after = int(market.cli("faucet", "--account", "spare", "--json").json["tokens"])
    assert after == before + 10_000 * 10**18


def test_worker_status__running__says_what_it_does(market: Up) -> None:
    told = market.cli("worker", "status", "--account", "worker-1", "--json")
    assert told.status == 0
    assert told.json["running"] is True
    assert told.json["doing"]
    assert market.cli("orchestrator", "status", "--json").status == 0


def test_commands__beside_a_running_market__need_no_flags(market: Up) -> None:
    assert run_cli("job", "list", "--json", home=market.home).status == 0


def test_worker_run__no_key_file__refused_before_anything_begins(market: Up, tmp_path: Path) -> None:
    refused = market.cli("worker", "run", "--key-file", tmp_path / "none.key", "--data-dir", tmp_path / "w", "--json")
    assert refused.status == 3
    assert "does not exist" in refused.error["what"]
    assert not (tmp_path / "w").exists()


def test_worker_run__as_json__stakes_says_what_it_does_and_stops_within_a_second(market: Up, tmp_path: Path) -> None:
    account = market.new_account(tmp_path)
    assert market.cli("faucet", "--key-file", account, "--json").status == 0
    data = tmp_path / "w"
    unasked = market.cli("worker", "run", "--key-file", account, "--data-dir", data, "--stake-target", "5", "--json")
    assert unasked.status == 3
    assert "--yes" in unasked.error["remedy"]
    with market.spawn(
        "worker", "run", "--key-file", account, "--data-dir", data, "--stake-target", "5", "--yes", "--json"
    ) as worker:
        first = worker.line()
        assert first["message"].startswith("worker 0x")
        until = time.monotonic() + 30
        while (stake := market.cli("stake", "show", "--key-file", account, "--json").json["stake"]) == "0":
            assert time.monotonic() < until
        assert stake == str(5 * 10**18)
        assert market.cli("worker", "status", "--data-dir", data, "--json").json["running"] is True
        again = market.cli("worker", "run", "--key-file", account, "--data-dir", data, "--json")
        assert again.status == 3
        assert "already running" in again.error["what"]
        started = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - started < 2
    assert all({"time", "level", "message"} <= line.keys() for line in worker.lines())


def test_orchestrator_run__as_json__serves_and_refuses_a_second_on_the_same_database(
    market: Up, tmp_path: Path
) -> None:
    account = market.new_account(tmp_path)
    told = ("--rpc-url", market.endpoints["rpc_url"], "--deployment", market.directory / "deployment.json")
    told += ("--data-dir", tmp_path / "o", "--key-file", account, "--port", "0", "--json")
    with market.spawn("orchestrator", "run", *told) as service:
        line = service.line()
        while line["message"] != "ready":
            line = service.line()
        status = run_cli("orchestrator", "status", "--orchestrator-url", line["url"], "--json", home=market.home)
        assert status.status == 0, status.err
        second = run_cli("orchestrator", "run", *told, home=market.home)
        assert second.status == 3
        assert "in use by another orchestrator" in second.error["what"]
        assert "Stop that one first" in second.error["remedy"]
        assert run_cli("orchestrator", "status", "--orchestrator-url", line["url"], home=market.home).status == 0
        assert service.stop() == 0


def test_orchestrator_run__port_taken__says_so(market: Up, tmp_path: Path) -> None:
    told = ("--rpc-url", market.endpoints["rpc_url"], "--deployment", market.directory / "deployment.json")
    told += ("--data-dir", tmp_path / "o", "--key-file", market.new_account(tmp_path), "--json")
    refused = run_cli(
        "orchestrator", "run", *told, "--port", market.endpoints["api_url"].rpartition(":")[2], home=market.home
    )
    assert refused.status == 1
    error = json.loads(refused.err.splitlines()[-1])["error"]
    assert "another program may listen there" in error["what"]
    assert error["remedy"] == "choose another port, or 0 for a free one"
