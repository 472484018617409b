import hashlib
from typing import Any

import pytest

from edgebounty.protocol.draw import draw_hash, is_drawn
from edgebounty.protocol.types import JobId, TaskIndex, to_address

pytestmark = pytest.mark.unit


def drawn(number: int = 0, **changes: Any) -> bool:
    values: dict[str, Any] = {
        "seed": b"\1" * 32,
        "job_id": JobId(1),
        "task_index": TaskIndex(2),
        "worker": to_address(hashlib.sha256(b"%d" % number).digest()[:20]),
        "stake": 1,
        "total_stake": 1000,
        "slots": 3,
        "reopens": 0,
    }
    return is_drawn(**(values | changes))


def test_is_drawn__equal_stakes__passes_about_eight_candidates_per_slot() -> None:
    passed = sum(drawn(i) for i in range(1000))
    assert 10 <= passed <= 40  # 24 expected; outside is six standard deviations away


def test_is_drawn__reopened__keeps_who_was_drawn_and_adds_about_as_many() -> None:
    first = {i for i in range(1000) if drawn(i)}
    second = {i for i in range(1000) if drawn(i, reopens=1)}
    assert first < second
    assert len(second) > 1.4 * len(first)


def test_is_drawn__share_large_enough__is_certain_and_without_stake_or_seed_impossible() -> None:
    assert all(drawn(i, stake=42, reopens=0) for i in range(50))
    assert not any(drawn(i, stake=0, total_stake=1) for i in range(50))
    assert not any(drawn(i, stake=1000, seed=bytes(32)) for i in range(50))


def test_is_drawn__short_seed__is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        drawn(seed=b"\1")


def test_is_drawn__hash_exactly_at_the_threshold__is_not_drawn() -> None:
    seed, job, task = b"\1" * 32, JobId(1), TaskIndex(2)
    workers = (to_address(bytes([i]) * 20) for i in range(256))
    worker, number = next(
        (w, n) for w in workers if (n := int.from_bytes(draw_hash(seed, job, task, w), "big")) % 8 == 0
    )
    total = (1 << 256) - 1  # so that the threshold is 8 x stake

    assert not drawn(worker=worker, slots=1, stake=number // 8, total_stake=total)
    assert drawn(worker=worker, slots=1, stake=number // 8 + 1, total_stake=total)
