"""The max-margin limit against direct maximisation by quadrature, known limits, and samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.svm import SVC

from theory.early_learning import (
    GaussianMixtureNoisyLabels,
    early_learning_trajectory,
    max_margin,
    separability_threshold,
)


@pytest.mark.parametrize(("gamma", "sigma", "Delta"), [(0.9, 0.2, 0.4), (2.0, 1.0, 0.1), (1.0, 0.5, 0.8)])
def test_the_solution_touches_the_constraint_and_no_other_overlap_meets_it(gamma, sigma, Delta):
    found = max_margin(gamma, sigma, Delta)

    def excess(overlap):
        total = 0.0
        for sign, share in ((1, 1 - Delta / 2), (-1, Delta / 2)):
            slack = found.margin - sign * overlap
            part = quad(lambda z, k=slack: norm.pdf(z) * (k - sigma * z) ** 2, -12, slack / sigma, epsabs=1e-13)[0]
            total += share * part
        return total - gamma * sigma**2 * (1 - overlap**2)

    assert excess(found.overlap) == pytest.approx(0.0, abs=1e-9)
    assert all(excess(overlap) > 0 for overlap in np.linspace(-0.99, 0.99, 41) if abs(overlap - found.overlap) > 1e-3)
    assert found.population_accuracy == pytest.approx(norm.cdf(found.overlap / sigma))


@settings(deadline=None, max_examples=50)
@given(st.floats(1.001, 50), st.floats(0.01, 10), st.floats(0, 1))
def test_margins_are_positive_and_grow_with_the_features(factor, sigma, Delta):
    gamma = factor * separability_threshold(Delta, sigma).upper + 1e-6
    found, more = max_margin(gamma, sigma, Delta), max_margin(1.1 * gamma, sigma, Delta)
    assert 0 < found.margin < more.margin
    assert 0 <= found.overlap < 1
    assert 0.5 <= found.population_accuracy <= 1


def test_the_margin_vanishes_at_the_threshold():
    threshold = separability_threshold(0.4, 0.2).gamma
    assert max_margin(threshold + 1e-6, 0.2, 0.4).margin < 1e-5


def test_random_labels_teach_nothing():
    found = max_margin(1.0, 0.5, 1.0)
    assert found.overlap == pytest.approx(0.0, abs=1e-3)
    assert found.population_accuracy == pytest.approx(0.5, abs=1e-3)


def test_samples_agree_with_a_support_vector_machine():
    gamma, sigma, Delta, n, samples = 1.2, 0.5, 0.4, 200, 12
    found, measured = max_margin(gamma, sigma, Delta), []
    for seed in range(samples):
        data = GaussianMixtureNoisyLabels(n, round(gamma * n), sigma, Delta, seed)
        x, labels = np.vstack([data.features, -data.features]), np.append(data.labels, -data.labels)
        theta = SVC(C=1e6, kernel="linear", tol=1e-6).fit(x, labels).coef_[0]  # the mirror images fix the offset
        theta = theta / np.linalg.norm(theta)
        measured.append(((data.features @ theta * data.labels).min(), theta[0], data.population_accuracy(theta)))
    error = np.std(measured, axis=0, ddof=1) / math.sqrt(samples)
    expected = (found.margin, found.overlap, found.population_accuracy)
    assert (np.abs(np.mean(measured, axis=0) - expected) < 5 * error + 0.005).all()


def test_descent_on_the_logistic_loss_turns_towards_it():
    data = GaussianMixtureNoisyLabels(60, 120, 0.5, 0.4, 1)
    labels = np.append(data.labels, -data.labels)
    widest = SVC(C=1e6, kernel="linear", tol=1e-8).fit(np.vstack([data.features, -data.features]), labels).coef_[0]
    cosines = []
    for steps in (30, 300, 6000):
        theta = early_learning_trajectory(data, eta=1.0, steps=steps, every=steps, initial=np.zeros(120)).theta
        cosines.append(theta @ widest / np.linalg.norm(theta) / np.linalg.norm(widest))
    assert cosines[0] < cosines[1] < cosines[2]
    assert cosines[2] > 0.98  # the rest goes like 1/ln(steps)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.3, 0.2, 0.4), ValueError, "gamma is 0.3; expected more than the threshold 0.379"),
        ((1e5, 0.2, 0.4), ValueError, "gamma is 100000.0"),
        ((1.0, 0.0, 0.4), ValueError, "sigma is 0.0"),
        ((1.0, 0.2, -0.4), ValueError, "Delta is -0.4"),
        ((1.0, 0.2, None), TypeError, "Delta is None"),
    ],
)
def test_bad_arguments_of_the_margin_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        max_margin(*arguments)
