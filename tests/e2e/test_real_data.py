"""Real data over a real market: the bits of this machine, and as good as the same number of steps in one place."""

from __future__ import annotations

import os

import pytest

from edgebounty.client import Local, Market, Terms
from tests.e2e.market_kit import Up
from tests.real_data import CASES, FASHION, LICENCES, Case

pytestmark = pytest.mark.integration
TERMS = Terms(quorum=1, work_slots=2, task_seconds=600, deadline_seconds=7200)
NEEDS = {"fashion": FASHION, "characters": LICENCES}
QUICK = {
    "digits": {"rounds": 2, "steps": 20},
    "fashion": {"rows": 2000, "rounds": 2, "steps": 5, "shards": 2},
    "characters": {"tokens": 16, "wide": 16, "layers": 1, "rounds": 2, "steps": 5},
}
deep = pytest.mark.skipif("EDGEBOUNTY_DEEP" not in os.environ, reason="takes minutes: part of `make deep`")


def case(name: str, **options: int) -> Case:
    if name in NEEDS and not NEEDS[name].is_dir():
        pytest.skip(f"{NEEDS[name]} is not on this machine")
    found: Case = CASES[name](**options)
    return found


@pytest.mark.parametrize("name", QUICK)
def test_training__on_the_market__gives_the_bits_of_this_machine(market: Up, name: str) -> None:
    small = case(name, **QUICK[name])
    built = small.built(small.shards)
    here = small.run(Local(), built, small.shards).wait(bar=False)
    there = small.run(Market.connect_folder(market.directory), built, small.shards, bounty="6", terms=TERMS)
    there.wait(timeout=240, bar=False)
    assert there.result().cid == here.result().cid
    assert [(r.metric, r.state_cid) for r in there.curve] == [(r.metric, r.state_cid) for r in here.curve]


@deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_training__of_all_of_it__is_as_good_as_the_same_steps_on_one_machine(market: Up, name: str) -> None:
    whole = case(name)
    built = whole.built(whole.shards)
    there = whole.run(Market.connect_folder(market.directory), built, whole.shards, bounty="100", terms=TERMS)
    there.wait(timeout=3600, bar=False)
    here = whole.run(Local(), built, whole.shards).wait(bar=False)
    assert there.result().cid == here.result().cid
    assert [(r.metric, r.state_cid) for r in there.curve] == [(r.metric, r.state_cid) for r in here.curve]
    alone = whole.run(Local(), whole.built(1), 1).wait(bar=False)
    reached, wanted = there.curve[-1].metric, alone.curve[-1].metric
    assert reached is not None
    assert wanted is not None
    print(f"{name}: {reached:.4f} over {whole.shards} shards, {wanted:.4f} on one machine")
    assert reached >= wanted - 0.005
    assert reached > whole.better_than
