"""What a requester's secret re-run tells."""

from __future__ import annotations

from itertools import combinations

import pytest

from edgebounty.client.sampling import miss_chance, most_wrong, sample_size
from edgebounty.client.verification import Check, Verification
from edgebounty.protocol.types import Digest

pytestmark = pytest.mark.unit


def check(task: int, computed: bytes = b"a") -> Check:
    paid, found = Digest(b"a" * 32), Digest(computed * 32)
    return Check(task=task, is_reduce=False, paid=paid, computed=found, work_units=1, seconds=0.1)


def found(*checks: Check, tasks: int, unpaid: tuple[int, ...] = ()) -> Verification:
    return Verification(job_id=1, total_tasks=tasks, checks=checks, unpaid=unpaid, result_cid=None)


@pytest.mark.parametrize(("tasks", "size"), [(0, 0), (1, 1), (50, 1), (51, 2), (100, 2), (10_000, 200)])
def test_sample_size__two_in_a_hundred__rounded_up(tasks: int, size: int) -> None:
    assert sample_size(tasks) == size


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_sample_size__impossible_share__refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        sample_size(10, share)


@pytest.mark.parametrize(
    ("tasks", "wrong", "sample"), [(8, 2, 3), (8, 0, 3), (8, 8, 1), (8, 6, 2), (8, 6, 3), (5, 1, 5)]
)
def test_miss_chance__counted_one_by_one(tasks: int, wrong: int, sample: int) -> None:
    samples = list(combinations(range(tasks), sample))
    missed = sum(all(task >= wrong for task in chosen) for chosen in samples)
    assert miss_chance(tasks, wrong, sample) == pytest.approx(missed / len(samples), abs=1e-12)


@pytest.mark.parametrize(("tasks", "sample"), [(100, 2), (10_000, 200), (40, 40), (3, 0)])
def test_most_wrong__is_the_last_that_may_be_missed(tasks: int, sample: int) -> None:
    most = most_wrong(tasks, sample)
    assert miss_chance(tasks, most, sample) > 0.05
    assert most == tasks or miss_chance(tasks, most + 1, sample) <= 0.05


def test_miss_chance__more_wrong_than_tasks__refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        miss_chance(3, 4, 1)


def test_verification__all_right__says_how_many_may_still_be_wrong() -> None:
    sampled = found(check(0), check(7), tasks=100)
    assert sampled.most_wrong == most_wrong(100, 2) == 77
    assert found(*map(check, range(4)), tasks=4).most_wrong == 0


def test_verification__unpaid_tasks__are_not_vouched_for() -> None:
    assert found(check(0), check(1), tasks=100, unpaid=tuple(range(2, 100))).most_wrong == 0


def test_verification__one_wrong__nothing_is_bounded() -> None:
    assert found(check(0), check(1, b"b"), tasks=100).most_wrong == 100
