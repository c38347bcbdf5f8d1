"""The parts of the training experiments, against independent references."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, Normal, kl_divergence

from theory.cauchy_schwarz import conditional_divergence
from theory.cauchy_schwarz.claims.training import data, generalization, methods
from theory.cauchy_schwarz.claims.training.attacks import fgsm, pgd
from theory.cauchy_schwarz.claims.training.methods import Network, Pass
from theory.cauchy_schwarz.claims.training.runs import Study, build, fit, interval, rmse


def passed(seed=0, size=40, inputs=5, noise="own"):
    torch.manual_seed(seed)
    network = Network(inputs, noise).double()
    x, y = torch.randn(size, inputs, dtype=torch.float64), torch.randn(size, dtype=torch.float64)
    return network, network.through(x, y)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), epsilon=st.floats(0.01, 1))
def test_attacks_stay_in_their_box_and_raise_the_error(seed, epsilon):
    torch.manual_seed(seed)
    weight = torch.randn(4, dtype=torch.float64)
    x, y = torch.randn(30, 4, dtype=torch.float64), torch.randn(30, dtype=torch.float64)

    def linear(x):
        return x @ weight

    residual = (linear(x) - y).abs()
    worst = residual + epsilon * weight.abs().sum()  # of a linear model, in closed form
    for moved in (fgsm(linear, x, y, epsilon), pgd(linear, x, y, epsilon, step=epsilon / 4, steps=6)):
        assert float((moved - x).abs().max()) <= epsilon * (1 + 1e-12)
        torch.testing.assert_close((linear(moved) - y).abs(), worst)


def test_the_rate_of_vib_is_the_kl_divergence_of_torch():
    _, seen = passed()
    code = Independent(Normal(seen.mean, torch.exp(seen.log_variance / 2)), 1)
    prior = Independent(Normal(torch.zeros_like(seen.mean), torch.ones_like(seen.mean)), 1)
    torch.testing.assert_close(methods.rate(seen), kl_divergence(code, prior).mean())


def test_the_bound_of_nib_is_that_of_all_pairs():
    _, seen = passed(noise="common")
    deviation = torch.exp(seen.log_variance / 2)
    each = []
    for mean, scale in zip(seen.mean, deviation, strict=True):
        kls = kl_divergence(Normal(mean, scale), Normal(seen.mean, deviation)).sum(1)
        each.append(-torch.log(torch.exp(-kls).mean()))
    torch.testing.assert_close(methods.pairwise_bound(seen), torch.stack(each).mean())


def test_the_released_divergence_of_columns_is_the_repository_variant_in_bits():
    _, seen = passed(noise="none")
    columns = methods.released_divergence(seen.x, seen.y[:, None], seen.y_hat[:, None])
    torch.testing.assert_close(
        columns, conditional_divergence(seen.x, seen.y, seen.y_hat, 1.0, 1.0, "repository", base=2)
    )


def test_welsch_is_the_limit_of_the_divergence_for_a_narrow_kernel_of_the_inputs():
    _, seen = passed(noise="none")
    limit = conditional_divergence(seen.x, seen.y, seen.y_hat, 1e-4, 1.0)
    torch.testing.assert_close(methods.welsch(seen), limit)


def test_normalized_hsic_of_inputs_with_themselves_is_1():
    _, seen = passed(noise="none")
    own = Pass(seen.x, seen.y, seen.x, None, seen.x, seen.y_hat)
    torch.testing.assert_close(methods.normalized_hsic(own), torch.ones((), dtype=torch.float64))


def test_noise_adds_no_randomness_to_predictions_and_none_to_the_shared_weights():
    plain, noisy = build(5, seed=3), build(5, seed=3, noise="own")
    x = torch.randn(7, 5)
    torch.testing.assert_close(plain(x), noisy(x))
    state = torch.get_rng_state()
    build(5, seed=4)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_method_without_strength_ignores_its_bottleneck():
    _, seen = passed()
    assert methods.VIB.at(0.0).loss(seen) == methods.squared_error(seen)


def test_methods_of_one_loss_are_one_method_without_strength():
    assert methods.HSIC.at(0.0) == methods.MSE
    assert methods.CS_IB.at(methods.CS_IB.beta) == methods.CS_IB


@pytest.mark.parametrize("name", ["diabetes", "rotated digits"])
def test_splits_are_standardised_by_the_training_rows_and_outliers_spoil_training_labels_only(name):
    clean, spoilt = (data.load(name, 200, 100, seed=1, outliers=share) for share in (0.0, 0.1))
    assert (len(clean.x), len(clean.x_test)) == (200, 100)
    assert abs(float(clean.y.mean())) < 1e-6
    assert abs(float(clean.y.std(correction=0)) - 1) < 1e-6
    np.testing.assert_allclose(clean.x.mean(0), 0, atol=1e-6)
    assert torch.equal(clean.x, spoilt.x)
    assert torch.equal(clean.y_test, spoilt.y_test)
    raised = spoilt.y - clean.y
    assert int((raised != 0).sum()) == 20
    assert bool((raised >= 0).all())


@pytest.mark.parametrize(("text", "hour"), [("12am", 0), ("1am", 1), ("11am", 11), ("12pm", 12), ("11pm", 23)])
def test_hours_are_read_from_text(text, hour):
    assert data.hour_of_day(text) == hour


def test_gaps_of_bike_sharing_are_filled_from_the_date_and_the_hour_before(tmp_path, monkeypatch):
    path = tmp_path / "bikes.csv"
    columns = "dteday,season,hr,holiday,weekday,workingday,weathersit,temp,atemp,hum,windspeed,casual,registered,cnt"
    rows = [
        "2012-03-06,spring,1am,No,,Yes,,5,4,60,9,3,4,7",
        "2012-03-06,spring,12am,No,Tue,Yes,Light Rain,5,4,60,9,1,2,3",
        "2012-03-06,spring,2am,No,Tue,Yes,Clear,5,4,60,9,1,2,3",
    ]
    path.write_text("\n".join([columns, *rows]))
    monkeypatch.setattr(data.Wheel, "file", lambda self, member: path)
    features, targets = data.bike_sharing()
    assert targets.tolist() == [3, 7, 3]
    assert features[:, 10].tolist() == [3, 3, 1]
    np.testing.assert_allclose(features[1, :3], np.cos(2 * np.pi * np.array([1 / 24, 1 / 7, 3 / 12])), atol=1e-15)
    assert features.shape == (3, 15)


def test_training_lowers_the_error_and_repeats():
    study = Study("diabetes", 256, 100, 12, 3e-3)
    error = rmse(study, methods.MSE, 0)
    assert error < 1
    fit.cache_clear()
    rmse.cache_clear()
    assert rmse(study, methods.MSE, 0) == error


def test_the_interval_of_a_mean_is_students():
    low, high = interval([1.0, 2.0, 3.0])
    assert (low + high) / 2 == pytest.approx(2)
    assert (high - low) / 2 == pytest.approx(4.302652729911275 / math.sqrt(3))


def test_partial_rank_correlation_is_that_of_the_recursion():
    first, second, third = np.random.default_rng(0).normal(size=(3, 50))
    second = second + third
    a, b, c = (generalization.rank_correlation(*pair) for pair in ((first, second), (first, third), (second, third)))
    expected = (a - b * c) / math.sqrt((1 - b * b) * (1 - c * c))
    assert generalization.rank_correlation(first, second, [third]) == pytest.approx(expected)
