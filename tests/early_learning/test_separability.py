"""The threshold against direct minimisation and known limits; the linear program against constructed samples."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar, nnls
from scipy.stats import norm

from theory.early_learning import GaussianMixtureNoisyLabels, is_separable, separability_threshold

SHARES, NOISE = st.floats(0, 1), st.floats(0, 50)


@pytest.mark.parametrize(("Delta", "sigma"), [(0.1, 0.2), (0.4, 0.2), (0.5, 1.0), (0.8, 0.0), (0.05, 3.0)])
def test_the_threshold_is_the_minimum_of_a_double_integral(Delta, sigma):
    def mean_square(t):
        def given_noise(z, sign):
            s = sign * t * (1 + sigma * z)
            return ((1 + s * s) * norm.sf(s) - s * norm.pdf(s)) * norm.pdf(z)

        true, wrong = (quad(given_noise, -9, 9, args=(sign,), epsabs=1e-12)[0] for sign in (1, -1))
        return (1 - Delta / 2) * true + Delta / 2 * wrong

    least = minimize_scalar(mean_square, bounds=(0, 10), method="bounded", options={"xatol": 1e-7}).fun
    assert separability_threshold(Delta, sigma).gamma == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("Delta", [1e-12, 0.01, 0.3, 0.7, 1 - 1e-9])
def test_the_enclosure_at_no_noise_holds_the_value_of_another_minimiser(Delta):
    with mpmath.workdps(50):
        q = mpmath.mpf(Delta) / 2

        def value(t):
            return (1 - 2 * q) * ((1 + t * t) * mpmath.ncdf(-t) - t * mpmath.npdf(t)) + q * (1 + t * t)

        root = mpmath.findroot(lambda t: (1 - 2 * q) * (t * mpmath.ncdf(-t) - mpmath.npdf(t)) + q * t, (0.0, 5.0))
        exact = value(root)
    found = separability_threshold(Delta, 0.0)
    assert mpmath.mpf(found.lower) <= exact <= mpmath.mpf(found.upper)
    assert found.lower <= found.gamma <= found.upper
    assert found.upper - found.lower <= 4 * math.ulp(found.gamma)


@settings(deadline=None, max_examples=80)
@given(SHARES, NOISE)
def test_the_threshold_lies_between_half_the_share_and_one_half(Delta, sigma):
    found = separability_threshold(Delta, sigma)
    assert Delta / 2 <= found.upper
    assert found.lower <= 0.5
    assert 0 <= found.lower <= found.gamma <= found.upper


@settings(deadline=None, max_examples=60)
@given(SHARES, SHARES, NOISE, NOISE)
def test_the_threshold_grows_with_both_kinds_of_noise(Delta, more_labels, sigma, more_noise):
    low = separability_threshold(min(Delta, more_labels), min(sigma, more_noise))
    high = separability_threshold(max(Delta, more_labels), max(sigma, more_noise))
    assert low.lower <= high.upper


def test_known_thresholds():
    assert separability_threshold(1.0, 0.3).gamma == 0.5  # Cover
    assert separability_threshold(0.0, 0.0).gamma == 0.0
    assert separability_threshold(0.2, 1e6).gamma == pytest.approx(0.5, abs=1e-11)


def test_flipped_columns_and_scales_do_not_matter():
    data = GaussianMixtureNoisyLabels(60, 22, 0.2, 0.4, 0)
    rng = np.random.default_rng(0)
    rows, columns = np.exp(rng.normal(0, 3, (60, 1))), np.exp(rng.normal(0, 3, 22)) * rng.choice([-1, 1], 22)
    for seed in range(6):
        labels = GaussianMixtureNoisyLabels(60, 22, 0.2, 0.4, seed).labels
        assert is_separable(data.features, labels) == is_separable(rows * data.features * columns, labels)
        assert is_separable(data.features, labels) == is_separable(data.features, -labels)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 10**6))
@example(6, 10, 10)  # the sums of a row and of its opposite round to the same sign
def test_labels_by_a_hyperplane_are_separable_and_a_contradiction_spoils_them(n, p, seed):
    rng = np.random.default_rng(seed)
    x, theta = rng.normal(size=(n, p)), rng.normal(size=p)
    labels = np.where(x @ theta > 0, 1, -1)
    assert is_separable(x, labels)
    assert not is_separable(np.vstack([x, 2 * x[:1]]), np.append(labels, -labels[0]))


def test_agreement_with_the_nearest_point_of_the_convex_hull():
    found = []
    for seed in range(60):
        data = GaussianMixtureNoisyLabels(30, 12, 0.5, 0.4, seed)
        signed = data.features * data.labels[:, None]
        _, distance = nnls(
            np.vstack([signed.T, np.ones(30)]), np.append(np.zeros(12), 1.0)
        )  # 0 iff the hull has the origin
        found.append(distance > 1e-9)
        assert is_separable(data.features, data.labels) == found[-1]
    assert 10 < sum(found) < 50


def test_three_points_of_the_plane():
    x = np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]])
    separable = [is_separable(x, labels) for labels in itertools.product([-1, 1], repeat=3)]
    assert separable == [False, True, True, True, True, True, True, False]


def test_degenerate_samples():
    assert is_separable([[2.0]], [1])
    assert not is_separable([[0.0, 0.0], [1.0, 0.0]], [1, 1])
    assert is_separable([[1.0, 0.0], [2.0, 0.0]], [1, 1])  # a column of zeros
    assert is_separable([[1e300, 1.0], [-1e-300, 0.0]], [1, -1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: separability_threshold(-0.1, 0.2), ValueError, "Delta is -0.1"),
        (lambda: separability_threshold(0.1, math.inf), ValueError, "sigma is inf"),
        (lambda: separability_threshold("0.1", 0.2), TypeError, "Delta is '0.1'"),
        (lambda: is_separable([1.0, 2.0], [1, 1]), ValueError, r"features has shape \(2,\); expected \(n, p\)"),
        (lambda: is_separable(np.zeros((0, 2)), []), ValueError, r"features has shape \(0, 2\)"),
        (lambda: is_separable([[1.0]], [1, 1]), ValueError, r"labels has shape \(2,\); expected \(1,\)"),
        (lambda: is_separable([[1.0]], [0]), ValueError, "labels contains 0.0; expected -1 or 1"),
        (lambda: is_separable([[math.nan]], [1]), ValueError, "features contains nan"),
        (lambda: is_separable([["x"]], [1]), TypeError, "features has dtype"),
    ],
)
def test_bad_arguments_of_separability_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
