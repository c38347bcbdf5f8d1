"""Bootstrap answers against their nominal levels, and against the exact law where there is one."""

import math

import numpy as np
import pytest
from scipy import stats

from theory.setol import bootstrap_interval, fit_power_law, goodness_of_fit
from theory.setol.goodness_of_fit import _draw


def test_power_laws_are_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(0)
    p_values = []
    for seed in range(60):
        x = rng.pareto(1.5, 80) + 1
        p_values.append(goodness_of_fit(x, fit_power_law(x), 49, seed).p_value)
    assert np.mean(np.array(p_values) <= 0.1) <= stats.binom.ppf(0.999, 60, 0.1) / 60
    assert 0.3 < np.mean(p_values) < 0.75


def test_what_is_no_power_law_is_rejected():
    x = np.random.default_rng(0).exponential(size=2000)
    fit = fit_power_law(x, 0.5)
    result = goodness_of_fit(x, fit, 99)
    assert result.p_value == 0.01
    assert (result.D, result.D_boot.shape) == (fit.D, (99,))
    assert (result.D_boot < fit.D).all()


def test_for_a_given_cutoff_the_interval_is_the_exact_one():
    rng = np.random.default_rng(5)
    n = 40
    x = rng.pareto(1.5, n) + 1
    fit = fit_power_law(x, 1.0)
    interval = bootstrap_interval(x, fit, 0.9, n_boot=4000)
    # (α̂ − 1)/(α − 1) = n / Gamma(n)
    low, high = (1 + (fit.alpha - 1) * stats.gamma(n).ppf(p) / n for p in (0.05, 0.95))
    assert interval.low == pytest.approx(low, abs=0.03)
    assert interval.high == pytest.approx(high, abs=0.03)
    assert interval.standard_error == pytest.approx(fit.sigma_exact, rel=0.05)
    assert interval.bias == pytest.approx((fit.alpha - 1) / (n - 1), abs=0.02)


def test_after_a_scan_the_interval_covers_where_the_naive_one_does_not():
    rng = np.random.default_rng(2)
    runs, covered, naive, wider = 60, 0, 0, 0
    for seed in range(runs):
        x = rng.pareto(1.0, 100) + 1
        fit = fit_power_law(x)
        interval = bootstrap_interval(x, fit, n_boot=99, seed=seed)
        covered += interval.low <= 2.0 <= interval.high
        naive += abs(fit.alpha - 2.0) <= 1.96 * fit.sigma
        wider += interval.standard_error > fit.sigma
    assert covered >= stats.binom.ppf(0.001, runs, 0.95)
    assert covered > naive
    assert wider > 0.9 * runs


@pytest.mark.parametrize("ks", ["csn", "two-sided"])
def test_the_refit_repeats_the_fit(ks):
    x = np.random.default_rng(0).pareto(1.5, 60) + 1
    fit = fit_power_law(x, ks=ks, min_tail=20)
    result = goodness_of_fit(x, fit, 25)
    again, other = goodness_of_fit(x, fit, 25), goodness_of_fit(x, fit, 25, seed=1)
    np.testing.assert_array_equal(result.D_boot, again.D_boot)
    assert (result.D_boot != other.D_boot).any()
    if ks == "two-sided":
        assert (result.D_boot >= 0.5 / 60).all()


def test_samples_mix_the_body_and_a_tail_of_random_size():
    x = np.concatenate([np.linspace(0, 0.9, 60), np.random.default_rng(0).pareto(1.5, 40) + 1])
    fit, rng = fit_power_law(x, 1.0), np.random.default_rng(1)
    samples = [_draw(x[:60], fit, rng) for _ in range(400)]
    sizes = np.array([(sample >= 1.0).sum() for sample in samples])
    assert {len(sample) for sample in samples} == {100}
    assert sizes.mean() == pytest.approx(40, abs=4 * math.sqrt(24 / 400))
    assert sizes.var() == pytest.approx(24, rel=0.3)
    assert np.isin([value for sample in samples for value in sample if value < 1.0], x).all()


def test_scale_and_zeros_do_not_matter():
    x = np.concatenate([np.zeros(5), np.random.default_rng(0).pareto(1.5, 60) + 1])
    reference = goodness_of_fit(x, fit_power_law(x), 30)
    scaled = goodness_of_fit(x * 2.0**40, fit_power_law(x * 2.0**40), 30)
    assert scaled.p_value == reference.p_value
    np.testing.assert_allclose(scaled.D_boot, reference.D_boot, atol=1e-12)


@pytest.mark.parametrize("x", [[1.0, 1.0], [1.0, 1.0 + 2**-52]])
def test_tails_that_cannot_be_sampled_have_no_p_value(x):
    fit = fit_power_law(x)
    result, interval = goodness_of_fit(x, fit, 5), bootstrap_interval(x, fit, n_boot=5)
    assert math.isnan(result.p_value)
    assert len(result.D_boot) == 0
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


@pytest.mark.parametrize("x", [[1.0, 2.0], [0.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0, 2.0], [1e-300, 1e300, 1e305]])
def test_the_smallest_samples_have_answers(x):
    fit = fit_power_law(x)
    assert 0 < goodness_of_fit(x, fit, 20).p_value <= 1
    interval = bootstrap_interval(x, fit, n_boot=20)
    assert 1 <= interval.low <= interval.high
