"""The rules of verification, against the arithmetic they stand on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from orchestrator.domain.policy import (
    RULES,
    Check,
    VerificationPolicy,
    catch_chance,
    check_of,
    copies_of,
    has_record,
    least_lock,
    most_workers,
    passed_after,
    price_multiplier,
    secret_draw,
    wrong_bound,
)

pytestmark = pytest.mark.unit
STANDARD, INSURED, STRICT = (RULES[name] for name in VerificationPolicy)


def test_check_of__even_draws__shares_as_stated() -> None:
    draws = (np.arange(100_000) + 0.5) / 100_000
    counts = np.bincount(check_of(STANDARD, draws), minlength=3)
    assert counts.tolist() == [91_000, 3_000, 6_000]


def test_check_of__strict__none() -> None:
    assert not check_of(STRICT, np.array([0.0, 0.5])).any()


def test_copies_of__depends_on_the_first_workers_record_alone() -> None:
    passed = np.array([0, 1, 2, 50], dtype=np.int32)
    assert copies_of(STANDARD, passed).tolist() == [2, 2, 1, 1]
    assert copies_of(INSURED, passed).tolist() == [3, 3, 2, 2]
    assert copies_of(STRICT, passed).tolist() == [9, 9, 9, 9]


def test_passed_after__agreement_alone__earns_nothing() -> None:
    passed = np.array([1, 1, 1], dtype=np.int32)
    checks = np.array([Check.NONE, Check.RINGER, Check.AUDIT], dtype=np.int8)
    assert passed_after(passed, checks, np.array([True, True, True])).tolist() == [1, 2, 2]


def test_passed_after__caught__record_gone() -> None:
    passed = np.array([40], dtype=np.int32)
    after = passed_after(passed, np.array([Check.AUDIT], dtype=np.int8), np.array([False]))
    assert after.tolist() == [0]
    assert not has_record(STANDARD, after).any()


def test_catch_chance__auditors_among_the_liars__do_not_count() -> None:
    assert catch_chance(STANDARD, 0.2) == pytest.approx(0.03 + 0.06 * 0.8)
    assert catch_chance(STANDARD, 1.0) == pytest.approx(0.03)


def test_lock_factor__a_single_lie__does_not_pay() -> None:
    chance = catch_chance(STANDARD, 0.2)
    assert least_lock(1.0, chance) <= STANDARD.lock_factor
    assert (1 - chance) - chance * STANDARD.lock_factor < 0
    assert least_lock(1.0, 0.07) == pytest.approx(13.29, abs=0.01)  # 7 % caught: thirteen gains


def test_wrong_bound__is_the_worst_over_all_numbers_of_lies() -> None:
    chance, workers, tasks = catch_chance(STANDARD, 0.2), 1_000, 2_000_000
    worst = max(lies * (1 - chance) ** lies for lies in range(1, 200))
    bound = wrong_bound(STANDARD, workers, tasks)
    assert 0.2 * workers * worst / tasks <= bound < 1.1 * 0.2 * workers * worst / tasks


def test_most_workers__keeps_the_bound_and_not_more() -> None:
    tasks = 10_000_000
    workers = most_workers(STANDARD, tasks)
    assert wrong_bound(STANDARD, workers, tasks) <= 500e-6 < wrong_bound(STANDARD, workers + 1, tasks)
    assert tasks / workers * catch_chance(STANDARD, 0.2) == pytest.approx(0.2 / (math.e * 500e-6), rel=0.01)


def test_most_workers__few_tasks__still_a_copy_an_audit_and_a_jury() -> None:
    assert most_workers(STANDARD, 10) == 2 + 1 + 9


def test_most_workers__strict__as_many_as_there_are_copies() -> None:
    assert most_workers(STRICT, 1_000) == 9_000
    assert wrong_bound(STRICT, 9_000, 1_000) == pytest.approx(0.2**9)


def test_wrong_bound__hardly_any_check_a_worker__all_that_is_in_the_liars_hands() -> None:
    assert wrong_bound(STANDARD, 1_000_000, 1_000_000) == pytest.approx(0.2)
    assert wrong_bound(INSURED, 1_000_000, 1_000_000) == pytest.approx(0.04)


def test_price_multiplier__standard__about_a_tenth_more() -> None:
    assert price_multiplier(STANDARD) == pytest.approx(1.09)
    assert price_multiplier(STANDARD, newcomers=0.5) == pytest.approx(1.59)
    assert price_multiplier(STRICT) == 9


def test_secret_draw__same_after_a_restart__even_and_unlike_its_neighbours() -> None:
    secret = bytes(range(32))
    draws = np.array([secret_draw(secret, 7, index) for index in range(20_000)])
    assert draws[5] == secret_draw(secret, 7, 5)
    assert abs(float(draws.mean()) - 0.5) < 0.01
    assert abs(float(np.corrcoef(draws[:-1], draws[1:])[0, 1])) < 0.03
    assert secret_draw(secret, 8, 5) != draws[5]
    assert secret_draw(bytes(32), 7, 5) != draws[5]


def test_secret_draw__short_secret__refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        secret_draw(b"guessed", 1, 1)
