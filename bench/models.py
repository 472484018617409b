"""How fast are compiled models, on one core, with their work counter?

`program_gemm_512`: a product of 512 × 512 float32 beside the same C compiled for x86-64-v2 (SSE4.2): vectors of 128
bits and no fused multiply-add, which is all that WebAssembly's SIMD can say. `program_mlp_200_steps`: stochastic
gradient descent beside numpy.
`program_lenet_1000`, `program_mobilenet_1000`: 1,000 images beside onnxruntime. `program_gpt_step`: one Adam step of a
GPT of 826,000 parameters on 512 tokens beside the time its arithmetic takes at the speed of `program_gemm_512`.
`program_mlp_int8_speedup`: a quantised perceptron beside the same in float32.
`reducer_mean`: twenty changes of 407,000 weights beside numpy's matrix-vector product. Each once more as
`…_uncounted`, with the counter taken out.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from bench.figure import Figure, interleave
from edgebounty.programs import counter
from edgebounty.programs.compiler.api import (
    ArraySpec,
    Built,
    Optimizer,
    Trained,
    build_function,
    build_onnx,
    build_training,
    function_model,
    mlp_model,
)
from edgebounty.programs.timing import made_up_inputs, warm
from edgebounty.protocol.layout import Layout
from tests.edgebounty.programs import gpt_kit
from tests.edgebounty.programs.compiled_kit import lenet, mobile, perceptron

RUNS: Final = 9
IMAGES: Final = 1000
BATCH: Final = 50
STEPS: Final = 200
MEAN_TASKS: Final = 20
GPT_FLOP: Final = 2.5e9
"""6 operations for each of 826,000 weights and 512 tokens (Kaplan et al. 2020, section 2.1)."""

Array = np.ndarray[Any, Any]


def run() -> list[Figure]:
    with threadpool_limits(1), tempfile.TemporaryDirectory(prefix="edgebounty-bench-") as folder:
        return list(_figures(Path(folder)))


def _figures(folder: Path) -> Iterator[Figure]:
    gemm = _gemm()
    seconds = _runner(gemm.module, made_up_inputs(gemm.layout))
    yield from _compare("program_gemm_512", *seconds, _native(gemm, folder), "the same C natively", 0.9, faster=True)
    yield from _compare("program_mlp_200_steps", *_perceptron(), "numpy, one thread", 2.0)
    for name, make, target in (("lenet", lenet, 2.6), ("mobilenet", mobile, 8.0)):
        path = make(folder / f"{name}.onnx")
        counted, bare = _network(path)
        peer = _onnxruntime(path)
        yield from _compare(f"program_{name}_1000", counted, bare, peer, "onnxruntime, one thread", target)
    yield _int8(folder)
    yield from _gpt(seconds[0])
    yield from _compare("reducer_mean", *_mean(), "numpy's gemv, one thread", 6.0)


def _compare(
    name: str,
    counted: Callable[[], object],
    bare: Callable[[], object],
    peer: Callable[[], object],
    peer_name: str,
    target: float,
    *,
    faster: bool = False,
) -> Iterator[Figure]:
    """The ratio is time over the peer's; with `faster`, speed over the peer's."""
    own, plain, theirs = interleave(RUNS, counted, bare, peer)
    for suffix, seconds in (("", own), ("_uncounted", plain)):
        yield Figure(
            name=name + suffix,
            value=seconds * 1e3,
            unit="ms",
            peer=peer_name,
            peer_value=theirs * 1e3,
            ratio=theirs / seconds if faster else seconds / theirs,
            target=target,
            better="higher" if faster else "lower",
        ).save()


def _runner(module: bytes, inputs: dict[str, bytes]) -> tuple[Callable[[], int], Callable[[], int]]:
    """Runs with and without the counter; both end well."""
    counted, bare = (warm(content, Layout.of_module(module), inputs).run for content in (module, counter.strip(module)))
    if counted() or bare():
        raise RuntimeError("the program failed")
    return counted, bare


def _gemm() -> Built:
    source = Path(__file__).parent / "sources" / "matmul.py"
    return build_function(f"{source}:matmul", [ArraySpec.parse(f"{name}:f32[512,512]") for name in "ab"])


def _native(built: Built, folder: Path) -> Callable[[], int]:
    (folder / "gemm.c").write_text(built.c_source)
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-O3",
        "-std=c17",
        "-mcpu=x86_64_v2",
        "-shared",
        "-fPIC",
        "-ffreestanding",
    ]
    command += ["-nostdlib", "-ffp-contract=off", "-fno-sanitize=all", "-w", "-o", "gemm.so", "gemm.c"]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    library = ctypes.CDLL(str(folder / "gemm.so"))
    generator = np.random.default_rng(0)
    for index, name in enumerate("ab"):
        values = (ctypes.c_float * 512**2).in_dll(library, f"i{index}_{name}")
        np.frombuffer(values, np.float32)[:] = generator.normal(size=512**2) * 0.1
    entry: Callable[[], int] = library.run
    return entry


def _perceptron() -> tuple[Callable[[], int], Callable[[], int], Callable[[], None]]:
    rows, batch = 1792, 64
    model = mlp_model("mlp:64-128-10", batch=batch)
    trained = build_training(model, rows=rows)
    inputs = _training_inputs(trained, STEPS)
    x = np.random.default_rng(0).normal(size=(rows, 64)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 10, rows).astype(np.int32)
    inputs["shard"] = np.int32(rows).tobytes() + x.tobytes() + y.tobytes()

    def with_numpy() -> None:
        w1, b1, w2, b2 = (np.array(value) for value in model.weights.values())
        rate = np.float32(0.1)
        for step in range(STEPS):
            first = step * batch % rows
            rows_now, labels = x[first : first + batch], y[first : first + batch]
            hidden = np.maximum(rows_now @ w1 + b1, 0)
            logits = hidden @ w2 + b2
            error = np.exp(logits - logits.max(1, keepdims=True))
            error /= error.sum(1, keepdims=True)
            error[np.arange(batch), labels] -= 1
            error /= batch
            back = (error @ w2.T) * (hidden > 0)
            w2 -= rate * (hidden.T @ error)
            b2 -= rate * error.sum(0)
            w1 -= rate * (rows_now.T @ back)
            b1 -= rate * back.sum(0)

    return *_runner(trained.program, inputs), with_numpy


def _training_inputs(trained: Trained, steps: int) -> dict[str, bytes]:
    params = trained.layout.pack_params({**trained.params, "local_steps": steps})
    return made_up_inputs(trained.layout) | {"state": trained.state, "params": params}


def _network(path: Path) -> tuple[Callable[[], int], Callable[[], int]]:
    built = build_onnx(path, rows=IMAGES, batch=BATCH)
    shard = np.int32(IMAGES).tobytes() + _images().tobytes()
    return _runner(built.module, {"state": built.state, "shard": shard})


def _images() -> Array:
    return np.random.default_rng(0).random((IMAGES, 1, 28, 28)).astype(np.float32)


def _onnxruntime(path: Path) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = _images()
    return lambda: [session.run(None, {"x": images[at : at + BATCH]}) for at in range(0, IMAGES, BATCH)]


def _int8(folder: Path) -> Figure:
    """The same perceptron in float32 and in 8 bits; the ratio is how much faster 8 bits are."""
    runners = []
    for quantised in (True, False):
        path = perceptron(folder / f"perceptron-{quantised}.onnx", quantised=quantised)
        built = build_onnx(path, rows=128, batch=128)
        runners.append(_runner(built.module, made_up_inputs(built.layout) | {"state": built.state})[0])
    small, whole = interleave(RUNS * 9, *runners)  # each run is short
    return Figure(
        name="program_mlp_int8_speedup",
        value=small * 1e3,
        unit="ms",
        peer="the same in float32",
        peer_value=whole * 1e3,
        ratio=whole / small,
        target=2.0,
        better="higher",
    ).save()


def _gpt(product: Callable[[], int]) -> Iterator[Figure]:
    model = function_model(f"{gpt_kit.__file__}:gpt", ArraySpec.parse("x:i32[8,64]"), gpt_kit.first_weights(), batch=8)
    labels = ArraySpec.parse("y:i32[8,64]")
    trained = build_training(model, rows=8, labels=labels, optimizer=Optimizer(kind="adam"))
    for suffix, step in zip(("", "_uncounted"), _runner(trained.program, _training_inputs(trained, 1)), strict=True):
        seconds, per_product = interleave(RUNS, step, lambda: [product() for _ in range(3)])
        arithmetic_seconds = per_product / 3 * GPT_FLOP / (2 * 512**3)
        yield Figure(
            name=f"program_gpt_step{suffix}",
            value=seconds * 1e3,
            unit="ms",
            peer="2.5 GFLOP at the speed of program_gemm_512",
            peer_value=arithmetic_seconds * 1e3,
            ratio=seconds / arithmetic_seconds,
            target=1.8,
            better="lower",
        ).save()


def _mean() -> tuple[Callable[[], int], Callable[[], int], Callable[[], object]]:
    trained = build_training(mlp_model("mlp:784-512-10", batch=8), rows=8)
    layout = Layout.of_module(trained.reducer)
    inputs = made_up_inputs(layout) | {"state": trained.state}
    inputs["input"] = inputs["input"][:-4] + np.int32(1).tobytes()
    runners = [
        warm(module, layout, inputs, tasks=MEAN_TASKS).run
        for module in (trained.reducer, counter.strip(trained.reducer))
    ]
    changes = np.random.default_rng(0).normal(size=(MEAN_TASKS, len(trained.state) // 4)).astype(np.float32)
    weights = np.full(MEAN_TASKS, 1 / MEAN_TASKS, np.float32)
    return runners[0], runners[1], lambda: weights @ changes
