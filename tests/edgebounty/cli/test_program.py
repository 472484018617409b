"""`edgebounty program …` as it is typed: what it writes, what it prints, what it refuses."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

from edgebounty.cli import boundary
from edgebounty.cli.root import root
from edgebounty.programs.validator import validate

pytestmark = pytest.mark.integration

FUNCTIONS = Path(__file__).parent.parent / "programs" / "functions_kit.py"


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    status = boundary.run(root, ["program", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_build__training_step__writes_program_reducer_c_and_state(tmp_path, capsys):
    status, said, _ = call(
        capsys, "build", "mlp:6-10-3", "--train", "adam", "--rows", 16, "-o", tmp_path / "net.wasm", "--json"
    )

    assert status == 0
    assert len(json.loads(said)["written"]) == 4
    program, reducer = (validate((tmp_path / name).read_bytes()) for name in ("net.wasm", "net.reduce.wasm"))
    assert (program.kind, reducer.kind) == ("program", "reducer")
    assert program.role_bytes("output") == reducer.role_bytes("input")
    assert program.role_bytes("state") == reducer.role_bytes("output") == (tmp_path / "net.state").stat().st_size
    assert "static void step(void)" in (tmp_path / "net.c").read_text()


def test_build__function_model__trains_from_its_npz(tmp_path, capsys):
    np.savez(tmp_path / "w.npz", w=np.ones((6, 2), np.float32))
    source = [f"{FUNCTIONS}:linear_model", "--input", "x:f32[1,6]", "--weights", tmp_path / "w.npz"]
    rest = ["--train", "sgd", "--loss", "mse", "--labels", "y:f32[16,2]", "--rows", 16, "-o", tmp_path / "net.wasm"]

    assert call(capsys, "build", *source, *rest)[0] == 0

    assert (tmp_path / "net.state").read_bytes() == np.array([1] * 12 + [0], np.float32).tobytes()


def test_inspect_check_and_bench__of_a_build__say_what_it_is(tmp_path, capsys):
    path = tmp_path / "affine.wasm"
    arrays = ["--input", "x:f32[64,3]", "--state", "w:f32[3,2]", "--param", "bias:f32"]
    assert call(capsys, "build", f"{FUNCTIONS}:affine", *arrays, "--batch", 8, "-o", path)[0] == 0

    status, said, _ = call(capsys, "inspect", path, "--json")
    shown = json.loads(said)
    assert (status, shown["name"], shown["kind"]) == (0, "affine", "program")
    assert [b["name"] for b in shown["buffers"]] == ["w", "rows", "x", "bias", "out_rows", "out"]
    assert call(capsys, "check", path)[1] == "affine is a valid program.\n"
    timed = json.loads(call(capsys, "bench", path, "--rows", 10, "--runs", 2, "--json")[1])
    assert timed["failure"] is None
    assert timed["work_units"] > 100


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (
            ["build", "net.txt", "-o", "x.wasm"],
            2,
            "neither MODEL.onnx, mlp:A-B-C, FILE.py:FUNCTION, FILE.c nor FILE.wasm",
        ),
        (["build", "none.onnx", "-o", "x.wasm"], 3, "none.onnx cannot be read"),
        (["build", f"{FUNCTIONS}:has_wrong_shapes", "--input", "x:f32[10,3]", "-o", "x.wasm"], 3, "functions_kit.py:"),
        (["build", f"{FUNCTIONS}:linear_model", "--train", "sgd", "-o", "x.wasm"], 2, "needs one --input"),
        (["build", "mlp:6", "-o", "x.wasm"], 3, "is no perceptron"),
        (["check", "x.wasm"], 3, "not a WebAssembly 1.0 binary module"),
        (["inspect", "no.wasm"], 3, "no.wasm"),
        (["bench", "x.wasm"], 3, "not a WebAssembly 1.0 binary module"),
    ],
)
def test_program__wrong_input__says_what_and_whose_fault(arguments, status, words, tmp_path, capsys):
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        Path("x.wasm").write_bytes(b"nothing")
        found, _, said = call(capsys, *arguments)
    finally:
        os.chdir(here)

    assert found == status
    assert words in said
    assert "Traceback" not in said
