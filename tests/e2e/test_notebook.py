"""The notebook API against a running market: the same calls and the same result CIDs as on this machine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebounty.client import Correlation, Describe, GroupBy, Local, Market, Terms
from edgebounty.client.errors import Rejected
from tests.e2e.market_kit import Up

pytestmark = pytest.mark.integration
QUICK = Terms(quorum=1, work_slots=2, deadline_seconds=300)


@pytest.fixture(scope="module")
def here_and_there(market: Up) -> tuple[Local, Market]:
    return Local(), Market.connect_folder(market.directory)


def test_analyze__on_the_market__gives_the_local_result(here_and_there: tuple[Local, Market]) -> None:
    here, there = here_and_there
    random = np.random.default_rng(2)
    table = {"kind": np.array(["a", "b"])[random.integers(0, 2, 300)], "x": random.normal(size=300)}
    question = GroupBy("kind")

    local = here.analyze(table, question, shards=2)
    remote = there.analyze(table, question, shards=2, bounty="4", terms=QUICK)
    assert "open" in str(remote.progress())
    remote.wait(timeout=120, bar=False)
    assert remote.progress().state == "finished"
    assert remote.result().cid == local.result().cid
    assert remote.result().document == local.result().document
    assert remote.plan.cids == local.plan.cids
    cost = remote.cost()
    assert 0 < cost.spent <= cost.escrowed <= there.token.amount("4")
    found = remote.verify(sample=3)
    assert (found.right, len(found.checks)) == (True, 3)
    assert found.result_cid == local.result().cid


def test_estimate__before_posting__says_what_is_taken_then(here_and_there: tuple[Local, Market]) -> None:
    here, there = here_and_there
    plan = here.plan_analyze(np.ones((20, 2)), Describe(), shards=2)
    before = there.balances().tokens
    estimate = there.estimate(plan, bounty="3", terms=QUICK)
    assert there.balances().tokens == before
    assert estimate.tasks == 6
    assert 0 < estimate.likely <= estimate.escrow <= there.token.amount("3")
    assert "escrowed" in str(estimate)
    job = there.start(plan, bounty="3", terms=QUICK)
    assert before - there.balances().tokens == estimate.escrow
    job.stop()
    assert job.wait(timeout=120, bar=False).progress().state in ("stopped", "finished", "incomplete")
    assert "no tokens" in str(here.estimate(plan))


@pytest.mark.parametrize(
    ("bounty", "said"),
    [(None, "has a bounty"), ("0", "too small"), ("many", "not an amount"), ("1e9", "not an amount")],
)
def test_start__a_bounty_that_will_not_do__is_refused(
    here_and_there: tuple[Local, Market], bounty: str | None, said: str
) -> None:
    there = here_and_there[1]
    with pytest.raises(Rejected, match=said):
        there.analyze(np.ones((20, 2)), bounty=bounty)


def test_train__on_the_market__is_followed_round_by_round_to_the_local_bits(
    here_and_there: tuple[Local, Market], tmp_path: Path
) -> None:
    here, there = here_and_there
    random = np.random.default_rng(1)
    y = random.integers(0, 3, 300)
    x = (random.normal(0, 0.5, (300, 13)) + np.eye(3, 13)[y] * 2).astype(np.float32)
    settings: dict[str, Any] = {"rounds": 2, "shards": 2, "epochs": 2, "validation": (x, y)}
    local = here.train("mlp:13-32-3", (x, y), **settings).wait(bar=False)
    remote = there.train("mlp:13-32-3", (x, y), folder=tmp_path, bounty="6", terms=QUICK, **settings)
    remote.wait(timeout=120, bar=False)
    assert remote.result().cid == local.result().cid
    assert [(r.number, r.metric, r.state_cid) for r in remote.curve] == [
        (r.number, r.metric, r.state_cid) for r in local.curve
    ]
    assert len(list(tmp_path.glob("round-*.safetensors"))) == 2
    labels = there.infer("mlp:13-32-3", x, weights=remote.result().content, shards=3, bounty="3", terms=QUICK)
    labels.wait(timeout=120, bar=False)
    assert (labels.result().arrays["labels"] == y).mean() == remote.curve[-1].metric
    assert labels.result().cid == here.infer("mlp:13-32-3", x, weights=local.result().content, shards=3).result().cid


def test_analyze__reduced_as_a_tree__settles_node_after_node_and_verifies(
    here_and_there: tuple[Local, Market],
) -> None:
    here, there = here_and_there
    table = np.random.default_rng(4).normal(size=(200, 3))
    local = here.analyze(table, Correlation(), shards=5, fan_in=2)
    remote = there.analyze(table, Correlation(), shards=5, fan_in=2, bounty="9", terms=QUICK)
    remote.wait(timeout=150, bar=False)
    assert remote.progress().state == "finished"
    assert remote.result().cid == local.result().cid
    found = remote.verify()
    assert found.right
    assert sum(check.is_reduce for check in found.checks) == 2 * (3 + 2 + 1)
