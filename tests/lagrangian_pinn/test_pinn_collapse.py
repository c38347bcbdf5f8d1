"""The prediction of the least ∂X/∂ξ against closed forms."""

import math

import pytest
import torch

from sciml.lagrangian_pinn import Problem, predict_least_jacobian
from theory.characteristics import jacobian_floor, variable_speed_characteristics


def burgers(nu, T, c=7.0, amplitude=1.0, f1=lambda x, t, w: w):
    return Problem(f1, nu, lambda x: c + amplitude * torch.sin(x), T=T)


@pytest.mark.parametrize(("nu", "T"), [(0.1, 1.0), (0.1, 1.5), (0.03, 1.2), (0.01, 1.0)])
def test_viscous_burgers(nu, T):
    value, label, time = predict_least_jacobian(burgers(nu, T))
    assert value == pytest.approx(float(jacobian_floor(nu, 1.0, T)), rel=0.02)
    assert label == pytest.approx(math.pi)
    assert time == pytest.approx(T)


def test_collapse_is_recognized_where_the_shock_is_not_resolved():
    assert predict_least_jacobian(burgers(0.003, 1.5)).J < 1e-4


@pytest.mark.parametrize("f1", [lambda x, t, w: w, lambda x, t, w: 1.0 * w + 0.0 * x])
@pytest.mark.parametrize(("T", "expected"), [(0.3, 0.4), (0.49, 0.02), (0.6, 0.0)])
def test_inviscid_burgers(f1, T, expected):
    value, label, time = predict_least_jacobian(burgers(0.0, T, amplitude=2.0, f1=f1))
    assert value == pytest.approx(expected, abs=1e-9)
    assert label == pytest.approx(math.pi)
    assert time == pytest.approx(min(T, 0.5), rel=1e-6)


def test_speed_that_depends_on_the_place():
    problem = Problem(lambda x, t, w: 2.0 * (1 + 0.5 * torch.sin(x)), 0.0, torch.sin, T=1.0)
    xi = torch.arange(1024, dtype=torch.float64) * (2 * math.pi / 1024)
    times = torch.linspace(0, 1, 201, dtype=torch.float64)[:, None]
    X = variable_speed_characteristics(xi, times, 2.0, 0.5)
    J = (1 + 0.5 * torch.sin(X)) / (1 + 0.5 * torch.sin(xi))
    value, _, _ = predict_least_jacobian(problem)
    assert value == pytest.approx(float(J.min()), rel=1e-6)


def test_a_speed_that_is_not_finite_later_on_is_no_crossing():
    problem = Problem(lambda x, t, w: torch.sqrt(0.25 - t) * w, 0.0, torch.sin, T=0.5)
    with pytest.raises(ValueError, match=r"f1 or a derivative of it is not finite by t = 0\.25"):
        predict_least_jacobian(problem)


def test_constant_speed():
    assert predict_least_jacobian(Problem(50.0, 0.0, torch.sin)) == (1.0, 0.0, 0.0)
    assert predict_least_jacobian(Problem(50.0, 1.0, torch.sin)).J == 1.0
