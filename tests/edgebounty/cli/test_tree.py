"""Every command: help with an example, --json, exit statuses; and what needs no market."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import wasmtime
from click.testing import CliRunner

from edgebounty.cli import boundary, faults
from edgebounty.cli.root import COMMANDS, root

CONTRACT = [
    "up",
    "job-post-train",
    "job-post-infer",
    "job-post-analyze",
    "job-list",
    "job-status",
    "job-result",
    "job-stop",
    "job-verify",
    "job-run-local-train",
    "job-run-local-infer",
    "job-run-local-analyze",
    "worker-run",
    "worker-status",
    "stake-add",
    "stake-unbond",
    "stake-withdraw",
    "ledger",
    "content-add",
    "content-get",
    "content-pin",
    "orchestrator-run",
    "orchestrator-status",
    "deploy",
]


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves(root))


@pytest.mark.unit
def test_tree__all_commands_of_the_contract__are_there() -> None:
    assert set(CONTRACT) <= {"-".join(path) for path in LEAVES}


@pytest.mark.unit
@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_command__help__has_an_example_and_the_common_options(path: tuple[str, ...]) -> None:
    told = CliRunner().invoke(root, [*path, "--help"])
    name = " ".join(path)
    assert told.exit_code == 0
    assert f"edgebounty {name}" in told.output.split("Example:")[1]
    assert {"--help", "--json", "--yes"} <= {word for line in told.output.splitlines() for word in line.split()[:2]}
    for secret in ("--private-key", "--password ", "--mnemonic"):
        assert secret not in told.output


def groups(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        yield path
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from groups(found, (*path, name))


@pytest.mark.unit
@pytest.mark.parametrize("path", list(groups(root)), ids=lambda path: " ".join(path) or "edgebounty")
def test_group__help__has_an_example_and_whole_lines_that_fit(path: tuple[str, ...]) -> None:
    told = CliRunner().invoke(root, [*path, "--help"], terminal_width=80)
    assert f"  {' '.join(('edgebounty', *path))}" in told.output.split("Example:")[1]
    _, *lines = told.output.splitlines()
    assert [line for line in lines if len(line) > 80 or line.endswith("...")] == []


@pytest.mark.unit
def test_overview__every_group__has_its_line() -> None:
    told = CliRunner().invoke(root, ["--help"])
    assert all(name in told.output for name in COMMANDS)
    assert "Exit status" in told.output


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    rng = np.random.default_rng(1)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b"])
        rows.writerows(rng.normal(size=(50, 2)).tolist())
    return path


def run(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = boundary.run(root, [str(argument) for argument in arguments])
    said = capfd.readouterr()
    return status, said.out, said.err


@pytest.mark.unit
def test_run_local__analyze_json__is_what_numpy_says(capfd: pytest.CaptureFixture[str], table: Path) -> None:
    status, out, _ = run(capfd, "job", "run-local", "analyze", "--data", table, "--shards", "3", "--json")
    assert status == 0
    document = json.loads(out)
    assert document.keys() == {"columns"}
    values = np.loadtxt(table, delimiter=",", skiprows=1)
    for name, column in zip(("a", "b"), values.T, strict=True):
        found = document["columns"][name]
        assert found.keys() == {"count", "mean", "variance", "minimum", "maximum", "histogram"}
        assert found["count"] == 50 == sum(found["histogram"])
        assert found["mean"] == pytest.approx(column.mean(), rel=1e-12)
        assert found["variance"] == pytest.approx(column.var(), rel=1e-12)
        assert (found["minimum"], found["maximum"]) == (column.min(), column.max())


@pytest.mark.unit
def test_run_local__train_then_infer__weights_go_through_a_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 90)
    inputs = rng.normal(size=(90, 13)) + labels[:, None] * 2
    np.savez(tmp_path / "d.npz", x=inputs, y=labels)
    model = ("--model", "mlp:13-32-3", "--data", tmp_path / "d.npz", "--json")
    status, out, _ = run(capfd, "job", "run-local", "train", *model, "--rounds", "3", "-o", tmp_path / "w.bin")
    assert status == 0
    assert json.loads(out)["rounds"] == 3
    status, out, _ = run(capfd, "job", "run-local", "infer", *model, "--weights", tmp_path / "w.bin")
    assert status == 0
    assert np.mean(np.array(json.loads(out)["labels"]) == labels) > 0.9


@pytest.mark.unit
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "--model", "mlp:64-128"), "mlp"),
        (("train", "--model", "transformer"), "transformer"),
        (("train", "--learning-rate", "nan"), "learning"),
        (("infer", "--weights", "nonsense!"), "neither a file"),
        (("infer", "--weights", "bafynonsense"), "no CIDv1"),
    ],
)
def test_run_local__bad_settings__refused_in_words(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((4, 64)), y=np.zeros(4))
    status, _, error = run(capfd, "job", "run-local", *arguments, "--data", tmp_path / "d.npz")
    assert status in (faults.EXIT_REJECTED, faults.EXIT_USAGE)
    assert said in error


@pytest.mark.unit
def test_run_local__model_not_built_in_and_no_compiler__names_the_extra(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebounty.programs.compiler.process.importlib.util.find_spec", lambda _: None)
    np.savez(tmp_path / "d.npz", x=np.ones((4, 7)), y=np.zeros(4))
    status, _, error = run(capfd, "job", "run-local", "train", "--model", "mlp:7-9-2", "--data", tmp_path / "d.npz")
    assert status == faults.EXIT_REJECTED
    assert "edgebounty[compile]" in error


@pytest.mark.unit
def test_run_local__empty_table__says_whose_fault_and_what_to_do(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")
    status, out, error = run(capfd, "job", "run-local", "analyze", "--data", tmp_path / "t.csv")
    assert (status, out) == (faults.EXIT_REJECTED, "")
    assert "Error:" in error
    assert "Whose fault:" in error
    assert "What to do:" in error


@pytest.mark.unit
def test_run_local__training_diverges__says_which_task_and_what_to_try(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    np.savez(tmp_path / "d.npz", x=np.eye(13, dtype="f4"), y=np.arange(13) % 3)
    arguments = ("train", "--data", tmp_path / "d.npz", "--model", "mlp:13-32-3", "--learning-rate", "1e30")
    status, out, error = run(capfd, "job", "run-local", *arguments, "--rounds", "2", "-o", tmp_path / "w.bin")
    assert (status, out) == (faults.EXIT_REJECTED, "")
    assert "task 0 failed: a value became NaN" in error
    assert "smaller learning rate" in error
    assert not (tmp_path / "w.bin").exists()


@pytest.mark.unit
def test_run_local__weights_of_another_size__says_both_sizes(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.eye(13, dtype="f4"))
    (tmp_path / "w.bin").write_bytes(bytes(100))
    model = ("--data", tmp_path / "d.npz", "--model", "mlp:13-32-3", "--weights", tmp_path / "w.bin")
    status, _, error = run(capfd, "job", "run-local", "infer", *model)
    assert status == faults.EXIT_REJECTED
    assert "these weights have 100 bytes; mlp:13-32-3 has 2188" in error


HOSTILE = {
    "imports": '(module (import "env" "clock" (func)) (memory (export "memory") 1 1))',
    "memory_grow": '(module (memory (export "memory") 1 2))',
    "threads": '(module (memory (export "memory") 1 1 shared))',
    "memory": "(module)",
}


@pytest.mark.unit
@pytest.mark.parametrize("rule", HOSTILE)
def test_program_check__hostile_module__names_the_broken_rule(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, rule: str
) -> None:
    (tmp_path / "p.wasm").write_bytes(wasmtime.wat2wasm(HOSTILE[rule]))
    status, out, error = run(capfd, "program", "check", tmp_path / "p.wasm")
    assert (status, out) == (faults.EXIT_REJECTED, "")
    assert f"program rejected ({rule})" in error
    assert "the program's author's" in error


@pytest.mark.unit
def test_errors_page__every_test_it_names__exists() -> None:
    root = Path(__file__).resolve().parents[3]
    named = set(re.findall(r"`(test_\w+)`", (root / "docs" / "errors.md").read_text()))
    written = {name for path in root.glob("tests/**/*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert len(named) > 40
    assert named <= written, sorted(named - written)


@pytest.mark.unit
def test_error__with_json__is_one_document_on_stderr(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, error = run(capfd, "job", "run-local", "analyze", "--data", tmp_path / "no.csv", "--json")
    assert (status, out) == (faults.EXIT_REJECTED, "")
    assert json.loads(error)["error"]["exit_status"] == faults.EXIT_REJECTED


@pytest.mark.unit
def test_usage__unknown_option__status_2(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "job", "list", "--nonsense")[0] == faults.EXIT_USAGE
    status, _, error = run(capfd, "job", "list", "--nonsense", "--json")
    assert status == faults.EXIT_USAGE
    assert json.loads(error)["error"]["whose"]


@pytest.mark.unit
def test_cid__malformed__refused(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("content", "get", "bafkrei-not-a-cid", "--gateway-url", "http://127.0.0.1:9")
    status, _, error = run(capfd, *arguments)
    assert status == faults.EXIT_REJECTED
    assert "no CIDv1" in error


@pytest.mark.unit
def test_bug__unforeseen_exception__is_our_fault(capfd: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError("x")

    assert boundary.run(broken, []) == faults.EXIT_BROKEN
    assert "Edgebounty's" in capfd.readouterr().err


@pytest.mark.integration
def test_process__reader_goes_away__no_traceback(table: Path) -> None:
    command = f"{sys.executable} -m edgebounty.cli job run-local analyze --data {table} --json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_process__help__is_quick_and_loads_no_chain() -> None:
    code = (
        "import sys; from edgebounty.cli.root import root; root(['--help'], standalone_mode=False); "
        "print('web3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith("False")


@pytest.mark.unit
def test_ask__choices__are_the_analyses_that_there_are() -> None:
    from edgebounty.cli.job import questions
    from edgebounty.jobs.analyses import registry

    assert questions.NAMES == registry.NAMES
