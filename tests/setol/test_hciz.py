"""The contour integral against hypergeometric closed forms, and its limit against both."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.setol import hciz_rank_one, hciz_rank_one_limit, marchenko_pastur, spectrum_r_transform


@pytest.mark.parametrize("theta", [-30.0, -2.0, -1e-3, 0.0, 1e-6, 0.1, 0.45, 0.5, 0.55, 1.0, 3.0, 50.0])
@pytest.mark.parametrize(
    ("size", "rank"), [(2, 1), (3, 1), (10, 5), (100, 1), (100, 50), (100, 99), (700, 1), (700, 70)]
)
def test_projections_have_a_closed_form(size, rank, theta):
    x = np.zeros(size)
    x[:rank] = 1.0
    with mp.workdps(30):  # uᵀPu has the Beta(rank/2, (size − rank)/2) law
        exact = mp.log(mp.hyp1f1(mp.mpf(rank) / 2, mp.mpf(size) / 2, mp.mpf(size) * theta)) / size
    assert hciz_rank_one(theta, x) == pytest.approx(float(exact), rel=1e-14, abs=1e-14)


def test_two_dimensions_are_a_bessel_function():
    for a, b, theta in ((1.0, 2.0, 0.3), (0.0, 5.0, 3.0), (-4.0, 4.0, 10.0)):
        exact = theta * (a + b) / 2 + float(mp.log(mp.besseli(0, theta * (b - a)))) / 2
        assert hciz_rank_one(theta, [a, b]) == pytest.approx(exact, rel=1e-14)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=30), st.floats(-5, 5), st.floats(-2, 2))
def test_shift_symmetry_and_bounds(x, theta, shift):
    x = np.array(x)
    value = hciz_rank_one(theta, x)
    assert hciz_rank_one(theta, x + shift) == pytest.approx(value + theta * shift, abs=1e-12)
    assert hciz_rank_one(-theta, -x) == pytest.approx(value, abs=1e-12)
    assert theta * x.mean() - 1e-13 <= value <= (theta * x).max() + 1e-13  # Jensen; the largest value


def test_a_spectrum_of_two_scales_keeps_its_digits():
    x = np.append(np.full(500, -1e8), [0.0, 0.0])
    with mp.workdps(40):  # 2 of 502 dimensions: 1 − |u|² on the rest is Beta(1, 250)
        exact = mp.log(mp.hyp1f1(250, 251, -mp.mpf(502) * 3 * 10**8)) / 502
    assert hciz_rank_one(3.0, x) == pytest.approx(float(exact), rel=1e-14)


def test_sampling_agrees():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=12)
    u = rng.normal(size=(200_000, 12))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    values = np.exp(12 * 0.4 * (u**2 @ x))
    assert math.exp(12 * hciz_rank_one(0.4, x)) == pytest.approx(values.mean(), abs=5 * values.std() / 450)


@pytest.mark.parametrize("theta", [0.05, 0.2, 0.3])
def test_below_the_threshold_the_limit_is_the_integral_of_the_r_transform(theta):
    law = marchenko_pastur(0.25)
    for side in ("inner", "outer"):
        rule = law.quadrature(400, side)
        integral = 0.5 * float(mp.quad(lambda w, side=side: law.r_transform(float(w), side), [0, 2 * theta]))
        assert hciz_rank_one_limit(theta, *rule, edge=law.edges[1]) == pytest.approx(integral, rel=1e-10)
    small = law.quantile((np.arange(1600) + 0.5) / 1600)
    limit = hciz_rank_one_limit(theta, *law.quadrature(400))
    assert hciz_rank_one(theta, small) == pytest.approx(limit, abs=1e-3)


def test_outer_spectra_need_the_outer_transform():
    law, theta = marchenko_pastur(0.25), 0.2
    x = np.concatenate([np.zeros(300), law.quantile((np.arange(100) + 0.5) / 100)])
    outer, inner = (hciz_rank_one_limit(theta, *law.quadrature(400, side)) for side in ("outer", "inner"))
    assert hciz_rank_one(theta, x) == pytest.approx(outer, abs=3e-4)
    assert abs(hciz_rank_one(theta, x) - inner) > 0.1


def test_beyond_the_threshold_the_r_transform_is_wrong():
    law, theta = marchenko_pastur(0.25), 1.6
    assert 2 * theta > law.stieltjes(law.edges[1] + 1e-9)
    limit = hciz_rank_one_limit(theta, *law.quadrature(2000), edge=law.edges[1])
    continued = -0.5 / 0.25 * math.log(1 - 0.25 * 2 * theta)  # ½ ∫_0^{2θ} dw / (1 − q w)
    rng = np.random.default_rng(0)
    found = []
    for _ in range(3):
        weights = rng.normal(size=(4000, 1000))
        found.append(hciz_rank_one(theta, np.linalg.eigvalsh(weights.T @ weights / 4000)))
    assert np.mean(found) == pytest.approx(limit, abs=0.02)
    assert continued > limit + 0.5
    coarse = hciz_rank_one_limit(theta, *law.quadrature(500), edge=law.edges[1])
    assert coarse == pytest.approx(limit, abs=1e-7)


def test_the_limit_is_linear_only_to_first_order():
    x = marchenko_pastur(0.5).quantile((np.arange(300) + 0.5) / 300)
    small, large = (hciz_rank_one(theta, x) / theta for theta in (1e-6, 0.3))
    assert small == pytest.approx(x.mean(), rel=1e-5)
    assert large > 1.1 * x.mean()


def test_a_finite_spectrum_is_its_own_rule():
    x = np.array([0.5, 1.0, 4.0])
    assert hciz_rank_one_limit(0.0, x) == 0.0
    integral = 0.5 * float(mp.quad(lambda w: spectrum_r_transform(float(w), x), np.linspace(0, 1.4, 8).tolist()))
    assert hciz_rank_one_limit(0.7, x) == pytest.approx(integral, rel=1e-9)
