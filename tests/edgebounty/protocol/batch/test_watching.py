"""One pass finds what the search through everything finds: every way to break a rule, nothing in honest batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import pytest

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.openings import open_payout
from edgebounty.protocol.batch.rules import Case
from edgebounty.protocol.batch.watching import bundle_fault, count_fault, find_faults, payout_fault
from tests.model.machine import DOMAIN, MALLORY, NAMES, PRICES, Market
from tests.model.people import CORRUPTIONS

pytestmark = pytest.mark.unit


def walk(wrong: str, before: int, seed: int) -> tuple[Case, Batch]:
    """After `before` honest batches one gone wrong."""
    market = Market()
    for number in range(before):
        plan = market.plan(MALLORY, market.jobs[2], Random(number))
        assert market.attempt(lambda plan=plan: market.ledger.post(MALLORY, plan.built()), post_by=MALLORY)
    plan = market.plan(MALLORY, market.jobs[2], Random(seed))
    batch = CORRUPTIONS[wrong][1](plan, NAMES) if wrong in CORRUPTIONS else plan.built()
    assert batch.payouts_before == plan.payouts
    previous = market.history[MALLORY][-1].batch.header if before else None
    return Case(domain=DOMAIN, prices=PRICES, header=batch.header, previous=previous), batch


def any_fault(case: Case, batch: Batch) -> str | None:
    fault = bundle_fault(case, batch) or count_fault(case, batch)
    for index in range(len(batch.payouts) if fault is None else 0):
        fault = fault or payout_fault(case, batch, index, open_payout(batch.payouts, batch.payouts_tree, index))
    return fault.rule if fault else None


@pytest.mark.parametrize("wrong", ["nothing", *CORRUPTIONS])
def test_bundle_fault__each_corruption__a_rule_that_the_whole_search_finds_too(wrong: str) -> None:
    rules = set()
    for before, seed in product((0, 2), (5, 6)):
        case, batch = walk(wrong, before, seed)
        known = {fault.rule for fault in find_faults(case, batch)}
        found = any_fault(case, batch)
        assert (found in known) if known else (found is None), (before, seed, found, known)
        rules.add(found)
    assert (rules == {None}) == (wrong == "nothing")


def test_bundle_fault__commit_sets_or_receipts_not_known__the_rest_is_still_judged() -> None:
    walks = (walk("commit_sets_differ", 0, seed) for seed in range(5, 40))
    case, batch = next(each for each in walks if any_fault(*each) == "strikeSets")
    assert any_fault(case, replace(batch, bundles=tuple(replace(b, commit_sets=()) for b in batch.bundles))) is None
    case, batch = walk("signature_zero", 0, 5)
    unknown = tuple(replace(b, commit_sets=(), receipts=(), _trees=[]) for b in batch.bundles)
    assert any_fault(case, replace(batch, bundles=unknown)) == "strikeSignature"
