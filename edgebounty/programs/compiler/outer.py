"""Reducers of training other than the mean: Nesterov momentum between rounds, trimmed mean and median.

They are made for the layout of a training program, whose output names the change of each array as `d_NAME`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgebounty.programs.compiler.build import build
from edgebounty.programs.compiler.errors import BadSource
from edgebounty.programs.compiler.spec import BufferSpec, ModuleSpec, program_name
from edgebounty.programs.extend import with_state
from edgebounty.programs.validator import ProgramLimits
from edgebounty.protocol.layout import Layout

VELOCITY = "outer."
_C = Path(__file__).parent / "c"


def trimmed_reducer(program: Layout, *, tasks: int, limits: ProgramLimits | None = None) -> bytes:
    """Trimmed mean (parameter `trim`: the share dropped at each end, 0.5 for the median) of up to `tasks` outputs.

    Raises `BadSource`, and `ProgramRejected` when so many outputs do not fit into a program's memory.
    """
    params = (BufferSpec(name="trim", dtype="f32", shape=(1,), role="params"),)
    return build(_spec("trimmed", program, params, constants={"TASKS": tasks}), limits)


def nesterov(program: bytes, *, weights: Sequence[str], limits: ProgramLimits | None = None) -> tuple[bytes, bytes]:
    """The program with a velocity for each of `weights` in its state, and the reducer that uses it.

    Parameters: `outer_rate` (0.7 is usual) and `outer_momentum` (0.9). Raises `BadSource` or `ProgramRejected`.
    """
    layout = Layout.of_module(program)
    learnt = [buffer for buffer in layout.role("state") if buffer.name in weights]
    if len(learnt) != len(set(weights)):
        raise BadSource(f"{layout.name} has no state called {', '.join(set(weights) - {b.name for b in learnt})}")
    wider = with_state(program, [(f"{VELOCITY}{b.name}", b.dtype, b.shape) for b in learnt])
    params = tuple(
        BufferSpec(name=name, dtype="f32", shape=(1,), role="params") for name in ("outer_rate", "outer_momentum")
    )
    return wider, build(_spec("nesterov", Layout.of_module(wider), params, constants={}), limits)


def mean_combiner(program: Layout, *, limits: ProgramLimits | None = None) -> bytes:
    """Joins outputs of a training program to one: the inner nodes of a tree of reduces. Raises as `nesterov`."""
    spec = _spec("mean_combine", program, (), constants={})
    outputs = [
        BufferSpec(name=f"out_{b.name}", dtype=b.dtype, shape=b.shape, role="output", symbol=f"out_{b.c_name}")
        for b in spec.buffers
        if b.role == "input"
    ]
    joined = ", ".join(b.c_name for b in outputs if b.name != "out_samples")
    kept = tuple(b for b in spec.buffers if b.role != "output")
    # `_spec` lists the learnt arrays in the order of the state, the output has its own: sizes are taken from it.
    sizes = ", ".join(str(math.prod(b.shape)) for b in outputs if b.name != "out_samples")
    changes = ", ".join(b.c_name.removeprefix("out_") for b in outputs if b.name != "out_samples")
    lists = [
        f"#define CHANGE_LIST {{{changes}}}",
        f"#define JOINED_LIST {{{joined}}}",
        f"#define WEIGHT_SIZES {{{sizes}}}",
    ]
    source = "\n".join([*lists, (_C / "mean_combine.c").read_text(encoding="utf-8")])
    return build(replace(spec, buffers=(*kept, *outputs), source=source), limits)


def _spec(kind: str, program: Layout, params: tuple[BufferSpec, ...], *, constants: dict[str, int]) -> ModuleSpec:
    state = [
        BufferSpec(name=b.name, dtype=b.dtype, shape=b.shape, role="state", symbol=f"s{i}")
        for i, b in enumerate(program.role("state"))
    ]
    outputs = program.role("output")
    if [b.name for b in outputs if not b.name.startswith("d_")] != ["samples"]:
        raise BadSource(f"{program.name} is no training program: its output is not changes (d_NAME) and samples")
    changed = {b.name.removeprefix("d_"): f"d{i}" for i, b in enumerate(outputs) if b.name != "samples"}
    learnt = [b for b in state if b.name in changed]
    if len(learnt) != len(changed) or any(b.dtype != "f32" for b in learnt):
        raise BadSource(f"{program.name} is no training program: it changes what is no float32 array of its state")
    velocities = {b.name.removeprefix(VELOCITY): b for b in state if b.name.startswith(VELOCITY)}
    moved = {b.name for b in velocities.values()}
    fixed = [b for b in state if b not in learnt and b.name not in moved]
    inputs = [
        BufferSpec(
            name=b.name,
            dtype=b.dtype,
            shape=b.shape,
            role="input",
            symbol="samples" if b.name == "samples" else f"d{i}",
        )
        for i, b in enumerate(outputs)
    ]
    made = [
        BufferSpec(name=f"out_{b.name}", dtype=b.dtype, shape=b.shape, role="output", symbol=f"out_{b.c_name}")
        for b in state
    ]
    found = [velocities.get(b.name) for b in learnt]
    lists = [
        f"#define WEIGHT_LIST(before, after) {{{', '.join(f'before##{b.c_name}##after' for b in learnt)}}}",
        f"#define CHANGE_LIST {{{', '.join(changed[b.name] for b in learnt)}}}",
        f"#define WEIGHT_SIZES {{{', '.join(str(math.prod(b.shape)) for b in learnt)}}}",
        f"#define VELOCITY_LIST {{{', '.join(v.c_name if v else '0' for v in found)}}}",
        f"#define OUT_VELOCITY_LIST {{{', '.join(f'out_{v.c_name}' if v else '0' for v in found)}}}",
        f"#define KEEP_FIXED {' '.join(f'memcpy(out_{b.c_name}, {b.c_name}, sizeof {b.c_name});' for b in fixed)}",
    ]
    return ModuleSpec(
        name=program_name(f"{kind}.{program.name.removesuffix('.train')}"[:90]),
        kind="reducer",
        buffers=(*state, *inputs, *params, *made),
        source="\n".join([*lists, (_C / f"{kind}.c").read_text(encoding="utf-8")]),
        constants={
            "WEIGHTS": len(learnt),
            "ALL_WEIGHTS": sum(math.prod(b.shape) for b in learnt),
            **constants,
        },
    )
