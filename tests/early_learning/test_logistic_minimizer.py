"""The three equations against quadrature with a numerical proximal map, limits, and minimisers of samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from theory.early_learning import (
    GaussianMixtureNoisyLabels,
    bayes_logit,
    logistic_minimizer,
    separability_threshold,
)


@pytest.mark.parametrize(("gamma", "sigma", "Delta"), [(0.25, 0.2, 0.4), (0.1, 1.0, 0.3), (0.3, 0.5, 0.8)])
def test_the_equations_hold_by_quadrature_with_a_numerical_proximal_map(gamma, sigma, Delta):
    found = logistic_minimizer(gamma, sigma, Delta)
    spread = sigma * math.hypot(found.overlap, found.noise_norm)

    def proximal(w, sign):
        return brentq(
            lambda s: s - found.step * sign * expit(-sign * s) - w, w - found.step, w + found.step, xtol=1e-13
        )

    def expectation(function):
        total = 0.0
        for sign, share in ((1, 1 - Delta / 2), (-1, Delta / 2)):
            integrand = lambda z, e=sign: (  # noqa: E731
                norm.pdf(z) * function(found.overlap + spread * z, proximal(found.overlap + spread * z, e))
            )
            total += share * quad(integrand, -8, 8, limit=200, epsabs=1e-10, epsrel=1e-10)[0]
        return total

    def shrinkage(_, s):
        curvature = found.step * expit(s) * expit(-s)
        return curvature / (1 + curvature)

    assert expectation(lambda w, s: (w - s) ** 2) == pytest.approx(gamma * (sigma * found.noise_norm) ** 2, rel=1e-7)
    assert expectation(shrinkage) == pytest.approx(gamma, rel=1e-7)
    assert expectation(lambda _, s: s) == pytest.approx((1 + gamma * sigma**2) * found.overlap, rel=1e-7)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.001, 0.97), st.floats(0.01, 10), st.floats(0.01, 0.99))
def test_solutions_are_found_everywhere_and_are_ordered(part, sigma, Delta):
    gamma = max(1e-6, part * separability_threshold(Delta, sigma).gamma)
    found = logistic_minimizer(gamma, sigma, Delta)
    assert min(found.overlap, found.noise_norm, found.step) > 0
    assert 0 <= found.wrong <= found.population_accuracy <= found.right <= 1


@pytest.mark.parametrize(("sigma", "Delta"), [(0.3, 0.4), (1.0, 0.1), (2.0, 0.8)])
def test_few_features_give_the_minimiser_of_the_population(sigma, Delta):
    def loss(m):
        softplus = lambda z: np.logaddexp(0, -m * (1 + sigma * z))  # noqa: E731
        integrand = lambda z: norm.pdf(z) * (softplus(z) + Delta / 2 * m * (1 + sigma * z))  # noqa: E731
        return quad(integrand, -9, 9, epsabs=1e-13)[0]

    overlap = minimize_scalar(loss, bounds=(0, 20), method="bounded", options={"xatol": 1e-8}).x
    assert logistic_minimizer(1e-6, sigma, Delta).overlap == pytest.approx(overlap, rel=1e-4)


def test_little_noise_leaves_the_bayes_logit():
    assert logistic_minimizer(1e-6, 0.01, 0.4).overlap == pytest.approx(bayes_logit(0.4), rel=1e-3)


def test_norms_diverge_at_the_threshold():
    threshold = separability_threshold(0.4, 0.2).gamma
    norms = [logistic_minimizer(part * threshold, 0.2, 0.4).noise_norm for part in (0.9, 0.95, 0.975)]
    assert norms[1] > 1.4 * norms[0]
    assert norms[2] > 1.4 * norms[1]


def test_samples_agree_with_scikit_learn():
    gamma, sigma, Delta, n, samples = 0.15, 0.5, 0.4, 600, 12
    found = logistic_minimizer(gamma, sigma, Delta)
    measured = []
    for seed in range(samples):
        data = GaussianMixtureNoisyLabels(n, round(gamma * n), sigma, Delta, seed)
        model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8, max_iter=2000)
        theta = model.fit(data.features, data.labels).coef_[0]
        correct = np.sign(data.features @ theta) == data.true_labels
        measured.append(
            (
                theta[0],
                np.linalg.norm(theta[1:]),
                correct[data.wrong].mean(),
                correct[~data.wrong].mean(),
                data.population_accuracy(theta),
            )
        )
    expected = (found.overlap, found.noise_norm, found.wrong, found.right, found.population_accuracy)
    error = np.std(measured, axis=0, ddof=1) / math.sqrt(samples)
    assert (np.abs(np.mean(measured, axis=0) - expected) < 5 * error).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.4, 0.2, 0.4), ValueError, r"gamma is 0.4; expected less than the threshold 0.379"),
        ((0.0, 0.2, 0.4), ValueError, "gamma is 0.0"),
        ((0.1, 0.0, 0.4), ValueError, "sigma is 0.0"),
        ((0.1, 0.2, 1.0), ValueError, "Delta is 1.0"),
        (("0.1", 0.2, 0.4), TypeError, "gamma is '0.1'"),
    ],
)
def test_bad_arguments_of_the_minimizer_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        logistic_minimizer(*arguments)
