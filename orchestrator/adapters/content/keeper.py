"""The keeper of jobs' bytes on a content store, with an IPFS node as a second home if there is one."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from edgebounty.content.store import (
    ContentError,
    ContentStore,
    ContentUnavailable,
    LocalStore,
    file_blocks,
    get_file,
    put_file,
)
from edgebounty.jobs.shape import describe, needed_tasks, output_bytes, output_cid
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.failure import failure_bytes, failure_of_digest
from edgebounty.protocol.manifest import Manifest, ManifestError
from edgebounty.protocol.types import Digest
from orchestrator.adapters.content import check
from orchestrator.domain.errors import Rejected, Unavailable
from orchestrator.domain.facts import ManifestLoaded
from orchestrator.domain.values import Job

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
COMPUTE_SECONDS = 600
MOST_OWED = 10_000
IDLE_SECONDS = 3600  # content that was used or sent within the hour may be of a job that is just being posted


class StoreKeeper:
    """Fulfils `ContentKeeper`. `mirror` (an IPFS node) gets a copy of every job's files; its failures only delay.

    Beyond `most_bytes` a sweep deletes what nothing needs.
    """

    def __init__(self, store: LocalStore, *, mirror: ContentStore | None = None, most_bytes: int = 1 << 40) -> None:
        self._store = store
        self.mirror = mirror
        self._owed: dict[Cid, None] = {}  # files that the mirror could not take when it was time
        self._most_bytes = most_bytes

    async def load(self, job: Job) -> check.ManifestFact:
        def read() -> check.ManifestFact:
            fact = check.check_inputs(self._store, job.terms.manifest_digest, job.requester)
            if isinstance(fact, ManifestLoaded):
                manifest = check.read_manifest(self._store, fact.digest)
                for root in check.roots(manifest):
                    self._store.pin(root)
                self._copy(check.roots(manifest))
            return fact

        return await _ask(read)

    async def manifest(self, digest: Digest) -> Manifest:
        return await _ask(lambda: check.read_manifest(self._store, digest))

    async def ensure_output(
        self, manifest: Manifest, task: int, digest: Digest, results: dict[int, Digest] | None = None
    ) -> bool:
        if await _ask(lambda: self._has_output(manifest, task, digest)):
            return True
        if results is None:
            return False
        computed = await self.compute(manifest, task, results)
        if computed != digest:
            reason = f"task {task} was accepted as 0x{digest.hex()}, computed here it is 0x{computed.hex()}"
            raise Rejected(by="the workers", reason=reason)
        return await _ask(lambda: self._has_output(manifest, task, digest))

    async def compute(self, manifest: Manifest, task: int, results: dict[int, Digest]) -> Digest:
        needed = {int(index): results[index] for index in needed_tasks(describe(manifest, task))}
        return await self._compute(manifest.digest, task, needed)

    async def keep(self, data: bytes) -> Digest:
        def store() -> Digest:
            cid = put_file(self._store, data)
            self._store.pin(cid)
            self._copy([cid])
            return Digest(bytes(cid.digest))

        return await _ask(store)

    async def unpin(self, job: Job, results: dict[int, Digest], others: Sequence[Job]) -> int:
        def release() -> int:
            manifest = check.read_manifest(self._store, job.terms.manifest_digest)
            kept = {root for other in others for root in self._roots_of(other)}
            outputs = [output_cid(manifest, index, digest) for index, digest in results.items()]
            released = [root for root in dict.fromkeys([*check.roots(manifest), *outputs]) if root not in kept]
            for root in released:
                self._store.unpin(root)
                if self.mirror is not None:
                    self.mirror.unpin(root)
            return len(released)

        try:
            return await _ask(release)
        except Unavailable:
            return 0

    async def sweep(self) -> str:
        def tidy() -> str:
            self._copy([])
            freed = self._store.sweep(self._most_bytes, idle_seconds=IDLE_SECONDS)
            return str(freed) if freed.blocks else ""

        return await _ask(tidy)

    def _roots_of(self, job: Job) -> list[Cid]:
        try:
            return list(check.roots(check.read_manifest(self._store, job.terms.manifest_digest)))
        except (ContentError, ManifestError):
            return []  # nothing of it is kept here

    def _has_output(self, manifest: Manifest, task: int, digest: Digest) -> bool:
        """Whether the whole output is here, re-hashed, of the right length. A failure's bytes follow from its code."""
        cid = output_cid(manifest, task, digest)
        code = failure_of_digest(digest)
        expected = output_bytes(manifest, task)
        if code is not None:
            self._store.put_block(cid, failure_bytes(code))
            expected = len(failure_bytes(code))
        try:
            if len(get_file(self._store, cid, expected)) != expected:
                return False
        except ContentUnavailable:
            raise
        except ContentError:
            return False
        self._store.pin(cid)
        self._copy([cid])
        return True

    async def _compute(self, manifest: Digest, index: int, needed: dict[int, Digest]) -> Digest:
        """Run one task in a process of its own, with a limit on its time; it leaves the output in the store."""
        order = {
            "store": str(Path(self._store.directory).resolve()),
            "manifest": manifest.hex(),
            "task": index,
            "results": {str(task): digest.hex() for task, digest in needed.items()},
        }
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator.adapters.content.compute"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(COMPUTE_SECONDS):
                out, err = await child.communicate(json.dumps(order).encode())
        except TimeoutError:
            raise Unavailable(what=f"task {index}", reason=f"computing took over {COMPUTE_SECONDS} s") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            last = err.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
            raise Unavailable(what=f"the output of task {index}", reason=last[0])
        return Digest(bytes.fromhex(json.loads(out)["digest"]))

    def _copy(self, roots: Iterable[Cid]) -> None:
        """Give the mirror these files, and those that it could not take before."""
        mirror = self.mirror
        if mirror is None:
            return
        owed = dict.fromkeys([*self._owed, *roots])
        self._owed = {}
        for root in owed:
            try:
                for cid in file_blocks(self._store, root):
                    if not mirror.has(cid):
                        mirror.put_block(cid, self._store.get_block(cid))
                mirror.pin(root)
            except ContentUnavailable as error:
                _log.warning("the IPFS node does not take copies now", extra={"reason": str(error)})
                self._owed = dict(list(owed.items())[list(owed).index(root) :][:MOST_OWED])
                return
            except ContentError as error:
                _log.warning("the IPFS node did not take a copy", extra={"reason": str(error)})


async def _ask(call: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(call)
    except (ContentError, ManifestError, OSError) as error:
        raise Unavailable(what="content", reason=str(error)) from error
