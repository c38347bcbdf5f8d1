"""The closed learning curve against quadrature in high precision, exact limits, and gradient descent on samples."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from theory.early_learning import GaussianMixtureNoisyLabels, spectral_laws, squared_loss_learning_curve

RATIOS, NOISE, SHARES = st.floats(0, 10), st.floats(0, 10), st.floats(0, 1)


@settings(deadline=None)
@given(RATIOS, NOISE)
def test_the_laws_have_the_first_moments_of_the_matrix(gamma, sigma):
    laws, variance = spectral_laws(gamma, sigma), sigma**2
    lam = laws.eigenvalues
    assert (laws.density >= 0).all()
    assert (laws.signal_density >= 0).all()
    scale = (1 + variance) * (1 + gamma * variance) * (1 + math.sqrt(gamma)) ** 2
    for weights, moments in (
        (laws.density, (1, variance * gamma, variance**2 * gamma * (1 + gamma))),
        (laws.signal_density, (1, 1 + variance * gamma)),
    ):
        for power, moment in enumerate(moments):
            assert abs(lam**power @ weights - moment) < 1e-11 * scale**power


def functionals(gamma, sigma, f):
    """Means of f and f² under both laws by adaptive quadrature in 25 digits, from the Stieltjes transforms."""
    with mpmath.workdps(25):
        g, variance = mpmath.mpf(gamma), mpmath.mpf(sigma) ** 2
        low, high = (1 - mpmath.sqrt(g)) ** 2, (1 + mpmath.sqrt(g)) ** 2

        def transforms(y):
            root = 1j * mpmath.sqrt((y - low) * (high - y))
            plain = (y + 1 - g - root) / (2 * y) / variance
            x = y * variance
            return plain, plain / (1 - x * plain * (plain - (1 - g) / x) / g)

        found = []
        for which in (0, 1):
            for power in (1, 2):
                bulk = mpmath.quad(
                    lambda y, w=which, k=power: -transforms(y)[w].imag / mpmath.pi * variance * f(y * variance) ** k,
                    mpmath.linspace(low, high, 9),
                )
                spike = max(mpmath.mpf(0), 1 - g * variance**2) / (1 + variance) if which else mpmath.mpf(0)
                found.append(bulk + spike * f((1 + variance) * (1 + g * variance)) ** power)
        return found


@pytest.mark.parametrize(
    ("gamma", "sigma", "Delta", "time"),
    [(0.9, 0.2, 0.4, 30.0), (0.5, 0.7, 0.2, 2.0), (2.0, 0.3, 0.8, 5.0), (1.3, 1.5, 0.5, 0.7), (0.3, 2.5, 0.4, 0.4)],
)
def test_the_curve_by_quadrature_in_high_precision(gamma, sigma, Delta, time):
    plain, plain2, signal, signal2 = functionals(gamma, sigma, lambda x: -mpmath.expm1(-x * mpmath.mpf(time)))
    a = 1 - mpmath.mpf(Delta)
    spread = mpmath.sqrt(a**2 * (signal2 - signal**2) + (1 - a**2) * (plain2 - plain**2))
    curve = squared_loss_learning_curve(gamma, sigma, Delta, time)
    assert curve.wrong == pytest.approx(float(mpmath.ncdf((a * signal - (1 + a) * plain) / spread)), abs=1e-9)
    assert curve.right == pytest.approx(float(mpmath.ncdf((a * signal + (1 - a) * plain) / spread)), abs=1e-9)


def test_the_first_instant_is_one_averaging_of_the_features():
    gamma, sigma, Delta = 0.7, 0.4, 0.3
    a, variance = 1 - Delta, sigma**2
    plain, signal = gamma * variance, 1 + gamma * variance
    laws = spectral_laws(gamma, sigma)
    second = laws.eigenvalues**2 @ laws.signal_density
    spread = math.sqrt(a**2 * (second - signal**2) + (1 - a**2) * (variance**2 * gamma * (1 + gamma) - plain**2))
    for time in (0.0, 1e-12, 1e-200):
        curve = squared_loss_learning_curve(gamma, sigma, Delta, time)
        assert curve.wrong == pytest.approx(ndtr((a * signal - (1 + a) * plain) / spread), rel=1e-9)
        assert curve.right == pytest.approx(ndtr((a * signal + (1 - a) * plain) / spread), rel=1e-9)


@pytest.mark.parametrize(("gamma", "sigma", "Delta"), [(0.9, 0.3, 0.4), (1.5, 0.5, 0.6), (0.4, 1.2, 0.3)])
def test_gradient_descent_on_samples_follows_the_curve(gamma, sigma, Delta):
    times, n, eta, samples = np.array([1.0, 4.0, 16.0]), 240, 0.05, 30
    measured = np.zeros((samples, 2, 3))
    for seed in range(samples):
        data = GaussianMixtureNoisyLabels(n, round(gamma * n), sigma, Delta, seed)
        theta, x = np.zeros(data.p), data.features
        for step in range(1, round(times[-1] / eta) + 1):
            theta -= eta * ((x @ theta - data.labels) @ x) / n
            for k in np.flatnonzero(np.isclose(step * eta, times)):
                correct = np.sign(x @ theta) == data.true_labels
                measured[seed, :, k] = correct[data.wrong].mean(), correct[~data.wrong].mean()
    curve = squared_loss_learning_curve(gamma, sigma, Delta, times)
    error = measured.std(axis=0, ddof=1) / math.sqrt(samples)
    assert (np.abs(measured.mean(axis=0) - [curve.wrong, curve.right]) < 5 * error + 0.015).all()


@settings(deadline=None, max_examples=80)
@given(RATIOS, NOISE, SHARES, st.lists(st.floats(0, 1e12) | st.just(math.inf), min_size=1, max_size=5))
def test_accuracies_are_probabilities_and_times_are_independent(gamma, sigma, Delta, times):
    curve = squared_loss_learning_curve(gamma, sigma, Delta, times)
    for accuracy in (curve.wrong, curve.right):
        assert ((accuracy >= 0) & (accuracy <= 1)).all()
    assert (curve.right >= curve.wrong - 1e-12).all()
    one = squared_loss_learning_curve(gamma, sigma, Delta, times[-1])
    assert one.wrong == pytest.approx(curve.wrong[-1], abs=1e-9)


def test_shapes_of_times_are_kept():
    times = np.geomspace(0.1, 100, 6)
    flat = squared_loss_learning_curve(0.9, 0.2, 0.4, times)
    table = squared_loss_learning_curve(0.9, 0.2, 0.4, times.reshape(2, 3))
    assert table.wrong.shape == (2, 3)
    np.testing.assert_allclose(table.wrong.ravel(), flat.wrong, rtol=1e-12)
    assert squared_loss_learning_curve(0.9, 0.2, 0.4, 1).wrong.shape == ()
    assert squared_loss_learning_curve(0.9, 0.2, 0.4, []).wrong.shape == (0,)


def test_many_times_in_blocks_are_those_one_by_one():
    times = np.geomspace(0.1, 100, 2000)
    curve = squared_loss_learning_curve(0.9, 0.2, 0.4, times)
    some = [0, 777, 1999]
    single = [float(squared_loss_learning_curve(0.9, 0.2, 0.4, times[k]).wrong) for k in some]
    np.testing.assert_allclose(curve.wrong[some], single, rtol=1e-12)


def test_known_ends():
    noiseless = squared_loss_learning_curve(0.9, 0.0, 0.4, [0.0, 1.0, math.inf])
    assert noiseless.wrong.tolist() == noiseless.right.tolist() == [1, 1, 1]
    assert squared_loss_learning_curve(0.9, 0.0, 1.0, 1.0).wrong == 0.5  # nothing to learn, nothing to fit with
    assert squared_loss_learning_curve(2.0, 0.5, 0.4, math.inf).wrong == pytest.approx(0.0, abs=1e-12)
    assert squared_loss_learning_curve(2.0, 0.5, 0.4, math.inf).right == pytest.approx(1.0, abs=1e-12)
    coin = squared_loss_learning_curve(0.5, 0.5, 1.0, [0.1, 10.0])
    np.testing.assert_allclose(coin.wrong, 1 - coin.right, atol=1e-12)


@pytest.mark.parametrize("offset", [-1e-3, -1e-9, 0.0, 1e-9, 1e-3])
def test_nothing_happens_at_the_threshold_of_the_spike(offset):
    gamma = 0.6
    sigma = gamma**-0.25
    at, near = (squared_loss_learning_curve(gamma, s, 0.3, [0.1, 1.0, 10.0]) for s in (sigma, sigma + offset))
    np.testing.assert_allclose(near.wrong, at.wrong, atol=2 * abs(offset) + 1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1, 0.2, 0.4, 1.0), ValueError, "gamma is -0.1"),
        ((0.9, -0.2, 0.4, 1.0), ValueError, "sigma is -0.2"),
        ((0.9, 0.2, 1.4, 1.0), ValueError, "Delta is 1.4"),
        ((0.9, 0.2, 0.4, [-1.0]), ValueError, r"times contains -1.0; expected numbers in \[0, inf\]"),
        ((0.9, 0.2, 0.4, math.nan), ValueError, "times contains nan"),
        ((0.9, 0.2, 0.4, ["now"]), TypeError, "times has dtype"),
        ((0.9, "0.2", 0.4, 1.0), TypeError, "sigma is '0.2'"),
    ],
)
def test_bad_arguments_of_the_curve_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        squared_loss_learning_curve(*arguments)
