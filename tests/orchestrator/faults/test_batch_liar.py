"""Liars with a record in a real market: what they have held back is run again, also when the orchestrator is killed in
between, and nothing wrong is in what is posted.
"""

from __future__ import annotations

import asyncio
import hashlib
from itertools import count
from pathlib import Path

import pytest
import requests

from edgebounty.protocol.batch.publishing import parse_data
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import Digest, JobId, TaskIndex, to_address, to_digest
from edgebounty.worker.batch_link import BatchLink, BatchOffer
from orchestrator.adapters.chain.batch_reader import BatchChainReader
from orchestrator.batch import SECRET_FILE
from orchestrator.domain.batch.checking import is_drawn
from orchestrator.domain.batch.history import BatchPosted
from orchestrator.domain.policy import VerificationPolicy
from tests.orchestrator.devnet import Devnet, run_here, small_job, wait
from tests.orchestrator.faults.test_batch_lane import accepted, at_work, free_port, post, stages

pytestmark = pytest.mark.integration
SHARDS, HOLD = 5, 600
WRONG = to_digest(keccak256(b"the liars' result"))
LIE, CHECKED = 2, 3  # the tasks in which the liars lie


def secret_for(job: int) -> bytes:
    """One by which, of the first tasks, `CHECKED` is drawn for a check and `LIE` is not."""
    for number in count():
        secret = number.to_bytes(32, "big")
        draws = hashlib.blake2b(b"checks", key=secret, digest_size=32).digest()
        drawn = [is_drawn(VerificationPolicy.STANDARD, draws, JobId(job), i) for i in range(SHARDS)]
        if drawn[CHECKED] and not drawn[LIE]:
            return secret
    raise AssertionError("there is one")


class Liars:
    """Two keys of one mind: each takes a place, both show the same. They sign no receipt: they have all they want."""

    def __init__(self, net: Devnet, url: str) -> None:
        self.net = net
        lane = net.market.deployment.batch_lane
        self.domain = Domain(chain_id=net.market.deployment.chain_id, verifying_contract=lane)
        operator = to_address(net.operator.address)
        self.links = [
            BatchLink(url, key=keccak256(name), orchestrator=operator, domain=self.domain) for name in (b"eve", b"mal")
        ]
        for link in self.links:
            link.join(payout=link.worker, now=net.market.block().time)

    def tell(self, job: int, task: int, digest: Digest) -> None:
        offers: list[BatchOffer] = []
        for link in self.links:
            offers.append(next(offer for offer in link.work() if (offer.job, offer.task) == (job, task)))
            link.claim(offers[-1], now=self.net.market.block().time)
        salts = [keccak256(f"{link.worker} {task}".encode()) for link in self.links]
        sealed = [
            commitment(
                chain_id=self.domain.chain_id,
                lane=self.domain.verifying_contract,
                job_id=JobId(job),
                task_index=TaskIndex(task),
                worker=link.worker,
                digest=digest,
                salt=salt,
            )
            for link, salt in zip(self.links, salts, strict=True)
        ]
        each = list(zip(self.links, offers, sealed, salts, strict=True))
        for link, offer, word, _ in each:
            link.commit(offer, word)
        for link, offer, word, salt in each:
            link.show(offer, word, digest, salt)


def posted_results(net: Devnet, url: str, job: int) -> dict[int, set[bytes]]:
    """By task: the digests of all receipts of the job's batches on chain, from their published data."""
    reader = BatchChainReader(net.market, to_address(net.operator.address))
    events = asyncio.run(reader.events(0, net.market.block().number))
    found: dict[int, set[bytes]] = {}
    for event in events:
        if isinstance(event, BatchPosted) and event.header.job == job:
            batches = requests.get(f"{url}/v1/batches", timeout=30).json()["batches"]
            cid = next(line["data_cid"] for line in batches if line["number"] == event.header.number)
            _, bundles = parse_data(event.header, requests.get(f"{url}/ipfs/{cid}", timeout=30).content)
            for bundle in bundles:
                assert bundle is not None
                for receipt in bundle.receipts:
                    found.setdefault(receipt.task, set()).add(receipt.digest)
    return found


def test_liars_of_record__lie_in_two_tasks__caught_and_nothing_wrong_is_posted_though_the_orchestrator_is_killed(
    net: Devnet, data_dir: Path, tmp_path: Path
) -> None:
    planned, port = small_job(seed=24, shards=SHARDS), free_port()
    total, outputs = planned.manifest.total_tasks, run_here(planned).outputs
    job = net.market.job_count() + 1
    folder = net.folder / data_dir
    folder.mkdir()
    (folder / SECRET_FILE).write_bytes(secret_for(job))
    (folder / SECRET_FILE).chmod(0o600)
    settings = {"port": port, "batch_hold_seconds": HOLD}
    with net.orchestrator(str(data_dir), **settings) as process:
        net.upload(planned, process.url)
        assert post(net, planned, task_time=300, work_slots=2, quorum=2) == job
        wait(lambda: bool(stages(process, job)), 30, "the job is taken")
        liars = Liars(net, process.url)
        for task in (0, 1):  # as newcomers they are honest: two checks passed
            liars.tell(job, task, outputs[task])
        wait(lambda: stages(process, job)["agreed"] == 2, 60, "both have a record")
        liars.tell(job, LIE, WRONG)
        assert stages(process, job)["held"] == 1, "past the copies"
        process.kill()
        with net.orchestrator(str(data_dir), **settings) as again:
            wait(lambda: stages(again, job).get("held") == 1, 60, "it is held back still")
            wait(lambda: bool(liars.links[0].work()), 60, "the job is read again")
            liars.tell(job, CHECKED, WRONG)
            wait(lambda: stages(again, job)["held"] == 0, 60, "what they have held back is run again")
            assert [link.work() for link in liars.links] == [[], []]
            assert f"wrong result of task {CHECKED} of job {job}" in liars.links[0].idle_reason
            with at_work(net, again.url, tmp_path, "fg") as workers:
                wait(lambda: stages(again, job)["agreed"] + stages(again, job)["held"] == total, 120, "all is done")
                honest = 2 * (total - 2)
                held = stages(again, job)["held"]  # the last task, for which nobody waits
                wait(
                    lambda: sum(accepted(again, each) for each in workers) == honest - 2 * held, 60, "all else is owed"
                )
                if held:
                    net.mine(seconds=HOLD)
                wait(lambda: sum(accepted(again, each) for each in workers) == honest, 60, "every receipt is owed")
            told = again.get(f"/v1/batch/jobs/{job}")["results"]
            assert told == {str(i): "0x" + outputs[i].hex() for i in range(total)}
            net.mine(seconds=HOLD)  # the liars have not signed for what they were right in
            wait(lambda: net.market.job(job).finished == total, 60, "the batch is on chain")
            wait(lambda: bool(again.get("/v1/batches")["batches"]), 30, "it is shown")
            on_chain = posted_results(net, again.url, job)
            assert on_chain == {i: {outputs[i][:27]} for i in range(2, total)}
