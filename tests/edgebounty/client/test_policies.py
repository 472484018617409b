"""The policies that a requester chooses from are those of the service's rules, and each is priced before posting."""

from __future__ import annotations

import pytest

from edgebounty.client.errors import Rejected
from edgebounty.client.policies import POLICIES, policy_prices
from edgebounty.client.pricing import price_of
from orchestrator.domain.policy import RULES, VerificationPolicy

pytestmark = pytest.mark.unit


def test_policies__as_the_services_rules_have_them_for_workers_without_a_record() -> None:
    assert {name: policy.copies for name, policy in POLICIES.items()} == {
        policy.value: RULES[policy].newcomer_copies for policy in VerificationPolicy
    }


def test_prices__of_the_bounty_and_of_the_same_pay() -> None:
    found = policy_prices(bounty=1_000_000, tasks=10, fee_bps=100, chosen=POLICIES["insured"])
    chosen = price_of(bounty=1_000_000, tasks=10, slots_per_task=3, fee_bps=100)
    assert [price.policy.name for price in found] == ["standard", "insured", "strict"]
    assert found[1].slot_price == chosen.slot_price
    assert found[1].escrow_for_same_pay == chosen.escrow
    assert [3 * price.escrow_for_same_pay for price in found] == [
        2 * chosen.escrow,
        3 * chosen.escrow,
        9 * chosen.escrow,
    ]
    for price in found:
        alone = price_of(bounty=1_000_000, tasks=10, slots_per_task=price.policy.copies, fee_bps=100)
        assert price.slot_price == alone.slot_price


def test_figures__a_fifth_of_liars_gets_through_with_all_copies_alone() -> None:
    shares = [policy.wrong_share for policy in POLICIES.values()]
    assert shares == pytest.approx([0.04, 0.008, 5.12e-7])


def test_bounty__too_small_for_the_chosen_policy__refused() -> None:
    with pytest.raises(Rejected, match="too small"):
        policy_prices(bounty=80, tasks=10, fee_bps=0, chosen=POLICIES["strict"])


def test_audits__one_more_run_a_task_where_the_policy_has_checks() -> None:
    found = policy_prices(bounty=1_000_000, tasks=10, fee_bps=100, chosen=POLICIES["standard"], audits=True)
    assert found[0].escrow_for_same_pay == price_of(bounty=1_000_000, tasks=10, slots_per_task=3, fee_bps=100).escrow
    runs = [price.escrow_for_same_pay * 3 // found[0].escrow_for_same_pay for price in found]
    assert runs == [3, 4, 9]
    checked = {policy.value: RULES[policy].audit_share > 0 for policy in VerificationPolicy}
    assert {name: policy.audits > 0 for name, policy in POLICIES.items()} == checked
