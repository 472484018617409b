"""The batch lane as people meet it: a job in the escrow, `python -m orchestrator`, workers with nothing but a key."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount

from edgebounty.content.http import HttpGateway
from edgebounty.content.permission import UploadSigner
from edgebounty.content.store import ContentError
from edgebounty.jobs.plan import PlannedJob
from edgebounty.jobs.shape import output_cid
from edgebounty.protocol.cid import Cid
from edgebounty.protocol.commitment import commitment
from edgebounty.protocol.hashing import keccak256
from edgebounty.protocol.messages import Domain
from edgebounty.protocol.types import TaskIndex, to_address, to_digest
from edgebounty.worker.batch.agent import BatchAgent
from edgebounty.worker.batch.settings import BatchSettings
from edgebounty.worker.batch_link import BatchLink
from tests.orchestrator.devnet import SLOT_PRICE, Devnet, Process, run_here, small_job, wait

pytestmark = pytest.mark.integration


def post(net: Devnet, planned: PlannedJob, **terms: Any) -> int:
    lane = net.market.deployment.batch_lane
    return net.post(planned, lane=lane, orchestrator=to_address(net.operator.address), audit_slots=1, **terms)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def at_work(net: Devnet, url: str, folder: Path, names: str) -> Iterator[list[LocalAccount]]:
    """Workers with a key each, no token, no stake, no coin. They check the chain and run programs in the sandbox."""
    accounts = [Account.from_key(keccak256(name.encode())) for name in names]
    agents = [
        BatchAgent(
            BatchSettings(
                orchestrator_url=url,
                data_dir=folder / account.address,
                key_file=folder / "unread",  # the account is handed over
                rpc_url=net.anvil.url,
                deployment=net.deployment_file,
                poll_seconds=0.1,
            ),
            account=account,
        )
        for account in accounts
    ]
    threads = [threading.Thread(target=agent.run, daemon=True) for agent in agents]
    for thread in threads:
        thread.start()
    try:
        yield accounts
    finally:
        for agent in agents:
            agent.stop()
        for thread in threads:
            thread.join(60)


def accepted(process: Process, account: LocalAccount) -> int:
    """Just after its start an orchestrator has yet to read what was posted, and answers 503: try again."""
    told: dict[str, Any] = {}

    def answered() -> bool:
        answer = requests.get(f"{process.url}/v1/batch/workers/{account.address}", timeout=60)
        assert answer.status_code in (200, 503), answer.text
        told.update(answer.json())
        return answer.status_code == 200

    wait(answered, 30, "what is owed is told")
    return sum(bundle["count"] for bundle in told["bundles"])


def stages(process: Process, job: int) -> dict[str, int]:
    told: dict[str, int] = process.get(f"/v1/batch/jobs/{job}").get("stages", {})
    return told


def test_job__keys_without_stake__owed_for_the_right_results_though_the_orchestrator_is_killed(
    net: Devnet, data_dir: Path, tmp_path: Path
) -> None:
    planned, port = small_job(seed=21), free_port()
    total = planned.manifest.total_tasks
    with net.orchestrator(str(data_dir), port=port) as process:
        net.upload(planned, process.url)
        job = post(net, planned, task_time=300)  # a busy machine is late for nothing
        with at_work(net, process.url, tmp_path, "abc") as workers:
            wait(lambda: any(accepted(process, worker) for worker in workers), 60, "a receipt is accepted")
            before = [accepted(process, worker) for worker in workers]
            process.kill()
            with net.orchestrator(str(data_dir), port=port) as again:
                assert all(accepted(again, worker) >= n for worker, n in zip(workers, before, strict=True))
                wait(lambda: stages(again, job).get("agreed") == total, 60, "all tasks are agreed")
                wait(lambda: sum(accepted(again, each) for each in workers) == 3 * total, 60, "every receipt is owed")

                told = again.get(f"/v1/batch/jobs/{job}")
                outputs = run_here(planned).outputs
                assert told["results"] == {str(i): "0x" + outputs[i].hex() for i in range(total)}
                assert told["next"] is None
                for worker in workers:
                    books = again.get(f"/v1/batch/workers/{worker.address}")
                    assert books["accepted"] == str(SLOT_PRICE * total)
                    balances = net.market.balances(to_address(worker.address))
                    assert (balances.tokens, balances.stake, balances.gas_wei) == (0, 0, 0)
                cid = output_cid(planned.manifest, total - 1, outputs[-1])
                assert requests.get(f"{again.url}/ipfs/{cid}", timeout=30).content == run_here(planned).blocks[cid]


def test_stopped__no_more_tasks_from_the_lanes_deadline_on__and_strangers_upload_nothing(
    net: Devnet, data_dir: Path
) -> None:
    planned = small_job(seed=22)
    escrow = Domain(chain_id=net.market.deployment.chain_id, verifying_contract=net.market.deployment.escrow)
    block = b"bytes that nobody asked for"
    with net.orchestrator(str(data_dir)) as process:
        gateway = HttpGateway(process.url, UploadSigner(escrow, keccak256(b"nobody")))
        with pytest.raises(ContentError, match="no batch-lane task in hand"):
            gateway.put_block(Cid.of(block), block)
        net.upload(planned, process.url)
        job = post(net, planned)
        wait(lambda: bool(stages(process, job)) or bool(net.mine()), 30, "the job is taken")
        before = process.get(f"/v1/batch/jobs/{job}")["deadline"]
        net.requester.send(net.market.stop_job(job))
        wait(
            lambda: process.get(f"/v1/batch/jobs/{job}")["deadline"] < before or bool(net.mine()),
            30,
            "the deadline came nearer",
        )
        ends = process.get(f"/v1/batch/jobs/{job}")
        assert ends["deadline"] < ends["closes"] <= net.market.block().time + 30


def test_liar__before_anybody_has_a_record__is_caught_and_out_and_the_honest_are_owed(
    net: Devnet, data_dir: Path, tmp_path: Path
) -> None:
    planned = small_job(seed=23, shards=1)
    total, outputs = planned.manifest.total_tasks, run_here(planned).outputs
    operator, lane = to_address(net.operator.address), net.market.deployment.batch_lane
    domain = Domain(chain_id=net.market.deployment.chain_id, verifying_contract=lane)
    with net.orchestrator(str(data_dir)) as process:
        net.upload(planned, process.url)
        job = post(net, planned, task_time=300, work_slots=2, quorum=2)
        liar = BatchLink(process.url, key=keccak256(b"liar"), orchestrator=operator, domain=domain)
        liar.join(payout=liar.worker, now=net.market.block().time)
        wait(lambda: bool(stages(process, job)), 30, "the job is taken")
        offer = next(each for each in liar.work() if each.job == job)
        liar.claim(offer, now=net.market.block().time)
        wrong, salt = to_digest(keccak256(b"a wrong result")), keccak256(b"salt")
        sealed = commitment(
            chain_id=domain.chain_id,
            lane=lane,
            job_id=offer.job,
            task_index=TaskIndex(offer.task),
            worker=liar.worker,
            digest=wrong,
            salt=salt,
        )
        liar.commit(offer, sealed)
        with at_work(net, process.url, tmp_path, "de") as workers:
            wait(lambda: stages(process, job).get("closed", 0) > 0, 60, "an honest worker has committed too")
            liar.show(offer, sealed, wrong, salt)
            wait(lambda: stages(process, job).get("agreed") == total, 120, "all tasks are agreed")
            # One place of the first task was the liar's.
            honest = 2 * total - 1
            wait(lambda: sum(accepted(process, each) for each in workers) == honest, 60, "every receipt is owed")
        told = process.get(f"/v1/batch/jobs/{job}")["results"]
        assert told == {str(i): "0x" + outputs[i].hex() for i in range(total)}
        assert liar.work() == []
        assert f"wrong result of task {offer.task} of job {job}" in liar.idle_reason
        assert liar.books().accepted == 0
