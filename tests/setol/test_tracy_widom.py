"""The Tracy–Widom law against its published moments and quantiles, and the edge of simulated matrices."""

import numpy as np
import pytest
from scipy import integrate

from theory.setol import tracy_widom_cdf, tracy_widom_quantile, tracy_widom_threshold


def test_published_moments():
    # mean −1.2065335745820, variance 1.607781034581 (Bornemann 2010), by parts from the distribution function
    left, right = -14.0, 14.0
    nodes, weights = np.polynomial.legendre.leggauss(120)
    s, w = left + (right - left) * (nodes + 1) / 2, weights * (right - left) / 2
    distribution = tracy_widom_cdf(s)
    mean = right - (w * distribution).sum()
    second = right**2 - (w * 2 * s * distribution).sum()
    assert mean == pytest.approx(-1.2065335745820, abs=1e-12)
    assert second - mean**2 == pytest.approx(1.607781034581, abs=1e-11)


@pytest.mark.parametrize(("p", "s"), [(0.01, -3.8954), (0.05, -3.1804), (0.9, 0.4501), (0.95, 0.9793), (0.99, 2.0234)])
def test_published_quantiles(p, s):
    assert tracy_widom_quantile(p) == pytest.approx(s, abs=1e-4)
    assert tracy_widom_cdf(tracy_widom_quantile(p)) == pytest.approx(p, abs=1e-13)


def test_tails():
    # 1 − F ~ exp(−⅔ s^{3/2}) / (4 √π s^{3/4})
    s = 7.0
    assert 1 - tracy_widom_cdf(s) == pytest.approx(np.exp(-2 / 3 * s**1.5) / (4 * np.sqrt(np.pi) * s**0.75), rel=0.05)
    np.testing.assert_array_equal(tracy_widom_cdf([-50.0, 40.0]), [0.0, 1.0])
    assert (np.diff(tracy_widom_cdf(np.linspace(-6, 6, 60))) > 0).all()


def test_the_law_of_2_by_2_is_close_and_the_threshold_is_symmetric():
    assert 30 * tracy_widom_threshold(30, 20) == pytest.approx(20 * tracy_widom_threshold(20, 30), rel=1e-14)
    assert tracy_widom_threshold(30, 20, sigma=3.0) == pytest.approx(9 * tracy_widom_threshold(30, 20), rel=1e-14)
    edge = (1 + np.sqrt(1 / 2)) ** 2
    for size in (10**4, 10**8):
        assert tracy_widom_threshold(2 * size, size) == pytest.approx(edge, rel=3 * size ** (-2 / 3))


@pytest.mark.parametrize("level", [0.1, 0.01])
def test_normal_matrices_exceed_the_threshold_at_the_level(level):
    rng = np.random.default_rng(0)
    draws, threshold = 4000, tracy_widom_threshold(40, 25, level)
    matrices = rng.normal(size=(draws, 40, 25))
    largest = np.linalg.eigvalsh(np.swapaxes(matrices, 1, 2) @ matrices / 40)[:, -1]
    exceeded = (largest > threshold).sum()
    assert abs(exceeded - draws * level) < 4 * np.sqrt(draws * level * (1 - level)) + 0.1 * draws * level


def test_mean_of_the_edge_by_integration():
    mean = integrate.quad(lambda s: float(s < 0) - tracy_widom_cdf(s), -9, 9, points=[0.0], limit=30)[0]
    assert -mean == pytest.approx(1.2065335745820, abs=1e-8)
