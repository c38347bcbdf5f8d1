"""Constant and sinusoidal speeds: closed forms against integration, and the residuals in labels against sympy."""

import math

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory.characteristics import (
    convection_diffusion_exact,
    eulerian_residual,
    lagrangian_residuals,
    variable_speed_characteristics,
)

MODES = st.lists(st.tuples(st.integers(0, 6), st.floats(-3, 3), st.floats(-4, 4)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=50)
@given(MODES, st.floats(-50, 50), st.floats(0, 2), st.floats(0, 2), st.floats(-5, 5))
def test_convection_diffusion_solves_its_equation(modes, c, nu, t, x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    t = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    u = convection_diffusion_exact(x, t, c, nu, modes)
    u_x, u_t = torch.autograd.grad(u, (x, t), create_graph=True)
    u_xx = torch.autograd.grad(u_x, x)[0] if u_x.requires_grad else torch.zeros(())
    size = sum(abs(a) for _, a, _ in modes) * (1 + abs(c)) * 50 + 1e-290  # amplitudes may be subnormal
    assert (u_t + c * u_x - nu * u_xx).item() == pytest.approx(0.0, abs=1e-13 * size)
    shifted = convection_diffusion_exact(x + 2 * math.pi, t, c, nu, modes)
    assert (shifted - u).item() == pytest.approx(0.0, abs=1e-12 * size)


def test_convection_diffusion_kinds_and_defaults():
    x, t = np.linspace(0, 6, 5)[:, None], np.linspace(0, 1, 3)
    np.testing.assert_allclose(convection_diffusion_exact(x, t, 30.0), np.sin(x - 30 * t), atol=1e-14)
    decayed = convection_diffusion_exact(x, t, 3.0, 0.1, [(0, 2.0, math.pi / 2), (3, 1.0, 0.5)])
    np.testing.assert_allclose(decayed, 2 + np.exp(-0.9 * t) * np.sin(3 * (x - 3 * t) + 0.5), atol=1e-14)
    assert convection_diffusion_exact(torch.zeros(2), 0.5, 1.0).dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nu": -1.0}, "nu is -1.0"),
        ({"c": math.nan}, "c is nan"),
        ({"modes": ()}, "modes is empty"),
        ({"modes": ((1, 2.0),)}, "expected triples"),
        ({"modes": (1, 2.0, 0.0)}, "modes contains 1; expected triples"),
        ({"modes": np.zeros((0, 3))}, "modes is empty"),
        ({"modes": ((-1, 2.0, 0.0),)}, "modes: k is -1"),
        ({"t": -0.5}, "t contains -0.5"),
        ({"t": np.zeros(3)}, "x has shape"),
    ],
)
def test_convection_diffusion_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        convection_diffusion_exact(**({"x": np.zeros(2), "t": 0.5, "c": 1.0} | options))


@pytest.mark.parametrize(("c", "eps"), [(1.0, 0.5), (3.0, -0.9), (-2.0, 0.99), (1.0, 0.0)])
def test_variable_speed_against_integration(c, eps):
    xi, t = np.linspace(-7, 7, 12), np.linspace(0, 3, 7)
    solved = solve_ivp(
        lambda t, X: c * (1 + eps * np.sin(X)), (0, 3), xi, t_eval=t, method="DOP853", rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(variable_speed_characteristics(xi[:, None], t, c, eps), solved.y, atol=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.floats(-20, 20), st.floats(-5, 5), st.floats(-5, 5), st.floats(-20, 20), st.floats(-0.99, 0.99))
def test_variable_speed_is_a_flow(xi, t, s, c, eps):
    def flow(xi, t):
        return variable_speed_characteristics(xi, t, c, eps)

    rounding = 1e-13 * (1 + abs(c) * (abs(t) + abs(s)) + abs(xi)) * ((1 + abs(eps)) / (1 - abs(eps))) ** 2
    assert flow(xi, 0.0) == pytest.approx(xi, abs=rounding)
    assert flow(flow(xi, t), s) == pytest.approx(flow(xi, t + s), abs=rounding)
    assert flow(xi + 2 * math.pi, t) == pytest.approx(flow(xi, t) + 2 * math.pi, abs=rounding)


def test_places_beyond_the_range_of_float64_are_refused():
    with pytest.raises(ValueError, match="t up to 1e\\+10 at speed 1e\\+300"):
        convection_diffusion_exact(0.0, 1e10, 1e300)
    with pytest.raises(ValueError, match="k is 3"):
        convection_diffusion_exact(1e308, 0.0, 1.0, modes=[(3, 1.0, 0.0)])
    with pytest.raises(ValueError, match="t up to 1e\\+10 at speed 8e\\+299"):
        variable_speed_characteristics(0.0, -1e10, 1e300, 0.6)


def test_variable_speed_jacobian_and_kinds():
    xi = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    X = variable_speed_characteristics(xi, 2.0, 5.0, 0.5)
    (J,) = torch.autograd.grad(X.sum(), xi)
    torch.testing.assert_close(J, (1 + 0.5 * X.sin()) / (1 + 0.5 * xi.sin()), rtol=1e-11, atol=1e-12)
    assert torch.autograd.gradcheck(lambda xi: variable_speed_characteristics(xi, 2.0, 5.0, 0.5), xi)
    assert variable_speed_characteristics(np.zeros(3, np.float32), 1.0, 1.0, 0.5).dtype == np.float32
    for eps in (1.0, -1.0, 1.5):
        with pytest.raises(ValueError, match="eps is"):
            variable_speed_characteristics(0.0, 1.0, 1.0, eps)
    with pytest.raises(ValueError, match="xi has shape"):
        variable_speed_characteristics(np.zeros(2), np.zeros(3), 1.0, 0.5)


x, t, w, xi = sp.symbols("x t w xi", real=True)


def test_residuals_vanish_on_an_exact_solution():
    c, nu = sp.symbols("c nu", positive=True)
    u = sp.exp(-nu * t) * sp.sin(x - c * t)
    assert sp.simplify(eulerian_residual(c, nu, u, (x, t, w))) == 0
    pair = lagrangian_residuals(c, nu, xi + c * t, sp.exp(-nu * t) * sp.sin(xi), xi, (x, t, w))
    assert [sp.simplify(entry) for entry in pair] == [0, 0, 1]


def test_residuals_of_undefined_functions_and_nested_coefficients():
    X, W = (sp.Function(name)(xi, t) for name in "XW")
    pair = lagrangian_residuals(w * x, x + w, X, W, xi, (x, t, w))
    assert pair.R_x == sp.diff(X, t) - X * W
    J = sp.diff(X, xi)
    written_out = sp.diff(W, xi, 2) / J**2 - sp.diff(W, xi) * sp.diff(X, xi, 2) / J**3
    assert sp.simplify(pair.R_w - (sp.diff(W, t) - (X + W) * written_out)) == 0
    with pytest.raises(ValueError, match="does not depend on xi"):
        lagrangian_residuals(w, 0, t, W, xi, (x, t, w))
