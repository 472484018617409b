"""Child process: runs one task from stored content and stores its output. Order on stdin, digest on stdout, as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from edgebounty.content.store import LocalStore, put_file
from edgebounty.execution import fetcher, run_task
from edgebounty.jobs.shape import describe
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.types import Digest
from orchestrator.adapters.content.check import read_manifest

LONGEST_SECONDS = 900


def compute(order: dict[str, Any]) -> Digest:
    """The digest of the task's output, which is in the store afterwards."""
    store = LocalStore(order["store"])
    manifest = read_manifest(store, Digest(bytes.fromhex(order["manifest"])))
    results = {int(task): Digest(bytes.fromhex(digest)) for task, digest in order["results"].items()}
    done = run_task(
        manifest,
        describe(manifest, order["task"]),
        fetch=fetcher(store, manifest),
        result_of=results.__getitem__,
        runtime=Runtime(memory_bytes=manifest.limits.memory_bytes),
    )
    return put_file(store, done.output).digest


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends us
    signal.alarm(LONGEST_SECONDS)  # even if the parent was killed
    os.nice(10)
    digest = compute(json.loads(sys.stdin.read()))
    print(json.dumps({"digest": digest.hex()}))


if __name__ == "__main__":
    main()
