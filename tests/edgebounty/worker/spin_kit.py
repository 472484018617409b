"""Programs for worker tests: one that takes as long as its shard says."""

from __future__ import annotations

import struct
import time
from functools import lru_cache

import wasmtime

from edgebounty.jobs.plan import PlannedJob, ProgramPair, assemble
from edgebounty.programs import binary, counter
from edgebounty.programs.binary import Section
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.layout import SECTION, Buffer, Layout

_SPIN = """(module (memory (export "memory") {pages} {pages})
  (func (export "run") (result i32) (local $n i64) (local $x i32)
    (local.set $n (i64.load (i32.const 0)))
    (local.set $x (i32.wrap_i64 (local.get $n)))
    (loop $again
      (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $n) (i64.const 0))))
    (i32.store (i32.const 8) (local.get $x))
    (i32.const 0)))"""


@lru_cache(maxsize=8)
def spin_module(pages: int = 1) -> bytes:
    """Counts down from the number in its shard; its output depends on every step."""
    layout = Layout(
        name="spin",
        kind="program",
        simd=False,
        buffers=(
            Buffer(name="n", dtype="i64", shape=(1,), offset=0, role="shard"),
            Buffer(name="x", dtype="i32", shape=(1,), offset=8, role="output"),
        ),
    )
    module = bytes(wasmtime.wat2wasm(_SPIN.format(pages=pages)))
    return counter.instrument(module + Section(id=binary.CUSTOM, name=SECTION, body=layout.encode()).encode())


@lru_cache(maxsize=1)
def steps_per_second() -> float:
    """How fast this machine spins, roughly."""
    runtime, steps = Runtime(), 100_000_000
    started = time.perf_counter()
    runtime.run_program(
        spin_module(), state=b"", shard=struct.pack("<q", steps), params={}, work_limit=1 << 50, output_limit=4
    )
    return steps / (time.perf_counter() - started)


def spin_job(
    seconds: float, *, shards: int = 1, pages: int = 1, work_units: int = 1 << 50, memory_bytes: int = 256 << 20
) -> PlannedJob:
    """A job without reducer whose tasks take about `seconds` each on this machine; each shard differs."""
    steps = int(seconds * steps_per_second())
    return assemble(
        kind="wasm",
        pair=ProgramPair(spin_module(pages)),
        shards=[(struct.pack("<q", steps + i), 1) for i in range(shards)],
        state=None,
        rounds=1,
        params={},
        about={},
        work_units=work_units,
        memory_bytes=memory_bytes,
    )
