"""The explorer in a real browser, on a real market: anyone can look, and run any paid task again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from edgebounty.protocol.cid import Cid
from edgebounty.protocol.manifest import Limits, Manifest, Shard
from tests.e2e.browser_kit import keep_screenshot, new_page, open_browser, small_targets, violations
from tests.e2e.market_kit import Up
from tests.edgebounty.programs.program_kit import buffer, make_layout, make_module

pytestmark = pytest.mark.integration
STOP_SECONDS = 0.2


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def job(browser: Any, market: Up, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A finished job: three maps and a reduce, twice. Of a table of its own, so that a CID leads to this job alone."""
    table = tmp_path_factory.mktemp("explorer") / "table.csv"
    table.write_text("\n".join(["x,y", *(f"{i},{i * i}" for i in range(60))]))
    posted = market.cli(
        "job", "post", "analyze", "--data", table, "--shards", 3, "--bounty", "7", "--yes", "--json", "--watch"
    )
    assert posted.status == 0, posted.err
    return int(json.loads(posted.out.splitlines()[-1])["id"])


@pytest.fixture
def explorer(market: Up) -> str:
    return f"{market.endpoints['api_url']}/explorer/"


def verify(page: Any, explorer: str, job: int, task: int) -> str:
    """Presses the button; how it ended."""
    page.goto(f"{explorer}#/jobs/{job}/{task}")
    page.get_by_role("button", name=f"Verify task {task}").click()
    page.wait_for_selector("[data-verify=right], [data-verify=wrong], [data-verify=failed]", timeout=60_000)
    return str(page.get_attribute("[data-verify]", "data-verify"))


def test_verify__every_kind_of_task__gives_the_digest_that_was_paid(
    browser: Any, market: Up, explorer: str, job: int
) -> None:
    page = new_page(browser)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    for task in (0, 3, 7):  # a map, the reduce of its round, the job's last reduce
        assert verify(page, explorer, job, task) == "right", page.inner_text("main")
    keep_screenshot(page, "explorer-verified")
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in asked if url.startswith("http")}
    assert origins == {market.endpoints["api_url"], market.endpoints["rpc_url"]}
    assert not page.problems


def test_verify__the_paid_digest_is_another__says_wrong(browser: Any, explorer: str, job: int, market: Up) -> None:
    page = new_page(browser)
    page.route(market.endpoints["rpc_url"] + "/**", lambda route: _answer(route, result_of="0x" + "ab" * 32))

    assert verify(page, explorer, job, 0) == "wrong"
    assert "another digest" in page.inner_text("main")


def test_verify__gateway_sends_other_bytes__runs_nothing(browser: Any, explorer: str, job: int) -> None:
    page = new_page(browser)
    frames: list[Any] = []
    page.on("frameattached", lambda frame: frames.append(frame))
    page.route("**/ipfs/**", lambda route: route.fulfill(body=b"not what was asked for"))

    assert verify(page, explorer, job, 0) == "failed"
    assert "sent other bytes" in page.inner_text("main")
    assert not frames


def test_verify__node_of_another_chain__is_refused(browser: Any, explorer: str, job: int, market: Up) -> None:
    page = new_page(browser)
    page.route(market.endpoints["rpc_url"] + "/**", lambda route: _answer(route, chain_id="0x1"))

    assert verify(page, explorer, job, 0) == "failed"
    assert "the node is on 1" in page.inner_text("main")


def test_hostile_program__endless_loop__is_gone_within_the_bound_and_the_page_lives(
    browser: Any, explorer: str, job: int, market: Up
) -> None:
    # Not instrumented, so that no work limit ends it.
    layout = make_layout(buffer("in", "shard", 0), buffer("out", "output", 8))
    endless = make_module(
        "(loop (br 0)) i32.const 0",
        functions='(global (export "work_left") (mut i64) (i64.const 0))',
        layout=layout,
        instrumented=False,
    )
    page = new_page(browser)
    _serve_job(page, market, endless)
    page.goto(f"{explorer}#/jobs/{job}/0")
    before = {process.pid: cpu_seconds(process) for process in renderers()}
    page.get_by_role("button", name="Verify task 0").click()
    looping: list[psutil.Process] = []
    until = time.monotonic() + 20
    while not looping and time.monotonic() < until:
        page.wait_for_timeout(20)
        looping = [each for each in renderers() if cpu_seconds(each) - before.get(each.pid, 0) > 1.0]
    assert looping, "the program never ran"
    assert page.evaluate("1 + 1") == 2  # the page still answers
    ended: list[float] = []
    watch = threading.Thread(target=lambda: (psutil.wait_procs(looping, timeout=10), ended.append(time.time())))
    watch.start()

    # Timed by the page's own clock: the way from here to the button is not part of it.
    pressed, shown = page.evaluate(
        """() => new Promise((resolve) => {
            const pressed = Date.now();
            new MutationObserver((_, self) => {
                if (!document.querySelector("[data-verify=stopped]")) return;
                self.disconnect();
                resolve([pressed / 1000, Date.now() / 1000]);
            }).observe(document.body, { subtree: true, attributes: true, childList: true });
            [...document.querySelectorAll("button")].find((it) => it.textContent === "Stop").click();
        })"""
    )
    watch.join()

    assert shown - pressed < STOP_SECONDS, f"{shown - pressed:.3f} s until the page said so"
    assert ended[0] - pressed < STOP_SECONDS, f"{ended[0] - pressed:.3f} s until the program was gone"


@pytest.mark.parametrize(
    ("memory", "allowed", "reason"),
    [
        ('(memory (export "memory") 65536 65536)', 1 << 20, "of memory"),  # 4 GiB, of which 1 MiB is allowed
        ('(memory (export "memory") 1)', 1 << 20, "fixed size"),  # it could grow
    ],
)
def test_hostile_program__memory_bomb__is_refused_before_it_is_compiled(
    browser: Any, explorer: str, job: int, market: Up, memory: str, allowed: int, reason: str
) -> None:
    layout = make_layout(buffer("in", "shard", 0), buffer("out", "output", 8))
    page = new_page(browser)
    _serve_job(page, market, make_module(memory=memory, layout=layout), memory_bytes=allowed)

    assert verify(page, explorer, job, 0) == "failed"
    assert reason in page.inner_text("main")


def test_runner__any_connection__is_forbidden_by_its_own_policy(
    browser: Any, explorer: str, job: int, market: Up
) -> None:
    page = new_page(browser)
    page.goto(f"{explorer}#/jobs/{job}/0")
    assert len(page.frames) == 1, "a visit alone does not load the runner"
    page.evaluate(
        """() => { const frame = document.createElement("iframe"); frame.setAttribute("sandbox", "allow-scripts");
            frame.src = "./runner.html"; document.body.append(frame); }"""
    )
    with page.expect_worker() as started:  # a question without work, so that the worker stays
        page.wait_for_timeout(500)
        page.evaluate("frames[0].postMessage({ id: 1, work: {} }, '*')")
    probe = started.value
    url = f"{explorer}runner.html"
    assert "connect-src 'none'" in requests.get(url, timeout=5).headers["Content-Security-Policy"]
    for target in (f"{market.endpoints['api_url']}/v1/market", market.endpoints["rpc_url"]):
        said = probe.evaluate("url => fetch(url).then(() => 'reached', (error) => String(error))", target)
        assert "Failed to fetch" in said, said
    assert "reached" not in probe.evaluate(
        "url => new Promise((end) => { const s = new WebSocket(url); s.onopen = () => end('reached'); "
        "s.onerror = () => end('refused'); }).catch(String)",
        market.endpoints["rpc_url"].replace("http", "ws"),
    )


def test_search__job_task_address_cid_digest_and_transaction__each_leads_there(
    browser: Any, explorer: str, job: int, market: Up
) -> None:
    api = market.endpoints["api_url"]
    told = requests.get(f"{api}/v1/jobs/{job}", timeout=5).json()
    task = told["task_list"][4]
    manifest = str(Cid(0x55, bytes.fromhex(told["manifest_digest"][2:])))  # type: ignore[arg-type]
    worker = task["claims"][0]["worker"]
    page = new_page(browser)
    page.goto(f"{explorer}#/jobs/{job}")
    transaction = page.get_by_role("region", name="Timeline").locator("a[href*=transactions]").first
    expected = {
        str(job): f"#/jobs/{job}",
        f"{job}/2": f"#/jobs/{job}/2",
        worker: f"#/workers/{worker}",
        manifest: f"#/jobs/{job}",
        task["result"]: f"#/jobs/{job}/4",
        (transaction.get_attribute("href") or "").rpartition("/")[2]: transaction.get_attribute("href"),
    }
    for text, place in expected.items():
        page.goto(f"{explorer}#/")
        page.get_by_role("searchbox").fill(text)
        page.get_by_role("button", name="Search").click()
        page.wait_for_function("place => location.hash === place", arg=place)
    page.get_by_role("searchbox").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Search").click()
    page.get_by_text("Nothing is known under <img").wait_for()
    assert not page.problems


def test_ledger__read_by_the_page__adds_up(browser: Any, explorer: str, job: int) -> None:
    page = new_page(browser)
    page.goto(f"{explorer}#/ledger")
    page.wait_for_selector("[data-ledger=right]")


def test_service__gone_slow_or_refusing__is_said_and_what_was_read_stays(browser: Any, explorer: str, job: int) -> None:
    page = new_page(browser)
    page.goto(f"{explorer}#/")
    page.get_by_role("link", name=f"Job {job}", exact=True).wait_for()
    for status, body in ((500, "<html>"), (429, '{"error":"wait"}'), (200, "not json")):
        page.unroute_all()
        page.route("**/v1/jobs", partial(_fulfil, status=status, body=body))
        page.get_by_role("alert").first.wait_for(timeout=60_000)
        assert page.get_by_role("link", name=f"Job {job}", exact=True).is_visible()
    assert not page.problems


ROUTES = {"market": "#/", "job": "#/jobs/{job}", "workers": "#/workers", "ledger": "#/ledger"}


@pytest.mark.parametrize(
    ("device", "scheme", "language", "zoom"),
    [
        ("desktop", "light", "en", 1),
        ("desktop", "dark", "en", 1),
        ("phone", "light", "ar", 1),
        ("phone", "dark", "tr", 2),
        ("tablet", "light", "tr", 2),
    ],
)
def test_pages__axe_and_targets__no_violation(
    browser: Any, explorer: str, job: int, device: str, scheme: str, language: str, zoom: int
) -> None:
    page = new_page(browser, device=device, scheme=scheme, reduced_motion="reduce")
    page.goto(explorer)
    page.get_by_role("combobox").select_option(language)
    page.wait_for_function("language => document.documentElement.lang === language", arg=language)
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    for name, route in ROUTES.items():
        page.goto(explorer + route.format(job=job))
        page.wait_for_selector("table")
        page.evaluate("zoom => { document.documentElement.style.fontSize = `${100 * zoom}%`; }", zoom)
        keep_screenshot(page, f"explorer-{name}-{device}-{scheme}-{language}")
        assert violations(page) == [], name
        assert small_targets(page) == [], name
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is {overflow} px wider than the screen"
    assert not page.problems


def test_keyboard__from_the_top__reaches_search_and_the_first_job(browser: Any, explorer: str, job: int) -> None:
    page = new_page(browser)
    page.goto(explorer)
    page.get_by_role("link", name=f"Job {job}", exact=True).wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    page.keyboard.type(str(job))
    page.keyboard.press("Enter")
    page.wait_for_function("job => location.hash === `#/jobs/${job}`", arg=job)


def renderers() -> list[psutil.Process]:
    """The browser's processes that run pages, of this test alone."""
    children = psutil.Process().children(recursive=True)
    return [process for process in children if "--type=renderer" in _command_line(process)]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def cpu_seconds(process: psutil.Process) -> float:
    try:
        return process.cpu_times().user
    except psutil.Error:
        return 0.0


def _fulfil(route: Any, **answer: Any) -> None:
    route.fulfill(**answer)


def _answer(route: Any, *, result_of: str | None = None, chain_id: str | None = None, manifest: bytes = b"") -> None:
    """The node's own answer, but for what is to be another."""
    asked = json.loads(route.request.post_data)
    said = route.fetch().json()
    selector = asked["params"][0]["data"][:10] if asked["method"] == "eth_call" else ""
    if asked["method"] == "eth_chainId" and chain_id:
        said["result"] = chain_id
    elif selector and len(said["result"]) == 66 and result_of:  # one word: resultOf
        said["result"] = result_of
    elif selector and len(said["result"]) > 66 and manifest:  # the terms; the manifest's digest stands last
        said["result"] = said["result"][:-64] + manifest.hex()
    route.fulfill(json=said, headers={"Access-Control-Allow-Origin": "*"})


def _serve_job(page: Any, market: Up, module: bytes, *, memory_bytes: int = 1 << 20) -> None:
    """Makes the page see a job of this module, whose every byte hashes rightly."""
    shard = bytes(4)
    manifest = Manifest(
        kind="wasm",
        program=Cid.of(module),
        reducer=None,
        state=None,
        state_bytes=0,
        shards=(Shard(cid=Cid.of(shard), bytes=4, rows=1),),
        rounds=1,
        params={},
        limits=Limits(work_units=1 << 40, memory_bytes=memory_bytes, output_bytes=4),
    )
    blocks = {str(Cid.of(block)): block for block in (module, shard, manifest.encode())}
    page.route(
        "**/ipfs/**", lambda route: route.fulfill(body=blocks[urlsplit(route.request.url).path.rpartition("/")[2]])
    )
    page.route(market.endpoints["rpc_url"] + "/**", lambda route: _answer(route, manifest=manifest.digest))
