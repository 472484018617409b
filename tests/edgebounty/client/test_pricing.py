"""What a bounty buys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebounty.client.errors import Rejected
from edgebounty.client.pricing import fee_up, from_base_units, price_of, to_base_units


@pytest.mark.unit
def test_price__bounty_divides_evenly__all_of_it_is_escrowed() -> None:
    price = price_of(bounty=101 * 12, tasks=4, slots_per_task=3, fee_bps=100)
    assert (price.slot_price, price.fee_per_slot, price.escrow, price.remainder) == (100, 1, 1212, 0)


@pytest.mark.unit
def test_price__bounty_smaller_than_one_unit_a_slot__says_what_is_needed() -> None:
    with pytest.raises(Rejected) as told:
        price_of(bounty=23, tasks=4, slots_per_task=3, fee_bps=100)
    assert "23" in told.value.what
    assert "at least 24" in told.value.what
    price_of(bounty=24, tasks=4, slots_per_task=3, fee_bps=100)  # what it asked for is enough


@pytest.mark.property
@given(
    bounty=st.integers(1, 10**30),
    tasks=st.integers(1, 10**6),
    slots=st.integers(1, 32),
    fee_bps=st.integers(0, 10_000),
)
def test_price__any_bounty__fits_and_one_unit_more_would_not(bounty: int, tasks: int, slots: int, fee_bps: int) -> None:
    try:
        price = price_of(bounty=bounty, tasks=tasks, slots_per_task=slots, fee_bps=fee_bps)
    except Rejected:
        assert (1 + fee_up(1, fee_bps)) * tasks * slots > bounty
        return
    assert price.remainder >= 0
    more = price.slot_price + 1
    assert (more + fee_up(more, fee_bps)) * tasks * slots > bounty


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "units"), [("50", 50 * 10**18), ("0.25", 25 * 10**16), (" 1.5 ", 15 * 10**17), (".5", 5 * 10**17)]
)
def test_amount__plain_number__exact_base_units(text: str, units: int) -> None:
    assert to_base_units(text, 18) == units


@pytest.mark.unit
@pytest.mark.parametrize(
    "text", ["", ".", "-1", "1e3", "1,5", "ten", "0x10", "1.2.3", "٣", "1.0000000000000000001", "nan"]
)
def test_amount__anything_else__refused(text: str) -> None:
    with pytest.raises(Rejected):
        to_base_units(text, 18)


@pytest.mark.property
@given(amount=st.integers(0, 10**40), decimals=st.integers(0, 18))
def test_amount__written_and_read_again__the_same(amount: int, decimals: int) -> None:
    assert to_base_units(from_base_units(amount, decimals), decimals) == amount
