"""Which withdrawals are sent: together, and only while the fee is a small part of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.batch.relaying import MOST_TOGETHER, Asked, RelayRules, gas_of, refusal, together

TOKEN = 10**18
RULES = RelayRules(most_share_bps=500, token_wei=10**15, gather_seconds=60)  # a token is worth a thousandth of a coin
GWEI = 10**9


def asked(*amounts: int, since: int = 0) -> list[Asked]:
    return [Asked(index=i, amount=amount, since=since) for i, amount in enumerate(amounts, start=1)]


@pytest.mark.unit
def test_refusal__too_little_for_its_fee__says_the_figures_and_who_acts() -> None:
    fee = gas_of(MOST_TOGETHER) // MOST_TOGETHER * GWEI // 1000
    enough = fee * 20 * TOKEN // RULES.token_wei
    assert refusal(enough + TOKEN, GWEI // 1000, RULES) == ""
    reason = refusal(enough // 2, GWEI // 1000, RULES)
    assert f"{enough // 2} base units costs" in reason
    assert "10.0 % of their worth" in reason
    assert "up to 5 %" in reason
    assert "Ask again when" in reason
    assert "more than all" in refusal(0, GWEI, RULES)


@pytest.mark.unit
def test_refusal__worth_not_set__nothing_is_refused() -> None:
    assert refusal(1, 10**15, RelayRules(most_share_bps=0, token_wei=0, gather_seconds=0)) == ""


@pytest.mark.unit
def test_together__waits_for_others__but_not_for_ever() -> None:
    rich = asked(10**6 * TOKEN, since=100)
    assert together(rich, GWEI, 159, RULES) == ()
    assert together(rich, GWEI, 160, RULES) == tuple(rich)


@pytest.mark.unit
def test_together__all_places_taken__goes_at_once_with_the_dearest() -> None:
    many = asked(*[10**6 * TOKEN + i for i in range(MOST_TOGETHER + 5)], since=100)
    chosen = together(many, GWEI, 100, RULES)
    assert len(chosen) == MOST_TOGETHER
    assert min(one.amount for one in chosen) == 10**6 * TOKEN + 5


@pytest.mark.unit
def test_together__one_alone_is_too_dear__waits_for_company() -> None:
    """Each pays its part of a full transaction; alone it would pay for all of it."""
    price = GWEI // 1000
    fee_each = gas_of(MOST_TOGETHER) * price // MOST_TOGETHER
    amount = fee_each * 21 * TOKEN // RULES.token_wei
    assert refusal(amount, price, RULES) == ""
    assert together(asked(amount), price, 10**6, RULES) == ()
    assert len(together(asked(*[amount] * 30), price, 10**6, RULES)) == 30


amounts = st.lists(st.integers(0, 10**24), max_size=70)


@pytest.mark.property
@given(amounts, st.integers(1, 10**12), st.integers(0, 200))
def test_together__whatever_is_asked__the_fee_is_within_the_share_and_nobody_pays_for_a_smaller_one(
    given_amounts: list[int], price: int, now: int
) -> None:
    requests = asked(*given_amounts)
    chosen = together(requests, price, now, RULES)
    assert len(chosen) <= MOST_TOGETHER
    assert len({one.index for one in chosen}) == len(chosen)
    if chosen:
        fee, worth = gas_of(len(chosen)) * price, sum(one.amount for one in chosen) * RULES.token_wei // TOKEN
        assert fee * 10_000 <= (worth + 1) * RULES.most_share_bps
        assert all(refusal(one.amount, price, RULES) == "" for one in chosen)
        assert now >= RULES.gather_seconds or len(chosen) == MOST_TOGETHER
        left = [one.amount for one in requests if one not in chosen]
        assert max(left, default=0) <= min(one.amount for one in chosen)


@pytest.mark.property
@given(amounts, st.integers(1, 10**12))
def test_together__a_crowd_of_the_tiny__keeps_nobody_waiting(given_amounts: list[int], price: int) -> None:
    """Whoever asks for next to nothing cannot hold back one who pays for a transaction alone."""
    rich = Asked(index=1000, amount=10**30, since=0)
    assert rich in together([*asked(*given_amounts), rich], price, 10**6, RULES)
