"""Descent against autograd from the definitions; closed forms against quadrature in high precision."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory.early_learning import (
    GaussianMixtureNoisyLabels,
    bayes_logit,
    early_learning_trajectory,
    hitting_time,
    initial_alignment,
)


def reference_descent(data, eta, steps, start, lam=0.0, beta=0.0):
    """Softmax regression by autograd, from the definitions of cross-entropy and of the regularizer."""
    theta = torch.tensor(start, requires_grad=True)
    x, label = torch.tensor(data.features), torch.tensor((data.labels < 0).astype(int))
    target = torch.zeros(data.n, 2, dtype=torch.float64)
    for _ in range(steps):
        logits = torch.stack([x @ theta, torch.zeros(data.n, dtype=torch.float64)], dim=1)
        p = torch.softmax(logits, 1)
        target = beta * target + (1 - beta) * p.detach()
        loss = torch.nn.functional.cross_entropy(logits, label) + lam * torch.log(1 - (p * target).sum(1)).mean()
        (slope,) = torch.autograd.grad(loss, theta)
        theta = (theta - eta * slope).detach().requires_grad_()
    return theta.detach().numpy()


@pytest.mark.parametrize(("lam", "beta"), [(0.0, 0.0), (1.0, 0.0), (3.0, 0.7), (2.0, 0.9)])
def test_descent_is_that_of_autograd(lam, beta):
    data = GaussianMixtureNoisyLabels(30, 12, 0.5, 0.4, 3)
    run = early_learning_trajectory(data, eta=0.7, steps=25, lam=lam, beta=beta)
    expected = reference_descent(data, 0.7, 25, data.initial_parameter(), lam, beta)
    np.testing.assert_allclose(run.theta, expected, rtol=0, atol=1e-11)


def test_records_are_those_of_their_definitions():
    data = GaussianMixtureNoisyLabels(40, 15, 0.4, 0.5, 1)
    start = data.initial_parameter()
    run = early_learning_trajectory(data, eta=0.5, steps=7)
    theta = reference_descent(data, 0.5, 7, start)
    ahead = reference_descent(data, 0.5, 1, theta)
    scores = data.features @ theta
    residual = (np.tanh(scores / 2) - data.labels) ** 2
    assert run.step.tolist() == list(range(8))
    assert run.overlap[-1] == pytest.approx(theta[0])
    assert run.norm[-1] == pytest.approx(np.linalg.norm(theta))
    assert run.distance[-1] == pytest.approx(np.linalg.norm(theta - start))
    assert run.alignment[-1] == pytest.approx((ahead - theta)[0] / np.linalg.norm(ahead - theta))
    assert run.wrong_accuracy[-1] == pytest.approx(np.mean((scores * data.true_labels > 0)[data.wrong]))
    assert run.right_accuracy[-1] == pytest.approx(np.mean((scores * data.true_labels > 0)[~data.wrong]))
    assert run.wrong_residual[-1] == pytest.approx(residual[data.wrong].mean())
    assert run.right_residual[-1] == pytest.approx(residual[~data.wrong].mean())
    assert run.population_accuracy[-1] == data.population_accuracy(run.theta)


def test_fewer_records_do_not_change_them():
    data = GaussianMixtureNoisyLabels(20, 10, 0.4, 0.5, 1)
    full, some = (early_learning_trajectory(data, eta=1.0, steps=10, every=every) for every in (1, 4))
    assert some.step.tolist() == [0, 4, 8, 10]
    np.testing.assert_array_equal(some.overlap, full.overlap[some.step])
    np.testing.assert_array_equal(some.theta, full.theta)


def test_no_steps_give_the_start_alone():
    data = GaussianMixtureNoisyLabels(20, 10, 0.4, 0.0, 1)
    run = early_learning_trajectory(data, eta=1.0, steps=0, initial=np.zeros(10))
    assert run.step.tolist() == [0]
    assert run.distance[0] == 0.0
    assert run.right_accuracy[0] == 0.5
    assert math.isnan(run.wrong_accuracy[0])  # there are no wrong labels


def test_a_vanishing_gradient_has_no_alignment():
    data = GaussianMixtureNoisyLabels(1, 1, 0.0, 0.0, 0)
    assert early_learning_trajectory(data, eta=1.0, steps=0, initial=[1e4]).alignment[0] == 0.0


@pytest.mark.parametrize("lam", [0.0, 3.0])
def test_large_parameters_stay_finite(lam):
    data = GaussianMixtureNoisyLabels(10, 5, 1.0, 0.5, 0)
    run = early_learning_trajectory(data, eta=1.0, steps=3, initial=np.full(5, 1e6), lam=lam)
    assert np.isfinite(run.theta).all()
    assert np.isfinite(run.alignment).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"eta": 0.0}, ValueError, "eta is 0.0"),
        ({"steps": -1}, ValueError, "steps is -1; expected at least 0"),
        ({"every": 0}, ValueError, "every is 0; expected at least 1"),
        ({"lam": -1.0}, ValueError, "lam is -1.0"),
        ({"beta": 1.0}, ValueError, "beta is 1.0"),
        ({"initial": np.zeros(3)}, ValueError, r"initial has shape \(3,\); expected \(2,\)"),
        ({"initial": [1.0, math.inf]}, ValueError, "initial contains inf"),
        ({"initial": ["a", "b"]}, TypeError, "initial has dtype"),
    ],
)
def test_bad_arguments_of_descent_are_named(arguments, error, message):
    data = GaussianMixtureNoisyLabels(3, 2, 1.0, 0.5)
    with pytest.raises(error, match=message):
        early_learning_trajectory(data, **{"eta": 1.0, "steps": 1} | arguments)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 0.999), st.floats(1e-8, 20))
def test_hitting_time_is_the_integral_of_the_reciprocal_speed(Delta, m):
    time = hitting_time(Delta, m)
    with mpmath.workdps(40):
        a = 1 - mpmath.mpf(Delta)
        if Delta > 0 and mpmath.mpf(m) >= mpmath.log((2 - mpmath.mpf(Delta)) / mpmath.mpf(Delta)):
            assert time == math.inf or time > 25 / Delta  # at the end itself rounding decides
            return
        exact = mpmath.quad(lambda x: 2 / (a - mpmath.tanh(x / 2)), mpmath.linspace(0, mpmath.mpf(m), 6))
    if Delta == 0 or m < 0.99 * bayes_logit(Delta):
        assert time == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize("Delta", [0.0, 1e-320, 1e-300, 1e-15, 1e-8])
def test_hitting_time_without_label_noise(Delta):
    for m in (1e-300, 1e-10, 0.1, 3.0):
        assert hitting_time(Delta, m) == pytest.approx(m + math.expm1(m), rel=1e-6)


def test_hitting_time_inverts_the_flow():
    solution = solve_ivp(lambda _, m: (0.6 - np.tanh(m / 2)) / 2, (0, 4), [0.0], rtol=1e-11, atol=1e-12)
    assert hitting_time(0.4, solution.y[0, -1]) == pytest.approx(4.0, rel=1e-8)


def test_hitting_time_at_its_ends():
    np.testing.assert_array_equal(hitting_time([0.0, 0.5, 1.0], 0.0), [0, 0, 0])
    np.testing.assert_array_equal(hitting_time([0.5, 1.0, 1.0, 0.0], [2.0, 1e-300, 1e308, 1e308]), [math.inf] * 4)
    assert isinstance(hitting_time(0.5, 0.1), float)
    assert hitting_time([[0.1], [0.2]], [0.1, 0.2, 0.3]).shape == (2, 3)


@given(st.floats(0, 1))
def test_bayes_logit_is_the_log_odds_of_a_true_label(Delta):
    logit = bayes_logit(Delta)
    assert logit >= 0
    if Delta > 0:
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(1 - Delta / 2, abs=1e-15)
        with mpmath.workdps(30):
            exact = mpmath.log((2 - mpmath.mpf(Delta)) / mpmath.mpf(Delta))
        assert logit == pytest.approx(float(exact), rel=1e-14)


def test_bayes_logit_at_its_ends():
    assert bayes_logit([0.0, 1.0]).tolist() == [math.inf, 0.0]
    assert np.isfinite(bayes_logit(5e-324))


@pytest.mark.parametrize(
    ("a", "gamma", "sigma"), [(0.8, 0.9, 1.0), (0.2, 3.0, 0.1), (-0.5, 0.0, 20.0), (1.0, 0.5, 100.0)]
)
def test_initial_alignment_by_quadrature_in_high_precision(a, gamma, sigma):
    with mpmath.workdps(25):
        pieces = [-12, -1, -0.1, 0, 0.1, 1, 12]
        square = mpmath.quad(lambda z: mpmath.tanh(sigma * z) ** 2 * mpmath.npdf(z), pieces)
        product = mpmath.quad(lambda z: z * mpmath.tanh(sigma * z) * mpmath.npdf(z), pieces)
        exact = a / mpmath.sqrt(a**2 + sigma**2 * (gamma * (1 + square) + product**2))
    assert initial_alignment(a, gamma, sigma) == pytest.approx(float(exact), rel=1e-9)


def test_initial_alignment_at_its_ends():
    assert initial_alignment(0.3, 1.0, 0.0) == 1.0
    assert initial_alignment(-0.3, 1.0, 0.0) == -1.0
    assert initial_alignment(0.0, 1.0, 0.0) == 0.0
    assert initial_alignment(0.3, 1e100, 100.0) == pytest.approx(0.0, abs=1e-40)
    assert initial_alignment([0.1, 0.2], [[0.5], [1.0]], 0.3).shape == (2, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hitting_time(1.2, 0.1), r"Delta contains 1.2; expected numbers in \[0, 1\]"),
        (lambda: hitting_time(0.2, [-0.1]), "m contains -0.1"),
        (lambda: hitting_time(0.2, math.inf), "m contains inf"),
        (lambda: bayes_logit(math.nan), "Delta contains nan"),
        (lambda: initial_alignment(1.1, 1.0, 1.0), "agreement contains 1.1"),
        (lambda: initial_alignment(1.0, -1.0, 1.0), "gamma contains -1.0"),
        (lambda: initial_alignment(1.0, 1.0, 101.0), "sigma contains 101.0"),
    ],
)
def test_bad_arguments_of_closed_forms_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
