"""The content of tasks: fetched from gateways, re-hashed, kept in a folder where the sandbox reads it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from edgebounty.content.store import (
    ContentCorrupt,
    ContentError,
    ContentMissing,
    ContentStore,
    ContentUnavailable,
    Freed,
    LocalStore,
    get_file,
    iter_file,
    put_file,
)
from edgebounty.execution import MAX_MODULE_BYTES
from edgebounty.jobs.shape import TaskSpec, describe, output_bytes, output_cid
from edgebounty.protocol import unixfs
from edgebounty.protocol.batch.court import NoJury, parse_jury_document
from edgebounty.protocol.cid import Cid, raw_cid
from edgebounty.protocol.manifest import MAX_BYTES, Manifest, ManifestError
from edgebounty.protocol.types import Digest
from edgebounty.worker.explain import Refused


class CachingStore:
    """Blocks from the folder where they are there and whole, else from the gateway, kept for the next time."""

    def __init__(self, local: LocalStore, remote: ContentStore | None) -> None:
        self.local = local
        self.remote = remote

    def get_block(self, cid: Cid) -> bytes:
        try:
            return self.local.get_block(cid)
        except (ContentMissing, ContentCorrupt):
            if self.remote is None:
                raise
        block = self.remote.get_block(cid)
        self.local.put_block(cid, block)
        return block

    def put_block(self, cid: Cid, block: bytes) -> None:
        self.local.put_block(cid, block)

    def has(self, cid: Cid) -> bool:
        return self.local.has(cid)

    def pin(self, cid: Cid) -> None:
        self.local.pin(cid)

    def unpin(self, cid: Cid) -> None:
        self.local.unpin(cid)


class Named(NamedTuple):
    """What a job's digest on chain names: its manifest, or, for a jury, that of the job on trial and the task tried.

    A jury runs the manifest as it stands: parameters that only the reducer reads belong to it, so it cannot be cut.
    """

    manifest: Manifest
    tried: int | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Map tasks, reduce tasks and rounds of the job on chain."""
        manifest = self.manifest
        return (1, 0, 1) if self.tried is not None else (manifest.map_tasks, manifest.reduce_tasks, manifest.rounds)

    def spec(self, index: int) -> TaskSpec:
        """What the job's task of this number is to do. Raises `NoSuchTask`."""
        return describe(self.manifest, index if self.tried is None else self.tried)


class TaskContent:
    """What tasks read and write. Safe for several threads."""

    def __init__(
        self,
        folder: Path,
        remote: ContentStore | None,
        *,
        most_bytes: int = 4 << 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._clock = clock
        self.local = LocalStore(folder)
        self._store = CachingStore(self.local, remote)
        self._remote = remote
        self._held = OrderedDict.fromkeys(reversed(self.local.newest(MOST_HELD)))
        self._named: dict[bytes, Named] = {}
        self._lock = threading.Lock()

    def named(self, digest: Digest) -> Named:
        """What the chain names. Raises `Refused`."""
        with self._lock:
            known = self._named.get(digest)
        if known is not None:
            return known
        data = self._document(digest, "the manifest")
        try:
            tried, task = parse_jury_document(data)
        except NoJury:
            named = Named(_parsed(digest, data), None)
        else:
            named = Named(_parsed(tried, self._document(tried, "the manifest of a job on trial")), task)
            if task >= named.manifest.map_tasks:
                text = f"a jury is to try task {task}, and the job has {named.manifest.map_tasks} map tasks in a round"
                raise Refused("manifest_bad", f"{text}: the fault of who posted it", for_seconds=None)
        with self._lock:
            if len(self._named) > 100:
                self._named.clear()
            self._named[digest] = named
        return named

    def manifest(self, digest: Digest) -> Manifest:
        """The manifest of a job of the batch lane, which tries nothing. Raises `Refused`."""
        named = self.named(digest)
        if named.tried is not None:
            text = f"a job's manifest {raw_cid(digest)} is a jury's document, which only the direct lane runs"
            raise Refused("manifest_bad", text, for_seconds=None)
        return named.manifest

    def _document(self, digest: Digest, what: str) -> bytes:
        cid = raw_cid(digest)
        return _fetched(lambda: get_file(self._store, cid, MAX_BYTES), what)

    def prefetch(self, manifest: Manifest, spec: TaskSpec, results: dict[int, Digest]) -> None:
        """Bring every byte of the task into the folder, verified. Raises `Refused` before anything is at stake."""
        needed = list(needed_files(manifest, spec, results))
        total = sum(limit for _, _, limit in needed)
        if total > self._most_bytes:
            text = f"task {spec.index} reads up to {total} bytes, your limit is {self._most_bytes} (max_cache_bytes)"
            raise Refused("over_limits", text, for_seconds=None)
        until = self._clock() + PATIENCE_SECONDS + total / LEAST_BYTES_A_SECOND
        for what, cid, limit in needed:
            _fetched(lambda cid=cid, limit=limit: self._drain(cid, limit, until), what)  # type: ignore[misc]
            with self._lock:
                self._held[cid] = None
                self._held.move_to_end(cid)
                while len(self._held) > MOST_HELD:
                    self._held.popitem(last=False)

    def keep_output(self, output: bytes) -> Cid:
        """Write a result to disk and hold it until `release`; returns its CID."""
        cid = put_file(self.local, output)
        self.local.pin(cid)
        return cid

    def release(self, cid: Cid) -> None:
        self.local.unpin(cid)

    def held(self) -> list[str]:
        """The CIDs used last, the newest first: who gives out tasks may prefer those that read them."""
        with self._lock:
            return [str(cid) for cid in reversed(self._held)]

    def sweep(self) -> Freed:
        """Keep the folder within its bound. What a task may just be reading stays, and results that wait to be paid."""
        freed = self.local.sweep(self._most_bytes, idle_seconds=IN_USE_SECONDS)
        if freed.blocks:
            with self._lock:
                self._held = OrderedDict.fromkeys(cid for cid in self._held if self.local.has(cid))
        return freed

    def _drain(self, cid: Cid, limit: int, until: float) -> bytes:
        """Read a file to its end. A gateway that sends it too slowly keeps us from other tasks, so it is left."""
        for _ in iter_file(self._store, cid, limit):
            if self._clock() > until:
                raise ContentUnavailable(cid, f"it comes at less than {LEAST_BYTES_A_SECOND} bytes a second")
        return b""

    def upload(self, cid: Cid) -> bool:
        """Give a result's blocks to the gateway; True when it has them all. Raises `ContentError`."""
        if self._remote is None:
            return False
        output = get_file(self.local, cid, MAX_UPLOAD_BYTES)
        for block_cid, block in unixfs.iter_blocks(output):
            if not self._remote.has(block_cid):  # a peer with the same result may have been first
                self._remote.put_block(block_cid, bytes(block))
        return True


MAX_UPLOAD_BYTES = 1 << 32
MOST_HELD = 500
IN_USE_SECONDS = 600.0
PATIENCE_SECONDS = 60.0
LEAST_BYTES_A_SECOND = 32 << 10


def needed_files(manifest: Manifest, spec: TaskSpec, results: dict[int, Digest]) -> Iterator[tuple[str, Cid, int]]:
    """(what it is, CID, most bytes) of each file that a task reads."""
    for what, module in zip(("program", "reducer", "combiner"), manifest.modules, strict=False):
        yield f"the {what}", module, MAX_MODULE_BYTES
    if spec.state_task is not None:
        yield _output(manifest, spec.state_task, results)
    elif manifest.state is not None:
        yield "the first state", manifest.state, manifest.state_bytes
    if spec.shard is not None:
        yield f"the shard of task {spec.index}", spec.shard.cid, spec.shard.bytes
    for task in spec.input_tasks:
        yield _output(manifest, task, results)


def _parsed(digest: Digest, data: bytes) -> Manifest:
    try:
        return Manifest.parse(data)
    except ManifestError as error:
        text = f"a job's manifest {raw_cid(digest)} is unusable: {error}"
        raise Refused("manifest_bad", text, for_seconds=None) from error


def _output(manifest: Manifest, task: int, results: dict[int, Digest]) -> tuple[str, Cid, int]:
    return f"the output of task {task}", output_cid(manifest, task, results[task]), output_bytes(manifest, task)


def _fetched(fetch: Callable[[], bytes], what: str) -> bytes:
    try:
        return fetch()
    except ContentMissing as error:
        raise Refused("content_missing", f"{what} is nowhere to be had: {error}", for_seconds=3.0) from error
    except ContentCorrupt as error:
        text = f"{what} was served with wrong bytes and is refused: {error}; the one who serves it is at fault"
        raise Refused("content_corrupt", text, for_seconds=10.0) from error
    except ContentUnavailable as error:
        raise Refused("content_missing", f"{what} cannot be fetched now: {error}", for_seconds=3.0) from error
    except ContentError as error:
        raise Refused("content_missing", f"{what} cannot be fetched: {error}", for_seconds=10.0) from error
    except OSError as error:
        raise Refused("disk", f"{what} cannot be stored on this device ({error.strerror}); free the disk") from error
