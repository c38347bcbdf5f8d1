"""The tableaus against what defines them, and their decimals against scipy's."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import RK23, RK45

from sciml.neural_de.tableaus import BOGACKI_SHAMPINE, DOPRI5, TABLEAUS, TSIT5

PAIRS = pytest.mark.parametrize("pair", TABLEAUS.values(), ids=TABLEAUS)


@PAIRS
def test_weights_sum_to_one_and_the_last_stage_is_the_next_first(pair):
    assert abs(sum(pair.b) - 1) < Fraction(1, 10**80)
    assert abs(sum(pair.b_hat) - 1) < Fraction(1, 10**80)
    assert pair.b == (*pair.a[-1], 0)
    assert abs(pair.c[-1] - 1) < Fraction(1, 10**80)
    assert [len(row) for row in pair.a] == list(range(pair.stages))


@PAIRS
def test_dense_output_meets_both_ends_and_both_slopes(pair):
    assert not any(pair.dense_weights(0))
    assert pair.dense_weights(1) == pair.b
    step = Fraction(1, 10**9)
    start = np.array([float(x / step) for x in pair.dense_weights(step)])
    end = np.array([float((y - x) / step) for x, y in zip(pair.dense_weights(1 - step), pair.b, strict=True)])
    unit = np.eye(pair.stages)
    np.testing.assert_allclose(start, unit[0], atol=1e-6)
    np.testing.assert_allclose(end, unit[-1], atol=1e-6)


@pytest.mark.parametrize(("pair", "theirs"), [(DOPRI5, RK45), (BOGACKI_SHAMPINE, RK23)], ids=["RK45", "RK23"])
def test_coefficients_are_those_of_scipy(pair, theirs):
    np.testing.assert_allclose([float(x) for x in pair.b[:-1]], theirs.B, rtol=1e-15)
    np.testing.assert_allclose([float(x) for x in pair.error], -theirs.E, rtol=1e-13)
    np.testing.assert_allclose([float(x) for x in pair.c[:-1]], theirs.C, rtol=1e-15)
    for row, other in zip(pair.a[1:-1], theirs.A[1:], strict=True):
        np.testing.assert_allclose([float(x) for x in row], other[: len(row)], rtol=1e-15)


def test_stability_limits():
    assert DOPRI5.stability_limit == pytest.approx(3.3066, abs=5e-5)
    assert TSIT5.stability_limit == pytest.approx(3.5068, abs=5e-5)
    assert BOGACKI_SHAMPINE.stability_limit == pytest.approx(2.5127453266183286, rel=1e-12)


def test_stiffness_stages():
    assert DOPRI5.stiffness_stages == TSIT5.stiffness_stages == (5, 6)
    assert BOGACKI_SHAMPINE.stiffness_stages is None
