"""The C around traced code: entry points that check inputs, walk over the rows of a shard and fill the outputs."""

import math
from collections.abc import Sequence

from edgebounty.programs.compiler.spec import C_TYPES, BufferSpec

_CHECKS = {"f32": "f32_nan", "f64": "f64_nan"}
ITEM_BYTES = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "u8": 1, "i8": 1}


def row_bytes(buffer: BufferSpec) -> int:
    return math.prod(buffer.shape[1:]) * ITEM_BYTES[buffer.dtype]


def batch_declarations(buffers: Sequence[BufferSpec], batch: int) -> list[str]:
    """One batch of each buffer that is walked over in rows."""
    return [
        f"static {C_TYPES[b.dtype]} batch_{b.c_name}[{batch * math.prod(b.shape[1:])}] __attribute__((aligned(64)));"
        for b in buffers
    ]


def nan_checks(buffers: Sequence[BufferSpec], rows: str | None = None) -> list[str]:
    """A NaN that comes in could be hidden by a comparison, and its bits differ between processors: refuse it."""
    lines = []
    for buffer in buffers:
        if buffer.dtype in _CHECKS:
            inner = math.prod(buffer.shape[1:])
            count = f"{rows} * {inner}" if rows is not None else str(math.prod(buffer.shape))
            lines.append(f"  if ({_CHECKS[buffer.dtype]}({buffer.c_name}, {count})) return STATUS_NAN;")
    return lines


def output_checks(buffers: Sequence[BufferSpec]) -> list[str]:
    return [*nan_checks(buffers), "  return STATUS_OK;"]


def rowwise_run(
    *, shard: Sequence[BufferSpec], fixed: Sequence[BufferSpec], outputs: Sequence[BufferSpec], rows: int, batch: int
) -> str:
    """`run` of a program that treats each row for itself: `step` turns one batch into one batch of outputs."""
    lines = [
        "/* Each row for itself, a batch at a time; rows beyond `rows` give zeros. */",
        "int run(void) {",
        "  int n = rows[0];",
        f"  if (n < 0 || n > {rows}) return STATUS_BAD_INPUT;",
        *nan_checks(fixed),
        *nan_checks(shard, "n"),
        f"  for (int first = 0; first < n; first += {batch}) {{",
        f"    int count = n - first < {batch} ? n - first : {batch};",
    ]
    for buffer in shard:
        size = row_bytes(buffer)
        lines += [
            f"    memcpy(batch_{buffer.c_name}, (char *){buffer.c_name} + first * {size}, count * {size});",
            f"    memset((char *)batch_{buffer.c_name} + count * {size}, 0, ({batch} - count) * {size});",
        ]
    lines.append("    step();")
    for buffer in outputs:
        size = row_bytes(buffer)
        lines.append(f"    memcpy((char *){buffer.c_name} + first * {size}, batch_{buffer.c_name}, count * {size});")
    lines.append("  }")
    for buffer in outputs:
        size = row_bytes(buffer)
        lines.append(f"  memset((char *){buffer.c_name} + n * {size}, 0, ({rows} - n) * {size});")
    lines += ["  out_rows[0] = n;", *output_checks(outputs), "}"]
    return "\n".join(lines)


def reducer_entries(
    held: Sequence[str], state: Sequence[BufferSpec], inputs: Sequence[BufferSpec], outputs: Sequence[BufferSpec]
) -> str:
    """`start` sets the running arrays `held`, `step` and `finish` call the traced code."""
    lines = ["int start(void) {", *nan_checks(state)]
    lines += [f"  memcpy({name}, first_{name}, sizeof {name});" for name in held]
    lines += ["  return STATUS_OK;", "}", "int step(void) {", *nan_checks(inputs), "  step_step();"]
    lines += ["  return STATUS_OK;", "}", "int finish(void) {", "  finish_step();", *output_checks(outputs), "}"]
    return "\n".join(lines)


def whole_run(*, inputs: Sequence[BufferSpec], outputs: Sequence[BufferSpec], rows: int | None) -> str:
    """`run` of a program that sees its whole shard at once. `rows`: the most its argument `rows` may say."""
    lines = ["int run(void) {"]
    if rows is not None:
        lines.append(f"  if (rows[0] < 0 || rows[0] > {rows}) return STATUS_BAD_INPUT;")
    lines += [*nan_checks(inputs), "  step();", *output_checks(outputs), "}"]
    return "\n".join(lines)
