"""Is all content of a job here, and is it what the manifest says? Pure reading: may run in any thread."""

from __future__ import annotations

from collections.abc import Iterator

from edgebounty.content.store import ContentCorrupt, ContentMissing, ContentStore, get_file
from edgebounty.content.verify import FileChecker
from edgebounty.execution import MAX_MODULE_BYTES
from edgebounty.jobs.check import JobError, check_layouts
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.validator import ProgramLimits, validate
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.layout import Layout
from edgebounty.protocol.manifest import Manifest, ManifestError
from edgebounty.protocol.types import Digest
from edgebounty.protocol.unixfs import cid_of_digest
from orchestrator.domain.facts import ManifestAwaited, ManifestLoaded, ManifestRefused

ManifestFact = ManifestLoaded | ManifestRefused | ManifestAwaited


def manifest_cid(digest: Digest) -> Cid:
    """A manifest is one raw block."""
    return cid_of_digest(digest, 0)


def read_manifest(store: ContentStore, digest: Digest) -> Manifest:
    """Raises `ContentError` or `ManifestError`."""
    return Manifest.parse(store.get_block(manifest_cid(digest)))


def check_inputs(store: ContentStore, digest: Digest, requester: str) -> ManifestFact:
    """Every byte is here, re-hashed, of the promised length; programs keep the rules; layouts fit the manifest."""
    try:
        manifest = read_manifest(store, digest)
        missing = [root for root in roots(manifest) if not store.has(root)]
        if missing:
            raise ContentMissing(missing[0], f"and {len(missing) - 1} more" if len(missing) > 1 else "")
        layouts = [_layout(store, manifest, cid) for cid in manifest.modules]
        check_layouts(manifest, *layouts, *[None] * (2 - len(layouts)))
        checker = FileChecker(store)
        if manifest.state is not None:
            _check_length(checker, manifest.state, manifest.state_bytes, "state")
        for number, shard in enumerate(manifest.shards):
            _check_length(checker, shard.cid, shard.bytes, f"shard {number}")
    except ContentMissing as error:
        more = f" ({error.detail})" if error.detail.startswith("and ") else ""
        return _awaited(digest, f"waiting for content {error.cid}{more}, from the requester {requester}")
    except ContentCorrupt as error:
        reason = f"content {error.cid} is damaged here ({error.detail}); the requester {requester} must send it again"
        return _awaited(digest, reason)
    except ManifestError as error:
        return ManifestRefused(digest=digest, reason=f"the requester's manifest is wrong: {error}")
    except ProgramRejected as error:
        return ManifestRefused(digest=digest, reason=f"the requester's program breaks the rules: {error}")
    except JobError as error:
        return ManifestRefused(digest=digest, reason=f"the requester's manifest and programs do not fit: {error}")
    return ManifestLoaded(
        digest=digest,
        kind=manifest.kind,
        map_tasks=manifest.map_tasks,
        reduce_tasks=manifest.reduce_tasks,
        rounds=manifest.rounds,
        memory_bytes=manifest.limits.memory_bytes,
        simd=any(layout.simd for layout in layouts),
        shard_cids=tuple(str(shard.cid) for shard in manifest.shards),
    )


def roots(manifest: Manifest) -> Iterator[Cid]:
    """The files that a manifest names, itself first."""
    yield manifest.cid
    yield from manifest.modules
    if manifest.state is not None:
        yield manifest.state
    for shard in manifest.shards:
        yield shard.cid


def _layout(store: ContentStore, manifest: Manifest, cid: Cid) -> Layout:
    limits = manifest.limits
    output_bytes = max(limits.output_bytes, manifest.state_bytes)
    allowed = ProgramLimits(memory_bytes=limits.memory_bytes, output_bytes=output_bytes)
    return validate(get_file(store, cid, MAX_MODULE_BYTES), allowed)


def _check_length(checker: FileChecker, cid: Cid, expected: int, what: str) -> None:
    length = checker.length(cid)
    if length != expected:
        raise JobError(f"the {what} has {length} bytes, the manifest says {expected}")


def _awaited(digest: Digest, reason: str) -> ManifestAwaited:
    return ManifestAwaited(digest=digest, reason=reason)
