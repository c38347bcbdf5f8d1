"""The cut at determinant 1 against exact rational arithmetic, and its limit for random matrices against mpmath."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.setol import crossing_alpha, delta_lambda_min, erg_cut, fit_power_law, marchenko_pastur, mp_erg_cut


def exact_count(x):
    """The least k with λ_1 ⋯ λ_k M^k < (Σ λ)^k, in rational arithmetic."""
    values = sorted(map(Fraction, map(float, x)), reverse=True)
    mean, product = sum(values) / len(values), Fraction(1)
    for k, value in enumerate(values, start=1):
        product *= value / mean
        if product < 1:
            return k
    return len(values)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 3.0, 1e-9]), min_size=1, max_size=30).filter(any))
def test_ties_and_products_that_are_exactly_one(x):
    cut = erg_cut(x)
    assert cut.k == exact_count(x)
    assert 0 <= cut.lam <= 1
    assert cut.fraction == cut.k / len(x)


@settings(deadline=None, max_examples=100)
@given(st.integers(2, 40), st.integers(0, 3), st.floats(1e-16, 1e-14))
def test_nearly_equal_eigenvalues_are_decided_exactly(n, seed, spread):
    x = 1.0 + spread * np.random.default_rng(seed).normal(size=n)
    assert erg_cut(x).k == exact_count(x)


@pytest.mark.parametrize("first", [4.6, 4.65, 4.7, 4.72, 4.74, 4.75])
def test_products_that_miss_one_by_2_to_the_minus_150(first):
    second = 1 / first
    with mp.workdps(200):  # the rest of the sum, in three floats, makes the mean √(λ_1 λ_2)
        rest, x = 5 * mp.sqrt(mp.mpf(first) * mp.mpf(second)) - mp.mpf(first) - mp.mpf(second), [first, second]
        for _ in range(2):
            x.append(math.nextafter(float(rest), 0.0))
            rest -= mp.mpf(x[-1])
        x.append(float(rest))
        assert 0 < abs(mp.mpf(x[0]) * x[1] / (mp.fsum(x) / 5) ** 2 - 1) < mp.mpf(2) ** -140
    assert erg_cut(x).k == exact_count(x)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 200), st.integers(0, 10**6), st.floats(0.01, 20), st.floats(-200, 200))
def test_random_spectra_in_any_unit_and_order(n, seed, spread, power):
    x = np.random.default_rng(seed).lognormal(0, spread, n)
    cut, scaled = erg_cut(x), erg_cut(np.sort(x) * 2.0 ** round(power))
    assert (cut.k, cut.lam, cut.log_det) == (scaled.k, scaled.lam, scaled.log_det)
    assert cut.k == exact_count(x)
    logs = np.log(np.sort(x)[::-1] / x.mean())
    assert cut.log_det == pytest.approx(logs[: cut.k].sum(), abs=1e-9)
    assert cut.log_det <= 1e-12
    assert logs[: cut.k - 1].sum() >= -1e-9
    assert cut.lam == pytest.approx(math.exp(logs[cut.k - 1]), rel=1e-12)


def test_products_far_beyond_the_range_of_floats():
    x = np.random.default_rng(0).pareto(1.5, 100_000) + 1
    cut = erg_cut(x)
    logs = np.log(np.sort(x)[::-1]) - math.log(x.mean())
    assert logs[logs > 0].sum() > 10_000  # the product of the eigenvalues above 1 overflows
    sums = np.cumsum(logs.astype(np.longdouble))
    assert cut.k == int((sums < 0).argmax()) + 1


def test_a_large_tie_at_determinant_one():
    x = np.concatenate([np.full(3000, 2.0), np.full(6000, 0.5)])  # mean 1, and 3000 + 3000 multiply to exactly 1
    assert erg_cut(x).k == 6001


@pytest.mark.parametrize(
    ("x", "k", "lam", "log_det"),
    [
        ([3.0], 1, 1.0, 0.0),
        ([5e-324] * 4, 4, 1.0, 0.0),
        ([1.7e308] * 4, 4, 1.0, 0.0),
        ([5.0, 0.0, 0.0], 2, 0.0, -math.inf),
        ([1.0, 3.0], 2, 0.5, math.log(0.75)),
    ],
)
def test_small_spectra(x, k, lam, log_det):
    cut = erg_cut(x)
    assert (cut.k, cut.lam) == (k, lam)
    assert cut.log_det == pytest.approx(log_det, rel=1e-15)


@settings(deadline=None, max_examples=200)
@given(st.integers(3, 80), st.integers(0, 10**6), st.floats(0.1, 4), st.booleans())
def test_the_sign_of_delta_is_that_of_the_log_determinant_of_the_power_law_tail(n, seed, spread, ties):
    x = np.random.default_rng(seed).lognormal(0, spread, n)
    x = np.round(x, 1) + 0.1 if ties else x
    fit = fit_power_law(x)
    if fit.status == "degenerate":
        assert math.isnan(delta_lambda_min(x, fit))
        return
    log_det = np.log(np.sort(x)[fit.index :] / x.mean()).sum()
    if abs(log_det) > 1e-9:
        assert (delta_lambda_min(x, fit) > 0) == (log_det > 0)
    # the log-determinant needs nothing but the fit
    assert log_det == pytest.approx(fit.n_tail * (math.log(fit.xmin / x.mean()) + 1 / (fit.alpha - 1)), abs=1e-9)


def test_the_crossing_exponent():
    assert crossing_alpha(math.exp(-1)) == pytest.approx(2.0, rel=1e-15)
    assert (crossing_alpha(0.0), crossing_alpha(1.0)) == (1.0, math.inf)
    np.testing.assert_allclose(crossing_alpha(np.exp([-4.0, -0.5])), [1.25, 3.0])


@pytest.mark.parametrize("q", [1e-12, 1e-3, 0.05, 0.25, 300 / 784, 0.5, 0.9, 1.0])
def test_the_random_matrix_cut_solves_its_equation(q):
    cut = mp_erg_cut(q)
    assert cut.lower <= cut.lam <= cut.upper
    assert cut.upper - cut.lower <= 4e-16
    with mp.workdps(40):
        root = mp.sqrt(mp.mpf(q))

        def log_det(lam):
            end = mp.acos((mp.mpf(lam) - 1 - mp.mpf(q)) / (2 * root))
            return mp.quad(lambda t: mp.log(level(t)) * mp.sin(t) ** 2 / level(t), [0, end / 2, end])

        def level(t):
            return 1 + mp.mpf(q) + 2 * root * mp.cos(t)

        assert log_det(cut.upper) > 0 > log_det(cut.lower)
    law = marchenko_pastur(q)
    assert cut.fraction == pytest.approx(1 - law.cdf(cut.lam), abs=1e-9 if q < 1e-9 else 1e-13)
    assert cut.alpha == pytest.approx(crossing_alpha(cut.lam), rel=1e-9)


def test_spectra_of_random_matrices_have_the_limiting_cut():
    weights = np.random.default_rng(0).normal(size=(784, 300))
    cut = erg_cut(np.linalg.svd(weights, compute_uv=False) ** 2)
    limit = mp_erg_cut(300 / 784)
    assert cut.lam == pytest.approx(limit.lam, abs=0.01)
    assert cut.fraction == pytest.approx(limit.fraction, abs=0.01)
    quantiles = marchenko_pastur(0.5).quantile((np.arange(5000) + 0.5) / 5000)
    assert erg_cut(quantiles).lam == pytest.approx(mp_erg_cut(0.5).lam, abs=1e-3)
