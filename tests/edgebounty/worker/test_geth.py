"""The same life on a second Ethereum client: nothing of ours may lean on anvil's habits."""

from __future__ import annotations

from pathlib import Path

import pytest
from geth_kit import geth_chain
from worker_kit import PRICE, make_world, table_job, wait_until

from edgebounty.chain.errors import ContractRejected, NoGasMoney
from edgebounty.chain.header import fetch_header
from edgebounty.chain.ledger import read_ledger
from edgebounty.chain.sender import Sender
from edgebounty.execution import fetcher, run_local
from edgebounty.jobs.shape import result_cid, result_tasks
from edgebounty.programs.runtime import Runtime

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]


def test_job__on_geth__posted_run_proven_and_paid(tmp_path: Path) -> None:
    with geth_chain() as url, make_world(tmp_path, url) as world:
        world.stake("w0")
        world.stake("w1")
        agents = [world.start(name, withdraw_threshold=1) for name in ("w0", "w1")]
        planned = table_job()
        job_id = world.post(planned, task_time=60)

        wait_until(lambda: world.finished(job_id), 180, "the job")

        digests = [world.market.result(job_id, task) for task in result_tasks(planned.manifest)]
        local = run_local(planned.manifest, fetcher(world.gateway.store, planned.manifest), Runtime())
        assert result_cid(planned.manifest, digests) == local.result_cid  # type: ignore[arg-type]
        owed = planned.manifest.total_tasks * PRICE
        wait_until(lambda: all(agent.journal.earned() == owed for agent in agents), 20, "all are paid")
        wait_until(lambda: all(world.market.balances(a.address).credit == 0 for a in agents), 20, "withdrawn")
        ledger = read_ledger(world.market)
        assert (ledger.difference, ledger.surplus, ledger.burned) == (0, 0, 0)


def test_errors__on_geth__decoded_as_on_anvil(tmp_path: Path) -> None:
    with geth_chain() as url, make_world(tmp_path, url) as world:
        header = fetch_header(world.web3, world.web3.eth.block_number)
        assert header
        sender = Sender(world.web3, world.account("w0"))
        with pytest.raises(ContractRejected, match="stake not free"):
            sender.send(world.market.unbond(5))
        with pytest.raises(ContractRejected, match="job unknown"):
            world.market.terms(5)
        poor = Sender(world.web3, world.account("w40"))
        with pytest.raises(NoGasMoney):
            poor.send(world.market.token.functions.faucet(), gas=100_000)
        signed = sender.sign(world.market.token.functions.faucet(), nonce=sender.next_nonce())
        sender.send_raw(signed)
        sender.send_raw(signed)
        sender.wait(signed)
        sender.send_raw(signed)
