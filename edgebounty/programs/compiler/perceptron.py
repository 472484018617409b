"""`mlp-A-B-C.train`, `mlp-A-B-C.infer` and the reducer `mean.mlp-A-B-C`: a perceptron with one hidden layer."""

import math
import re
from functools import cache
from pathlib import Path

from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.capture import capture, weight_shapes
from edgebounty.programs.compiler.emit import Captured
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec
from edgebounty.programs.errors import ProgramRejected

BATCH = 32
TRAIN_ROWS, INFER_ROWS = 512, 128
WIDEST = 4096
_C = Path(__file__).parent / "c"
_SIZE = "[1-9][0-9]{0,5}"
_NAME = re.compile(rf"(mean\.)?mlp-(?P<inputs>{_SIZE})-(?P<hidden>{_SIZE})-(?P<classes>{_SIZE})(\.train|\.infer)?")


def perceptron(sizes: tuple[int, int, int], *, simd: bool = True) -> tuple[ModuleSpec, ModuleSpec, ModuleSpec]:
    """Program for training, program for inference, reducer."""
    model = "mlp-" + "-".join(map(str, sizes))
    return _train(model, sizes, simd), _infer(model, sizes, simd), _mean(model, sizes, simd)


def perceptron_program(name: str) -> bytes | None:
    """The module called `mlp-A-B-C.train`, `mlp-A-B-C.infer` or `mean.mlp-A-B-C`; None for any other name.

    Raises `CompilerMissing`, and `ProgramRejected` if the sizes need more than a program may have.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    sizes = int(found["inputs"]), int(found["hidden"]), int(found["classes"])
    if max(sizes) > WIDEST:
        raise ProgramRejected("size", f"{name}: a layer is wider than {WIDEST}")
    model = "mlp-" + "-".join(map(str, sizes))
    make = {f"{model}.train": _train, f"{model}.infer": _infer, f"mean.{model}": _mean}.get(name)
    return None if make is None else build(make(model, sizes, True))


def _train(model: str, sizes: tuple[int, int, int], simd: bool) -> ModuleSpec:
    inside, _, outside = sizes
    captured = _captured("train", sizes)
    shapes = weight_shapes(sizes)
    scratch = [
        *(_static("float", f"now_{name}", math.prod(shape)) for name, shape in shapes.items()),
        _static("float", "batch_x", BATCH * inside),
        _static("int", "batch_y", BATCH),
        _static("float", "batch_mask", BATCH),
        _static("float", "batch_count", 1),
    ]
    return ModuleSpec(
        name=f"{model}.train",
        kind="program",
        buffers=(
            *_weights("", "state", sizes),
            BufferSpec(name="rows", dtype="i32", shape=(1,), role="shard"),
            BufferSpec(name="x", dtype="f32", shape=(TRAIN_ROWS, inside), role="shard"),
            BufferSpec(name="y", dtype="i32", shape=(TRAIN_ROWS,), role="shard"),
            BufferSpec(name="learning_rate", dtype="f32", shape=(1,), role="params"),
            BufferSpec(name="epochs", dtype="i32", shape=(1,), role="params"),
            *_weights("d_", "output", sizes),
            BufferSpec(name="samples", dtype="i32", shape=(1,), role="output"),
        ),
        source="\n".join([*scratch, captured.code, _lists(sizes), _source("train.c")]),
        constants={"ROWS": TRAIN_ROWS, "BATCH": BATCH, "INPUTS": inside, "CLASSES": outside, "WEIGHTS": len(shapes)},
        simd=simd,
    )


def _infer(model: str, sizes: tuple[int, int, int], simd: bool) -> ModuleSpec:
    inside, _, outside = sizes
    captured = _captured("infer", sizes)
    scratch = [_static("float", "batch_x", BATCH * inside), _static("float", "batch_p", BATCH * outside)]
    return ModuleSpec(
        name=f"{model}.infer",
        kind="program",
        buffers=(
            *_weights("", "state", sizes),
            BufferSpec(name="rows", dtype="i32", shape=(1,), role="shard"),
            BufferSpec(name="x", dtype="f32", shape=(INFER_ROWS, inside), role="shard"),
            BufferSpec(name="out_rows", dtype="i32", shape=(1,), role="output"),
            BufferSpec(name="probabilities", dtype="f32", shape=(INFER_ROWS, outside), role="output"),
        ),
        source="\n".join([*scratch, captured.code, _lists(sizes), _source("infer.c")]),
        constants={"ROWS": INFER_ROWS, "BATCH": BATCH, "INPUTS": inside, "CLASSES": outside, "WEIGHTS": 4},
        simd=simd,
    )


def _mean(model: str, sizes: tuple[int, int, int], simd: bool) -> ModuleSpec:
    shapes = weight_shapes(sizes)
    totals = [_static("double", f"total_{name}", math.prod(shape)) for name, shape in shapes.items()]
    return ModuleSpec(
        name=f"mean.{model}",
        kind="reducer",
        buffers=(
            *_weights("", "state", sizes),
            *_weights("d_", "input", sizes),
            BufferSpec(name="samples", dtype="i32", shape=(1,), role="input"),
            *_weights("out_", "output", sizes),
        ),
        source="\n".join([*totals, _lists(sizes), _source("mean.c")]),
        constants={"WEIGHTS": len(shapes)},
        simd=simd,
    )


@cache
def _captured(kind: str, sizes: tuple[int, int, int]) -> Captured:
    return capture(kind, "-".join(map(str, sizes)), str(BATCH))


def _weights(prefix: str, role: str, sizes: tuple[int, int, int]) -> tuple[BufferSpec, ...]:
    return tuple(
        BufferSpec(name=prefix + name, dtype="f32", shape=shape, role=role)
        for name, shape in weight_shapes(sizes).items()
    )


def _lists(sizes: tuple[int, int, int]) -> str:
    shapes = weight_shapes(sizes)
    names = ", ".join(f"before##{name}##after" for name in shapes)
    counts = ", ".join(str(math.prod(shape)) for shape in shapes.values())
    return f"#define WEIGHT_LIST(before, after) {{{names}}}\n#define WEIGHT_SIZES {{{counts}}}"


def _static(c_type: str, name: str, items: int) -> str:
    return f"static {c_type} {name}[{items}] __attribute__((aligned(64)));"


def _source(name: str) -> str:
    return (_C / name).read_text(encoding="utf-8")
