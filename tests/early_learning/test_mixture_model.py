"""The sample of the linear model: its law, its seed, and the accuracy of a direction."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theory.early_learning import GaussianMixtureNoisyLabels


def test_moments_of_the_features_are_those_of_two_clusters():
    data = GaussianMixtureNoisyLabels(20_000, 5, 0.3, 0.4, 1)
    noise = (data.direction - data.features * data.true_labels[:, None]) / 0.3
    assert np.abs(noise.mean(axis=0)).max() < 5 / np.sqrt(20_000)
    assert np.abs(noise.T @ noise / 20_000 - np.eye(5)).max() < 7 / np.sqrt(20_000)
    assert abs(data.true_labels.mean()) < 5 / np.sqrt(20_000)


@pytest.mark.parametrize("Delta", [0.0, 0.3, 1.0])
def test_half_of_the_replaced_labels_are_wrong(Delta):
    data = GaussianMixtureNoisyLabels(10_000, 1, 1.0, Delta, 2)
    assert stats.binomtest(int(data.wrong.sum()), 10_000, Delta / 2).pvalue > 1e-4
    np.testing.assert_array_equal(data.wrong, data.labels * data.true_labels < 0)


def test_wrong_labels_are_independent_of_the_features():
    data = GaussianMixtureNoisyLabels(20_000, 3, 1.0, 1.0, 3)
    scores = data.features[:, 1]
    assert stats.ks_2samp(scores[data.wrong], scores[~data.wrong]).pvalue > 1e-4


def test_a_seed_gives_one_sample_and_another_seed_another():
    first, again, other = (GaussianMixtureNoisyLabels(8, 3, 1.0, 0.5, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first == again
    assert first != other
    assert (first.features != other.features).all()


def test_the_sample_cannot_be_changed():
    data = GaussianMixtureNoisyLabels(4, 2, 1.0, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        data.features[0, 0] = 1.0


def test_no_noise_puts_all_examples_on_two_points():
    data = GaussianMixtureNoisyLabels(50, 3, 0.0, 0.2)
    np.testing.assert_array_equal(data.features, data.true_labels[:, None] * data.direction)


@given(st.integers(2, 40), st.integers(0, 1000), st.booleans())
def test_the_initial_parameter_has_length_2(p, seed, orthogonal):
    theta = GaussianMixtureNoisyLabels(1, p, 1.0, 0.0, seed).initial_parameter(orthogonal=orthogonal)
    assert theta.shape == (p,)
    assert np.linalg.norm(theta) == pytest.approx(2.0)
    assert not orthogonal or theta[0] == 0.0


def test_the_initial_parameter_does_not_depend_on_the_sample():
    small, large = (GaussianMixtureNoisyLabels(n, 6, s, 0.3, 9) for n, s in ((1, 0.0), (50, 2.0)))
    np.testing.assert_array_equal(small.initial_parameter(), large.initial_parameter())


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.05, 5))
def test_population_accuracy_is_the_normal_distribution(along, across, sigma):
    data = GaussianMixtureNoisyLabels(1, 2, sigma, 0.0)
    if along == 0.0:
        assert data.population_accuracy([along, across]) == 0.5
        return
    with mpmath.workdps(30):
        exact = mpmath.ncdf(mpmath.mpf(along) / (mpmath.mpf(sigma) * mpmath.hypot(along, across)))
    assert data.population_accuracy([along, across]) == pytest.approx(float(exact), rel=1e-12, abs=1e-300)


def test_population_accuracy_at_its_ends():
    exact = GaussianMixtureNoisyLabels(1, 2, 0.0, 0.0)
    np.testing.assert_array_equal(
        exact.population_accuracy([[1.0, 1.0], [0.0, 1.0], [-1e-300, 0.0], [0, 0]]), [1, 0.5, 0, 0.5]
    )
    data = GaussianMixtureNoisyLabels(1, 2, 0.5, 0.0)
    assert (
        data.population_accuracy([1e308, 1e308])
        == data.population_accuracy([1e-308, 1e-308])
        == pytest.approx(stats.norm.cdf(np.sqrt(2)))
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "n is 0; expected at least 1"),
        ({"p": 2.0}, TypeError, "p is 2.0; expected an integer"),
        ({"sigma": -1.0}, ValueError, r"sigma is -1.0; expected a number in \[0,"),
        ({"sigma": float("nan")}, ValueError, "sigma is nan"),
        ({"Delta": 1.5}, ValueError, r"Delta is 1.5; expected a number in \[0, 1\]"),
        ({"Delta": "half"}, TypeError, "Delta is 'half'; expected a real number"),
        ({"seed": -1}, ValueError, "seed is -1; expected at least 0"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        GaussianMixtureNoisyLabels(**{"n": 3, "p": 2, "sigma": 1.0, "Delta": 0.5} | arguments)


def test_bad_parameters_are_named():
    data = GaussianMixtureNoisyLabels(3, 1, 1.0, 0.5)
    with pytest.raises(ValueError, match=r"theta has shape \(2,\); expected \(..., 1\)"):
        data.population_accuracy([1.0, 2.0])
    with pytest.raises(ValueError, match="p is 1; expected at least 2"):
        data.initial_parameter(orthogonal=True)
