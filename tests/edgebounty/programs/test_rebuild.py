"""The shipped programs come from their sources, and a build without SIMD gives the same results."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from edgebounty.programs import builtin
from edgebounty.programs.compiler.__main__ import differences
from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.catalogue import specs
from edgebounty.programs.compiler.errors import CompilerFailed
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.hashing import sha256
from tests.edgebounty.programs.test_engines import LIMIT, inputs_of

pytest.importorskip("ziglang", reason="the extra `compile` is not installed")
pytest.importorskip("tinygrad", reason="the extra `compile` is not installed")

pytestmark = pytest.mark.integration


@cache
def all_specs(simd: bool) -> dict[str, ModuleSpec]:
    return {spec.name: spec for spec in specs(simd=simd)}


def test_rebuild__into_another_folder__gives_the_shipped_files(tmp_path):
    command = [sys.executable, "-m", "edgebounty.programs.compiler", str(tmp_path)]
    subprocess.run(command, check=True, timeout=240, cwd=tmp_path, capture_output=True)

    assert differences(tmp_path, builtin.FOLDER) == []


def test_differences__changed_missing_and_added_files__are_named(tmp_path):
    shutil.copytree(builtin.FOLDER, tmp_path / "copy")
    (tmp_path / "copy/table.stats.wasm").write_bytes(b"other")
    (tmp_path / "copy/src/table.stats.c").unlink()
    (tmp_path / "copy/more.wasm").write_bytes(b"")

    found = differences(tmp_path / "copy", builtin.FOLDER)
    assert found == ["more.wasm", "src/table.stats.c", "table.stats.wasm"]


@pytest.mark.parametrize("name", builtin.names())
def test_plain_build__same_inputs__gives_equal_bytes(name, runtime):
    state, shard, params, inputs = inputs_of(name)
    outputs = []
    for module in (builtin.load(name), build(all_specs(False)[name])):
        if runtime.layout(module).kind == "program":
            done = runtime.run_program(
                module, state=state, shard=shard, params=params, work_limit=LIMIT, output_limit=1 << 24
            )
        else:
            done = runtime.run_reducer(module, state=state, inputs=inputs, params=params, work_limit=LIMIT)
        assert done.failure is None
        outputs.append(done.output)
    assert outputs[0] == outputs[1]
    assert not runtime.layout(module).simd


def test_info__every_builtin__matches_its_module(runtime):
    for name in builtin.names():
        module, info = builtin.load(name), builtin.info(name)
        assert info.layout == runtime.layout(module)
        assert info.sha256 == sha256(module).hex()
        assert info.cid == Cid.of(module)
        assert info.bytes == len(module)
        assert Path(info.source).read_text().startswith(f"/* {name}:")


def test_build__source_that_does_not_compile__gives_the_compilers_words():
    out = BufferSpec(name="out", dtype="i32", shape=(1,), role="output")
    spec = ModuleSpec(name="bad", kind="program", buffers=(out,), source="int run(void) { return nonsense; }")

    with pytest.raises(CompilerFailed, match="nonsense"):
        build(spec)
