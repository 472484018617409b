"""What every kind of job shares: a program with its reducer, a planned job, and the cutting of rows into shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgebounty.jobs.check import JobError, check_layouts
from edgebounty.protocol import unixfs
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import Layout
from edgebounty.protocol.manifest import Limits, Manifest, Shard

WORK_UNITS: Final = 1 << 36
"""Default limit of one task: about a minute on a slow phone."""
MEMORY_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class ProgramPair:
    """A program and the reducer that joins its outputs, as module bytes."""

    program: bytes = field(repr=False)
    reducer: bytes | None = field(default=None, repr=False)
    combiner: bytes | None = field(default=None, repr=False)
    """Joins outputs to one of the same kind, for a tree of reduces."""

    @property
    def layout(self) -> Layout:
        return Layout.of_module(self.program)

    @property
    def combiner_layout(self) -> Layout | None:
        return None if self.combiner is None else Layout.of_module(self.combiner)

    @property
    def reducer_layout(self) -> Layout | None:
        return None if self.reducer is None else Layout.of_module(self.reducer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job ready to be posted: `blocks` are all it needs, its manifest's own block included."""

    manifest: Manifest
    blocks: Mapping[Cid, bytes] = field(repr=False)

    @property
    def cid(self) -> Cid:
        return self.manifest.cid


def assemble(
    *,
    kind: str,
    pair: ProgramPair,
    shards: Iterable[tuple[bytes, int]],
    state: bytes | None,
    rounds: int,
    params: Mapping[str, float],
    about: Mapping[str, Any],
    work_units: int = WORK_UNITS,
    memory_bytes: int = MEMORY_BYTES,
    blocks: MutableMapping[Cid, bytes] | None = None,
    fan_in: int | None = None,
) -> PlannedJob:
    """The manifest and blocks of a job from its packed parts; `shards` are (bytes, rows). Raises `JobError`.

    `blocks` is where they are put, one shard after the other: on disk, for data larger than memory. `fan_in`: the most
    outputs that one reduce task folds, which makes a tree of the reduce where there are more.
    """
    if fan_in is not None and (fan_in < 2 or pair.combiner is None):
        raise JobError("a tree of reduces needs a combiner and a fan-in of at least 2")
    layout, reducer_layout = pair.layout, pair.reducer_layout
    kept: MutableMapping[Cid, bytes] = {} if blocks is None else blocks

    def keep(content: bytes) -> Cid:
        built = unixfs.build(content)
        kept.update(built.blocks)
        return built.cid

    listed = tuple(Shard(cid=keep(content), bytes=len(content), rows=rows) for content, rows in shards)
    combiner = pair.combiner if fan_in is not None and fan_in < len(listed) else None
    manifest = Manifest(
        kind=kind,
        program=keep(pair.program),
        reducer=None if pair.reducer is None else keep(pair.reducer),
        state=None if state is None else keep(state),
        state_bytes=layout.role_bytes("state"),
        shards=listed,
        rounds=rounds,
        params=dict(params),
        limits=Limits(work_units=work_units, memory_bytes=memory_bytes, output_bytes=layout.role_bytes("output")),
        about=dict(about),
        combiner=None if combiner is None else keep(combiner),
        fan_in=None if combiner is None else fan_in,
    )
    check_layouts(manifest, layout, reducer_layout, None if combiner is None else pair.combiner_layout)
    keep(manifest.encode())
    return PlannedJob(manifest=manifest, blocks=kept)


def split_rows(rows: int, capacity: int, shards: int | None) -> Iterator[slice]:
    """`rows` in order, cut into `shards` parts (or as few as fit) that differ by one row at most.

    `capacity`: the most rows one shard takes. Raises `JobError` saying how many shards would do.
    """
    if rows < 1:
        raise JobError("the data set is empty: it has no rows")
    if capacity < 1:
        raise JobError("one row does not fit into a shard of this program")
    needed = -(-rows // capacity)
    count = needed if shards is None else shards
    if count < 1:
        raise JobError(f"a job has at least 1 shard, not {count}")
    if count < needed:
        raise JobError(f"{rows} rows need at least {needed} shards of {capacity} rows, {count} were asked for")
    if count > rows:
        raise JobError(f"{rows} rows cannot be cut into {count} shards: use at most {rows}")
    for i in range(count):
        yield slice(rows * i // count, rows * (i + 1) // count)


def uniform(seed: int, label: str, count: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1) that depend on seed and label alone, on any device and in any language.

    53 bits each from SHA-256 in counter mode over `edgebounty:SEED:LABEL:COUNTER`.
    """
    head = f"edgebounty:{seed}:{label}:".encode()
    stream = b"".join(hashlib.sha256(head + str(i).encode()).digest() for i in range(-(-count // 4)))
    words = np.frombuffer(stream, ">u8", count)
    return (words >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def shuffled(rows: int, seed: int) -> NDArray[np.intp]:
    """The row numbers in an order that depends on the seed alone."""
    return np.argsort(uniform(seed, "shuffle", rows), kind="stable")
