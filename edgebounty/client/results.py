"""What a finished job gave, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgebounty.client.errors import Rejected
from edgebounty.execution import Fetch
from edgebounty.jobs.analyze import decode_analyze
from edgebounty.jobs.check import JobError
from edgebounty.jobs.infer import decode_infer
from edgebounty.jobs.train import decode_train
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Manifest

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A result as bytes (what its CID names), as a JSON document, and as arrays."""

    kind: str
    cid: Cid
    content: bytes = field(repr=False)
    document: dict[str, Any] = field(repr=False)
    arrays: Arrays = field(repr=False)


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
            document = decode_analyze(manifest, content)
            return document, _columns_as_arrays(document)
        case "train":
            weights = decode_train(manifest, content)
            return {
                "model": manifest.about.get("model"),
                "rounds": manifest.rounds,
                "result_cid": str(cid),
                "weights": {name: list(array.shape) for name, array in weights.items()},
            }, weights
        case "infer":
            found = decode_infer(manifest, content, fetch)
            labels = [int(label) for label in found["labels"]]
            sure = [round(float(p), 6) for p in found["probabilities"].max(axis=1)]
            document = {"model": manifest.about.get("model"), "result_cid": str(cid), "labels": labels}
            return {**document, "probabilities": sure}, found
        case _:
            return {"result_cid": str(cid), "bytes": len(content)}, {"result": np.frombuffer(content, "u1")}


def _columns_as_arrays(document: dict[str, Any]) -> Arrays:
    columns: dict[str, dict[str, Any]] = document["columns"]
    names = ("count", "mean", "variance", "minimum", "maximum", "histogram")
    return {"columns": np.array(list(columns)), **{n: np.array([c[n] for c in columns.values()]) for n in names}}
