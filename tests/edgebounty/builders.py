"""Values with defaults, so that a test shows only what it is about."""

from __future__ import annotations

from typing import Any

from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import ITEM_BYTES, Buffer, Layout
from edgebounty.protocol.manifest import Limits, Manifest, Shard


def make_shard(label: str = "shard", *, size: int = 100, rows: int = 10) -> Shard:
    return Shard(cid=Cid.of(label.encode()), bytes=size, rows=rows)


def make_manifest(
    *, shards: int | tuple[Shard, ...] = 3, reducer: bool = True, rounds: int = 1, **changes: Any
) -> Manifest:
    values: dict[str, Any] = {
        "kind": "wasm",
        "program": Cid.of(b"program"),
        "reducer": Cid.of(b"reducer") if reducer else None,
        "state": Cid.of(b"state"),
        "state_bytes": 8,
        "shards": tuple(make_shard(f"shard {i}") for i in range(shards)) if isinstance(shards, int) else shards,
        "rounds": rounds,
        "params": {"learning_rate": 0.05, "epochs": 2},
        "limits": Limits(work_units=1000, memory_bytes=1 << 20, output_bytes=16),
        "about": {"model": "none"},
    }
    return Manifest(**(values | changes))


def make_layout(kind: str = "program", simd: bool = False, **roles: list[tuple[str, str, tuple[int, ...]]]) -> Layout:
    """Buffers as ROLE=[(name, dtype, shape), ...], one after the other in memory."""
    buffers: list[Buffer] = []
    offset = 1024
    for role, specs in (roles or {"output": [("out", "f32", (4,))]}).items():
        for name, dtype, shape in specs:
            buffer = Buffer(name=name, dtype=dtype, shape=shape, offset=offset, role=role)
            offset += buffer.items * ITEM_BYTES[dtype]
            buffers.append(buffer)
    return Layout(name="made.up", kind=kind, simd=simd, buffers=tuple(buffers))
