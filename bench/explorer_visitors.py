"""What do a hundred visitors of the explorer cost those who work? Per cent of dispatch throughput, at most five.

The orchestrator is a process of its own with a hundred jobs, one of them of 10,000 tasks in three copies, and 200
batches. Four workers go through the batch lane's calls (claim, commit, show, receipt) without a pause, so that
documents change all the time; the visitors come and go by turns, and have open what `bench.visitors.people.PAGES`
says. Throughput is tasks per second of the orchestrator's own processor time: other programs on the machine do not
count.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from statistics import median
from typing import Final

import psutil

from bench.figure import Figure
from bench.visitors.people import Visitors, Worker

VISITORS: Final = 100
WORKERS: Final = 4
ROUNDS: Final = 7
WARM_SECONDS: Final = 12.0
PAUSE_SECONDS: Final = 0.5
ROUND_SECONDS: Final = 10.0
TARGET_PERCENT: Final = 5.0


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.visitors.service", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                lost = _lost(f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid)
            finally:
                process.kill()
    figure = Figure(
        name="explorer_visitors",
        value=lost,
        unit="% of dispatch",
        peer=None,
        peer_value=None,
        ratio=None,
        target=TARGET_PERCENT,
        better="lower",
    )
    return [figure.save()]


def _lost(url: str, pid: int) -> float:
    """Per cent of the throughput without visitors that is gone with them."""
    server, ended = psutil.Process(pid), threading.Event()
    workers = [Worker(url, ended) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()

    def throughput() -> float:
        spent, done = _processor_seconds(server), sum(worker.done for worker in workers)
        time.sleep(ROUND_SECONDS)
        return (sum(worker.done for worker in workers) - done) / (_processor_seconds(server) - spent)

    visitors, shares, alone = Visitors(url, VISITORS), [], []
    visitors.present = True
    time.sleep(WARM_SECONDS)  # every document has been made once
    for _ in range(ROUNDS):
        visitors.present = False
        time.sleep(PAUSE_SECONDS)
        alone.append(throughput())
        visitors.present = True
        shares.append(throughput() / alone[-1])
    visitors.present = False
    ended.set()
    for worker in workers:
        worker.join()
    print(
        f"  {median(alone):.1f} tasks a processor second alone; beside {VISITORS} visitors of that "
        f"{', '.join(f'{share:.3f}' for share in shares)}; {visitors.looks} looks, the longest {visitors.longest:.2f} s"
    )
    return 100 * (1 - median(shares))


def _processor_seconds(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)
