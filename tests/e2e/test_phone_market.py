"""The phone page in a real market: it earns beside Python workers, its results are theirs, its pay arrives; and what
the explorer shows of it, to whoever believes nobody.

A real chain, deployed contracts, `python -m orchestrator` that serves the page and the blocks.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.rejections import load_artifact
from edgebounty.execution import run_task
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import describe
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Address, Digest, TaskIndex, to_address
from edgebounty.protocol.unixfs import root_cid
from edgebounty.worker.batch_link import BatchLink, BatchOffer, OrchestratorRefuses, Owed
from tests.e2e.browser_kit import keep_screenshot, new_page, open_browser, small_targets, violations
from tests.orchestrator.devnet import STAKE, UNIT, Devnet, Person, Process, devnet, run_here, small_job, wait

pytestmark = pytest.mark.integration
COPIES = 3
SECONDS = 90
PAYOUT = to_address(b"\x77" * 20)


class PythonWorker(threading.Thread):
    """Works on whatever is offered until it is told to end. It has a key and no stake, as the phone."""

    def __init__(self, net: Devnet, process: Process, planned: PlannedJob) -> None:
        super().__init__(daemon=True)
        deployment = net.market.deployment
        self._domain = Domain(chain_id=deployment.chain_id, verifying_contract=deployment.batch_lane)
        operator = to_address(net.operator.address)
        self.link = BatchLink(process.url, key=secrets.token_bytes(32), orchestrator=operator, domain=self._domain)
        self._net = net
        self._manifest = planned.manifest
        self._blocks = run_here(planned).blocks | planned.blocks
        self.results: dict[int, Digest] = {}
        self.owed = Owed()
        self.ended = threading.Event()

    def run(self) -> None:
        self.link.join(payout=self.link.worker, now=self._now())
        while not self.ended.wait(0.1):
            for offer in self.link.work():
                with suppress(OrchestratorRefuses):  # others were faster
                    self._do(offer)

    def _do(self, offer: BatchOffer) -> None:
        assignment = self.link.claim(offer, now=self._now())
        spec = describe(self._manifest, offer.task)
        done = run_task(
            self._manifest,
            spec,
            fetch=self._blocks.__getitem__,
            result_of=offer.inputs.__getitem__,
            runtime=Runtime(),
        )
        digest, salt = root_cid(done.output).digest, secrets.token_bytes(32)
        sealed = commitment(
            chain_id=self._domain.chain_id,
            lane=self._domain.verifying_contract,
            job_id=offer.job,
            task_index=TaskIndex(offer.task),
            worker=self.link.worker,
            digest=digest,
            salt=salt,
        )
        now = self.link.commit(offer, sealed)
        while now.stage == "open" and not self.ended.wait(0.1):
            now = self.link.task(offer, sealed)
        now = self.link.show(offer, sealed, digest, salt)
        while now.stage == "closed" and not self.ended.wait(0.1):
            now = self.link.task(offer, sealed)
        assert now.commit_set is not None
        self.owed = self.link.hand_in(offer, assignment.slot, digest, now.commit_set, self.owed)
        self.results[offer.task] = digest

    def _now(self) -> float:
        return self._net.market.block().time


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with devnet(tmp_path_factory.mktemp("market"), workers=0) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


def least_bond(net: Devnet) -> Any:
    lane = net.market.web3.eth.contract(
        address=net.market.web3.to_checksum_address(net.market.deployment.batch_lane),
        abi=load_artifact("BatchLane")["abi"],
    )
    return lane.functions.LEAST_BOND()


def post(net: Devnet, process: Process, planned: PlannedJob) -> int:
    net.upload(planned, process.url)
    lane = net.market.deployment.batch_lane
    return net.post(planned, lane=lane, work_slots=COPIES, quorum=2)


def open_phone(browser: Any, url: str) -> Any:
    page = new_page(browser, device="phone")
    page.goto(f"{url}/phone/")
    page.get_by_role("switch", name="it is not on mobile data").uncheck()
    page.get_by_label("Share of the time").select_option("100%")
    return page


def page_address(page: Any) -> str:
    return str(page.locator("code.name").first.get_attribute("title"))


def accepted(process: Process, page: Any) -> dict[str, Any]:
    return process.get(f"/v1/batch/workers/{page_address(page)}")


def withdraw(page: Any, net: Devnet, process: Process, pay: int) -> None:
    """Its batch is posted and its window passes; then it has the orchestrator send all to an address of its owner's."""

    def is_usable() -> bool:
        net.mine(seconds=5)  # windows pass by the chain's clock
        return bool(accepted(process, page)["earned"] == str(pay))

    wait(is_usable, SECONDS, "the window is over")
    page.get_by_role("button", name="Withdraw", exact=True).click(timeout=1000 * SECONDS)
    page.get_by_label("Pay out to").fill(PAYOUT)
    page.get_by_role("button", name="Save address", exact=True).click()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    page.get_by_text(f"to be sent to {PAYOUT}").wait_for(timeout=1000 * SECONDS)

    def has_arrived() -> bool:
        net.mine(seconds=1)
        return net.market.balances(PAYOUT).tokens == pay

    wait(has_arrived, SECONDS, "the pay arrives")
    wait(lambda: accepted(process, page)["withdrawn"] == str(pay), SECONDS, "the orchestrator knows it")
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].find(b => b.textContent == 'Withdraw').disabled"
    )
    page.get_by_text("Paid out").wait_for()


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened, once for all tests below."""

    process: Process
    planned: PlannedJob
    job: int
    pay: int
    worker: Address  # the page's
    told: dict[str, Any]  # of it, before it withdrew
    results: list[dict[int, Digest]]  # the Python workers'
    requests: list[str]  # the page's
    width_over: int  # pixels that the page was wider than the screen
    problems: list[str]


@pytest.fixture(scope="module")
def story(browser: Any, net: Devnet) -> Iterator[Story]:
    planned = small_job(seed=3, shards=1)
    total = planned.manifest.total_tasks
    with net.orchestrator(withdraw_gather_seconds=1) as process:
        job = post(net, process, planned)
        wait(lambda: "stages" in process.get(f"/v1/batch/jobs/{job}"), SECONDS, "the job is taken: its bond is covered")
        operator = Person(net.market, net.operator)
        operator.send(net.market.unbond(STAKE))  # and is taken away
        pay = total * net.market.terms(job).slot_price
        others = [PythonWorker(net, process, planned) for _ in range(COPIES - 1)]
        page = open_phone(browser, process.url)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("button", name="Start", exact=True).click()
        little = page.get_by_role("region", name="Now").get_by_text("The orchestrator has too little stake on chain")
        little.wait_for(timeout=1000 * SECONDS)
        keep_screenshot(page, "phone-no-bond")
        assert not accepted(process, page)["bundles"]
        operator.stake(net.market.read(least_bond(net)) + 10 * UNIT)  # of a batch's pay it puts up a part besides
        page.get_by_role("button", name="Stop now", exact=True).click()
        page.get_by_role("button", name="Start", exact=True).click()  # it asks at once
        for other in others:
            other.start()
        page.get_by_text(f"{total} tasks").wait_for(timeout=1000 * SECONDS)
        keep_screenshot(page, "phone-market")
        for other in others:
            other.ended.set()
            other.join(SECONDS)
        told = accepted(process, page)
        withdraw(page, net, process, pay)
        keep_screenshot(page, "phone-withdrawn")
        yield Story(
            process=process,
            planned=planned,
            job=job,
            pay=pay,
            worker=to_address(page_address(page)),
            told=told,
            results=[other.results for other in others],
            requests=asked,
            width_over=page.evaluate("document.documentElement.scrollWidth - innerWidth"),
            problems=page.problems,
        )


def test_phone__beside_python_workers__is_paid_on_chain_for_the_same_digests(story: Story, net: Devnet) -> None:
    digests = dict(enumerate(run_here(story.planned).outputs))
    assert story.results == [digests, digests]
    assert story.told["accepted"] == str(story.pay)
    assert story.told["bundles"][0]["count"] == len(digests)
    assert net.market.balances(PAYOUT).tokens == story.pay
    assert net.market.balances(story.worker).gas_wei == 0
    assert read_ledger(net.market).difference == 0
    program = f"/ipfs/{story.planned.manifest.program}?"
    assert sum(program in url for url in story.requests) == 1, "the program is fetched once, not for each task"
    assert story.width_over <= 0
    assert not story.problems


def test_documents__of_the_batch_lane__say_what_has_happened(story: Story) -> None:
    ask, tasks = story.process.get, len(story.results[0])
    (line,) = ask("/v1/jobs")["jobs"]
    assert (line["lane"], line["status"], line["settled"]) == ("batch", "finished", tasks)
    assert int(line["paid"]) == COPIES * story.pay
    (batch,) = ask("/v1/batches")["batches"]
    assert (batch["job_id"], batch["receipts"], batch["state"]) == (story.job, COPIES * tasks, "matured")
    page = ask(f"/v1/batches/{batch['orchestrator']}/0")
    assert {bundle["amount"] for bundle in page["bundle_list"]} == {str(story.pay)}
    record = ask(f"/v1/workers/{story.worker}")["batch_lane"]
    assert (record["accepted"], record["withdrawn"]) == (str(story.pay), str(story.pay))
    assert ask("/v1/ledger")["difference"] == "0"
    assert ask("/v1/disputes")["disputes"] == []


def verify(page: Any, story: Story, task: int) -> str:
    """Presses the button; how it ended."""
    page.goto(f"{story.process.url}/explorer/#/jobs/{story.job}/{task}")
    page.get_by_role("button", name=f"Verify task {task}").click()
    page.wait_for_selector("[data-verify=right], [data-verify=wrong], [data-verify=failed]", timeout=60_000)
    return str(page.get_attribute("[data-verify]", "data-verify"))


def test_verify__receipts_of_a_batch__are_found_under_its_root_and_run_again(
    browser: Any, story: Story, net: Devnet
) -> None:
    page = new_page(browser)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    for task in range(len(story.results[0])):  # maps, which read a shard, and reduces, which read other tasks' results
        assert verify(page, story, task) == "right", page.inner_text("main")
    keep_screenshot(page, "explorer-verified-batch")
    card = page.get_by_role("region", name="Verify this yourself").inner_text()
    assert "Signed by" in card
    assert "Receipts with this digest" in card
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in asked if url.startswith("http")}
    assert origins == {story.process.url, net.anvil.url}
    assert not page.problems


def _rewrite(page: Any, net: Devnet, method: str, change: Any) -> None:
    """Has the chain's node say something else, where it is asked so."""

    def answer(route: Any) -> None:
        said = route.fetch().json()
        asked = json.loads(route.request.post_data)
        if asked["method"] == method:
            said["result"] = change(said["result"])
        route.fulfill(json=said, headers={"Access-Control-Allow-Origin": "*"})

    page.route(net.anvil.url + "/**", answer)


def test_verify__data_under_another_root__are_refused(browser: Any, story: Story, net: Devnet) -> None:
    root = story.process.get(f"/v1/batches/{net.operator.address}/0")["header"]["bundlesRoot"][2:]
    page = new_page(browser)
    _rewrite(page, net, "eth_getLogs", lambda logs: json.loads(json.dumps(logs).replace(root, "ab" * 32)))

    assert verify(page, story, 0) == "failed"
    assert "do not have the root that stands on chain" in page.inner_text("main")


def test_verify__another_lane_than_the_signed_one__is_a_signature_of_nobody(
    browser: Any, story: Story, net: Devnet
) -> None:
    page = new_page(browser)

    def answer(route: Any) -> None:  # the same contracts on a chain of another number
        route.fulfill(json=route.fetch().json() | {"chain_id": 77})

    page.route("**/v1/market", answer)
    _rewrite(page, net, "eth_chainId", lambda _: hex(77))

    assert verify(page, story, 0) == "failed"
    assert "did not sign its receipts" in page.inner_text("main")


def test_verify__other_data_than_the_workers_had__gives_another_digest(browser: Any, story: Story, net: Devnet) -> None:
    manifest = story.planned.manifest
    data = bytes(manifest.shards[0].bytes)
    shard = replace(manifest.shards[0], cid=Cid.of(data))
    other = replace(manifest, shards=(shard,))
    blocks = {str(Cid.of(block)): block for block in (data, other.encode())}
    page = new_page(browser)

    def serve(route: Any) -> None:
        block = blocks.get(urlsplit(route.request.url).path.rpartition("/")[2])
        route.fulfill(body=block) if block is not None else route.continue_()

    page.route("**/ipfs/**", serve)
    _rewrite(page, net, "eth_call", lambda said: said[:-64] + other.digest.hex())  # the terms end with it

    assert verify(page, story, 0) == "wrong"
    assert "another digest" in page.inner_text("main")


def test_search__of_the_batch_lane__transaction_cid_root_and_address_each_lead_there(
    browser: Any, story: Story
) -> None:
    (batch,) = story.process.get("/v1/batches")["batches"]
    place = f"#/batches/{batch['orchestrator']}/0"
    header = story.process.get(f"/v1/batches/{batch['orchestrator']}/0")
    page = new_page(browser)
    for text, expected in {
        batch["tx"]: place,
        batch["data_cid"]: place,
        header["header_hash"]: place,
        story.worker: f"#/workers/{story.worker}",
        "0x" + story.results[0][1].hex(): f"#/jobs/{story.job}/1",
    }.items():
        page.goto(f"{story.process.url}/explorer/#/")
        page.get_by_role("searchbox").fill(text)
        page.get_by_role("button", name="Search").click()
        page.wait_for_function("place => location.hash === place", arg=expected)
    assert not page.problems


@pytest.mark.parametrize(
    ("device", "scheme", "language", "zoom"),
    [("phone", "light", "ar", 1), ("tablet", "dark", "tr", 2)],
)
def test_pages__of_the_batch_lane__axe_and_targets__no_violation(
    browser: Any, story: Story, net: Devnet, device: str, scheme: str, language: str, zoom: int
) -> None:
    page = new_page(browser, device=device, scheme=scheme, reduced_motion="reduce")
    explorer = f"{story.process.url}/explorer/"
    page.goto(explorer)
    page.get_by_role("combobox").select_option(language)
    page.wait_for_function("language => document.documentElement.lang === language", arg=language)
    routes = {
        "batches": "#/batches",
        "batch": f"#/batches/{net.operator.address}/0",
        "batch-job": f"#/jobs/{story.job}",
        "batch-worker": f"#/workers/{story.worker}",
    }
    for name, route in routes.items():
        page.goto(explorer + route)
        page.wait_for_selector("table")
        page.evaluate("zoom => { document.documentElement.style.fontSize = `${100 * zoom}%`; }", zoom)
        keep_screenshot(page, f"explorer-{name}-{device}-{scheme}-{language}")
        assert violations(page) == [], name
        assert small_targets(page) == [], name
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is {overflow} px wider than the screen"
    assert not page.problems
