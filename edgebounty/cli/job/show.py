"""Prints and writes a job's result; `job result` and `job run-local` show it the same way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edgebounty.cli.job.show_analysis import show_analysis
from edgebounty.cli.output import Output
from edgebounty.client.errors import Rejected
from edgebounty.client.results import JobResult


def show_result(out: Output, result: JobResult, output: Path | None, *, source: str | None = None) -> None:
    """Writes the result to `output` if there is one, and prints it: all of it as JSON, the gist of it for people."""
    if output is not None:
        write_result(result, output, source=source)
    if out.as_json:
        out.document(result.document)
        return
    match result.kind:
        case "analyze":
            show_analysis(out, result.document)
        case _:
            out.facts({name: _gist(value) for name, value in result.document.items()})
    if output is not None:
        out.say(f"Written to {output}")


def write_result(result: JobResult, path: Path, *, source: str | None = None) -> None:
    """`.json`: the decoded values; `.npz`, `.npy`, `.parquet`: arrays; else the very bytes that the CID names.

    Of a train job also `.safetensors`, and `.onnx` of the model `source` (a perceptron's job names it).
    """
    from edgebounty.client.export import save_trained
    from edgebounty.client.inputs import write_arrays

    try:
        if result.kind == "train":
            model = str(result.document["model"])
            if save_trained(result.arrays, path, model=model, source=source or model, cid=str(result.cid)):
                return
        if write_arrays(result.arrays, path):
            return
        match path.suffix:
            case ".json":
                path.write_text(json.dumps(result.document, indent=2, allow_nan=False) + "\n")
            case ".npz":
                with path.open("wb") as file:
                    np.savez(file, **result.arrays)  # type: ignore[arg-type]
            case _:
                path.write_bytes(result.content)
    except OSError as error:
        raise Rejected(
            f"cannot write {path}: {error.strerror}", remedy="name another -o, or check the folder and the free space"
        ) from error


def _gist(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= 80:
        return text
    return f"{text[:50]} … ({len(value)} values)" if isinstance(value, list) else text[:80]
