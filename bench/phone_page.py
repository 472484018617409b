"""What does the phone page ask of a phone? What it weighs, how soon it shows itself, how soon the first pay is there.

In Debian's Chromium as a Pixel 7 whose processor is slowed down four times (by the browser: the page's main thread; the
program's own thread and the server on this machine are not). Fresh profile each time, nothing in any cache. Of several
turns the best counts: other programs only ever add to a time.

- `phone_js_gzip`, `phone_page_gzip`: bytes of a first visit, each file by itself, as `web/build.mjs` weighs them.
- `phone_first_result`: seconds on loopback from opening the page to the first accepted receipt, with *Start* pressed as
  soon as it is there, on a phone whose sensors say that it may work. The lane is the tests' (`tests/e2e/lane_kit.py`):
  nothing is waited for but this page.
- `phone_lcp`, `phone_tbt`, `phone_cls`: largest contentful paint, total blocking time (what long tasks take beyond
  50 ms, from the first paint until `SETTLED_SECONDS` later) and layout shift, at 1.6 Mbit/s with 150 ms to the server
  and back.
"""

from __future__ import annotations

import gzip
import time
from typing import Any, Final

import numpy as np

from bench.figure import Figure
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.programs import builtin
from orchestrator.adapters.http.pages import BUILT
from tests.e2e.browser_kit import new_page, open_browser
from tests.e2e.lane_kit import LaneServer, open_lane

RUNS: Final = 7
SLOWER: Final = 4
SETTLED_SECONDS: Final = 5
MEGABIT: Final = 1_000_000 / 8
NETWORK: Final = {"offline": False, "latency": 150, "downloadThroughput": 1.6 * MEGABIT, "uploadThroughput": MEGABIT}
MAY_WORK: Final = """
    navigator.getBattery = async () => Object.assign(new EventTarget(), {charging: true, level: 1});
    Object.defineProperty(navigator, 'connection', {value: Object.assign(new EventTarget(), {type: 'wifi'})});"""
PRESS_START: Final = """
    new MutationObserver((_, observer) => {
        const start = document.querySelector('button.primary.big:not([disabled])');
        if (start) { observer.disconnect(); start.click(); }
    }).observe(document, {childList: true, subtree: true});"""
OBSERVE: Final = """
    window.vitals = {lcp: 0, cls: 0, first: Infinity, long: []};
    const see = (type, each) =>
        new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
    see('paint', (it) => { if (it.name === 'first-contentful-paint') vitals.first = it.startTime; });
    see('largest-contentful-paint', (it) => { vitals.lcp = it.startTime; });
    see('layout-shift', (it) => { if (!it.hadRecentInput) vitals.cls += it.value; });
    see('longtask', (it) => { vitals.long.push([it.startTime, it.duration]); });"""


def run() -> list[Figure]:
    figures = [_figure(name, value, "bytes", target) for name, value, target in _weights()]
    with open_browser() as browser:
        seconds = min(_first_result(browser) for _ in range(RUNS))
        figures.append(_figure("phone_first_result", seconds, "s", 2.0))
        with open_lane(_job()) as lane:
            vitals = [_vitals(browser, lane) for _ in range(RUNS)]
    for i, (name, unit, target) in enumerate((("lcp", "s", 1.5), ("tbt", "s", 0.15), ("cls", "1", 0.02))):
        figures.append(_figure(f"phone_{name}", min(each[i] for each in vitals), unit, target))
    return [figure.save() for figure in figures]


def _figure(name: str, value: float, unit: str, target: float) -> Figure:
    return Figure(
        name=name, value=value, unit=unit, peer=None, peer_value=None, ratio=None, target=target, better="lower"
    )


def _weights() -> list[tuple[str, int, int]]:
    """Script, and all; other languages come only when they are asked for."""
    parts = {".html", ".js", ".css", ".svg", ".webmanifest"}
    files = [
        path
        for path in (BUILT / "phone").rglob("*")
        if path.suffix in parts and not path.name.startswith(("tr-", "ar-"))
    ]
    sizes = {path: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    script = sum(size for path, size in sizes.items() if path.suffix == ".js")
    return [("phone_js_gzip", script, 45_000), ("phone_page_gzip", sum(sizes.values()), 60_000)]


def _job() -> PlannedJob:
    values = np.random.default_rng(5).normal(size=(120, 3))
    pair = ProgramPair(*(builtin.load(name) for name in program_names(*values.shape)))
    return plan_analyze(values, ["a", "b", "c"], pair, shards=3)


def _slow_page(browser: Any) -> tuple[Any, Any]:
    page = new_page(browser, device="phone")
    chrome = page.context.new_cdp_session(page)
    chrome.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page, chrome


def _first_result(browser: Any) -> float:
    with open_lane(_job()) as lane:
        page, _ = _slow_page(browser)
        page.add_init_script(MAY_WORK + PRESS_START)
        began = time.monotonic()
        page.goto(lane.page, wait_until="commit")
        while not lane.books.accepted_at:
            if time.monotonic() > began + 60:
                raise TimeoutError(f"nothing was accepted in a minute: {page.locator('main').inner_text()}")
            page.wait_for_timeout(20)
        return lane.books.accepted_at - began


def _vitals(browser: Any, lane: LaneServer) -> tuple[float, float, float]:
    """Largest paint and blocking time in seconds, and the layout shift."""
    page, chrome = _slow_page(browser)
    chrome.send("Network.enable")
    chrome.send("Network.emulateNetworkConditions", NETWORK)
    page.add_init_script(OBSERVE)
    page.goto(lane.page)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    page.wait_for_timeout(1000 * SETTLED_SECONDS)
    seen = page.evaluate("vitals")
    long = ((start, spent) for start, spent in seen["long"] if start + spent > seen["first"])
    blocking = sum(min(spent, start + spent - seen["first"]) - 50 for start, spent in long if spent > 50)
    return seen["lcp"] / 1000, max(0.0, blocking) / 1000, seen["cls"]
