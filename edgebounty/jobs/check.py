"""Does a manifest fit its programs? Asked when a job is planned, before a worker runs it, and when it is verified."""

from __future__ import annotations

from edgebounty.protocol.layout import Layout
from edgebounty.protocol.manifest import Manifest


class JobError(ValueError):
    """A job that cannot be planned or run as it is: the requester has to change its data or settings."""


def check_layouts(manifest: Manifest, program: Layout, reducer: Layout | None, combiner: Layout | None = None) -> None:
    """Raises `JobError` unless sizes and parameters of the manifest are those of its program, reducer and combiner."""
    if program.kind != "program":
        raise JobError(f"{program.name} is a {program.kind}; the manifest names it as its program")
    _same("state_bytes", manifest.state_bytes, program.role_bytes("state"), program)
    _same("limits.output_bytes", manifest.limits.output_bytes, program.role_bytes("output"), program)
    for i, shard in enumerate(manifest.shards):
        _same(f"shards[{i}].bytes", shard.bytes, program.role_bytes("shard"), program)
    if (reducer is None) != (manifest.reducer is None):
        raise JobError("the manifest names a reducer and none was given, or the other way round")
    if reducer is not None:
        if reducer.kind != "reducer":
            raise JobError(f"{reducer.name} is a {reducer.kind}; the manifest names it as its reducer")
        _same("state_bytes", manifest.state_bytes, reducer.role_bytes("state"), reducer)
        _same("state_bytes", manifest.state_bytes, reducer.role_bytes("output"), reducer)
        _same("limits.output_bytes", manifest.limits.output_bytes, reducer.role_bytes("input"), reducer)
    if (combiner is None) != (manifest.combiner is None):
        raise JobError("the manifest names a combiner and none was given, or the other way round")
    if combiner is not None:
        if combiner.kind != "reducer":
            raise JobError(f"{combiner.name} is a {combiner.kind}; the manifest names it as its combiner")
        _same("state_bytes", manifest.state_bytes, combiner.role_bytes("state"), combiner)
        _same("limits.output_bytes", manifest.limits.output_bytes, combiner.role_bytes("input"), combiner)
        _same("limits.output_bytes", manifest.limits.output_bytes, combiner.role_bytes("output"), combiner)
    modules = [module for module in (program, reducer, combiner) if module is not None]
    known = set().union(*(param_names(module) for module in modules))
    if known != manifest.params.keys():
        wrong = ", ".join(sorted(known ^ manifest.params.keys()))
        raise JobError(f"parameters of the manifest and of its programs differ: {wrong}")
    for module in modules:
        pack_params(manifest, module)


def pack_params(manifest: Manifest, layout: Layout) -> bytes:
    """The parameters that this module reads, as its bytes. Raises `JobError` if a value does not fit."""
    try:
        return layout.pack_params({n: v for n, v in manifest.params.items() if n in param_names(layout)})
    except ValueError as error:
        raise JobError(str(error)) from error


def param_names(layout: Layout) -> set[str]:
    """Names of the numbers a module takes."""
    return {buffer.name for buffer in layout.role("params")}


def _same(field: str, value: int, expected: int, layout: Layout) -> None:
    if value != expected:
        raise JobError(f"{field} of the manifest is {value}, {layout.name} takes {expected}")
