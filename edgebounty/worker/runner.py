"""The child process in which tasks run; see `sandbox` for its parent. It knows no key, no address and no network."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any

from edgebounty.content.store import ContentError, ContentStore, LocalStore, get_file
from edgebounty.execution import JobFailed, fetcher, run_task
from edgebounty.jobs.check import JobError, check_layouts
from edgebounty.jobs.shape import describe
from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import MAX_BYTES, Manifest, ManifestError
from edgebounty.protocol.types import Digest
from edgebounty.worker.framing import read_message, write_message

_OVERHEAD_BYTES = 256 << 20


def _limit_memory(max_memory_bytes: int) -> None:
    """Cap what this process may allocate above what it has now: Linux counts writable memory, and so wasm's.

    Where the system has no such limit, wasmtime's own cap on a program's memory still holds.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/status") as status:
            now = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
        limit = now + 2 * max_memory_bytes + _OVERHEAD_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (OSError, StopIteration, ValueError):
        return


def _answer(request: dict[str, Any], store: ContentStore, runtime: Runtime) -> tuple[dict[str, Any], bytes]:
    results = {int(index): Digest(bytes.fromhex(digest)) for index, digest in request["results"].items()}
    try:
        manifest = Manifest.parse(get_file(store, Cid.parse(request["manifest"]), MAX_BYTES))
        fetch = fetcher(store, manifest)
        if request["what"] == "examine":
            layouts = [runtime.layout(fetch(cid)) for cid in manifest.modules]
            check_layouts(manifest, *layouts, *[None] * (2 - len(layouts)))
            return {}, b""
        done = run_task(
            manifest,
            describe(manifest, int(request["index"])),
            fetch=fetch,
            result_of=results.__getitem__,
            runtime=runtime,
        )
    except ProgramRejected as error:
        return {"refused": error.rule, "message": str(error)}, b""
    except (JobError, JobFailed, ManifestError) as error:
        return {"refused": "job", "message": str(error)}, b""
    except ContentError as error:
        return {"refused": "content", "message": str(error)}, b""
    except MemoryError:
        return {"error": "memory", "message": "this machine has too little memory for the task"}, b""
    except Exception as error:  # the parent must learn of it; it is no result
        return {"error": type(error).__name__, "message": f"the sandbox failed: {type(error).__name__}: {error}"}, b""
    return {"work_units": done.work_units, "seconds": done.seconds, "failure": done.failure}, done.output


def serve() -> None:
    """The child's life: settings, then one task after another until the parent hangs up."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not break the protocol
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    first = read_message(requests, max_body_bytes=0)
    if first is None:
        return
    setup, _ = first
    os.nice(int(setup["niceness"]))
    store = LocalStore(setup["store_dir"])
    runtime = Runtime(cache_dir=setup["cache_dir"], memory_bytes=int(setup["max_memory_bytes"]))
    _limit_memory(int(setup["max_memory_bytes"]))
    while (message := read_message(requests, max_body_bytes=0)) is not None:
        head, body = _answer(message[0], store, runtime)
        write_message(answers, head, body)


if __name__ == "__main__":
    serve()
