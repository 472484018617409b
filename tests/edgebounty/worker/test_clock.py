from __future__ import annotations

import pytest

from edgebounty.chain.views import BlockRef
from edgebounty.worker.clock import ChainClock

pytestmark = pytest.mark.unit


class Times:
    mono = 100.0
    wall = 5_000.0


def make_clock(times: Times) -> ChainClock:
    return ChainClock(monotonic=lambda: times.mono, wall=lambda: times.wall)


def block(number: int, time: int) -> BlockRef:
    return BlockRef(number=number, hash=number.to_bytes(32, "big"), time=time)


def test_now__between_blocks__goes_on_from_the_chain_not_the_wall() -> None:
    times = Times()
    clock = make_clock(times)
    clock.observe(block(1, 1000))
    times.mono += 3
    times.wall += 9999
    assert clock.now() == 1003


def test_ahead__wall_an_hour_off__told_once_a_block_arrives() -> None:
    times = Times()
    clock = make_clock(times)
    clock.observe(block(1, 1400))
    assert clock.ahead_seconds == 0, "the first block may simply be old"
    clock.observe(block(2, 1401))
    assert clock.ahead_seconds == pytest.approx(3599)


def test_ahead__wall_behind_the_first_block__told_at_once() -> None:
    clock = make_clock(Times())
    clock.observe(block(1, 8600))
    assert clock.ahead_seconds == -3600


def test_observe__same_block_again__is_not_new_and_ages() -> None:
    times = Times()
    clock = make_clock(times)
    assert clock.observe(block(1, 1000))
    times.mono += 70
    assert not clock.observe(block(1, 1000))
    assert clock.block_age_seconds == 70


@pytest.mark.parametrize(("interval", "expected"), [(0.5, 0.25), (2.0, 1.0), (12.0, 4.0)])
def test_poll__follows_the_block_time(interval: float, expected: float) -> None:
    times = Times()
    clock = make_clock(times)
    for number in range(5):
        clock.observe(block(number, 1000 + int(number * interval)))
        times.mono += interval
    assert clock.poll_seconds == pytest.approx(expected)
