"""The Marchenko–Pastur law against mpmath integrals, its defining equations, and random matrices."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate

from theory.setol import marchenko_pastur
from theory.setol.free_probability import free_cumulants, spectrum_r_transform

RATIOS = [1e-6, 0.005, 0.0101, 0.25, 0.5, 0.9, 1.0]


def mass_below(lam, q):
    root = mp.sqrt(q)
    start = mp.acos((lam - 1 - q) / (2 * root))
    end = mp.pi - mp.mpf("1e-15")
    return mp.quad(
        lambda t: 2 / mp.pi * mp.sin(t) ** 2 / (1 + q + 2 * root * mp.cos(t)), [start, (start + end) / 2, end]
    )


@pytest.mark.parametrize("q", RATIOS)
def test_distribution_function_is_the_integral_of_the_density(q):
    law = marchenko_pastur(q, 1.3)
    low, high = law.edges
    for part in (0.02, 0.3, 0.7, 0.99):
        lam = low + part * (high - low)
        with mp.workdps(40):
            exact = mass_below(mp.mpf(lam) / mp.mpf(1.3) ** 2, mp.mpf(q))
        assert law.cdf(lam) == pytest.approx(float(exact), abs=2e-13 if q < 1e-3 else 2e-14)
        assert law.quantile(law.cdf(lam)) == pytest.approx(lam, rel=1e-12)


@pytest.mark.parametrize("q", [0.05, 0.5, 1.0])
def test_density_integrates_to_probabilities(q):
    law = marchenko_pastur(q, 0.7)
    low, high = law.edges
    a, b = low + 0.2 * (high - low), high - 0.1 * (high - low)
    assert integrate.quad(law.pdf, a, b)[0] == pytest.approx(law.cdf(b) - law.cdf(a), abs=1e-10)


def test_outside_the_support():
    law = marchenko_pastur(0.25, 2.0)
    assert law.edges == (1.0, 9.0)
    np.testing.assert_array_equal(law.pdf([-1.0, 0.0, 0.5, 1.0, 9.0, 20.0]), 0.0)
    np.testing.assert_array_equal(law.cdf([-1.0, 0.0, 1.0, 9.0, 20.0]), [0, 0, 0, 1, 1])
    np.testing.assert_allclose(law.quantile([0.0, 1.0]), [1.0, 9.0], rtol=1e-14)
    assert marchenko_pastur(1.0).pdf(0.0) == math.inf


@pytest.mark.parametrize("q", [0.1, 0.5, 1.0])
def test_moments_cumulants_and_both_sides(q):
    law = marchenko_pastur(q, 1.2)
    nodes, weights = law.quadrature(400)
    for k in range(6):
        assert law.moment(k) == pytest.approx((weights * nodes**k).sum(), rel=1e-12)
        outer_nodes, outer_weights = law.quadrature(400, "outer")
        assert law.moment(k, "outer") == pytest.approx((outer_weights * outer_nodes**k).sum(), rel=1e-12)
    variance = 1.2**2
    inner = free_cumulants([law.moment(k) for k in range(1, 7)])
    outer = free_cumulants([law.moment(k, "outer") for k in range(1, 7)])
    np.testing.assert_allclose(inner, [variance**k * q ** (k - 1) for k in range(1, 7)], rtol=1e-9)
    np.testing.assert_allclose(outer, [q * variance**k for k in range(1, 7)], rtol=1e-9)
    assert law.moment(2) == pytest.approx(variance**2 * (1 + q), rel=1e-15)
    assert law.moment(3) == pytest.approx(variance**3 * (1 + 3 * q + q * q), rel=1e-15)


@pytest.mark.parametrize("side", ["inner", "outer"])
@pytest.mark.parametrize("q", [0.1, 0.5, 1.0])
def test_stieltjes_transform_is_the_integral_and_r_inverts_it(q, side):
    law = marchenko_pastur(q, 0.8)
    nodes, weights = law.quadrature(4000, side)
    high = law.edges[1]
    for z in (high + 0.1, 50.0, -0.3, -1e6, 1e9, 1 + 1j, 0.5 - 0.7j):
        stieltjes = law.stieltjes(z, side)
        assert isinstance(stieltjes, complex if isinstance(z, complex) else float)
        assert stieltjes == pytest.approx((weights / (z - nodes)).sum(), rel=1e-9)
        if abs(z) < 1e3:
            assert law.r_transform(stieltjes, side) + 1 / stieltjes == pytest.approx(z, rel=1e-11)
    assert spectrum_r_transform(0.3, nodes, weights) == pytest.approx(law.r_transform(0.3, side), rel=1e-9)


def test_stieltjes_transform_left_of_the_support_and_the_inversion_sign():
    law = marchenko_pastur(0.25)
    assert law.stieltjes(0.0) == pytest.approx(-1 / 0.75, rel=1e-15)  # −E 1/λ
    lam = np.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(-law.stieltjes(lam + 1e-12j).imag / math.pi, law.pdf(lam), rtol=1e-9)


def test_inner_and_outer_transforms_differ():
    law = marchenko_pastur(0.25)
    assert law.r_transform(0.0) == 1.0
    assert law.r_transform(0.0, "outer") == 0.25


def test_spectra_of_random_matrices_have_this_law():
    weights = 1.5 * np.random.default_rng(0).normal(size=(800, 400))
    eigenvalues = np.linalg.eigvalsh(weights.T @ weights / 800)
    law = marchenko_pastur(0.5, 1.5)
    assert np.abs(law.cdf(eigenvalues) - (np.arange(400) + 0.5) / 400).max() < 0.01


@pytest.mark.parametrize("sigma", [1e-100, 1.0, 1e100])
def test_scale(sigma):
    law, unit = marchenko_pastur(0.3, sigma), marchenko_pastur(0.3)
    assert law.cdf(0.7 * sigma**2) == pytest.approx(unit.cdf(0.7), rel=1e-13)
    assert law.pdf(0.7 * sigma**2) * sigma**2 == pytest.approx(unit.pdf(0.7), rel=1e-13)
    assert law.stieltjes(-(sigma**2)) * sigma**2 == pytest.approx(unit.stieltjes(-1.0), rel=1e-13)
