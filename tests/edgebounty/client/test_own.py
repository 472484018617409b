"""A program of one's own in C and in Zig, as docs/own-programs.md tells it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgebounty.cli.root import root
from edgebounty.client import Local
from edgebounty.client.errors import Rejected
from edgebounty.programs.compiler.arrays import ArraySpec
from edgebounty.programs.compiler.build import compile_c
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.own import build_own
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec
from edgebounty.programs.errors import ProgramRejected

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
LICENSES = Path("/usr/share/common-licenses")
ARRAYS = [("rows:i32", "shard"), ("text:u8[65536]", "shard"), ("counts:i64[256]", "output")]


def arrays() -> list[ArraySpec]:
    return [ArraySpec.parse(text, role) for text, role in ARRAYS]


@pytest.fixture(scope="module")
def text() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    found = b"".join(path.read_bytes() for path in sorted(LICENSES.glob("*"))) if LICENSES.is_dir() else b"abc" * 60_000
    return np.frombuffer(found, np.uint8)[:200_000]


def test_example__built_and_run_by_the_commands_of_the_document__counts_bytes(
    tmp_path: Path, text: np.ndarray[tuple[int], np.dtype[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("bytes.c", "bytes_total.c"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    np.save("text.npy", text)
    for line in (
        "program build bytes.c --input rows:i32 --input text:u8[65536] --gives counts:i64[256] -o bytes.wasm",
        "program build bytes_total.c --reduces bytes.wasm --gives total:i64[256] -o bytes_total.wasm",
        "job run-local wasm --program bytes.wasm --reducer bytes_total.wasm --data text.npy -o total.npz",
    ):
        root(line.split(), standalone_mode=False)
    np.testing.assert_array_equal(np.load("total.npz")["total"], np.bincount(text, minlength=256))

    shards = [text[i : i + 65536] for i in range(0, len(text), 65536)]
    job = Local().map(Path("bytes.wasm"), shards, reducer=Path("bytes_total.wasm"))
    np.testing.assert_array_equal(job.result().arrays["total"], np.bincount(text, minlength=256))
    assert job.verify().right
    each = Local().map(Path("bytes.wasm"), shards).result().arrays["counts"]
    np.testing.assert_array_equal(each, [np.bincount(shard, minlength=256) for shard in shards])


def test_linked_module__of_another_compiler__becomes_the_same_program(tmp_path: Path) -> None:
    buffers = tuple(BufferSpec(name=a.name, dtype=a.dtype, shape=a.shape, role=a.role) for a in arrays())
    spec = ModuleSpec(name="bytes", kind="program", buffers=buffers, source=(EXAMPLES / "bytes.c").read_text())
    linked = compile_c(spec.c_text(), ["run", "rows", "text", "counts"], simd=True)
    (tmp_path / "bytes.wasm").write_bytes(linked)
    assert build_own(tmp_path / "bytes.wasm", arrays()).module == build_own(EXAMPLES / "bytes.c", arrays()).module
    (tmp_path / "short.wasm").write_bytes(compile_c(spec.c_text(), ["run", "rows", "text"], simd=True))
    with pytest.raises(ProgramRejected, match="does not export 'counts'"):
        build_own(tmp_path / "short.wasm", arrays())


def test_linked_module__of_zig_by_the_commands_of_the_document__counts_bytes(
    tmp_path: Path, text: np.ndarray[tuple[int], np.dtype[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bytes.zig").write_text((EXAMPLES / "bytes.zig").read_text())
    document = (EXAMPLES.parent / "own-programs.md").read_text().splitlines()
    (zig,) = (line.split()[1:] for line in document if line.startswith("zig "))
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-m", "ziglang", *zig], check=True, timeout=120, env=environment)
    (build,) = (line for line in document if line.startswith("edgebounty program build mine.wasm"))
    root(shlex.split(build)[1:], standalone_mode=False)
    counts = Local().map(Path("bytes.wasm"), [text[:65536]]).result().arrays["counts"]
    np.testing.assert_array_equal(counts.ravel(), np.bincount(text[:65536], minlength=256))


def test_own__what_makes_no_program__is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="gives nothing"):
        build_own(EXAMPLES / "bytes.c", arrays()[:2])
    with pytest.raises(BadSource, match="cannot be read"):
        build_own(tmp_path / "none.c", arrays())
    (tmp_path / "grow.wasm").write_bytes(b"\0asm\x01\0\0\0")
    with pytest.raises(Rejected, match="program rejected"):
        Local().map(tmp_path / "grow.wasm", [b"x"])
