"""Traces a user's model or function into C, in a process of its own (tinygrad reads its settings when it is imported).

`trace` writes a request, runs this module on it and reads the answer; `main` is that process.
"""

import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgebounty.programs.compiler import forward_trace, reducer_trace, train_trace
from edgebounty.programs.compiler.capture import SETTINGS, set_up
from edgebounty.programs.compiler.errors import BadSource, CaptureFailed, CompilerMissing
from edgebounty.programs.compiler.process import run_python
from edgebounty.programs.compiler.tiling import padding
from edgebounty.programs.compiler.tiling.rewrite import Tiling, install
from edgebounty.programs.compiler.traced import Traced, read_array
from edgebounty.programs.errors import ProgramError

TRACERS: dict[str, Callable[[Mapping[str, Any]], Traced]] = {
    "function": forward_trace.trace_function,
    "model": forward_trace.trace_model,
    "train": train_trace.trace_training,
    "reducer": reducer_trace.trace_reducer,
    "start": reducer_trace.trace_start,
}


def trace(kind: str, **request: Any) -> Traced:
    """Runs `kind` of the tracers below in its own process. Raises `BadSource`, `CaptureFailed` or `CompilerMissing`."""
    with tempfile.TemporaryDirectory(prefix="edgebounty-trace-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps({"kind": kind, **request}), encoding="utf-8")
        done = run_python(
            ["edgebounty.programs.compiler.trace", str(asked), str(answered)], needs="tinygrad", settings=SETTINGS
        )
        if not answered.exists():
            raise CaptureFailed(f"tracing ended early:\n{done.stderr.strip()[-4000:]}")
        answer = json.loads(answered.read_text(encoding="utf-8"))
    failures: dict[str, Callable[[str], Exception]] = {"BadSource": BadSource, "CaptureFailed": CaptureFailed}
    if "error" in answer:
        if answer["error"] == "CompilerMissing":
            raise CompilerMissing
        raise failures[answer["error"]](answer["text"])
    outputs = tuple(read_array(value) for value in answer["outputs"])
    return Traced(code=answer["code"], outputs=outputs, notes=tuple(answer["notes"]), facts=answer["facts"])


def refuse_randomness() -> None:
    """Random numbers would have to come from somewhere: the trace's process, or a state that nothing set."""
    from tinygrad import Tensor

    def refused(*_: Any, **__: Any) -> Any:
        raise BadSource("random numbers inside a program; draw them beforehand and give them as an input")

    for name in ("rand", "randn", "randint", "normal", "uniform", "random_bits", "manual_seed", "randperm"):
        if hasattr(Tensor, name):
            setattr(Tensor, name, staticmethod(refused))


def _blame(error: BaseException, source: str) -> str:
    """The deepest line of the user's own file, and what went wrong there."""
    path = str(Path(source.rpartition(":")[0]))
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    where = f" at {Path(path).name}:{lines[-1].lineno} ({lines[-1].line})" if lines else ""
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}{where}: {words[0][:500] if words else 'no message'}"


def main(arguments: list[str]) -> None:
    asked, answered = map(Path, arguments)
    request = json.loads(asked.read_text(encoding="utf-8"))
    answer: dict[str, Any]
    try:
        set_up()
        refuse_randomness()
        tiling = Tiling(enabled=request.get("tile", True))
        install(tiling)
        padding.install()
        found = TRACERS[request["kind"]](request | {"kernels": tiling.kernels})
        found = replace(found, code=tiling.preamble() + found.code, notes=(*found.notes, *tiling.notes()))
        answer = {"code": found.code, "outputs": [asdict(output) for output in found.outputs], "notes": found.notes}
        answer["facts"] = found.facts
    except ProgramError as error:
        answer = {"error": type(error).__name__, "text": str(error)}
    except Exception as error:  # whatever the user's function or tinygrad raises ends here
        text = f"tracing failed: {_blame(error, request.get('source', ''))}; change that and build again"
        answer = {"error": "BadSource", "text": text}
        traceback.print_exc()
    answered.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
