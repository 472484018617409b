"""`table.stats` against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edgebounty.programs.stats_kit import statistics

pytestmark = pytest.mark.property

finite = st.floats(-1e100, 1e100)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(finite, min_size=1, max_size=40), cut=st.integers(0, 40))
def test_statistics__any_values__are_exact_to_the_last_digits(values, cut):
    exact = [Fraction(v) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    column = np.array(values)[:, None]
    found = statistics("table.stats", [column[:cut], column[cut:]])

    scale = max(abs(v) for v in exact) or 1
    assert abs(Fraction(float(found["out_mean"][0])) - mean) <= abs(mean) * Fraction(1, 2**52) + scale / 2**100
    error = abs(Fraction(float(found["out_variance"][0])) - variance)
    assert error <= variance * Fraction(1, 2**48) + scale**2 / 2**95 + Fraction(1, 2**1060)
    assert found["out_histogram"][0].sum() == len(values)
