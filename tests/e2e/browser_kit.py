"""A real browser beside a real market: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.http.pages import BUILT, built_pages

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "build" / "screens"
"""Screenshots, kept to be looked at."""
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DEVICES = {"desktop": None, "phone": "Pixel 7", "tablet": "iPad Pro 11"}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def why_not() -> str:
    """What is missing for a test in a browser; empty when nothing is."""
    if _chromium() is None:
        return "Chromium is not installed (Debian: apt-get install chromium, or name it in EDGEBOUNTY_CHROMIUM)"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright is not installed (pip install -e '.[dev]')"
    if not AXE.exists():
        return "axe-core is not installed (make setup)"
    return "" if built_pages(BUILT) else "the web pages are not built (make web)"


def _chromium() -> str | None:
    named = os.environ.get("EDGEBOUNTY_CHROMIUM")
    return named or shutil.which("chromium")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A Chromium with an empty profile. Skips the test, saying why, where one cannot be had."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=list(FLAGS))
        browser.edgebounty_devices = playwright.devices
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Any, *, device: str = "desktop", scheme: str = "light", **options: Any) -> Any:
    """A page in a context of its own; `problems` holds what its scripts threw. Earlier ones are closed, as are their
    connections: the orchestrator grants one address only so many."""
    for context in browser.contexts:
        for old in context.pages:
            old.unroute_all(behavior="ignoreErrors")
        context.close()
    name = DEVICES[device]
    described = dict(browser.edgebounty_devices[name]) if name else {"viewport": {"width": 1100, "height": 900}}
    described.pop("default_browser_type", None)
    page = browser.new_context(**described, color_scheme=scheme, locale="en-GB", **options).new_page()
    page.set_default_timeout(20_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    return page


def violations(page: Any) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", WCAG)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def small_targets(page: Any) -> list[str]:
    """Buttons, fields and navigation smaller than 44 px either way."""
    return page.evaluate(
        """() => [...document.querySelectorAll('button, select, input:not([type=radio]), label:has(input), nav a')]
            .filter((it) => it.checkVisibility() && !it.closest('thead'))
            .map((it) => [it.outerHTML.slice(0, 80), it.getBoundingClientRect()])
            .filter(([, box]) => box.width < 44 || box.height < 44)
            .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
    )


def keep_screenshot(page: Any, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENS / f"{name}.png"), full_page=True)
