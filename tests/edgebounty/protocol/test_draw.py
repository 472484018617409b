import hashlib
from typing import Any

import pytest

from edgebounty.protocol.draw import lot_of, wait_of
from edgebounty.protocol.types import JobId, TaskIndex, to_address

pytestmark = pytest.mark.unit
RAMP = 300


def wait(number: int = 0, **changes: Any) -> int | None:
    values: dict[str, Any] = {
        "seed": b"\1" * 32,
        "job_id": JobId(1),
        "task_index": TaskIndex(2),
        "worker": to_address(hashlib.sha256(b"%d" % number).digest()[:20]),
        "stake": 1,
        "total_stake": 1000,
        "slots": 3,
        "reopens": 0,
        "ramp_time": RAMP,
    }
    return wait_of(**(values | changes))


def drawn_by(second: int, **changes: Any) -> set[int]:
    waits = {i: wait(i, **changes) for i in range(1000)}
    return {i for i, it in waits.items() if it is not None and it <= second}


def test_wait_of__equal_stakes__candidates_grow_evenly_to_about_eight_a_slot() -> None:
    assert not drawn_by(0)
    third, half, end = len(drawn_by(RAMP // 3)), len(drawn_by(RAMP // 2)), len(drawn_by(RAMP))
    assert third < half < end
    assert 10 <= end <= 40  # 24 expected; outside is about three standard deviations away
    waits = [w for i in range(1000) if (w := wait(i, stake=40)) is not None]  # 960 expected
    assert sum(waits) / len(waits) == pytest.approx(RAMP / 2, rel=0.06)


def test_wait_of__reopened__who_was_drawn_waits_half_and_about_as_many_join() -> None:
    first, second = drawn_by(RAMP), drawn_by(RAMP, reopens=1)
    assert first < second
    assert len(second) > 1.4 * len(first)
    for i in first:
        before, after = wait(i), wait(i, reopens=1)
        assert before is not None
        assert after is not None
        assert after in ((before + 1) // 2, before // 2 + 1)


def test_wait_of__share_large_enough__is_certain_and_without_stake_or_seed_impossible() -> None:
    assert len(drawn_by(RAMP, stake=42)) == 1000
    assert not drawn_by(RAMP, stake=0, total_stake=1)
    assert not drawn_by(RAMP, stake=1000, seed=bytes(32))


def test_wait_of__whole_stake_and_shortest_ramp__a_second() -> None:
    assert {wait(i, stake=1000, ramp_time=1) for i in range(100)} == {1}


def test_wait_of__short_seed__is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        wait(seed=b"\1")


def test_wait_of__lot_exactly_at_the_threshold__waits_a_second_more() -> None:
    seed, job, task = b"\1" * 32, JobId(1), TaskIndex(2)
    workers = (to_address(bytes([i]) * 20) for i in range(256))
    worker, lot = next((w, n) for w in workers if (n := int.from_bytes(lot_of(seed, job, task, w), "big")) % 8 == 0)
    total = 1 << 256  # so that the threshold is 8 x stake x wait / ramp
    exact: dict[str, Any] = {"worker": worker, "slots": 1, "total_stake": total}

    assert wait(**exact, stake=lot // 8, ramp_time=1) is None
    assert wait(**exact, stake=lot // 8 + 1, ramp_time=1) == 1
    assert wait(**exact, stake=lot // 8, ramp_time=2) is None
    assert wait(**exact, stake=lot // 4, ramp_time=2) == 2
