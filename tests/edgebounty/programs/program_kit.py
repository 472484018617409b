"""Builders for tests of programs: small modules from text, packed inputs, runs in node."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wasmtime

from edgebounty.programs import binary, counter, leb
from edgebounty.programs.binary import Section
from edgebounty.protocol.layout import NUMPY_TYPES, SECTION, Buffer, Layout

RUNNER = Path(counter.__file__).parent / "node_runner.mjs"
RUN = '(func (export "run") (result i32) {body})'


def buffer(name: str, role: str, offset: int, *, dtype: str = "i32", shape: tuple[int, ...] = (1,)) -> Buffer:
    return Buffer(name=name, dtype=dtype, shape=shape, offset=offset, role=role)


def make_layout(*buffers: Buffer, kind: str = "program", name: str = "test") -> Layout:
    return Layout(name=name, kind=kind, simd=False, buffers=buffers or (buffer("out", "output", 0),))


def make_module(
    body: str = "i32.const 0",
    *,
    functions: str = "",
    memory: str = '(memory (export "memory") 1 1)',
    layout: Layout | None = None,
    run: str = RUN,
    instrumented: bool = True,
) -> bytes:
    """A program whose `run` has this body (WebAssembly text), with its layout and its counter."""
    text = f"(module {memory} {functions} {run.replace('{body}', body)})"
    module = with_layout(bytes(wasmtime.wat2wasm(text)), layout or make_layout())
    return counter.instrument(module) if instrumented else module


def make_reducer(start: str = "i32.const 0", step: str = "i32.const 0", finish: str = "i32.const 0") -> bytes:
    layout = make_layout(buffer("in", "input", 0), buffer("out", "output", 8), kind="reducer")
    names = {"start": start, "step": step, "finish": finish}
    run = " ".join(f'(func (export "{name}") (result i32) {body})' for name, body in names.items())
    return make_module(run=run, layout=layout)


def with_layout(module: bytes, layout: Layout | bytes) -> bytes:
    body = layout if isinstance(layout, bytes) else layout.encode()
    return module + Section(id=binary.CUSTOM, name=SECTION, body=body).encode()


def custom_section(name: str, body: bytes) -> bytes:
    content = leb.encode_name(name) + body
    return b"\0" + leb.encode_unsigned(len(content)) + content


def pack(layout: Layout, role: str, values: Mapping[str, Any]) -> bytes:
    """The bytes of a role; what is not given, and the rest of what is too short, is zero."""
    parts = []
    for item in layout.role(role):
        array = np.zeros(item.items, NUMPY_TYPES[item.dtype])
        given = np.asarray(values.get(item.name, ())).ravel()
        array[: len(given)] = given
        parts.append(array.tobytes())
    return b"".join(parts)


def unpack(layout: Layout, role: str, content: bytes) -> dict[str, np.ndarray]:
    found, at = {}, 0
    for item in layout.role(role):
        part = content[at : at + item.nbytes]
        found[item.name] = np.frombuffer(part, NUMPY_TYPES[item.dtype]).reshape(item.shape)
        at += item.nbytes
    assert at == len(content)
    return found


def run_in_node(
    folder: Path,
    module: bytes,
    *,
    state: bytes,
    params: bytes,
    work_limit: int,
    shard: bytes | None = None,
    inputs: list[bytes] | None = None,
) -> tuple[bytes, int, str | None]:
    """Output, work units and failure of the same run in node."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")

    def put(name: str, content: bytes) -> str:
        path = folder / name
        path.write_bytes(content)
        return str(path)

    job: dict[str, Any] = {"module": put("module.wasm", module), "work_limit": str(work_limit)}
    job |= {"state": put("state", state), "params": put("params", params), "output": str(folder / "output")}
    if shard is not None:
        job["shard"] = put("shard", shard)
    if inputs is not None:
        job["inputs"] = [put(f"input-{i}", content) for i, content in enumerate(inputs)]
    (folder / "job.json").write_text(json.dumps(job))
    done = subprocess.run(
        ["node", str(RUNNER), str(folder / "job.json")], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return (folder / "output").read_bytes(), int(said["work_units"]), said["failure"]
