"""The phone page in a real market: it earns beside Python workers, its results are theirs, and its pay arrives.

A real chain, deployed contracts, `python -m orchestrator` that serves the page and the blocks.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.rejections import load_artifact
from edgebounty.execution import run_task
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import describe
from edgebounty.programs.runtime import Runtime
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Digest, TaskIndex, to_address
from edgebounty.protocol.unixfs import root_cid
from edgebounty.worker.batch_link import BatchLink, BatchOffer, OrchestratorRefuses, Owed
from tests.e2e.browser_kit import keep_screenshot, new_page, open_browser
from tests.orchestrator.devnet import UNIT, Devnet, Person, Process, devnet, run_here, small_job, wait

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
    assert net.market.balances(to_address(page_address(page))).gas_wei == 0
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].find(b => b.textContent == 'Withdraw').disabled"
    )
    page.get_by_text("Paid out").wait_for()
    keep_screenshot(page, "phone-withdrawn")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "wider than the screen"
    assert read_ledger(net.market).difference == 0


def look(process: Process, job: int, tasks: int, worker: str, pay: int) -> None:
    """What anybody is told of all this."""
    (line,) = process.get("/v1/jobs")["jobs"]
    assert (line["lane"], line["status"], line["settled"]) == ("batch", "finished", tasks)
    assert int(line["paid"]) == COPIES * pay
    (batch,) = process.get("/v1/batches")["batches"]
    assert (batch["job_id"], batch["receipts"], batch["state"]) == (job, COPIES * tasks, "matured")
    page = process.get(f"/v1/batches/{batch['orchestrator']}/0")
    assert {bundle["amount"] for bundle in page["bundle_list"]} == {str(pay)}
    for text in (batch["tx"], batch["data_cid"], page["header"]["bundlesRoot"]):
        assert {"kind": "batch", "orchestrator": batch["orchestrator"], "number": 0} in process.get(
            f"/v1/find?q={text}"
        )["found"]
    assert process.get(f"/v1/find?q={worker}")["found"] == [{"kind": "worker", "address": worker}]
    record = process.get(f"/v1/workers/{worker}")["batch_lane"]
    assert (record["accepted"], record["withdrawn"]) == (str(pay), str(pay))
    assert process.get("/v1/ledger")["difference"] == "0"
    assert process.get("/v1/disputes")["disputes"] == []


def test_phone__beside_python_workers__is_paid_on_chain_for_the_same_digests(browser: Any, net: Devnet) -> None:
    planned = small_job(seed=3, shards=1)
    with net.orchestrator(withdraw_gather_seconds=1) as process:
        job = post(net, process, planned)
        others = [PythonWorker(net, process, planned) for _ in range(COPIES - 1)]
        page = open_phone(browser, process.url)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("button", name="Start", exact=True).click()
        little = page.get_by_role("region", name="Now").get_by_text("The orchestrator has too little stake on chain")
        little.wait_for(timeout=1000 * SECONDS)
        keep_screenshot(page, "phone-no-bond")
        assert not accepted(process, page)["bundles"]
        operator = Person(net.market, net.operator)
        operator.send(net.market.token.functions.faucet())
        operator.stake(net.market.read(least_bond(net)) + 10 * UNIT)  # of a batch's pay it puts up a part besides
        page.get_by_role("button", name="Stop now", exact=True).click()
        page.get_by_role("button", name="Start", exact=True).click()  # it asks at once
        for other in others:
            other.start()
        total = planned.manifest.total_tasks
        page.get_by_text(f"{total} tasks").wait_for(timeout=1000 * SECONDS)
        keep_screenshot(page, "phone-market")
        for other in others:
            other.ended.set()
            other.join(SECONDS)
        digests = dict(enumerate(run_here(planned).outputs))
        assert [other.results for other in others] == [digests, digests]
        told = accepted(process, page)
        pay = total * net.market.terms(job).slot_price
        assert told["accepted"] == str(pay)
        assert told["bundles"][0]["count"] == total
        program = f"/ipfs/{planned.manifest.program}?"
        assert sum(program in url for url in asked) == 1, "the program is fetched once, not for each task"
        withdraw(page, net, process, pay)
        look(process, job, total, page_address(page), pay)
        assert not page.problems
