"""What do a hundred visitors of the explorer cost those who work? Per cent of dispatch throughput, at most five.

The orchestrator is a process of its own with a hundred jobs, one of them of 10,000 tasks in three copies, and 200
batches; every document is out of date again a tenth of a second after it was made. The visitors have open what
`bench.visitors.people.PAGES` says, and ask as often as the page does.

Dispatch is bound by the one core that runs the orchestrator's loop, so what visitors take of a core is what they take
of it. That is measured in the orchestrator's own processor time, with them and without: beside workers the difference
drowned, on a machine that others use too, in how many receipts went to the disk together.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from typing import Final

import psutil

from bench.figure import Figure
from bench.visitors.people import LOOKS_EVERY_SECONDS, Visitors

VISITORS: Final = 100
MEASURED_SECONDS: Final = 60.0
TARGET_PERCENT: Final = 5.0


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.visitors.service", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                visitors = Visitors(f"http://127.0.0.1:{int(process.stdout.readline())}", VISITORS)
                share = _taken(process.pid, visitors, True) - _taken(process.pid, visitors, False)
            finally:
                process.kill()
    print(f"  {visitors.looks} looks, the longest took {visitors.longest:.2f} s")
    figure = Figure(
        name="explorer_visitors",
        value=share,
        unit="% of dispatch",
        peer=None,
        peer_value=None,
        ratio=None,
        target=TARGET_PERCENT,
        better="lower",
    )
    return [figure.save()]


def _taken(pid: int, visitors: Visitors, present: bool) -> float:
    """Per cent of a core that the orchestrator takes with the visitors there, or without."""
    visitors.present = present
    time.sleep(2 * LOOKS_EVERY_SECONDS)  # until each document has been made once, or the last of them has left
    spent, started = _processor_seconds(pid), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    return 100 * (_processor_seconds(pid) - spent) / (time.monotonic() - started)


def _processor_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
