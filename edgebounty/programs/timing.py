"""How long a program takes on this machine, with its work counter and without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
import wasmtime

from edgebounty.programs import counter
from edgebounty.programs.validator import strict_config, validate
from edgebounty.protocol import failure
from edgebounty.protocol.layout import NUMPY_TYPES, Layout

NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Medians over the runs. `failure`: the code the program ended with, None if it gave a result."""

    seconds: float
    bare_seconds: float  # the same module without its counter
    work_units: int
    failure: str | None


def time_program(module: bytes, *, state: bytes | None = None, rows: int | None = None, runs: int = 5) -> Timed:
    """Runs `module` on inputs drawn from a fixed seed: floats around zero, whole numbers zero, `rows` of each shard
    filled (all by default), parameters 1. A reducer joins two equal inputs.

    Raises `ProgramRejected` when the module is not valid, `ValueError` when `state` has the wrong size.
    """
    layout = validate(module)
    inputs = made_up_inputs(layout, rows)
    if state is not None:
        if len(state) != layout.role_bytes("state"):
            raise ValueError(f"{layout.name} reads {layout.role_bytes('state')} bytes of state, got {len(state)}")
        inputs["state"] = state
    counted = warm(module, layout, inputs)
    bare = warm(counter.strip(module), layout, inputs)
    times: dict[Callable[[], int], list[float]] = {counted.run: [], bare.run: []}
    for _ in range(runs):
        for run, seconds in times.items():
            started = perf_counter()
            run()
            seconds.append(perf_counter() - started)
    return Timed(
        seconds=median(times[counted.run]),
        bare_seconds=median(times[bare.run]),
        work_units=counted.work_units,
        failure=failure.code_of_status(counted.status),
    )


def made_up_inputs(layout: Layout, rows: int | None = None) -> dict[str, bytes]:
    """Bytes for every role that the module reads."""
    generator = np.random.default_rng(0)
    found: dict[str, bytes] = {}
    for role in ("state", "shard", "params", "input"):
        parts = []
        for buffer in layout.role(role):
            dtype = np.dtype(NUMPY_TYPES[buffer.dtype])
            if buffer.name == "rows" and buffer.items == 1 and role == "shard":
                sizes = [other.shape[0] for other in layout.role(role) if other.name != "rows"]
                values = np.full(1, min(sizes, default=1) if rows is None else rows)
            elif role == "params":
                values = np.ones(buffer.items)
            elif dtype.kind == "f":
                values = generator.normal(size=buffer.items) * 0.1
                values = abs(values) if buffer.name.startswith("v.") else values  # a mean of squares
            else:
                values = np.zeros(buffer.items)
            if buffer.name == "steps":
                values = np.zeros(buffer.items)
            parts.append(values.astype(dtype).tobytes())
        found[role] = b"".join(parts)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """A module that has run once. `run` runs it again on the same memory and gives its status."""

    run: Callable[[], int]
    status: int
    work_units: int  # of the first run; 0 without a counter


def warm(module: bytes, layout: Layout, inputs: Mapping[str, bytes], *, tasks: int = 2) -> Warm:
    """`module` in wasmtime with `inputs` in place; a reducer joins its input `tasks` times. No limits, so: not for
    strangers' modules."""
    store = wasmtime.Store(wasmtime.Engine(strict_config()))
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, module), [])
    exports = instance.exports(store)
    memory, left = exports["memory"], exports.get("work_left")
    assert isinstance(memory, wasmtime.Memory)
    if isinstance(left, wasmtime.Global):
        left.set_value(store, wasmtime.Val.i64(NO_LIMIT))
    for role, content in inputs.items():
        at = 0
        for buffer in layout.role(role):
            memory.write(store, content[at : at + buffer.nbytes], buffer.offset)
            at += buffer.nbytes
    names = ["run"] if layout.kind == "program" else ["start", *["step"] * tasks, "finish"]
    functions = [exports[name] for name in names]

    def run() -> int:
        for function in functions:
            assert isinstance(function, wasmtime.Func)
            status = function(store)
            if status:
                return int(status)
        return 0

    status = run()
    units = 0
    if isinstance(left, wasmtime.Global):
        after = left.value(store)
        assert isinstance(after, int)
        units = NO_LIMIT - after
    return Warm(run=run, status=status, work_units=units)
