"""`build_training`: the program that trains a model on a shard, and the reducer that averages what tasks learnt."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edgebounty.programs.compiler import entry
from edgebounty.programs.compiler.arrays import ArraySpec, buffers, check_names
from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.models import Model, pack_arrays
from edgebounty.programs.compiler.optimizers import LOSSES, SCHEDULES, Optimizer
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec, program_name
from edgebounty.programs.compiler.trace import trace
from edgebounty.programs.compiler.traced import Traced
from edgebounty.programs.validator import ProgramLimits
from edgebounty.protocol.layout import Layout

_C = Path(__file__).parent / "c"
_STATE = "s"  # prefix of the C names of the state's arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Modules of a training job, their layouts inside them.

    State, in this order: the trained weights by their names, the optimiser's arrays (`m.NAME`, `v.NAME`), `steps`
    (f32[1]: steps done so far), and the frozen weights. `program` gives the change of each as `d_NAME` and `samples`
    (i32[1]: rows it stands for); `reducer` adds the changes' mean, weighted by samples, to the state.
    """

    program: bytes
    reducer: bytes
    c_source: str
    reducer_c_source: str
    state: bytes
    params: Mapping[str, float]
    weights: tuple[str, ...]  # names in the state that are the model's own, trained and frozen
    source: str  # the model: mlp:A-B-C, the path of an ONNX file, or FILE.py:NAME
    labels: str = "y"  # the name of the labels in a shard
    classes: int = 0  # labels lie below it; 0 where they are no classes
    notes: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        return Layout.of_module(self.program)


def build_training(
    model: Model,
    *,
    rows: int,
    labels: ArraySpec | None = None,
    loss: str = "cross_entropy",
    optimizer: Optimizer | None = None,
    schedule: str = "constant",
    simd: bool = True,
    tile: bool = True,
    limits: ProgramLimits | None = None,
) -> Trained:
    """Training of `model` on shards of up to `rows` rows, `model.batch` at a time, in the shard's order.

    A shard is `rows` (i32[1]), the model's inputs and `labels` (by default `y`: i32[rows], class numbers), each with
    `rows` as its first size. `loss` is `cross_entropy` (the model gives logits over its last axis), `mse` (labels have
    the shape of the outputs) or `FILE.py:FUNCTION` of (outputs, labels) giving the loss of each row or of its parts. A
    short last batch is filled with rows that count for nothing.

    Parameters of the job: `learning_rate`; `local_steps`, how many batches a task takes, or 0 for `epochs` passes over
    the shard; with a schedule other than `constant` also `warmup_steps` (the rate rises linearly) and `total_steps`
    (where it has fallen to zero, by a line or a half cosine). Steps are counted over rounds, in the state.

    Raises as every builder does.
    """
    optimizer = optimizer or Optimizer()
    labels = labels or ArraySpec(name="y", dtype="i32", shape=(rows,))
    if schedule not in SCHEDULES:
        raise BadSource(f"schedule {schedule!r} is not known; choose one of {', '.join(SCHEDULES)}")
    if loss not in LOSSES and ":" not in loss:
        raise BadSource(f"loss {loss!r} is not known; choose {', '.join(LOSSES)} or write FILE.py:FUNCTION")
    if not model.batch <= rows:
        raise BadSource(f"a batch of {model.batch} does not fit a shard of {rows} rows; choose batch <= rows")
    if labels.shape[0] != rows:
        raise BadSource(f"{labels.name} has {labels.shape[0]} rows, a shard has {rows}")
    arrays = _state_arrays(model, optimizer)
    check_names([*model.inputs, labels, *arrays])
    traced = _trace(model, labels, loss, optimizer, arrays, tile)
    spec = _program(model, labels, loss, optimizer, schedule, arrays, traced, rows, simd)
    reducer = _reducer(model, arrays, simd)
    params = {"learning_rate": 0.1 if optimizer.kind in ("sgd", "momentum") else 1e-3, "epochs": 1, "local_steps": 0}
    if schedule != "constant":
        params |= {"warmup_steps": 0, "total_steps": 1000}
    return Trained(
        program=build(spec, limits),
        reducer=build(reducer, limits),
        c_source=spec.c_text(),
        reducer_c_source=reducer.c_text(),
        state=pack_arrays(model.weights, arrays),
        params=params,
        weights=tuple(model.weights),
        source=f"mlp:{model.source}" if model.kind == "mlp" else model.source,
        labels=labels.name,
        classes=traced.facts.get("classes", 0),
        notes=traced.notes,
    )


def _state_arrays(model: Model, optimizer: Optimizer) -> tuple[ArraySpec, ...]:
    weights = model.weight_arrays()
    trained = [array for array in weights if array.name not in model.frozen]
    if not trained:
        raise BadSource(f"{model.name} has no float32 weights to train; keep its weights as initializers")
    slots = [
        ArraySpec(name=f"{slot}.{array.name}", dtype="f32", shape=array.shape, role="state")
        for slot in optimizer.slots
        for array in trained
    ]
    steps = ArraySpec(name="steps", dtype="f32", shape=(1,), role="state")
    return (*trained, *slots, steps, *(array for array in weights if array.name in model.frozen))


def _trace(
    model: Model, labels: ArraySpec, loss: str, optimizer: Optimizer, arrays: tuple[ArraySpec, ...], tile: bool
) -> Traced:
    if loss not in LOSSES:
        path, _, name = loss.rpartition(":")
        loss = f"{Path(path).resolve()}:{name}"
    return trace(
        "train",
        model=model.request(),
        source=model.source,
        inputs=[asdict(array) for array in model.inputs],
        labels=asdict(labels) | {"shape": [model.batch, *labels.shape[1:]]},
        state=[asdict(array) for array in arrays],
        frozen=sorted(model.frozen),
        loss=loss,
        optimizer=asdict(optimizer),
        symbol=_STATE,
        tile=tile,
    )


def _program(
    model: Model,
    labels: ArraySpec,
    loss: str,
    optimizer: Optimizer,
    schedule: str,
    arrays: tuple[ArraySpec, ...],
    traced: Traced,
    rows: int,
    simd: bool,
) -> ModuleSpec:
    shard = buffers([_first_size(array, rows) for array in (*model.inputs, labels)], "i")
    state = buffers(arrays, _STATE)
    learnt = _learnt(state, model)
    fixed = [buffer for buffer in state if buffer not in learnt]
    changes = [
        BufferSpec(name=f"d_{b.name}", dtype="f32", shape=b.shape, role="output", symbol=f"d_{b.c_name}")
        for b in learnt
    ]
    params = [
        BufferSpec(name="learning_rate", dtype="f32", shape=(1,), role="params"),
        BufferSpec(name="epochs", dtype="i32", shape=(1,), role="params"),
        BufferSpec(name="local_steps", dtype="i32", shape=(1,), role="params"),
    ]
    if schedule != "constant":
        params += [
            BufferSpec(name=name, dtype="i32", shape=(1,), role="params") for name in ("warmup_steps", "total_steps")
        ]
    steps = next(buffer for buffer in state if buffer.name == "steps")
    classes = traced.facts.get("classes", 0)
    copies = []
    for buffer in shard:
        size = entry.row_bytes(buffer)
        copies += [
            f"  memcpy(batch_{buffer.c_name}, (char *){buffer.c_name} + first * {size}, count * {size}); \\",
            f"  memset((char *)batch_{buffer.c_name} + count * {size}, 0, ({model.batch} - count) * {size}); \\",
        ]
    lists = [
        f"#define WEIGHT_LIST(before, after) {{{', '.join(f'before##{b.c_name}##after' for b in learnt)}}}",
        f"#define WEIGHT_SIZES {{{', '.join(str(math.prod(b.shape)) for b in learnt)}}}",
        "#define TAKE_BATCH \\",
        *copies,
        "  (void)0",
        "static int inputs_are_nan(int n) {",
        *(line.replace("STATUS_NAN", "1") for line in entry.nan_checks(shard, "n")),
        *(line.replace("STATUS_NAN", "1") for line in entry.nan_checks(fixed)),
        "  return 0;",
        "}",
        *_label_check(shard[-1], classes),
    ]
    scratch = [
        *(f"static float now_{b.c_name}[{math.prod(b.shape)}] __attribute__((aligned(64)));" for b in learnt),
        *entry.batch_declarations(shard, model.batch),
        f"static float batch_mask[{model.batch}], batch_count[1], batch_rate[1], batch_corrections[2];",
    ]
    return ModuleSpec(
        name=f"{program_name(model.name)[:90]}.train",
        kind="program",
        buffers=(
            *state,
            BufferSpec(name="rows", dtype="i32", shape=(1,), role="shard"),
            *shard,
            *params,
            *changes,
            BufferSpec(name="samples", dtype="i32", shape=(1,), role="output"),
        ),
        source="\n".join([*scratch, *lists, traced.code, (_C / "local_steps.c").read_text(encoding="utf-8")]),
        constants={
            "ROWS": rows,
            "BATCH": model.batch,
            "WEIGHTS": len(learnt),
            "STEPS_BEFORE": f"{steps.c_name}[0]",
            "STEPS_NOW": f"now_{steps.c_name}[0]",
            "BETA1": repr(optimizer.beta1),
            "BETA2": repr(optimizer.beta2),
            "SCHEDULE_" + schedule.upper(): 1,
        },
        simd=simd,
    )


def _label_check(labels: BufferSpec, classes: int) -> list[str]:
    if not classes:
        return ["static int labels_are_bad(int n) { (void)n; return 0; }"]
    inner = math.prod(labels.shape[1:])
    return [
        "static int labels_are_bad(int n) {",
        f"  for (int i = 0; i < n * {inner}; i++)",
        f"    if ({labels.c_name}[i] < 0 || {labels.c_name}[i] >= {classes}) return 1;",
        "  return 0;",
        "}",
    ]


def _reducer(model: Model, arrays: tuple[ArraySpec, ...], simd: bool) -> ModuleSpec:
    """The mean of the changes, added to the state; frozen weights pass through."""
    state = buffers(arrays, _STATE)
    learnt = _learnt(state, model)
    fixed = [buffer for buffer in state if buffer not in learnt]
    totals = [f"static double total_{b.c_name}[{math.prod(b.shape)}] __attribute__((aligned(64)));" for b in learnt]
    names = ", ".join(f"before##{b.c_name}##after" for b in learnt)
    sizes = ", ".join(str(math.prod(b.shape)) for b in learnt)
    lists = f"#define WEIGHT_LIST(before, after) {{{names}}}\n#define WEIGHT_SIZES {{{sizes}}}"
    mean = (_C / "mean.c").read_text(encoding="utf-8").replace("int finish(void)", "static int finish_learnt(void)")
    copies = [f"  memcpy(out_{b.c_name}, {b.c_name}, sizeof {b.c_name});" for b in fixed]
    finish = "\n".join(["int finish(void) {", *copies, "  return finish_learnt();", "}"])
    return ModuleSpec(
        name=f"mean.{program_name(model.name)[:90]}",
        kind="reducer",
        buffers=(
            *state,
            *(
                BufferSpec(name=f"d_{b.name}", dtype="f32", shape=b.shape, role="input", symbol=f"d_{b.c_name}")
                for b in learnt
            ),
            BufferSpec(name="samples", dtype="i32", shape=(1,), role="input"),
            *(
                BufferSpec(name=f"out_{b.name}", dtype=b.dtype, shape=b.shape, role="output", symbol=f"out_{b.c_name}")
                for b in state
            ),
        ),
        source="\n".join([*totals, lists, mean, finish]),
        constants={"WEIGHTS": len(learnt)},
        simd=simd,
    )


def _learnt(state: tuple[BufferSpec, ...], model: Model) -> list[BufferSpec]:
    return [buffer for buffer in state if buffer.name not in model.frozen]


def _first_size(array: ArraySpec, size: int) -> ArraySpec:
    return ArraySpec(name=array.name, dtype=array.dtype, shape=(size, *array.shape[1:]), role="shard")
