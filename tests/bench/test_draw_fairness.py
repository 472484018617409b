import pytest

from bench.draw_fairness import all_at_once, fair_chance, quorum_chance, ramp, turns

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("share", [0.125, 0.2])
def test_ramp__attacker_always_first__gets_little_more_than_its_fair_chance(share: float) -> None:
    fair = fair_chance(share)
    assert quorum_chance(share, ramp, trials=5_000)[0] < 1.5 * fair
    assert quorum_chance(share, turns, trials=5_000)[0] > 1.8 * fair
    assert quorum_chance(share, all_at_once, trials=2_000)[0] > 0.7
