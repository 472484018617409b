"""What a requester brings, over a real market: each result is that of `job run-local`, bit for bit."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgebounty.client.export import load_safetensors
from tests.e2e.market_kit import Up, run_cli

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
QUICK = ("--quorum", 1, "--work-slots", 2, "--yes", "--json")


def test_wasm__the_example_in_c__counts_bytes_on_the_market(market: Up, tmp_path: Path) -> None:
    text = np.random.default_rng(0).integers(0, 256, 200_000).astype(np.uint8)
    np.save(tmp_path / "text.npy", text)
    for arguments in (
        ("bytes", "--input", "rows:i32", "--input", "text:u8[65536]", "--gives", "counts:i64[256]"),
        ("bytes_total", "--reduces", tmp_path / "bytes.wasm", "--gives", "total:i64[256]"),
    ):
        (tmp_path / f"{arguments[0]}.c").write_text((EXAMPLES / f"{arguments[0]}.c").read_text())
        source, output = tmp_path / f"{arguments[0]}.c", tmp_path / f"{arguments[0]}.wasm"
        assert run_cli("program", "build", source, *arguments[1:], "-o", output, home=market.home).status == 0
    job = ("--program", tmp_path / "bytes.wasm", "--reducer", tmp_path / "bytes_total.wasm")
    job += ("--data", tmp_path / "text.npy")

    posted = market.cli("job", "post", "wasm", *job, "--bounty", 2, "--yes", "--json", "--watch")
    ended = json.loads(posted.out.splitlines()[-1])
    assert ended["status"] == "finished", posted.err
    found = market.cli("job", "result", ended["id"], "-o", tmp_path / "total.npz", "--json").json
    np.testing.assert_array_equal(np.load(tmp_path / "total.npz")["total"], np.bincount(text, minlength=256))
    assert found == run_cli("job", "run-local", "wasm", *job, "--json", home=market.home).json
    verified = market.cli("job", "verify", ended["id"], "--json").json
    assert (verified["right"], verified["checked"], verified["reduces_checked"]) == (True, 5, 1)


def samples(path: Path, rows: int) -> Path:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, rows)
    np.savez(path, x=(random.normal(0, 0.7, (rows, 13)) + np.eye(3, 13)[y] * 2).astype(np.float32), y=y)
    return path


def test_train__with_every_option__is_followed_by_the_command_to_the_local_bits(market: Up, tmp_path: Path) -> None:
    options = ("--data", samples(tmp_path / "s.npz", 300), "--model", "mlp:13-16-3", "--rounds", 2, "--shards", 2)
    options += ("--optimizer", "adamw", "--weight-decay", 0.01, "--schedule", "cosine", "--warmup-steps", 2)
    options += ("--local-steps", 8, "--batch", 16, "--learning-rate", 0.02, "--outer", "nesterov")
    options += ("--validation-share", 0.2)

    there = market.cli(
        *("job", "post", "train", *options, "--bounty", 6, *QUICK),
        *("--folder", tmp_path / "rounds", "-o", tmp_path / "net.onnx"),
    )
    assert there.status == 0, there.err
    posted, *rounds, ended = map(json.loads, there.out.splitlines())
    here = run_cli(
        *("job", "run-local", "train", *options, "--folder", tmp_path / "here", "--json"),
        *("-o", tmp_path / "here.safetensors"),
        home=market.home,
    )
    *local, done = map(json.loads, here.out.splitlines())
    assert len(rounds) == 2
    for one, other in zip(rounds, local, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}  # the metric and the state's CID
    assert ended["result_cid"] == done["result_cid"] == rounds[-1]["state_cid"]
    assert (ended["ended_early"], rounds[-1]["metric"] > 0.8) == (False, True)
    assert {path.name for path in (tmp_path / "rounds").iterdir()} == {
        *("round-00001.safetensors", "round-00002.safetensors", "curve.json", "curve.svg")
    }
    arrays, about = load_safetensors(tmp_path / "here.safetensors")
    assert about["result_cid"] == ended["result_cid"]

    x = np.load(tmp_path / "s.npz")["x"]
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    wanted = np.maximum(x @ arrays["w1"] + arrays["b1"], 0) @ arrays["w2"] + arrays["b2"]
    np.testing.assert_allclose(session.run(None, {"x": x})[0], wanted, atol=1e-5)
    again = ("-o", tmp_path / "again.onnx", "--model", "mlp:13-16-3", "--json")
    assert market.cli("job", "result", posted["job_id"], *again).status == 0
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "net.onnx").read_bytes()


def test_train__budget_spent__ends_with_what_it_has_and_the_rest_comes_back(market: Up, tmp_path: Path) -> None:
    there = market.cli(
        *("job", "post", "train", "--data", samples(tmp_path / "s.npz", 300), "--model", "mlp:13-32-3"),
        *("--rounds", 20, "--shards", 2, "--bounty", 120, "--budget", 5, *QUICK),
    )
    assert there.status == 0, there.err
    posted, *rounds, ended = map(json.loads, there.out.splitlines())
    assert (len(rounds), ended["ended_early"]) == (1, True)  # a round pays some 3 tokens: two would be above 5
    status = market.cli("job", "status", posted["job_id"], "--json").json
    assert status["status"] in ("stopped", "incomplete")
    assert int(status["refunded"]) > 100 * 10**18
    assert ended["result_cid"] == rounds[-1]["state_cid"]
