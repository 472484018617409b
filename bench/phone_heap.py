"""Does the phone page leak? Ten pages earn side by side; how much their JavaScript heaps grow after the first fifth.

Each page is a worker of its own (own profile, own key) and does one task after the other: fetch, run, commit, show,
sign. Before both readings garbage is collected by force, and the heaps of all ten are added up. What a page has to keep
(its newest acceptance of every batch) is in the figure. `EDGEBOUNTY_BENCH_MINUTES`: how long it takes, 10 if unset.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

from bench.figure import Figure
from bench.phone_page import MAY_WORK, PRESS_START
from tests.e2e.browser_kit import open_browser
from tests.e2e.lane_kit import LaneServer, open_lane
from tests.edgebounty.worker.spin_kit import spin_job

PAGES: Final = 10
WARM_UP: Final = 0.2  # of the time: caches fill, code is compiled
TASK_SECONDS: Final = 0.5
TASKS: Final = 10_000  # as many as one manifest takes
SPAN: Final = 256  # tasks of one batch


def run() -> list[Figure]:
    seconds = 60 * float(os.environ.get("EDGEBOUNTY_BENCH_MINUTES", "10"))
    with open_lane(spin_job(TASK_SECONDS, shards=TASKS), span=SPAN) as lane, open_browser() as browser:
        pages = [_earning(browser, lane) for _ in range(PAGES)]
        _wait(pages, WARM_UP * seconds)
        before, done = _heap(pages), len(lane.books.accepted)
        _wait(pages, (1 - WARM_UP) * seconds)
        grown, more = _heap(pages) - before, len(lane.books.accepted) - done
        workers = {worker for worker, _ in lane.books.bundles}
        assert len(workers) == PAGES, f"only {len(workers)} of {PAGES} pages earned"
        print(f"{PAGES} pages, {seconds / 60:g} minutes, {done} + {more} tasks: {before:,} bytes grew by {grown:,}")
    return [
        Figure(
            name="phone_heap_growth",
            value=grown,
            unit="bytes",
            peer=None,
            peer_value=None,
            ratio=None,
            target=1_000_000,
            better="lower",
        ).save()
    ]


def _earning(browser: Any, lane: LaneServer) -> tuple[Any, Any]:
    described = dict(browser.edgebounty_devices["Pixel 7"])
    described.pop("default_browser_type", None)
    page = browser.new_context(**described).new_page()
    page.add_init_script(MAY_WORK + PRESS_START)
    page.goto(lane.page)
    page.get_by_label("Share of the time").select_option("100%")
    return page, page.context.new_cdp_session(page)


def _wait(pages: list[tuple[Any, Any]], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pages[0][0].wait_for_timeout(1000 * min(5, max(0.1, end - time.monotonic())))


def _heap(pages: list[tuple[Any, Any]]) -> int:
    """Bytes in use of all pages, without garbage."""
    used = 0
    for _, chrome in pages:
        for _ in range(2):  # what finalizers let go of is garbage only then
            chrome.send("HeapProfiler.collectGarbage")
        used += round(chrome.send("Runtime.getHeapUsage")["usedSize"])
    return used
