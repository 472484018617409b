"""A whole job by real workers on a real chain, without an orchestrator."""

from __future__ import annotations

import pytest
from worker_kit import PRICE, STAKE, World, table_job, wait_until

from edgebounty.chain.ledger import read_ledger
from edgebounty.execution import fetcher, run_local
from edgebounty.jobs.shape import result_cid, result_tasks
from edgebounty.programs.runtime import Runtime
from edgebounty.worker.status import Status

pytestmark = pytest.mark.integration


def test_job__three_workers_no_orchestrator__done_paid_and_right(world: World) -> None:
    names = ("w0", "w1", "w2")
    for name in names:
        world.stake(name)
    planned = table_job()
    agents = [world.start(name, withdraw_threshold=1) for name in names]

    job_id = world.post(planned)

    wait_until(lambda: world.finished(job_id), 60, "the job")
    digests = [world.market.result(job_id, task) for task in result_tasks(planned.manifest)]
    local = run_local(planned.manifest, fetcher(world.gateway.store, planned.manifest), Runtime())
    assert all(digests)
    assert result_cid(planned.manifest, digests) == local.result_cid  # type: ignore[arg-type]
    tasks = planned.manifest.total_tasks
    wait_until(lambda: sum(int(agent.journal.earned()) for agent in agents) == tasks * 2 * PRICE, 10, "all are paid")
    wait_until(lambda: all(world.market.balances(a.address).credit == 0 for a in agents), 10, "credits withdrawn")
    for agent in agents:
        assert world.market.balances(agent.address).stake == STAKE
        assert world.market.balances(agent.address).locked == 0
        assert Status.load(agent.settings.data_dir).is_running
    ledger = read_ledger(world.market)
    assert ledger.difference == 0
    assert ledger.surplus == 0
    assert ledger.burned == 0
    assert ledger.fees == tasks * 2 * PRICE // 100
