"""The pruned scan against the textbook scan, scipy's Pareto law and Kolmogorov–Smirnov statistic, and closed forms."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theory.setol import power_law
from theory.setol.power_law import fit_power_law, scan


def textbook_scan(x, ks="csn", min_tail=2):
    """Every distinct cutoff but the largest value, from the definition."""
    x = np.sort(x[x > 0])
    rows = []
    for xmin in np.unique(x)[:-1]:
        tail = x[x >= xmin]
        n = len(tail)
        if n < min_tail:
            continue
        alpha = 1 + n / np.log(tail / xmin).sum()
        model = 1 - (tail / xmin) ** (1 - alpha)
        distance = np.abs(model - np.arange(n) / n).max()
        if ks == "two-sided":
            distance = max(distance, np.abs(model - np.arange(1, n + 1) / n).max())
        rows.append((xmin, alpha, distance, n))
    return rows


def spectra(seed):
    """A random spectrum: heavy-tailed, log-normal, quantised with many ties, or of a random matrix."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 300))
    kind = seed % 4
    if kind == 0:
        return rng.pareto(rng.uniform(0.5, 4), n) + 1
    if kind == 1:
        return rng.lognormal(0, rng.uniform(0.01, 5), n)
    if kind == 2:
        return np.round(rng.lognormal(0, 1, n), 1)
    return np.linalg.svd(rng.normal(size=(n + 20, n)), compute_uv=False) ** 2


@pytest.mark.parametrize("ks", ["csn", "two-sided"])
def test_the_pruned_scan_is_the_textbook_scan_on_random_spectra(ks):
    compared = 0
    for seed in range(300):
        x = spectra(seed)
        rows, fit = textbook_scan(x, ks), fit_power_law(x, ks=ks)
        if not rows:
            assert fit.status == "degenerate"
            continue
        xmin, alpha, distance, n = min(rows, key=lambda row: row[2])  # the first of equal ones
        assert (fit.xmin, fit.n_tail) == (xmin, n)
        assert fit.alpha == pytest.approx(alpha, rel=1e-11)
        assert pytest.approx(distance, abs=1e-13) == fit.D
        compared += 1
    assert compared > 290


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.sampled_from(["csn", "two-sided"]), st.integers(2, 6))
def test_the_fit_is_the_first_minimum_of_the_whole_curve(levels, ks, min_tail):
    x = 1.5 ** np.array(levels) * (np.array(levels) > 0)
    curve, fit = scan(x, ks, min_tail), fit_power_law(x, ks=ks, min_tail=min_tail)
    if len(curve.D) == 0:
        assert fit.status == "degenerate"
        assert (fit.n_tail, fit.index) == (0, -1)
        assert np.isnan([fit.alpha, fit.xmin, fit.D, fit.sigma, fit.sigma_exact]).all()
        return
    best = int(curve.D.argmin())
    found = (curve.xmin[best], curve.alpha[best], curve.D[best], curve.n_tail[best], curve.index[best])
    assert found == (fit.xmin, fit.alpha, fit.D, fit.n_tail, fit.index)
    assert np.sort(x)[fit.index] == fit.xmin
    assert fit.n_tail == (x >= fit.xmin).sum() == len(x) - fit.index


@pytest.mark.parametrize("ks", ["csn", "two-sided"])
def test_the_whole_curve_is_the_textbook_one(ks):
    for seed in range(40):
        x, rows = spectra(seed), textbook_scan(spectra(seed), ks, min_tail=3)
        curve = scan(x, ks, min_tail=3)
        assert len(curve.D) == len(rows)
        if rows:
            xmin, alpha, distance, n = map(np.array, zip(*rows, strict=True))
            np.testing.assert_array_equal(curve.xmin, xmin)
            np.testing.assert_array_equal(curve.n_tail, n)
            np.testing.assert_allclose(curve.alpha, alpha, rtol=1e-11)
            np.testing.assert_allclose(curve.D, distance, atol=1e-13)


@pytest.mark.parametrize(
    "levels", [[1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 7.0, 30.0, 30.25, 99.0], [1.0, 1.5, 6.5, 7.0, 9.0]]
)
def test_of_equal_distances_the_smallest_cutoff_wins(levels):
    x = np.repeat(levels, [24, 12, 6, 3, 1])  # the ties at a cutoff alone put D = 23/46, 11/22, 5/10, 2/4
    curve = scan(x)
    assert (curve.D == 0.5).sum() >= 2
    assert curve.D.min() == 0.5
    assert fit_power_law(x).xmin == curve.xmin[curve.D == 0.5][0]


@pytest.mark.parametrize(
    "x",
    [
        1.001 ** np.arange(4000),  # self-similar: hundreds of candidates nearly tie
        np.arange(1.0, 3000),
        ((np.arange(3000) + 0.5) / 3000) ** -0.7,
        np.concatenate([np.ones(500), np.full(500, 2.0)]),
    ],
)
def test_regular_spectra_that_resist_pruning(x):
    curve, fit = scan(x), fit_power_law(x)
    assert (fit.D, fit.index) == (curve.D.min(), curve.index[curve.D.argmin()])


def test_few_tails_are_computed_in_full(monkeypatch):
    full, calls = power_law._Tails.distance, []
    monkeypatch.setattr(power_law._Tails, "distance", lambda self, c: calls.append(c) or full(self, c))
    rng = np.random.default_rng(0)
    for x in (rng.pareto(1.5, 20_000), rng.lognormal(0, 1, 20_000), rng.uniform(0.1, 1, 20_000)):
        fit_power_law(x)
    assert len(calls) < 100


def test_given_cutoffs_agree_with_scipy():
    rng = np.random.default_rng(3)
    x = rng.pareto(1.7, 500) + 1
    for xmin in (0.9, 1.0, 1.234, float(x[7])):
        tail = x[x >= xmin]
        shape = stats.pareto.fit(tail, floc=0, fscale=xmin)[0]
        distance = stats.kstest(tail, stats.pareto(shape, scale=xmin).cdf).statistic
        fit = fit_power_law(x, xmin, ks="two-sided")
        assert fit.alpha == pytest.approx(1 + shape, rel=1e-9)
        assert pytest.approx(distance, abs=1e-9) == fit.D
        assert fit.n_tail == len(tail)
        assert fit_power_law(x, xmin).D <= fit.D <= fit_power_law(x, xmin).D + 1 / len(tail)


def test_a_scanned_cutoff_can_be_given():
    x = spectra(0)
    scanned = fit_power_law(x)
    given_ = fit_power_law(x, scanned.xmin)
    assert given_.alpha == pytest.approx(scanned.alpha, rel=1e-12)
    assert pytest.approx(scanned.D, abs=1e-14) == given_.D
    assert (given_.index, given_.n_tail) == (scanned.index, scanned.n_tail)
    assert given_.sigma_exact < scanned.sigma_exact  # one value less is random after a scan


def test_exact_deviations_are_those_of_simulated_estimators():
    rng = np.random.default_rng(0)
    n, rate, replicas = 12, 1.5, 200_000
    logs = rng.exponential(1 / rate, (replicas, n))
    given_ = 1 + n / logs.sum(1)
    own = 1 + n / (logs - logs.min(1, keepdims=True)).sum(1)
    x = np.exp(logs[0])
    for estimates, fit in ((given_, fit_power_law(x, 1.0)), (own, fit_power_law(x, min_tail=n))):
        assert fit.n_tail == n
        expected = fit.sigma_exact * rate / (fit.alpha - 1)
        assert estimates.std() == pytest.approx(expected, rel=0.02)
        assert expected > 1.05 * rate / math.sqrt(n)  # the asymptotic error is too small


@pytest.mark.parametrize(("n", "finite"), [(2, False), (3, False), (4, True)])
def test_the_deviation_is_infinite_where_the_variance_is(n, finite):
    fit = fit_power_law(np.arange(1.0, n + 1), min_tail=n)
    assert math.isfinite(fit.sigma_exact) == finite
    assert fit.sigma == (fit.alpha - 1) / math.sqrt(n)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.floats(-280, 280))
def test_scale_and_order_do_not_matter(seed, power):
    x = spectra(4 * seed)
    scale = 10.0**power
    reference, fit = fit_power_law(x), fit_power_law(np.random.default_rng(seed).permutation(x) * scale)
    assert fit.index == reference.index
    assert pytest.approx(reference.D, abs=1e-12) == fit.D
    assert fit.alpha == pytest.approx(reference.alpha, rel=1e-9)
    assert fit.xmin == pytest.approx(scale * reference.xmin, rel=1e-14)


def test_powers_rescale_the_exponent():
    x = spectra(4)
    reference, fit = fit_power_law(x), fit_power_law(x**2)
    assert fit.index == reference.index
    assert pytest.approx(reference.D, abs=1e-12) == fit.D
    assert fit.alpha - 1 == pytest.approx((reference.alpha - 1) / 2, rel=1e-11)


def test_zeros_are_never_in_the_tail():
    x = spectra(8)
    fit, padded = fit_power_law(x), fit_power_law(np.concatenate([np.zeros(7), x]))
    assert (padded.alpha, padded.D, padded.n_tail, padded.index) == (fit.alpha, fit.D, fit.n_tail, fit.index + 7)


@pytest.mark.parametrize("x", [[3.0], [2.0, 2.0, 2.0], [0.0, 0.0], [0.0, 1.0], np.full(50, 1e-300)])
def test_no_tail_is_degenerate_and_never_called_success(x):
    fit = fit_power_law(x)
    assert fit.status == "degenerate"
    assert math.isnan(fit.alpha)
    assert fit_power_law(x, 5.0).status == "degenerate"


@pytest.mark.parametrize(
    "x",
    [
        [1.0, 1.0 + 2**-52],
        [5e-324, 1e-323, 1e308],
        [1.7e308, 1.6e308, 1e300],
        1.0 + 1e-15 * np.arange(100),
        np.exp(np.linspace(-700, 700, 200)),
    ],
)
def test_extreme_values_have_finite_fits(x):
    fit, two = fit_power_law(x), fit_power_law(x, ks="two-sided")
    assert fit.status == "success"
    assert math.isfinite(fit.alpha)
    assert fit.alpha > 1
    assert 0 <= fit.D <= 1
    assert fit.D <= fit_power_law(x, fit.xmin, ks="two-sided").D
    assert 0 <= two.D <= 1


def test_nearly_equal_values_do_not_lose_digits():
    x = 7.0 + 1e-11 * np.array([0.0, 1.0, 3.0, 4.0, 9.0, 30.0])
    with mp.workdps(40):
        exact = 1 + 6 / sum(mp.log(mp.mpf(float(value)) / mp.mpf(float(x[0]))) for value in x)
    curve = scan(x, min_tail=6)
    assert curve.alpha[0] == pytest.approx(float(exact), rel=1e-13)


def test_the_exponent_of_a_large_sample_is_recovered():
    fit = fit_power_law(np.random.default_rng(1).pareto(1.5, 100_000) + 1)
    assert fit.alpha == pytest.approx(2.5, abs=0.05)
