"""The model of the batch lane, explored: whatever a random company does, nobody honest loses and everybody gets out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.machine import Market

ACTS = st.lists(st.tuples(st.sampled_from(Market.ACTS), st.integers(0, 1 << 16)), min_size=10, max_size=60)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(ACTS)
def test_market__any_acts__sound_after_each_and_everybody_gets_out(acts: list[tuple[str, int]]) -> None:
    market = Market()

    for act, seed in acts:
        market.step(act, seed)

    market.get_out()
