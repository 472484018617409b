"""`edgebounty watch` over a real chain: an honest market, a colluding majority, content withheld, a kill."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edgebounty.chain.batches import BatchContracts
from edgebounty.jobs.plan import PlannedJob
from edgebounty.protocol.batch.building import Batch, build
from edgebounty.protocol.batch.calls import header_abi
from edgebounty.protocol.batch.messages import Receipts, sign_compact
from edgebounty.protocol.batch.wire import Receipt, SignedBundle, encode_bundles, receipts_tree, sets_tree
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import address_of_key
from edgebounty.protocol.types import Address, Digest
from tests.e2e.market_kit import CLI, Said, environment, run_cli
from tests.orchestrator.devnet import STAKE, Devnet, Process, devnet, digest_of, run_here, small_job

pytestmark = pytest.mark.integration
LIE = digest_of("lie")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with devnet(tmp_path_factory.mktemp("net"), workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def service(net: Devnet) -> Iterator[Process]:
    """Serves content; the workers of these tests draw, claim and settle by themselves."""
    with net.orchestrator() as process:
        yield process


def pay(net: Devnet, job_id: int, digests: dict[int, Digest]) -> None:
    """Two workers agree on these digests, and are paid for them."""
    for index, digest in digests.items():
        net.work(job_id, index, digest, *net.workers)
        net.wait_settled(job_id, index)
    net.mine(4)


def command(net: Devnet, url: str, folder: Path, first: int) -> list[str]:
    return [
        *("watch", "--all", "--json", "--from-block", str(first), "--state", str(folder / "journal")),
        *("--rpc-url", net.anvil.url, "--deployment", str(net.deployment_file), "--gateway-url", url),
    ]


def watch_once(net: Devnet, url: str, folder: Path, first: int) -> tuple[Said, list[dict]]:  # type: ignore[type-arg]
    said = run_cli(*command(net, url, folder, first), "--once", home=folder)
    return said, [json.loads(line) for line in said.out.splitlines()]


def posted(net: Devnet, service: Process, planned: PlannedJob, *, upload: bool = True) -> tuple[int, int]:
    """The job, and the block before which nothing of it happened."""
    first = net.market.block().number + 1
    if upload:
        net.upload(planned, service.url)
    return net.post(planned), first


def test_watch__honest_market__nothing_is_found(net: Devnet, service: Process, tmp_path: Path) -> None:
    planned = small_job(seed=21)
    job_id, first = posted(net, service, planned)
    right = run_here(planned).outputs
    pay(net, job_id, {0: right[0], 1: right[1]})
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 0, said
    assert [line["type"] for line in lines] == ["status"]
    assert (lines[-1]["right"], lines[-1]["wrong"], lines[-1]["behind"]) == (2, 0, 0)


def test_watch__quorum_paid_for_a_lie__says_so_with_evidence(net: Devnet, service: Process, tmp_path: Path) -> None:
    planned = small_job(seed=22)
    job_id, first = posted(net, service, planned)
    right = run_here(planned).outputs
    pay(net, job_id, {0: LIE, 1: right[1]})
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 3, said
    found, status = lines
    assert (found["kind"], found["job_id"], found["task"]) == ("wrong_result", job_id, 0)
    assert (found["evidence"]["paid"], found["evidence"]["computed"]) == ("0x" + LIE.hex(), "0x" + right[0].hex())
    assert (status["right"], status["wrong"]) == (1, 1)
    receipt = net.market.web3.eth.get_transaction_receipt(found["evidence"]["transaction"])
    assert receipt["blockNumber"] == int(found["evidence"]["block"])


def test_watch__manifest_withheld__said_and_judged_once_it_is_served(
    net: Devnet, service: Process, tmp_path: Path
) -> None:
    planned = small_job(seed=23)
    job_id, first = posted(net, service, planned, upload=False)
    pay(net, job_id, {0: LIE})
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 4, said
    assert [line.get("kind") for line in lines] == ["content_missing", None]
    assert "the requester" in lines[0]["text"]
    assert (lines[-1]["missing"], lines[-1]["wrong"]) == (1, 0)
    net.upload(planned, service.url)
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 3, said
    assert [line.get("kind") for line in lines] == ["content_back", "wrong_result", None]


def test_watch__killed_and_started_again__every_task_is_looked_at_once(
    net: Devnet, service: Process, tmp_path: Path
) -> None:
    planned = small_job(seed=24)
    job_id, first = posted(net, service, planned)
    right = run_here(planned).outputs
    pay(net, job_id, {0: LIE, 1: right[1]})
    process = subprocess.Popen(
        [*CLI, *command(net, service.url, tmp_path, first)],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["kind"] == "wrong_result"  # task 0 is judged, task 1 perhaps not yet
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 3, said
    assert (lines[-1]["right"], lines[-1]["wrong"]) == (1, 1)
    with closing(sqlite3.connect(tmp_path / "journal")) as journal:
        assert journal.execute("SELECT task, tries FROM tasks ORDER BY task").fetchall() == [(0, 1), (1, 1)]
        assert journal.execute("SELECT count(*) FROM findings").fetchone() == (1,)


def test_watch__batch_pays_for_a_lie_that_its_workers_agreed_on__says_so_with_both_digests(
    net: Devnet, service: Process, tmp_path: Path
) -> None:
    """The batch keeps every rule, so there is nothing to prove to the chain."""
    planned = small_job(seed=25)
    net.upload(planned, service.url)
    first = net.market.block().number + 1
    boss, lane = net.workers[0], BatchContracts(net.market)
    boss.send(net.market.vault.functions.allot(boss.address, STAKE // 2))
    job_id = net.post(planned, lane=net.market.deployment.batch_lane, orchestrator=boss.address)
    right = run_here(planned).outputs
    batch = batch_of(lane, boss.address, job_id, {0: LIE, 1: right[1]})
    boss.send(lane.lane.functions.postWithData(header_abi(batch.header), encode_bundles(batch.bundles)))
    net.mine(4)
    said, lines = watch_once(net, service.url, tmp_path, first)
    assert said.status == 3, said
    found, status = lines
    assert (found["kind"], found["job_id"], found["task"]) == ("wrong_result", job_id, 0)
    assert (found["evidence"]["paid"], found["evidence"]["computed"]) == ("0x" + LIE[:27].hex(), "0x" + right[0].hex())
    assert (status["batches"], status["wrong"], status["right"]) == (1, 1, 1)


def batch_of(lane: BatchContracts, boss: Address, job_id: int, digests: dict[int, Digest]) -> Batch:
    """One worker's receipts, all of them signed."""
    key = keccak256(b"a worker without stake")
    receipts = tuple(Receipt(task=task, slot=0, digest=digest[:27]) for task, digest in digests.items())
    sets = tuple(keccak256(bytes([receipt.task])) for receipt in receipts)
    message = Receipts(
        worker=address_of_key(key),
        job=job_id,
        first_task=0,
        count=len(receipts),
        receipts=receipts_tree(receipts).root,
        commit_sets=sets_tree(sets).root,
    )
    bundle = SignedBundle(
        payout_index=1,
        account=message.worker,
        receipts=receipts,
        commit_sets=sets,
        signature=sign_compact(lane.domain, message, key),
    )
    return build(
        orchestrator=boss,
        number=0,
        job=job_id,
        tasks=(0, len(digests)),
        bundles=[bundle],
        prices=lane.prices_of(job_id),
    )


def test_watch__state_in_use_or_of_another_market__refused(net: Devnet, service: Process, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("no database, only a text that somebody left here")
    said, _ = watch_once(net, service.url, tmp_path, 0)
    assert said.status == 3
    assert said.error["whose"].startswith("yours (the state file)")
