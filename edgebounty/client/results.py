"""What a finished job gave, decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from edgebounty.client.errors import Rejected
from edgebounty.execution import Fetch
from edgebounty.jobs.analyses.registry import read_analysis
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import decode_infer
from edgebounty.jobs.own import decode_own
from edgebounty.jobs.shape import result_list
from edgebounty.jobs.train import decode_train
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest
from edgebounty.protocol.unixfs import root_cid

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A result as bytes (what its CID names), as a JSON document, and as arrays."""

    kind: str
    cid: Cid
    content: bytes = field(repr=False)
    document: dict[str, Any] = field(repr=False)
    arrays: Arrays = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One finished job of several that answer together. `fetch` reads what its result names."""

    manifest: Manifest
    cid: Cid
    content: bytes = field(repr=False)
    fetch: Fetch = field(repr=False)


def decode_parts(parts: Sequence[Part]) -> JobResult:
    """The answer of all parts; of several, the result is the list of their results' CIDs. Raises as `decode`."""
    if len(parts) == 1:
        return decode(parts[0].manifest, parts[0].content, parts[0].cid, parts[0].fetch)
    content = result_list([part.cid for part in parts])
    try:
        found = read_analysis([(part.manifest, part.content) for part in parts])
    except JobError as error:
        raise Rejected(
            f"the results cannot be read together: {error}", whose="the job author's", remedy="look at each part"
        ) from error
    return JobResult(
        kind=parts[0].manifest.kind,
        cid=root_cid(content),
        content=content,
        document=found.document,
        arrays=found.arrays,
    )


def decode(manifest: Manifest, content: bytes, cid: Cid, fetch: Fetch) -> JobResult:
    """Raises `Rejected` when the result is not what the manifest says, `ContentError` when a part is missing."""
    try:
        document, arrays = _decoded(manifest, content, cid, fetch)
    except JobError as error:
        raise Rejected(
            f"the result {cid} cannot be read: {error}",
            whose="the job author's",
            remedy="save the raw bytes with -o FILE.bin",
        ) from error
    return JobResult(kind=manifest.kind, cid=cid, content=content, document=document, arrays=arrays)


def _decoded(manifest: Manifest, content: bytes, cid: Cid, fetch: Fetch) -> tuple[dict[str, Any], Arrays]:
    match manifest.kind:
        case "analyze":
            found = read_analysis([(manifest, content)])
            return found.document, found.arrays
        case "train":
            weights = decode_train(manifest, content)
            return {
                "model": manifest.about.get("model"),
                "rounds": manifest.rounds,
                "result_cid": str(cid),
                "weights": {name: list(array.shape) for name, array in weights.items()},
            }, weights
        case "infer":
            rows = decode_infer(manifest, content, fetch)
            document: dict[str, Any] = {"model": manifest.about.get("model"), "result_cid": str(cid)}
            if "labels" in rows:
                document["labels"] = [int(label) for label in rows["labels"]]
                document["probabilities"] = [round(float(p), 6) for p in rows["probabilities"].max(axis=1)]
            else:
                document["outputs"] = {name: list(array.shape) for name, array in rows.items()}
            return document, rows
        case _:
            arrays = decode_own(manifest, content, fetch)
            return {"result_cid": str(cid), "outputs": {name: list(a.shape) for name, a in arrays.items()}}, arrays
