"""A reorganisation undoes what a worker did: it does it again, with the same result and salt, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from spin_kit import spin_job
from worker_kit import PRICE, STAKE, World, make_world, wait_until

from edgebounty.chain.anvil import Anvil
from edgebounty.chain.events import StakeSlashed
from edgebounty.chain.ledger import read_events, read_ledger
from edgebounty.chain.views import ClaimStatus
from edgebounty.worker.journal import Outcome

pytestmark = pytest.mark.integration


def reorganise(world: World, since_block: int) -> None:
    """Replace every block after `since_block` by empty ones."""
    depth = world.web3.eth.block_number - since_block
    answer = world.web3.provider.make_request("anvil_reorg", [depth, []])  # type: ignore[arg-type]
    assert "error" not in answer, answer


@pytest.mark.parametrize("undone", ["claim and commit", "reveal and settlement"])
def test_worker__reorganisation__done_again_and_nobody_slashed(tmp_path: Path, undone: str) -> None:
    # Far from final: with a block each half second and one slot an epoch, finality would come too soon to be undone.
    with (
        Anvil.start(accounts=20, final_after_blocks=128) as chain,
        make_world(tmp_path, chain.url) as world,
    ):
        world.stake("w0")
        world.stake("w1")
        one = world.start("w0")
        job_id = world.post(spin_job(0.01), task_time=60)
        market = world.market
        wait_until(lambda: market.task(job_id, 0).claimed == 0 and market.seed(market.task(job_id, 0).draw_epoch), 30)
        if undone == "claim and commit":
            before = market.block().number
            wait_until(lambda: market.task(job_id, 0).committed == 1, 30, "its commit")
        else:
            wait_until(lambda: market.task(job_id, 0).committed == 1, 30, "its commit")
            before = market.block().number
        sealed = one.journal.open_entries()[0]
        if undone == "reveal and settlement":
            two = world.start("w1")
            wait_until(lambda: world.finished(job_id), 40, "the settlement")
        reorganise(world, before)
        if undone == "claim and commit":
            assert market.task(job_id, 0).claimed == 0
            two = world.start("w1")
        else:
            assert not world.finished(job_id)

        wait_until(lambda: world.finished(job_id), 60, "the job, once more")

        claims = {claim.worker: claim for claim in market.claims(job_id, 0)}
        assert {claim.status for claim in claims.values()} == {ClaimStatus.REVEALED}
        again = one.journal.get(job_id, 0)
        assert again is not None
        assert (again.digest, again.salt) == (sealed.digest, sealed.salt)
        for agent in (one, two):
            wait_until(lambda agent=agent: [s.outcome for s in agent.claims.steps.values()] == [Outcome.PAID], 20)  # type: ignore[misc]
            assert agent.journal.totals() == {}, "not before it is final"
        world.web3.provider.make_request("anvil_mine", [hex(200)])  # type: ignore[arg-type]
        for agent in (one, two):
            wait_until(lambda agent=agent: agent.journal.totals() == {Outcome.PAID: 1}, 20, "paid")  # type: ignore[misc]
            assert market.balances(agent.address).stake == STAKE
            assert market.balances(agent.address).credit == PRICE
        events = read_events(market, to_block=market.block().number)
        assert not [event for event in events if isinstance(event, StakeSlashed)]
        assert read_ledger(market).difference == 0
