"""Compiled modules are kept, and nothing that is damaged or foreign is ever run."""

from pathlib import Path

import pytest

from edgebounty.programs.runtime import Runtime
from tests.edgebounty.programs.program_kit import make_module

pytestmark = pytest.mark.unit

MODULE = make_module("i32.const 0 i32.const 42 i32.store i32.const 0")


def output(folder: Path) -> bytes:
    runtime = Runtime(cache_dir=folder)
    return runtime.run_program(MODULE, state=b"", shard=b"", params={}, work_limit=99, output_limit=4).output


def test_cache__first_run__leaves_one_private_file(tmp_path):
    assert output(tmp_path / "cache") == b"\x2a\0\0\0"

    (file,) = (tmp_path / "cache").iterdir()
    assert file.suffix == ".cwasm"
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_cache__second_run__reads_the_file(tmp_path, monkeypatch):
    output(tmp_path)
    monkeypatch.setattr("wasmtime.Module.__init__", lambda *_: pytest.fail("compiled again"))

    assert output(tmp_path) == b"\x2a\0\0\0"


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_cache__damaged_file__is_compiled_anew(tmp_path, damage):
    output(tmp_path)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content if damage is None else damage)

    assert output(tmp_path) == b"\x2a\0\0\0"
    assert file.read_bytes() != content


def test_cache__file_that_others_may_write__is_not_run(tmp_path, monkeypatch):
    output(tmp_path)
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    monkeypatch.setattr("wasmtime.Module.deserialize", lambda *_: pytest.fail("trusted it"))

    assert output(tmp_path) == b"\x2a\0\0\0"


def test_cache__folder_that_cannot_be_made__only_costs_time(tmp_path):
    (tmp_path / "file").write_text("in the way")

    assert output(tmp_path / "file" / "cache") == b"\x2a\0\0\0"
