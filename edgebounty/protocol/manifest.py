"""The document that a job is: which program, state and data, by CID, and within which limits. Version 1.

It is canonical JSON of at most 1 MiB, so one raw block; the contracts hold its SHA-256 as `manifestDigest`.
Strangers send manifests: `Manifest.parse` raises `ManifestError` naming the field, and nothing else.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from edgebounty.protocol import canonical, tree
from edgebounty.protocol.cid import CHUNK_BYTES, Cid, CidError, raw_cid
from edgebounty.protocol.types import Digest

VERSION: Final = 1
KINDS: Final = ("analyze", "infer", "train", "wasm")
MAX_BYTES: Final = CHUNK_BYTES
MAX_ROUNDS: Final = 65_535
MAX_TASKS: Final = 65_535
"""As BountyEscrow has it: more could not be posted."""
MAX_CONTENT_BYTES: Final = 1 << 32
MAX_WORK_UNITS: Final = (1 << 53) - 1


class ManifestError(ValueError):
    """A manifest that cannot be accepted; `field` names the place, the text says what is wrong there."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"manifest, {field}: {detail}")
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The data of one task."""

    cid: Cid
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a worker must be ready to give to one task."""

    work_units: int
    memory_bytes: int
    output_bytes: int  # exactly what a map task's output takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One job. Without `state` the first round starts from `state_bytes` zeros."""

    kind: str
    program: Cid
    reducer: Cid | None
    state: Cid | None
    state_bytes: int
    shards: tuple[Shard, ...]
    rounds: int
    params: Mapping[str, float]
    limits: Limits
    about: Mapping[str, Any] = field(default_factory=dict)
    combiner: Cid | None = None
    """Joins outputs to one of the same kind, at the inner nodes of a tree of reduces; with `fan_in`, or not at all."""
    fan_in: int | None = None

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Raises `ManifestError` unless `data` is a version 1 manifest in canonical JSON."""
        if len(data) > MAX_BYTES:
            raise ManifestError("size", f"{len(data)} bytes; at most {MAX_BYTES} are allowed")
        try:
            value = canonical.decode(data)
        except canonical.CanonicalError as error:
            raise ManifestError("JSON", str(error)) from error
        extra = _TREE if isinstance(value, dict) and value.keys() & _TREE else frozenset()
        record = _record(value, "document", _FIELDS | extra)
        if _number(record["version"], "version", 0, 1 << 31) != VERSION:
            raise ManifestError("version", f"version {VERSION} is known, this is {record['version']}: a newer release")
        limits = _record(record["limits"], "limits", _LIMITS)
        return cls(
            kind=record["kind"],
            program=_cid(record["program"], "program"),
            reducer=_cid_or_none(record["reducer"], "reducer"),
            state=_cid_or_none(record["state"], "state"),
            state_bytes=record["state_bytes"],
            shards=tuple(_shard(s, f"shards[{i}]") for i, s in enumerate(_list(record["shards"], "shards"))),
            rounds=record["rounds"],
            params=_object(record["params"], "params"),
            limits=Limits(**limits),
            about=_object(record["about"], "about"),
            combiner=_cid(record["combiner"], "combiner") if extra else None,
            fan_in=_number(record["fan_in"], "fan_in", 2, MAX_TASKS) if extra else None,
        )

    def encode(self) -> bytes:
        """The manifest's one text. Raises `ManifestError` if `about` has no canonical form or it is too long."""
        value = {
            "version": VERSION,
            "kind": self.kind,
            "program": str(self.program),
            "reducer": None if self.reducer is None else str(self.reducer),
            "state": None if self.state is None else str(self.state),
            "state_bytes": self.state_bytes,
            "shards": [{"cid": str(s.cid), "bytes": s.bytes, "rows": s.rows} for s in self.shards],
            "rounds": self.rounds,
            "params": dict(self.params),
            "limits": {name: getattr(self.limits, name) for name in _LIMITS},
            "about": dict(self.about),
        }
        if self.combiner is not None:
            value |= {"combiner": str(self.combiner), "fan_in": self.fan_in}
        try:
            data = canonical.encode(value)
        except canonical.CanonicalError as error:
            raise ManifestError("about", str(error)) from error
        if len(data) > MAX_BYTES:
            raise ManifestError("size", f"{len(data)} bytes; at most {MAX_BYTES}: use fewer, larger shards")
        return data

    @property
    def digest(self) -> Digest:
        """What stands on chain as `manifestDigest`."""
        return Digest(hashlib.sha256(self.encode()).digest())

    @property
    def cid(self) -> Cid:
        return raw_cid(self.digest)

    @property
    def map_tasks(self) -> int:
        """Tasks of one round that read a shard."""
        return len(self.shards)

    @property
    def reduce_tasks(self) -> int:
        """Tasks of one round that join outputs: 0 without a reducer, 1 with one, or all nodes of a tree."""
        return 0 if self.reducer is None else tree.node_count(self.map_tasks, self.fan_in)

    @property
    def modules(self) -> tuple[Cid, ...]:
        """Program, reducer and combiner, as far as there are any."""
        return tuple(cid for cid in (self.program, self.reducer, self.combiner) if cid is not None)

    @property
    def tasks_per_round(self) -> int:
        return self.map_tasks + self.reduce_tasks

    @property
    def total_tasks(self) -> int:
        return self.rounds * self.tasks_per_round


_FIELDS = frozenset(
    {"version", "kind", "program", "reducer", "state", "state_bytes", "shards", "rounds", "params", "limits", "about"}
)
_TREE = frozenset({"combiner", "fan_in"})
_SHARD = frozenset({"cid", "bytes", "rows"})
_LIMITS = ("work_units", "memory_bytes", "output_bytes")


def _check(manifest: Manifest) -> None:
    """Every rule that does not need the text: the same for a manifest made here and for a stranger's."""
    if manifest.kind not in KINDS:
        raise ManifestError("kind", f"one of {' '.join(KINDS)}, this is {str(manifest.kind)[:40]!r}")
    _number(manifest.state_bytes, "state_bytes", 0, MAX_CONTENT_BYTES)
    _number(manifest.rounds, "rounds", 1, MAX_ROUNDS)
    _number(manifest.limits.work_units, "limits.work_units", 1, MAX_WORK_UNITS)
    _number(manifest.limits.memory_bytes, "limits.memory_bytes", 1, MAX_CONTENT_BYTES)
    _number(manifest.limits.output_bytes, "limits.output_bytes", 1, MAX_CONTENT_BYTES)
    if not manifest.shards:
        raise ManifestError("shards", "at least one is needed: the data set is empty")
    for i, shard in enumerate(manifest.shards):
        _number(shard.bytes, f"shards[{i}].bytes", 1, MAX_CONTENT_BYTES)
        _number(shard.rows, f"shards[{i}].rows", 0, MAX_CONTENT_BYTES)
    if (manifest.combiner is None) != (manifest.fan_in is None):
        raise ManifestError("fan_in", "a tree of reduces needs both a combiner and a fan-in")
    if manifest.fan_in is not None:
        _number(manifest.fan_in, "fan_in", 2, MAX_TASKS)
        if manifest.reducer is None or manifest.fan_in >= manifest.map_tasks:
            raise ManifestError("fan_in", f"a tree needs a reducer and more than {manifest.fan_in} shards")
    if manifest.total_tasks > MAX_TASKS:
        raise ManifestError("shards", f"{manifest.total_tasks} tasks over all rounds; at most {MAX_TASKS} are allowed")
    if manifest.state is not None and manifest.state_bytes == 0:
        raise ManifestError("state_bytes", "a state of no bytes has no CID: use null")
    if manifest.reducer is None and manifest.rounds > 1:
        raise ManifestError("rounds", "more than one round needs a reducer: it makes the next round's state")
    if manifest.reducer is not None and manifest.state_bytes == 0:
        raise ManifestError("state_bytes", "a reducer's output is the next state, so it has a length")
    for name, value in manifest.params.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ManifestError(f"params.{str(name)[:40]}", "a number")
        if abs(value) >= 1 << 53 if isinstance(value, int) else not math.isfinite(value):
            raise ManifestError(f"params.{str(name)[:40]}", f"{value} is out of range")


def _record(value: Any, where: str, names: frozenset[str] | tuple[str, ...]) -> dict[str, Any]:
    record = _object(value, where)
    for name in sorted(record.keys() ^ set(names)):
        raise ManifestError(f"{where}.{name[:40]}", "is missing" if name in names else "is not a known field")
    return record


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ManifestError(where, "an object")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ManifestError(where, "a list")
    return value


def _number(value: Any, where: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ManifestError(where, "a whole number")
    if not low <= value <= high:
        raise ManifestError(where, f"{low} to {high}, this is {value}")
    return value


def _cid(value: Any, where: str) -> Cid:
    if not isinstance(value, str):
        raise ManifestError(where, "a CID")
    try:
        return Cid.parse(value)
    except CidError as error:
        raise ManifestError(where, str(error)) from error


def _cid_or_none(value: Any, where: str) -> Cid | None:
    return None if value is None else _cid(value, where)


def _shard(value: Any, where: str) -> Shard:
    record = _record(value, where, _SHARD)
    return Shard(cid=_cid(record["cid"], f"{where}.cid"), bytes=record["bytes"], rows=record["rows"])
