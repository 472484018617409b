from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from spin_kit import spin_job
from worker_kit import wait_until

from edgebounty.content.store import LocalStore
from edgebounty.execution import fetcher, run_local
from edgebounty.jobs.plan import PlannedJob
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.failure import WORK_LIMIT, failure_bytes
from edgebounty.worker.sandbox import (
    Sandbox,
    SandboxCrashed,
    SandboxStopped,
    SandboxTask,
    SandboxTimeout,
    TaskRefused,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = make_sandbox(tmp_path)
    yield made
    made.close()


def make_sandbox(folder: Path, **changes: float) -> Sandbox:
    told: dict[str, float] = {"max_memory_bytes": 64 << 20, "niceness": 0, **changes}
    return Sandbox(store_dir=folder / "content", cache_dir=folder / "modules", **told)  # type: ignore[arg-type]


def put(folder: Path, planned: PlannedJob, index: int = 0) -> SandboxTask:
    store = LocalStore(folder / "content")
    for cid, block in planned.blocks.items():
        store.put_block(cid, block)
    return SandboxTask(manifest=planned.cid, index=index, results={}, max_output_bytes=1 << 16)


def test_run__a_task__same_bytes_and_units_as_on_this_side(sandbox: Sandbox, tmp_path: Path) -> None:
    planned = spin_job(0.01)
    store = LocalStore(tmp_path / "content")
    task = put(tmp_path, planned)
    sandbox.examine(task, seconds=20)
    done = sandbox.run(task, seconds=20)
    local = run_local(planned.manifest, fetcher(store, planned.manifest), Runtime())
    assert done.output == local.blocks[next(c for c in local.blocks if c.digest == local.outputs[0])]
    assert done.work_units == local.work_units
    assert done.failure is None


def test_run__endless_work__stopped_by_the_wall_clock_and_ready_again(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.start()
    with pytest.raises(SandboxTimeout, match="larger CPU share"):
        sandbox.run(put(tmp_path, spin_job(3600)), seconds=1.5)
    assert sandbox.run(put(tmp_path, spin_job(0.01)), seconds=20).failure is None


def test_run__work_limit__is_a_result_that_others_agree_on(sandbox: Sandbox, tmp_path: Path) -> None:
    done = sandbox.run(put(tmp_path, spin_job(3600, work_units=100_000)), seconds=20)
    assert done.failure == WORK_LIMIT
    assert done.output == failure_bytes(WORK_LIMIT)


def test_examine__program_wants_more_memory_than_allowed__refused(sandbox: Sandbox, tmp_path: Path) -> None:
    task = put(tmp_path, spin_job(0.01, pages=2048))
    with pytest.raises(TaskRefused, match="memory"):
        sandbox.examine(task, seconds=20)


def test_examine__content_gone__refused(sandbox: Sandbox, tmp_path: Path) -> None:
    planned = spin_job(0.01)
    task = put(tmp_path, planned)
    for path in (tmp_path / "content" / "blocks").glob(f"*/{planned.manifest.program}"):
        path.unlink()
    with pytest.raises(TaskRefused, match=str(planned.manifest.program)):
        sandbox.examine(task, seconds=20)


def test_kill__while_it_runs__the_call_ends_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.start()
    task = put(tmp_path, spin_job(60))
    raised: list[Exception] = []

    def run() -> None:
        try:
            sandbox.run(task, seconds=100)
        except SandboxStopped as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: busy_seconds(sandbox.pid) > 0.3, 20)
    pid = sandbox.pid
    started = time.monotonic()
    sandbox.kill()
    thread.join(5)
    assert time.monotonic() - started < 1
    assert raised
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_run__child_dies_by_itself__no_result_and_started_again(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.start()
    task = put(tmp_path, spin_job(60))
    threading.Timer(1.0, lambda: os.kill(sandbox.pid or 0, signal.SIGKILL)).start()
    with pytest.raises(SandboxCrashed, match="SIGKILL"):
        sandbox.run(task, seconds=100)
    assert sandbox.run(put(tmp_path, spin_job(0.01)), seconds=20).failure is None


def test_cpu_share__a_twentieth__never_gets_much_more(tmp_path: Path) -> None:
    sandbox = make_sandbox(tmp_path, cpu_share=0.05)
    try:
        task = put(tmp_path, spin_job(0.3))
        sandbox.examine(task, seconds=60)
        before, started = busy_seconds(sandbox.pid), time.monotonic()
        sandbox.run(task, seconds=100)
        share = (busy_seconds(sandbox.pid) - before) / (time.monotonic() - started)
    finally:
        sandbox.close()
    assert share < 0.1  # a busy machine gives less than asked for, never much more


def test_pause__while_it_runs__stands_still_and_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.start()
    task = put(tmp_path, spin_job(2.0))
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(sandbox.run(task, seconds=100)))
    thread.start()
    wait_until(lambda: busy_seconds(sandbox.pid) > 0.3, 20)
    sandbox.pause()
    time.sleep(0.4)
    before = busy_seconds(sandbox.pid)
    time.sleep(0.8)
    assert busy_seconds(sandbox.pid) - before < 0.1
    sandbox.resume()
    thread.join(60)
    assert results


@pytest.mark.parametrize("share", [1.0, 0.05])
def test_child__parent_killed__dies_even_while_it_is_held(tmp_path: Path, share: float) -> None:
    put(tmp_path, spin_job(60))
    code = (
        "import sys, threading, time; from pathlib import Path; from test_sandbox import *\n"
        f"folder = Path({str(tmp_path)!r}); box = make_sandbox(folder, cpu_share={share}); box.start()\n"
        "print(box.pid, flush=True); box.run(put(folder, spin_job(60)), seconds=100)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        wait_until(lambda: busy_seconds(pid) > 0.2, 20)
        parent.kill()
        parent.wait()
    wait_until(lambda: not alive(pid), 5, "the child has gone")


def busy_seconds(pid: int | None) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
