"""How fast are the built-in programs, and what does counting their work cost?

`program_NAME`: one full shard (eight equal outputs joined, for a reducer) beside numpy doing the same on one thread, in
the same run. `work_units_NAME`: work units a second beside the same module with its counter taken out. The programs of
the other analyses of tables are measured as whole jobs, see `analyses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import wasmtime
from threadpoolctl import threadpool_limits

from bench.figure import Figure, interleave
from edgebounty.programs import builtin, counter
from edgebounty.protocol.layout import NUMPY_TYPES, Layout

RUNS: Final = 15
REPEAT: Final = 10
EPOCHS: Final = 5
BATCH: Final = 32
INPUTS: Final = 8
NO_LIMIT: Final = 1 << 60
SLOWER: Final = {"train": 5.0, "infer": 6.0, "mean": 6.0, "stats": 10.0, "reduce": 10.0, "combine": 10.0}
"""How many times numpy's time each kind may take. numpy's sums are plain; ours carry 106 bits."""
SHARE: Final = 0.6
"""Of the speed without a counter."""

Values = dict[str, np.ndarray[Any, Any]]


def run() -> list[Figure]:
    with threadpool_limits(1):
        return [figure for name in _measured() for figure in _measure(name)]


def _measured() -> list[str]:
    return [name for name in builtin.names() if not name.startswith("table.") or name.startswith("table.stats")]


def _measure(name: str) -> list[Figure]:
    layout = builtin.info(name).layout
    values = _values(layout)
    module = builtin.load(name)
    counted, exports, store = _runner(module, layout, values)
    bare, _, _ = _runner(counter.strip(module), layout, values)
    left = exports["work_left"]
    assert isinstance(left, wasmtime.Global)
    before = left.value(store)
    counted()
    units = (before - left.value(store)) / REPEAT
    own, plain, peer = (seconds / REPEAT for seconds in interleave(RUNS, counted, bare, _peer(name, values)))
    kind = name.split(".")[0] if name.startswith("mean.") else name.removesuffix(".large").split(".")[-1]
    slug = name.replace(".", "_").replace("-", "_")
    time = Figure(
        name=f"program_{slug}",
        value=own * 1e3,
        unit="ms",
        peer="numpy, one thread",
        peer_value=peer * 1e3,
        ratio=own / peer,
        target=SLOWER[kind],
        better="lower",
    )
    speed = Figure(
        name=f"work_units_{slug}",
        value=units / own,
        unit="work units/s",
        peer="the same module without its counter",
        peer_value=units / plain,
        ratio=plain / own,
        target=SHARE,
        better="higher",
    )
    return [time.save(), speed.save()]


def _values(layout: Layout) -> Values:
    """A full shard, weights, parameters or one task's output: whatever the module reads."""
    generator = np.random.default_rng(0)
    values: Values = {}
    for buffer in layout.buffers:
        dtype = np.dtype(NUMPY_TYPES[buffer.dtype])
        if buffer.role != "output":
            drawn = generator.normal(size=buffer.shape) * 0.1 if dtype.kind == "f" else np.zeros(buffer.shape)
            values[buffer.name] = drawn.astype(dtype)
    if "x" in values:
        x = values["x"]
        columns = x.shape[1] if x.ndim == 2 else values["minimum"].shape[0] // 2
        values["rows"][0] = len(x) if x.ndim == 2 else len(x) // columns
        if "columns" in values:
            values["columns"][0] = columns
    if "epochs" in values:
        values["epochs"][0] = EPOCHS
    if "in_columns" in values:
        values["in_columns"][0] = values["mean"].shape[0]
        values["in_rows"][0] = 10
    if "samples" in values:
        values["samples"][0] = 10
    return values


def _runner(
    module: bytes, layout: Layout, values: Mapping[str, np.ndarray[Any, Any]]
) -> tuple[Callable[[], None], Any, wasmtime.Store]:
    """Runs `REPEAT` times on inputs that are in place already."""
    store = wasmtime.Store()
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, module), []).exports(store)
    memory = exports["memory"]
    assert isinstance(memory, wasmtime.Memory)
    for buffer in layout.buffers:
        if buffer.name in values:
            memory.write(store, values[buffer.name].tobytes(), buffer.offset)
    if "work_left" in [name for name, _ in exports.items()]:
        left = exports["work_left"]
        assert isinstance(left, wasmtime.Global)
        left.set_value(store, wasmtime.Val.i64(NO_LIMIT))
    names = ["run"] if layout.kind == "program" else ["start", *["step"] * INPUTS, "finish"]
    calls = [exports[name] for name in names]

    def run_all() -> None:
        for _ in range(REPEAT):
            for call in calls:
                assert isinstance(call, wasmtime.Func)
                status = call(store)
                if status != 0:
                    raise RuntimeError(f"{layout.name} ended with status {status}")

    return run_all, exports, store


def _peer(name: str, values: Values) -> Callable[[], None]:
    """numpy doing the same, `REPEAT` times."""
    work = _statistics if name.startswith("table") else _train if name.endswith(".train") else _infer
    if name.startswith("mean."):
        work = _mean
    elif name.endswith((".reduce", ".combine")):
        work = _join

    def run_all() -> None:
        for _ in range(REPEAT):
            work(values)

    return run_all


def _statistics(values: Values) -> None:
    rows, columns = int(values["rows"][0]), int(values["columns"][0])
    table = values["x"][: rows * columns].reshape(rows, columns)
    table.sum(0), table.min(0), table.max(0)


def _join(values: Values) -> None:
    names = ("sum", "sum_low", "counts")
    totals = [np.zeros_like(values[name]) for name in names]
    for _ in range(INPUTS):
        for total, name in zip(totals, names, strict=True):
            total += values[name]
        np.minimum(values["low"], values["low"])
        np.maximum(values["high"], values["high"])


def _train(values: Values) -> None:
    w1, b1, w2, b2 = (values[name].copy() for name in ("w1", "b1", "w2", "b2"))
    rate = values["learning_rate"]
    for _ in range(EPOCHS):
        for first in range(0, len(values["x"]), BATCH):
            x, y = values["x"][first : first + BATCH], values["y"][first : first + BATCH]
            before = x @ w1 + b1
            hidden = np.maximum(before, 0)
            error = _softmax(hidden @ w2 + b2)
            error[np.arange(len(y)), y] -= 1
            error /= len(y)
            back = (error @ w2.T) * (before > 0)
            for weight, gradient in ((w1, x.T @ back), (b1, back.sum(0)), (w2, hidden.T @ error), (b2, error.sum(0))):
                weight -= rate * gradient


def _infer(values: Values) -> None:
    hidden = np.maximum(values["x"] @ values["w1"] + values["b1"], 0)
    _softmax(hidden @ values["w2"] + values["b2"])


def _mean(values: Values) -> None:
    for name in ("w1", "b1", "w2", "b2"):
        total = np.zeros(values[name].shape)
        for _ in range(INPUTS):
            total += values["samples"][0] * values[f"d_{name}"]
        (values[name] + total / (INPUTS * values["samples"][0])).astype(np.float32)


def _softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers: np.ndarray[Any, Any] = np.exp(logits - logits.max(1, keepdims=True))
    powers /= powers.sum(1, keepdims=True)
    return powers
