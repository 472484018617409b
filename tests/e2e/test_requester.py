"""The requester's page in a real browser: a job posted by a wallet, done by real workers, its result checked there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from web3 import Web3

from edgebounty.jobs.analyze import decode_analyze, plan_analyze, program_names
from edgebounty.jobs.arrays import pack_role
from edgebounty.jobs.model import Model
from edgebounty.jobs.own import plan_own
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.jobs.train import plan_train
from edgebounty.programs import builtin
from edgebounty.protocol.layout import Layout
from edgebounty.protocol.unixfs import root_cid
from tests.e2e.browser_kit import keep_screenshot, new_page, open_browser, small_targets, violations
from tests.e2e.market_kit import Up
from tests.e2e.wallet_kit import REFUSED, TestWallet
from tests.orchestrator.devnet import run_here

pytestmark = pytest.mark.integration
NETWORK = "mlp:13-32-3"
IMPORTS = bytes.fromhex("0061736d01000000 01040160 0000 0207 0101 61 0162 00 00")
"""A module that imports the function a.b."""
ENABLED = (
    "([name, on]) => [...document.querySelectorAll('button')].some(b => b.textContent === name && b.disabled !== on)"
)
UNKNOWN_CHAIN = {"code": 4902, "message": "Unrecognized chain ID."}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def requester(market: Up) -> str:
    return f"{market.endpoints['api_url']}/requester/"


def job_count(market: Up) -> int:
    return len(requests.get(f"{market.endpoints['api_url']}/v1/jobs", timeout=5).json()["jobs"])


def fill(page: Any, requester: str, table: Path) -> None:
    page.goto(requester)
    page.get_by_label("Table as CSV").set_input_files(table)
    page.get_by_text("Goes to escrow").wait_for()


def test_requester__posts_by_wallet__is_done_paid_and_its_result_checked(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    page = new_page(browser)
    wallet = TestWallet(page, market)
    fill(page, requester, table)
    keep_screenshot(page, "requester-price")
    values = np.loadtxt(table, delimiter=",", skiprows=1)
    pair = ProgramPair(*(builtin.load(name) for name in program_names(*values.shape)))
    planned = plan_analyze(values, ["a", "b", "c"], pair, shards=3)
    assert page.locator(f"code[title='{planned.cid}']").count() == 1, "the page plans another job than Python"

    page.get_by_role("button", name="Post with Test wallet").click()
    page.wait_for_url("**#/jobs/*", timeout=60_000)
    assert wallet.asked.count("eth_signTypedData_v4") == 1
    assert wallet.asked.count("eth_sendTransaction") == 1
    page.get_by_role("heading", name="Finished").wait_for(timeout=120_000)
    assert page.locator(".grid .cell.paid").count() == 8
    with page.expect_download() as download:
        page.get_by_role("button", name="Download and check").click()
    page.get_by_text("Right: the bytes hash to").wait_for()
    fetch_what_comes_back(page, wallet)

    found = decode_analyze(planned.manifest, Path(download.value.path()).read_bytes())
    for name, column in zip("abc", values.T, strict=True):
        assert found["columns"][name]["variance"] == pytest.approx(column.var(), rel=1e-12)
    assert not page.problems


def test_requester__training_in_the_batch_lane__posted_by_wallet_worked_by_keys_paid_and_checked(
    browser: Any, market: Up, requester: str, samples: Path, tmp_path: Path
) -> None:
    page = new_page(browser, device="tablet")
    wallet = TestWallet(page, market)
    page.goto(requester)
    page.get_by_label("What to do").select_option("train")
    page.get_by_label("Table as CSV").set_input_files(samples)
    page.get_by_label("Rounds").fill("2")
    page.get_by_label("Shards").fill("1")
    page.get_by_label("Passes over a shard").fill("2")
    page.get_by_label("Learning rate").fill("0.5")
    page.get_by_label("Batch, standard").check()
    keep_screenshot(page, "requester-batch-price")
    planned = planned_training(samples)
    page.locator(f"code[title='{planned.cid}']").wait_for()
    page.get_by_role("button", name="Post with Test wallet").click()
    page.wait_for_url("**#/jobs/*", timeout=60_000)
    assert wallet.asked.count("eth_signTypedData_v4") == wallet.asked.count("eth_sendTransaction") == 1
    page.get_by_text("The first round is not done yet.").wait_for()
    assert page.get_by_role("button", name="Download and check").is_disabled()
    with ExitStack() as workers:
        for name in ("a", "b"):
            run = ("worker", "run", "--lane", "batch", "--data-dir", tmp_path / name, "--yes", "--json")
            workers.enter_context(market.spawn(*run))
        page.get_by_role("heading", name="Finished").wait_for(timeout=120_000)
    assert page.locator(".grid .cell.paid").count() == planned.manifest.total_tasks == 4
    page.locator("svg.curve circle").nth(1).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download and check").click()
    page.get_by_text("Right: the bytes hash to").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        keep_screenshot(page, f"requester-batch-done-tablet-{scheme}")
        assert violations(page) == []
    found = root_cid(Path(download.value.path()).read_bytes()).digest
    assert found == run_here(planned).outputs[-1]
    assert not page.problems


def fetch_what_comes_back(page: Any, wallet: TestWallet) -> None:
    """The slot that no task needed, to an address that was pasted: first with a character mistyped."""
    receiver = Web3.to_checksum_address(b"\x5a" * 20)
    page.get_by_role("button", name="Connect Test wallet").click()
    field, withdraw = page.get_by_label("Send it to"), page.get_by_role("button", name="Withdraw the credit")
    page.wait_for_function(ENABLED, arg=["Withdraw the credit", True], timeout=60_000)  # the orchestrator refunds
    for wrong in (receiver.swapcase().replace("0X", "0x"), receiver[:-1], "requester.eth"):
        field.fill(wrong)
        page.get_by_text("its checksum is wrong").wait_for()
        assert withdraw.is_disabled()
    field.fill(receiver.lower())
    page.get_by_text("This address has no checksum").wait_for()
    field.fill(receiver)
    before = wallet.tokens(receiver)
    withdraw.click()
    page.get_by_text("Done: 0x").wait_for()
    keep_screenshot(page, "requester-done")
    assert wallet.tokens(receiver) > before
    assert violations(page) == []
    assert small_targets(page) == []


def planned_training(samples: Path) -> PlannedJob:
    rows = np.loadtxt(samples, delimiter=",", skiprows=1)
    pair = ProgramPair(*map(builtin.load, Model.parse(NETWORK).train_programs))
    labels = rows[:, -1].astype(int)
    return plan_train(rows[:, :-1], labels, pair, model=NETWORK, rounds=2, shards=1, epochs=2, learning_rate=0.5)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Sixty rows of thirteen numbers and a label that one of them gives away."""
    path, draw = tmp_path / "samples.csv", np.random.default_rng(7)
    labels = np.arange(60) % 3
    rows = draw.normal(size=(60, 13)) / 10
    rows[np.arange(60), labels] += 1
    header = ",".join([*(f"c{i}" for i in range(13)), "label"])
    np.savetxt(path, np.column_stack([rows, labels]), delimiter=",", header=header, comments="")
    return path


def test_requester__own_program__runs_here_first_and_a_bad_one_is_refused_with_the_reason(
    browser: Any, market: Up, requester: str, tmp_path: Path
) -> None:
    page = new_page(browser, device="phone")
    TestWallet(page, market)
    page.goto(requester)
    page.get_by_label("What to do").select_option("wasm")
    name = "table.stats"
    module = builtin.load(name)
    shard = tmp_path / "shard.bin"
    layout = Layout.of_module(module)
    shard.write_bytes(pack_role(layout, "shard", {"rows": 3, "columns": 2, "x": np.arange(6.0)}))
    short = tmp_path / "short.bin"
    short.write_bytes(b"abc")
    for number, (content, data, words) in enumerate(
        (
            (b"<b>text</b>", shard, "not a WebAssembly module"),
            (IMPORTS, shard, "the module has imports"),
            (module[: len(module) // 2], shard, "cut short"),
            (builtin.load(f"{name}.reduce"), shard, "is a reducer"),
            (module, short, f"file 1: it has 3 bytes; {name} reads {layout.role_bytes('shard')}"),
        )
    ):
        path = tmp_path / f"{number}.wasm"
        path.write_bytes(content)
        page.get_by_label("Program (.wasm)").set_input_files(path)
        page.get_by_label("Data files").set_input_files(data)
        page.get_by_role("alert").filter(has_text=words).wait_for()
        assert page.get_by_role("button", name="Post with").count() == 0
    page.get_by_label("Data files").set_input_files(shard)
    page.get_by_text("Ran here in").wait_for()
    planned = plan_own([shard.read_bytes()], ProgramPair(module))
    assert page.locator(f"code[title='{planned.cid}']").count() == 1
    page.get_by_role("button", name="Post with Test wallet").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        keep_screenshot(page, f"requester-own-phone-{scheme}")
        assert violations(page) == []
    assert not page.problems


def test_requester__permit_used_by_somebody_else_first__is_posted_all_the_same(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    """Whoever is shown the permit can use it up: the allowance is there then, and the posting call goes through."""
    page = new_page(browser)
    wallet = TestWallet(page, market)
    fill(page, requester, table)
    used = []

    def use_first(method: str) -> None:
        if method == "eth_sendTransaction":
            used.append(wallet.use_permit())

    wallet.before = use_first
    page.get_by_role("button", name="Post with Test wallet").click()
    page.wait_for_url("**#/jobs/*", timeout=60_000)
    assert used == [1]


def test_requester__gateway_busy_then_broken__page_waits_and_says_so(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    page = new_page(browser)
    TestWallet(page, market)
    answers = [429, 503]

    def busy(route: Any) -> None:
        if route.request.method == "PUT" and answers:
            route.fulfill(status=answers.pop(0), headers={"Retry-After": "1"}, body="busy")
        else:
            route.continue_()

    page.route("**/ipfs/**", busy)
    fill(page, requester, table)
    page.get_by_label("Shards").fill("7")  # other content than before
    page.get_by_role("button", name="Post with Test wallet").click()
    page.get_by_text("The gateway is busy or does not answer").wait_for()
    page.wait_for_url("**#/jobs/*", timeout=60_000)
    assert answers == []


def test_requester__orchestrator_answers_errors__says_so_and_goes_on_by_itself(
    browser: Any, requester: str, table: Path
) -> None:
    page = new_page(browser)
    answers = [500]

    def broken(route: Any) -> None:
        if answers:
            route.fulfill(
                status=answers.pop(0), content_type="application/json", body=json.dumps({"error": "<b>no</b>"})
            )
        else:
            route.continue_()

    page.route("**/v1/market", broken)
    page.goto(requester)
    page.get_by_text("The orchestrator does not answer: <b>no</b>").wait_for()
    page.get_by_label("Table as CSV").set_input_files(table)
    page.get_by_text("Goes to escrow").wait_for(timeout=30_000)
    assert page.get_by_role("alert").count() == 0


def test_requester__refused_in_the_wallet__says_so_and_posts_nothing(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    before = job_count(market)
    for refused in ("eth_requestAccounts", "eth_signTypedData_v4", "eth_sendTransaction"):
        page = new_page(browser)
        wallet = TestWallet(page, market, refuse=lambda method, it=refused: REFUSED if method == it else None)
        fill(page, requester, table)
        page.get_by_role("button", name="Post with Test wallet").click()
        page.get_by_text("it was refused in the wallet").wait_for(timeout=60_000)
        assert wallet.asked[-1] == refused
        assert page.get_by_role("button", name="Post with Test wallet").is_enabled()
    assert job_count(market) == before


def test_requester__wallet_on_another_chain__asks_it_to_switch_and_signs_nothing(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    page = new_page(browser)
    refuse = {"wallet_switchEthereumChain": UNKNOWN_CHAIN}.get
    wallet = TestWallet(page, market, chain_id=1, refuse=refuse)
    fill(page, requester, table)
    page.get_by_role("button", name="Post with Test wallet").click()
    page.get_by_text("the wallet is not on chain").wait_for()
    assert "eth_signTypedData_v4" not in wallet.asked


def test_requester__account_without_enough_tokens__is_told_before_anything_is_signed(
    browser: Any, market: Up, requester: str, table: Path
) -> None:
    page = new_page(browser)
    wallet = TestWallet(page, market)
    fill(page, requester, table)
    page.get_by_label("Price of a run").fill("99999999")
    page.get_by_role("button", name="Post with Test wallet").click()
    page.get_by_text("tokens, 2,").wait_for()
    assert "eth_signTypedData_v4" not in wallet.asked


def test_requester__table_that_cannot_be_used__names_row_and_column(
    browser: Any, requester: str, tmp_path: Path
) -> None:
    page = new_page(browser)
    page.goto(requester)
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n3,<img src=x onerror=alert(1)>\n")
    page.get_by_label("Table as CSV").set_input_files(bad)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "row 2, column b" in alert.inner_text()
    assert "<img" in alert.inner_text()
    assert not page.problems


@pytest.mark.parametrize(
    ("device", "scheme", "language", "zoom"),
    [("desktop", "dark", "en", 1), ("phone", "light", "ar", 1), ("tablet", "dark", "tr", 2)],
)
def test_requester__axe_and_targets__no_violation(
    browser: Any, market: Up, requester: str, table: Path, device: str, scheme: str, language: str, zoom: int
) -> None:
    page = new_page(browser, device=device, scheme=scheme, reduced_motion="reduce")
    TestWallet(page, market)
    fill(page, requester, table)
    page.get_by_role("combobox").first.select_option(language)
    page.wait_for_function("language => document.documentElement.lang === language", arg=language)
    page.evaluate("zoom => { document.documentElement.style.fontSize = `${100 * zoom}%`; }", zoom)
    page.wait_for_selector("table")
    keep_screenshot(page, f"requester-{device}-{scheme}-{language}")
    assert violations(page) == []
    assert small_targets(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
