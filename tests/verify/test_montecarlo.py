import numpy as np
import pytest
from scipy import stats

from verify.montecarlo import mean_in_band, mean_interval


def test_coins_get_the_clopper_pearson_interval():
    sample = np.array([1.0] * 30 + [0.0] * 70)
    exact = stats.binomtest(30, 100).proportion_ci(0.99, method="exact")
    assert mean_interval(sample, (0, 1), 0.01) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("distribution", ["coin", "uniform", "two-point rare"])
def test_coverage_is_at_least_nominal(distribution):
    rng = np.random.default_rng(0)
    draws = {
        "coin": (lambda: (rng.random(50) < 0.1).astype(float), 0.1),
        "uniform": (lambda: rng.random(50), 0.5),
        "two-point rare": (lambda: np.where(rng.random(50) < 0.02, 1.0, 0.25), 0.02 + 0.98 * 0.25),
    }
    draw, mean = draws[distribution]
    intervals = [mean_interval(draw(), (0, 1), 0.2) for _ in range(500)]
    missed = sum(not low <= mean <= high for low, high in intervals)
    assert stats.binomtest(missed, 500, 0.2, alternative="greater").pvalue > 1e-6


def test_three_outcomes():
    sample = np.random.default_rng(1).random(20_000)
    assert mean_in_band(sample, (0.4, 0.6), (0, 1), 1e-6).outcome == "holds"
    assert mean_in_band(sample, (0.6, 0.7), (0, 1), 1e-6).outcome == "fails"
    assert mean_in_band(sample, (0.5, 0.7), (0, 1), 1e-6).outcome == "undecided"


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="bounds"):
        mean_interval(np.array([0.5, 1.5]), (0, 1), 0.1)
    with pytest.raises(ValueError, match="bounds"):
        mean_interval(np.array([0.5, np.nan]), (0, 1), 0.1)
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval(np.array([0.5]), (0, 1), 0.1)
