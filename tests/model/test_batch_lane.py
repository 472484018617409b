"""The model of the batch lane, explored: whatever a random company does, nobody honest loses and everybody gets out."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.model.machine import Market

HIDDEN_THEN_RESTATED = [
    *(("orc_posts", 0),) * 6,
    *(("mallory_posts", 180), ("some_time_passes", 1), ("eve_demands", 0), ("some_time_passes", 0)),
]
"""The bundles are hidden and the batch is void; its restated payouts are demanded, and whoever stated them answers."""

EXPOSED_THEN_RESTATED_WRONGLY = [
    *(("mallory_posts", 42299), ("mallory_posts", 2161), ("mallory_posts", 19454), ("some_time_passes", 5858)),
    *(("mallory_posts", 47798), ("eve_exposes_mallory", 21014), ("eve_restates_wrongly", 20726)),
    ("some_time_passes", 20200),
]
"""Nobody but a friend has a hidden batch's bundles; she voids it and states payouts that nobody can see."""

STRUCK_OWNER_OF_A_FREED_INDEX = [("mallory_posts", 16320), ("mallory_posts", 7009), ("mallory_posts", 7786)]
"""A bundle at another's index is struck, then the batch that gave the index out is void, and its owner works on."""

MISPLACED_AND_RESTATED_BY_A_FRIEND = [
    *(("mallory_posts", 37738), ("mallory_posts", 14600), ("eve_exposes_mallory", 47321)),
    *(("eve_restates_wrongly", 20337), ("eve_restates_wrongly", 34133)),
]
"""A bundle at another's index cannot be struck once the payouts before it are restated; its worker is paid apart."""

ACTS = st.lists(st.tuples(st.sampled_from(Market.ACTS), st.integers(0, 1 << 16)), min_size=10, max_size=60)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@example(HIDDEN_THEN_RESTATED)
@example(STRUCK_OWNER_OF_A_FREED_INDEX)
@example(MISPLACED_AND_RESTATED_BY_A_FRIEND)
@example(EXPOSED_THEN_RESTATED_WRONGLY)
@given(ACTS)
def test_market__any_acts__sound_after_each_and_everybody_gets_out(acts: list[tuple[str, int]]) -> None:
    market = Market()

    for act, seed in acts:
        market.step(act, seed)

    market.get_out()
