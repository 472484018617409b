"""Models as a requester brings them: `mlp:64-128-10`, an ONNX file, or a built program with its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgebounty.client.errors import Rejected
from edgebounty.programs.errors import ProgramError

if TYPE_CHECKING:
    from edgebounty.programs.compiler.api import Built

SHARD_BYTES: Final = 1 << 20
MAX_ROWS, BATCH = 1024, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """A rowwise program with the weights it runs with."""

    name: str
    program: bytes = field(repr=False)
    state: bytes = field(repr=False)
    params: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, built: Built) -> Forward:
        return cls(name=built.layout.name, program=built.module, state=built.state, params=built.params)


def open_forward(model: Path | str | Built | Forward) -> Forward | None:
    """The program of an ONNX file (compiled now), a WASM file with its state beside it, or what was built before.

    None for a name such as `mlp:64-128-10`. Raises `Rejected`, saying which extra to install.
    """
    if isinstance(model, Forward):
        return model
    if isinstance(model, str | Path):
        text = str(model)
        if text.startswith("mlp:"):
            return None
        path = Path(model)
        if path.suffix == ".onnx":
            return Forward.of(_compile_onnx(path))
        if path.suffix == ".wasm":
            return _read_wasm(path)
        raise Rejected(
            f"{text!r} is no model", remedy="name an .onnx or .wasm file, or write mlp:INPUTS-HIDDEN-CLASSES"
        )
    return Forward.of(model)


def _compile_onnx(path: Path) -> Built:
    from edgebounty.programs.compiler import api

    try:
        probe = api.onnx_model(path, batch=BATCH)
        one_row = sum(_row_items(array.shape) for array in probe.inputs) * 8
        rows = max(BATCH, min(MAX_ROWS, SHARD_BYTES // max(one_row, 1)) // BATCH * BATCH)
        return api.build_forward(probe, rows=rows)
    except ProgramError as error:
        raise compile_error(error) from error


def _row_items(shape: tuple[int, ...]) -> int:
    items = 1
    for size in shape[1:]:
        items *= size
    return items


def _read_wasm(path: Path) -> Forward:
    from edgebounty.protocol.layout import Layout, LayoutError

    try:
        module = path.read_bytes()
        beside = path.with_suffix(".state")
        state = beside.read_bytes() if beside.exists() else b""
        layout = Layout.of_module(module)
    except OSError as error:
        raise Rejected(f"cannot read {path}: {error.strerror}", remedy="check the path") from error
    except LayoutError as error:
        raise Rejected(f"{path} is no program: {error}", remedy="make it with `edgebounty program build`") from error
    return Forward(name=layout.name, program=module, state=state or bytes(layout.role_bytes("state")))


def compile_error(error: ProgramError) -> Rejected:
    """What the compiler says, as a refusal with a remedy."""
    return Rejected(str(error), whose="yours (the model), or a missing extra", remedy="nothing was sent")
