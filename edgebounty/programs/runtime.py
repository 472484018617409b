"""Runs programs and reducers in wasmtime: same module, same inputs, same output bytes and work units on any device.

Every module is validated before it is compiled. A program that fails (NaN, trap, work limit, its own status) fails the
same way everywhere, so a failure is a result with an output of its own. Running out of wall-clock time is not: that is
the caller's to stop, by ending the process or by `Runtime.interrupt`.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wasmtime

from edgebounty.programs.cache import CompileCache
from edgebounty.programs.errors import ProgramInterrupted, ProgramRejected, RuntimeUnavailable
from edgebounty.programs.validator import ProgramLimits, strict_config
from edgebounty.protocol import failure
from edgebounty.protocol.layout import NUMPY_TYPES, Buffer, Layout, LayoutError

Params = Mapping[str, float] | bytes
"""Parameters by name, or their packed bytes (`Layout.pack_params`)."""

WORK_LIMIT_MAX = (1 << 62) - 1
STACK_BYTES = 1 << 20  # several times what the validator lets a program use


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What one run gave. `failure` is None, or the code whose bytes (`protocol.failure`) are the output."""

    output: bytes
    work_units: int
    seconds: float  # wall clock of the run itself, without validation and compilation
    failure: str | None = None


class Runtime:
    """One engine with its compiled modules. Safe to use from several threads at once.

    `cache_dir` keeps compiled modules over restarts; `memory_bytes` is the most memory a program may ask for.
    With `interruptible`, `interrupt` stops what is running from another thread (costs a few per cent of speed).
    """

    def __init__(
        self, cache_dir: Path | str | None = None, memory_bytes: int = 256 << 20, *, interruptible: bool = False
    ) -> None:
        config = strict_config()
        config.max_wasm_stack = STACK_BYTES
        config.epoch_interruption = interruptible
        self._engine = wasmtime.Engine(config)
        self._interruptible = interruptible
        self._memory_bytes = memory_bytes
        self._cache = CompileCache(
            engine=self._engine,
            folder=Path(cache_dir) if cache_dir is not None else None,
            variant="epoch" if interruptible else "plain",
            limits=ProgramLimits(memory_bytes=memory_bytes, output_bytes=memory_bytes),
        )

    def layout(self, module: bytes) -> Layout:
        """The layout of a valid module. Raises `ProgramRejected`."""
        return self._cache.get(module).layout

    def interrupt(self) -> None:
        """Ends every run going on now with `ProgramInterrupted`."""
        if not self._interruptible:
            raise ValueError("this runtime was not made interruptible")
        self._engine.increment_epoch()

    def run_program(
        self, module: bytes, *, state: bytes, shard: bytes, params: Params, work_limit: int, output_limit: int
    ) -> Execution:
        """One map task. Raises `ProgramRejected` when the module or an input does not fit, before anything runs."""
        instance = self._open(module, "program", work_limit, output_limit)
        inputs = {"state": state, "shard": shard, "params": instance.pack(params)}
        for role, content in inputs.items():
            instance.check_size(role, content)
        started = time.perf_counter()
        for role, content in inputs.items():
            instance.write(role, content)
        instance.call("run")
        return instance.execution(started)

    def run_reducer(
        self,
        module: bytes,
        *,
        state: bytes,
        inputs: Iterable[bytes],
        params: Params,
        work_limit: int,
        output_limit: int | None = None,
    ) -> Execution:
        """One reduce task: `start`, one `step` for each input in order, `finish`. Raises `ProgramRejected`."""
        instance = self._open(module, "reducer", work_limit, output_limit)
        packed = instance.pack(params)
        for role, content in (("state", state), ("params", packed)):
            instance.check_size(role, content)
        started = time.perf_counter()
        instance.write("state", state)
        instance.write("params", packed)
        going = instance.call("start")
        for content in inputs:
            instance.check_size("input", content)
            if going:
                instance.write("input", content)
                going = instance.call("step")
        if going:
            instance.call("finish")
        return instance.execution(started)

    def _open(self, module: bytes, kind: str, work_limit: int, output_limit: int | None) -> "_Instance":
        if not 0 < work_limit <= WORK_LIMIT_MAX:
            raise ValueError(f"work limit {work_limit} is not within 1..{WORK_LIMIT_MAX}")
        loaded = self._cache.get(module)
        layout = loaded.layout
        if layout.kind != kind:
            raise ProgramRejected("kind", f"{layout.name} is a {layout.kind}, a {kind} is needed here")
        if output_limit is not None and layout.role_bytes("output") > output_limit:
            detail = f"{layout.name} gives {layout.role_bytes('output')} bytes, {output_limit} are allowed"
            raise ProgramRejected("output_size", detail)
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=self._memory_bytes, instances=1, memories=1, tables=1, table_elements=10_000)
        if self._interruptible:
            store.set_epoch_deadline(1)
        try:
            instance = wasmtime.Instance(store, loaded.module, [])
        except wasmtime.WasmtimeError as error:
            raise RuntimeUnavailable(f"{layout.name} cannot be started on this device: {error}") from error
        return _Instance(store, instance, layout, work_limit)


class _Instance:
    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance, layout: Layout, work_limit: int) -> None:
        self._store = store
        self._exports = instance.exports(store)
        memory, left = self._exports["memory"], self._exports["work_left"]
        assert isinstance(memory, wasmtime.Memory)  # the validator has seen to both
        assert isinstance(left, wasmtime.Global)
        self._memory, self._left = memory, left
        self._layout = layout
        self._work_limit = work_limit
        self._failure: str | None = None
        left.set_value(store, wasmtime.Val.i64(work_limit))

    def pack(self, params: Params) -> bytes:
        if isinstance(params, bytes):
            return params
        try:
            return self._layout.pack_params(params)
        except LayoutError as error:
            raise ProgramRejected("params", str(error)) from error

    def check_size(self, role: str, content: bytes) -> None:
        expected = self._layout.role_bytes(role)
        if len(content) != expected:
            raise ProgramRejected(
                "input_size", f"{self._layout.name} reads {expected} bytes of {role}, {len(content)} were given"
            )

    def write(self, role: str, content: bytes) -> None:
        at = 0
        for buffer in self._layout.role(role):
            self._memory.write(self._store, content[at : at + buffer.nbytes], buffer.offset)
            at += buffer.nbytes

    def call(self, name: str) -> bool:
        """Runs one entry point; False when the program has failed, which `execution` then reports."""
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        code: str | None
        try:
            code = failure.code_of_status(function(self._store))
        except wasmtime.Trap as trap:
            if trap.trap_code == wasmtime.TrapCode.INTERRUPT:
                raise ProgramInterrupted(f"{self._layout.name} was stopped before it ended") from trap
            if trap.trap_code == wasmtime.TrapCode.STACK_OVERFLOW:  # the depth of the stack is this device's own
                raise RuntimeUnavailable(f"{self._layout.name} ran out of native stack on this device") from trap
            code = failure.TRAP
        self._failure = failure.WORK_LIMIT if self._work_left() < 0 else code
        return self._failure is None

    def execution(self, started: float) -> Execution:
        output = b""
        if self._failure is None:
            buffers = [(buffer, self._read(buffer)) for buffer in self._layout.role("output")]
            if any(_has_nan(buffer, content) for buffer, content in buffers):
                self._failure = failure.NAN
            output = b"".join(content for _, content in buffers)
        if self._failure is not None:
            output = failure.failure_bytes(self._failure)
        units = self._work_limit - max(self._work_left(), 0)
        return Execution(output=output, work_units=units, seconds=time.perf_counter() - started, failure=self._failure)

    def _read(self, buffer: Buffer) -> bytes:
        return bytes(self._memory.read(self._store, buffer.offset, buffer.offset + buffer.nbytes))

    def _work_left(self) -> int:
        value = self._left.value(self._store)
        assert isinstance(value, int)
        return value


def _has_nan(buffer: Buffer, content: bytes) -> bool:
    if buffer.dtype not in ("f32", "f64"):
        return False
    return bool(np.isnan(np.frombuffer(content, dtype=NUMPY_TYPES[buffer.dtype])).any())
