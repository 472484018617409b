"""The phone page in a real browser: it earns, obeys its owner at once, loses nothing to reloads, liars, dead networks.

The other side is `lane_kit`: a small real server of docs/batch-api.md, because only that can be told to misbehave.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_account import Account

from edgebounty.client.local import run_here
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.programs import builtin
from tests.e2e.browser_kit import keep_screenshot, new_page, open_browser, small_targets, violations
from tests.e2e.lane_kit import PRICE, TASK_SECONDS, LaneServer, open_lane, show
from tests.edgebounty.worker.spin_kit import spin_job

pytestmark = pytest.mark.integration
PAYOUT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
STOP_SECONDS = 0.2
COLLECT_REASONS = """() => {
    window.reasons = '';
    new MutationObserver(() => { reasons += document.querySelector('.reasons').innerText; })
        .observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
COUNT_DATA = """(bytes) => new Promise((resolve) => {
    const opened = indexedDB.open('edgebounty-phone');
    opened.onsuccess = () => {
        const change = opened.result.transaction('values', 'readwrite');
        const day = new Date().toDateString();
        change.objectStore('values').put({slots: [], day, dataBytes: bytes}, 'counted');
        change.oncomplete = () => (opened.result.close(), resolve());
    };
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def analysis() -> PlannedJob:
    """Three shards and a reduce."""
    values = np.random.default_rng(5).normal(size=(120, 3))
    pair = ProgramPair(*(builtin.load(name) for name in program_names(*values.shape)))
    return plan_analyze(values, ["a", "b", "c"], pair, shards=3)


@pytest.fixture
def lane(analysis: PlannedJob) -> Iterator[LaneServer]:
    with open_lane(analysis) as server:
        yield server


def open_phone(browser: Any, lane: LaneServer, *, device: str = "phone", clock: bool = False) -> Any:
    """The page on a device whose owner has said that its network is unmetered; `clock`: its time can be moved."""
    page = new_page(browser, device=device)
    if clock:
        page.clock.install()
    page.goto(lane.page)
    page.get_by_role("switch", name="it is not on mobile data").uncheck()
    page.get_by_label("Share of the time").select_option("100%")
    return page


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def until(page: Any, lane: LaneServer, condition: Callable[[], object], seconds: float = 20) -> None:
    """Lets the browser go on meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{page.locator('main').inner_text()}\n{show(lane.books)}\n{page.problems}"
        page.wait_for_timeout(50)


def test_phone__a_job__earns_with_the_digests_of_python_and_withdraws(
    browser: Any, lane: LaneServer, analysis: PlannedJob
) -> None:
    page = open_phone(browser, lane)
    assert not lane.books.requests, "it asks the orchestrator before its owner pressed Start"
    press(page, "Start")
    digests = [bytes(digest) for digest in run_here(analysis).run.outputs]
    until(page, lane, lambda: len(lane.books.accepted) == len(digests))

    assert [lane.books.accepted[task] for task in range(len(digests))] == digests
    page.get_by_text(f"{len(digests)} tasks").wait_for(timeout=30_000)
    keep_screenshot(page, "phone-earned")
    press(page, "Withdraw")
    assert page.evaluate("document.activeElement.name") == "payout", "the address was not asked for"
    page.get_by_label("Pay out to").fill(PAYOUT)
    press(page, "Save address")
    press(page, "Withdraw")
    until(page, lane, lambda: lane.books.withdrawn)
    assert lane.books.withdrawn[0].receiver == PAYOUT
    assert lane.books.withdrawn[0].cumulative == 2 * PRICE
    assert not page.problems


def stop_while_running(page: Any) -> float:
    """Seconds from the touch of *Stop now* until the program's frame is gone and the page says so."""
    press(page, "Start")
    page.get_by_text("Running task 0 of job 7").wait_for()
    page.wait_for_timeout(500)
    seconds: float = page.evaluate(
        """() => new Promise((resolve) => {
            const started = performance.now();
            new MutationObserver(() => {
                const gone = !document.querySelector('iframe');
                const said = document.querySelector('#state').textContent === 'Stopped';
                if (gone && said) resolve((performance.now() - started) / 1000);
            }).observe(document.body, {childList: true, subtree: true, characterData: true});
            [...document.querySelectorAll('button')].find((it) => it.textContent === 'Stop now').click();
        })"""
    )
    return seconds


def test_phone__stop__ends_an_endless_program_within_the_bound_and_asks_for_nothing_more(browser: Any) -> None:
    with open_lane(spin_job(3600)) as lane:
        page = open_phone(browser, lane)
        seconds = min(stop_while_running(page) for _ in range(3))  # others share this machine
        print(f"stopped within {1000 * seconds:.0f} ms")
        assert seconds <= STOP_SECONDS
        page.wait_for_timeout(200)
        asked = len(lane.books.requests)
        page.wait_for_timeout(1500)
        assert len(lane.books.requests) == asked
        assert not lane.books.commitments
        assert not page.problems


def test_phone__unplugged_while_a_program_runs__stops_it_and_says_why(browser: Any) -> None:
    battery = """
        window.plug = Object.assign(new EventTarget(), {charging: true, level: 0.8});
        navigator.getBattery = async () => window.plug;"""
    with open_lane(spin_job(3600)) as lane:
        page = new_page(browser, device="phone")
        page.clock.install()
        page.add_init_script(battery)
        page.goto(lane.page)
        press(page, "Do not look at this")
        press(page, "Start")
        page.get_by_text("Running task 0 of job 7").wait_for()
        page.evaluate("() => { plug.charging = false; plug.dispatchEvent(new Event('chargingchange')); }")
        page.get_by_text("The phone is not on its charger.").wait_for(timeout=1000)
        page.wait_for_function("() => !document.querySelector('iframe')", timeout=1000)
        keep_screenshot(page, "phone-unplugged")
        page.evaluate("() => { plug.charging = true; plug.dispatchEvent(new Event('chargingchange')); }")
        page.clock.fast_forward(8000)
        page.wait_for_timeout(500)
        assert page.locator("iframe").count() == 0, "a plug has to stay in for ten seconds"
        page.clock.fast_forward(3000)
        page.get_by_text("Running task 0 of job 7").wait_for()


def test_phone__reloaded_after_its_commitment__reveals_that_very_result(browser: Any, lane: LaneServer) -> None:
    """And is given the task again whose claim was answered to nobody."""
    lane.faults.hold_sets = True
    page = open_phone(browser, lane)
    press(page, "Start")
    until(page, lane, lambda: lane.books.commitments)
    lane.faults.deaf = frozenset({"/v1/batch/claims"})
    until(page, lane, lambda: len(lane.books.assigned) > len(lane.books.commitments))
    before = dict(lane.books.commitments)
    page.reload()
    page.get_by_text("Stopped", exact=True).wait_for()  # it works only when told to
    lane.faults.hold_sets, lane.faults.deaf = False, frozenset()
    press(page, "Start")
    press(page, "Finish this task, then stop")
    page.get_by_role("button", name="Start", exact=True).wait_for()
    assert {task: lane.books.commitments[task] for task in before} == before
    assert set(before) < set(lane.books.accepted)
    assert set(lane.books.assigned) == set(lane.books.accepted), "a task was left behind"


def test_phone__two_tabs__one_works_until_it_is_closed(browser: Any, lane: LaneServer) -> None:
    page = open_phone(browser, lane)
    other = page.context.new_page()
    other.goto(lane.page)
    other.get_by_text("Another tab of this browser is already working.").wait_for()
    assert other.get_by_role("button", name="Start", exact=True).is_disabled()
    page.close()
    other.get_by_text("Another tab of this browser").wait_for(state="detached")
    press(other, "Start")
    until(other, lane, lambda: lane.books.accepted)


def test_phone__lost_network_and_lost_answers__nothing_is_done_twice(browser: Any, lane: LaneServer) -> None:
    page = open_phone(browser, lane, clock=True)
    lane.faults.hold_sets = True
    press(page, "Start")
    until(page, lane, lambda: lane.books.commitments)
    page.context.set_offline(True)
    page.get_by_text("There is no network.").wait_for()
    keep_screenshot(page, "phone-offline")
    page.reload()
    page.get_by_role("button", name="Start", exact=True).wait_for()  # the service worker has kept the page
    page.context.set_offline(False)
    lane.faults.hold_sets = False
    lane.faults.deaf = frozenset({"/v1/batch/receipts"})
    press(page, "Start")
    until(page, lane, lambda: lane.books.accepted)
    page.get_by_text("The orchestrator does not answer").wait_for()
    lane.faults.deaf = frozenset()
    page.clock.fast_forward(10_000)  # it is asked ever less often
    total = lane.planned.manifest.total_tasks
    until(page, lane, lambda: len(lane.books.accepted) == total, seconds=60)
    (bundle,) = lane.books.bundles.values()
    assert sorted(receipt.task for receipt in bundle.receipts) == list(range(total))


def test_phone__orchestrator_that_fails__says_so_and_goes_on_when_it_is_back(browser: Any, lane: LaneServer) -> None:
    page = open_phone(browser, lane, clock=True)
    lane.faults.status = 500
    press(page, "Start")
    page.get_by_text("The orchestrator does not answer").wait_for()
    lane.faults.status = 429
    page.clock.fast_forward(10_000)
    page.get_by_text("asked to wait a moment").wait_for()
    lane.faults.status = 0
    page.clock.fast_forward(10_000)
    until(page, lane, lambda: lane.books.accepted)


def test_phone__corrupt_blocks__are_fetched_elsewhere(browser: Any, lane: LaneServer, analysis: PlannedJob) -> None:
    """On a tablet, for once."""
    lane.faults.corrupt = True
    page = open_phone(browser, lane, device="tablet")
    press(page, "Start")
    until(page, lane, lambda: lane.books.accepted)
    page.get_by_text("1 tasks").or_(page.get_by_text("2 tasks")).first.wait_for()
    assert [*violations(page), *small_targets(page)] == []
    keep_screenshot(page, "phone-tablet")
    assert lane.books.accepted[0] == bytes(run_here(analysis).run.outputs[0])
    assert "spare gateway" in lane.books.requests


def test_phone__outvoted__signs_no_receipt_and_shows_the_evidence(browser: Any, lane: LaneServer) -> None:
    lane.faults.other_quorum = True
    page = open_phone(browser, lane)
    press(page, "Start")
    page.get_by_text("What was refused, and the evidence").wait_for()
    page.get_by_text("What was refused, and the evidence").click()
    page.get_by_text(f"the quorum 0x{'0' * 64}").first.wait_for()
    keep_screenshot(page, "phone-refused")
    assert not lane.books.accepted


def test_phone__clock_wrong_by_an_hour_and_ticket_lost__earns_all_the_same(browser: Any, lane: LaneServer) -> None:
    lane.faults.clock_ahead = 3600
    page = open_phone(browser, lane)
    press(page, "Start")
    until(page, lane, lambda: lane.books.accepted)
    lane.books.tickets.clear()
    until(page, lane, lambda: len(lane.books.accepted) == lane.planned.manifest.total_tasks, seconds=40)


def test_phone__forged_assignment__runs_nothing(browser: Any, lane: LaneServer) -> None:
    lane.faults.forged = True
    page = open_phone(browser, lane)
    press(page, "Start")
    page.get_by_text("signature under Assignment is wrong").wait_for()
    assert not lane.books.commitments
    assert not [request for request in lane.books.requests if "ipfs" in request]


def test_phone__storage_denied__works_and_says_what_that_means(browser: Any, lane: LaneServer) -> None:
    page = new_page(browser, device="phone")
    page.add_init_script("indexedDB.open = () => { throw new DOMException('denied', 'SecurityError'); };")
    page.goto(lane.page)
    page.get_by_text("This browser keeps nothing for this page").wait_for()
    page.get_by_role("switch", name="it is not on mobile data").uncheck()
    press(page, "Start")
    until(page, lane, lambda: lane.books.accepted)


def test_phone__asleep_in_mid_task__renews_its_claims_and_says_which_one_was_given_up(
    browser: Any, lane: LaneServer
) -> None:
    lane.faults.hold_sets = True
    page = open_phone(browser, lane, clock=True)
    page.evaluate(COLLECT_REASONS)
    press(page, "Start")
    until(page, lane, lambda: len(lane.books.commitments) == 3)
    lane.faults.gives_up = frozenset({2})
    page.clock.fast_forward(2000 * TASK_SECONDS)  # both of its clocks, as when a phone wakes
    until(page, lane, lambda: "The page was frozen for 2 min" in page.evaluate("reasons"))
    until(page, lane, lambda: "The time for task 2 ran out" in page.evaluate("reasons"))
    lane.faults.hold_sets = False
    until(page, lane, lambda: {0, 1} <= set(lane.books.accepted))


def test_phone__data_cap_and_hours__hold_it_until_they_end(browser: Any, lane: LaneServer) -> None:
    page = new_page(browser, device="phone")
    page.clock.install(time=datetime(2026, 11, 28, 12))
    page.goto(lane.page)
    page.get_by_role("switch", name="it is not on mobile data").uncheck()
    page.evaluate(COUNT_DATA, 500_000_000 - 10)
    page.reload()
    press(page, "Start")
    page.get_by_text("Today's data are used up.").wait_for()
    assert not lane.books.commitments
    page.get_by_label("today's data are below").select_option("No limit")
    page.get_by_role("switch", name="the time is between").check()  # from 22 to 7
    page.get_by_text("It is outside the hours that you chose.").wait_for()
    keep_screenshot(page, "phone-hours")
    page.clock.fast_forward("10:01:00")
    until(page, lane, lambda: lane.books.accepted)


def test_phone__memory_bomb_and_hostile_words__are_refused_and_shown_as_text(browser: Any) -> None:
    with open_lane(spin_job(0.01, pages=64, memory_bytes=1 << 20)) as lane:
        lane.faults.reason = hostile = "<img src=x onerror=alert(1)> <b>{task}</b> \u202e&lt;"
        page = open_phone(browser, lane, clock=True)
        press(page, "Start")
        page.get_by_text("the module asks for 4194304 bytes of memory, 1048576 are allowed").wait_for()
        for wait in (5000, 9000):  # it is tried three times
            page.clock.fast_forward(wait)
            page.wait_for_timeout(300)
        page.get_by_text(hostile).wait_for()
        assert page.locator("main img, main b").count() == 0
        assert not lane.books.commitments


def test_phone__backup__opens_in_a_wallet_and_on_another_phone(browser: Any, lane: LaneServer, tmp_path: Path) -> None:
    page = open_phone(browser, lane)
    address = page.locator("code.name").first.get_attribute("title")
    page.get_by_label("Password for the backup").first.fill("correct horse")
    with page.expect_download() as download:
        press(page, "Save a backup")
    path = tmp_path / "key.json"
    download.value.save_as(path)
    assert Account.from_key(Account.decrypt(json.loads(path.read_text()), "correct horse")).address == address

    other = open_phone(browser, lane)
    assert other.locator("code.name").first.get_attribute("title") != address
    other.get_by_text("Use a backup instead").click()
    other.get_by_label("Backup file").set_input_files(path)
    password = other.get_by_label("Password for the backup").last
    for given, answer in (("wrong horse", "The password is another one."), ("correct horse", "Restored.")):
        password.fill(given)
        press(other, "Use this key")
        other.get_by_text(answer).wait_for()
    assert other.locator("code.name").first.get_attribute("title") == address
    other.get_by_label("Pay out to").fill(PAYOUT.replace("5aAe", "5aae"))
    press(other, "Save address")
    other.get_by_text("its checksum is wrong").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone__axe_and_targets__no_violation(browser: Any, lane: LaneServer, scheme: str) -> None:
    page = new_page(browser, device="phone", scheme=scheme)
    elsewhere: list[str] = []
    page.on("request", lambda request: request.url.startswith((lane.url, "blob:")) or elsewhere.append(request.url))
    page.goto(lane.page)
    page.get_by_role("button", name="Start", exact=True).wait_for()
    found = [*violations(page), *small_targets(page)]
    keep_screenshot(page, f"phone-{scheme}")
    for language in ("tr", "ar") if scheme == "light" else ("ar",):  # dark differs in its colours only
        page.get_by_role("combobox").first.select_option(language)
        page.wait_for_function("language => document.documentElement.lang === language", arg=language)
        found += [*violations(page), *small_targets(page)]
        keep_screenshot(page, f"phone-{scheme}-{language}")
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{language} is wider than the screen"
    page.get_by_role("combobox").first.select_option("en")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    press(page, "Do not look at this")
    found += [*violations(page), *small_targets(page)]
    keep_screenshot(page, f"phone-{scheme}-200")
    press(page, "Start")
    press(page, "Night-stand mode")
    found += [*violations(page), *small_targets(page)]
    keep_screenshot(page, f"phone-{scheme}-night")
    press(page, "Leave night-stand mode")
    assert found == []
    assert elsewhere == []
