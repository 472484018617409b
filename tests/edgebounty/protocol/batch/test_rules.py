"""Each rule broken alone is found and proven; a batch that keeps them all is not provably anything."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebounty.protocol.batch.building import Batch
from edgebounty.protocol.batch.openings import NotProven
from edgebounty.protocol.batch.rules import Case
from edgebounty.protocol.batch.watching import all_openings, find_faults
from edgebounty.protocol.batch.wire import Header
from tests.model.machine import DOMAIN, MALLORY, NAMES, PRICES, Market
from tests.model.people import CORRUPTIONS, Plan, account_of


def case_of(batch: Batch, previous: Header | None) -> Case:
    return Case(domain=DOMAIN, prices=PRICES, header=batch.header, previous=previous)


def two_plans(seed: int) -> tuple[Plan, Header]:
    """The plan of mallory's second batch, on top of a right first one, and that one's header."""
    market, chance = Market(), Random(seed)
    first = market.plan(MALLORY, market.jobs[2], chance).built()
    market.ledger.jobs[market.jobs[2]].next_task = first.header.end_task
    plan = market.plan(MALLORY, market.jobs[2], chance)
    return replace(plan, number=1, payouts=first.payouts, previous=first.header.hash), first.header


@pytest.mark.property
@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1 << 16))
def test_find_faults__one_rule_broken__is_found_and_proven(name: str, seed: int) -> None:
    plan, previous = two_plans(seed)
    batch = CORRUPTIONS[name][1](plan, NAMES)
    case = case_of(batch, previous)

    faults = list(find_faults(case, batch))

    assert faults
    # A corruption that has no room in this batch (no free index, say) falls back to another one.
    fallback = {"strikeOwner": "rewindPayout", "rewindCount": "rewindPayout", "strikePair": "strikePair"}
    rule = CORRUPTIONS[name][0]
    assert rule in {fault.rule for fault in faults} or fallback.get(rule) in {fault.rule for fault in faults}
    for fault in faults:
        fault.check(case)


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 16))
def test_honest_batch__whatever_is_shown_for_any_rule__proves_nothing(seed: int) -> None:
    plan, previous = two_plans(seed)
    batch = plan.built()
    case = case_of(batch, previous)
    shown = list(all_openings(case, batch))

    assert not list(find_faults(case, batch))
    for fault in shown:
        for other in Random(seed).sample(shown, min(8, len(shown))):
            if len(other.openings) == len(fault.openings):
                mixed = replace(fault, openings=(*fault.openings[:-1], *other.openings[-1:]))
                with pytest.raises((NotProven, TypeError, AttributeError)):
                    mixed.check(case)


@pytest.mark.unit
def test_strike__bundle_struck_or_batch_void__proves_nothing_more() -> None:
    plan, previous = two_plans(3)
    batch = CORRUPTIONS["signature_zero"][1](plan, NAMES)
    case = case_of(batch, previous)
    fault = next(fault for fault in find_faults(case, batch) if fault.rule == "strikeSignature")
    last = len(batch.leaves) - 1

    assert fault.check(case) == last
    for later in (replace(case, struck=frozenset({last})), replace(case, voided=True)):
        with pytest.raises(NotProven):
            fault.check(later)


@pytest.mark.unit
def test_strike_owner__payouts_restated_by_somebody__is_not_the_orchestrators_fault() -> None:
    """Else whoever restates the batch before with a false owner could have the next, honest batch struck."""
    plan, previous = two_plans(1)
    index = plan.bundles[0].payout_index
    payouts = list(plan.payouts)
    payouts[index] = replace(payouts[index], account=account_of("stranger"))
    batch = replace(plan, payouts=tuple(payouts)).built()
    header = replace(previous, payouts_root=batch.payouts_tree_before.root)
    case = case_of(batch, header)

    assert [fault for fault in find_faults(case, batch) if fault.rule == "strikeOwner"]
    assert not [fault for fault in find_faults(replace(case, restated=True), batch) if fault.rule == "strikeOwner"]
