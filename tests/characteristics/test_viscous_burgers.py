"""Viscous Burgers against its Fourier–Bessel series in ball arithmetic, and by its symmetries."""

import math

import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.characteristics import burgers_exact, burgers_slope, burgers_trajectories, jacobian_floor

PERIOD = 2 * math.pi


def heat_series(y, t, nu, A):
    """φ, φ_y, φ_yy for φ(y, 0) = exp((A/2ν) cos y), in enough bits for its alternating terms."""
    z = A / (2 * nu)
    with ctx.workprec(int(4 * abs(z)) + 256):
        y, t, nu, z = arb(y), arb(t), arb(nu), arb(A) / (2 * arb(nu))
        phi, slope, curvature = z.bessel_i(0), arb(0), arb(0)
        for n in range(1, int(3 * abs(float(z))) + 80):
            weight = 2 * z.bessel_i(n) * (-nu * t * n * n).exp()
            phi += weight * (n * y).cos()
            slope -= n * weight * (n * y).sin()
            curvature -= n * n * weight * (n * y).cos()
        return phi, slope, curvature, nu


def series(y, t, nu, A=1.0):
    """Solution and slope in the moving frame."""
    phi, slope, curvature, nu_ = heat_series(y, t, nu, A)
    with ctx.workprec(512 + int(4 * abs(A / nu))):
        ratio = slope / phi
        return float(-2 * nu_ * ratio), float(-2 * nu_ * (curvature / phi - ratio * ratio))


@pytest.mark.parametrize("nu", [1.0, 0.3, 0.1, 0.03, 0.01])
@pytest.mark.parametrize("t", [1e-4, 0.05, 0.7, 1.0, 1.5])
def test_solution_and_slope_against_the_series(nu, t):
    y = np.array([0.0, 0.4, 1.7, 3.0, 3.14, math.pi, 3.3, 5.5])
    expected = np.array([series(point, t, nu) for point in y.tolist()])
    np.testing.assert_allclose(burgers_exact(y, t, nu), expected[:, 0], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(burgers_slope(y, t, nu), expected[:, 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [0.3, 1.0, 1.4])
def test_the_smallest_viscosity(t):
    y = np.array([0.5, 2.5, 3.1])
    expected = np.array([series(point, t, 1e-3)[0] for point in y.tolist()])
    np.testing.assert_allclose(burgers_exact(y, t, 1e-3), expected, rtol=1e-13)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.02, 50), st.floats(-5, 5).filter(lambda A: abs(A) > 1e-3), st.floats(1e-6, 20), st.floats(-10, 10))
def test_any_amplitude_and_viscosity(nu, A, t, y):
    expected, slope = series(y, t, nu, A)
    steepness = abs(A) * (1 + abs(A) / nu)  # ulps of y are amplified by the slope
    assert burgers_exact(y, t, nu, A) == pytest.approx(expected, abs=1e-14 * steepness)
    assert burgers_slope(y, t, nu, A) == pytest.approx(slope, abs=1e-13 * steepness * (1 + abs(A) / nu))


def test_more_nodes_change_nothing(monkeypatch):
    from theory.characteristics import viscous_burgers

    y = np.linspace(0, PERIOD, 200)[:, None]
    t = np.array([1e-3, 0.1, 1.0, 3.0])
    before = [burgers_exact(y, t, nu) for nu in (1e-3, 1e-2, 1.0, 30.0)]
    half_count = viscous_burgers._half_count
    monkeypatch.setattr(viscous_burgers, "_half_count", lambda t, nu, A: 2 * half_count(t, nu, A) + 1)
    for nu, coarse in zip((1e-3, 1e-2, 1.0, 30.0), before, strict=True):
        np.testing.assert_allclose(burgers_exact(y, t, nu), coarse, atol=3e-13)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0, PERIOD), st.floats(0, 2), st.floats(0.01, 1), st.floats(-3, 3), st.floats(-50, 50), st.integers(-3, 3)
)
def test_symmetries(x, t, nu, A, c, periods):
    u = burgers_exact(x, t, nu, A, c)
    tolerance = 1e-14 * (100 + abs(c)) * (1 + A * A / nu)
    for same in (
        burgers_exact(x + PERIOD * periods, t, nu, A, c),
        c + burgers_exact(x - c * t, t, nu, A),
        2 * c - burgers_exact(2 * c * t - x, t, nu, A, c),
        burgers_exact(x + math.pi, t, nu, -A, c),
        burgers_exact(x, t / 2, 2 * nu, 2 * A, 2 * c) / 2,
    ):
        assert same == pytest.approx(u, abs=tolerance)
    assert abs(u - c) <= abs(A) + 1e-12 + 1e-14 * abs(c)


def test_the_start_and_small_times():
    x = np.linspace(-7, 7, 50)
    np.testing.assert_allclose(burgers_exact(x, 0.0, 0.01, 2.0, 5.0), 5 + 2 * np.sin(x), atol=1e-14)
    np.testing.assert_allclose(burgers_slope(x, 0.0, 0.01, 2.0, 5.0), 2 * np.cos(x), atol=1e-13)
    np.testing.assert_allclose(burgers_exact(x, 1e-300, 0.01), np.sin(x), atol=1e-14)
    assert burgers_exact(1.0, 3.0, 1e-3, A=0.0, c=2.0) == 2.0


def test_kind_dtype_and_shape():
    x, t = np.linspace(0, 6, 7)[:, None], np.linspace(0, 1, 4)
    u = burgers_exact(x, t, 0.05, c=3)
    assert (type(u), u.shape, u.dtype) == (np.ndarray, (7, 4), np.float64)
    tensor = burgers_exact(torch.tensor(x, dtype=torch.float32), torch.tensor(t, dtype=torch.float32), 0.05, c=3)
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor.numpy(), u, rtol=1e-5)
    assert isinstance(burgers_exact(1.0, 0.5, 0.05), float)
    assert burgers_exact(np.linspace(0, 6, 3).astype(np.float32), 0.5, 0.05).dtype == np.float32


def test_pieces_do_not_matter(monkeypatch):
    from theory.characteristics import viscous_burgers

    x, t = np.linspace(0, PERIOD, 30)[:, None], np.linspace(0, 1, 20)
    whole = burgers_exact(x, t, 0.01)
    monkeypatch.setattr(viscous_burgers, "_CHUNK", 500)
    np.testing.assert_allclose(burgers_exact(x, t, 0.01), whole, atol=1e-14)


def test_derivatives():
    x = torch.tensor([0.3, 2.9, 3.2, 5.0], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([0.2, 0.9, 1.1, 0.6], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, t: burgers_exact(x, t, 0.1, 1.3, 2.0), (x, t))
    u = burgers_exact(x, t, 0.1, 1.3, 2.0)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x.sum(), x)
    torch.testing.assert_close(u_x, burgers_slope(x, t, 0.1, 1.3, 2.0), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(u_t + u * u_x, 0.1 * u_xx, rtol=1e-10, atol=1e-10)


def test_trajectories():
    labels, times = np.linspace(0, PERIOD, 9), np.linspace(0, 1.2, 25)
    X = burgers_trajectories(labels, times, 0.03, 1.0, 7.0)
    assert X.shape == (9, 25)
    np.testing.assert_array_equal(X[:, 0], labels)
    np.testing.assert_allclose(X[-1] - X[0], PERIOD, atol=1e-10)
    np.testing.assert_allclose(X[4], math.pi + 7 * times, atol=1e-10)
    assert (np.diff(X, axis=0) > 0).all()
    fine = burgers_trajectories(labels, np.linspace(0, 1.2, 2401), 0.03, 1.0, 7.0)
    velocity = (fine[:, 2:] - fine[:, :-2]) / 1e-3
    here = burgers_exact(fine[:, 1:-1], np.linspace(0, 1.2, 2401)[1:-1], 0.03, 1.0, 7.0)
    np.testing.assert_allclose(velocity, here, atol=1e-5)
    tensor = burgers_trajectories(torch.tensor(labels), torch.tensor(times), 0.03, 1.0, 7.0)
    np.testing.assert_array_equal(tensor.numpy(), X)
    np.testing.assert_array_equal(burgers_trajectories(labels, np.zeros(2), 0.1), np.stack([labels, labels], 1))


@pytest.mark.parametrize(("nu", "A"), [(0.1, 1.0), (0.03, -1.0), (0.01, 1.0), (0.5, 4.0), (3.0, 0.2)])
def test_the_jacobian_floor(nu, A):
    times = np.array([0.0, 0.4, 0.9, 1.5])
    floor = jacobian_floor(nu, A, times)
    assert floor[0] == pytest.approx(1.0, rel=1e-13)
    for t, value in zip(times[1:].tolist(), floor[1:], strict=True):
        now, start = heat_series(math.pi, t, nu, abs(A))[0], heat_series(math.pi, 0.0, nu, abs(A))[0]
        with ctx.workprec(512 + int(4 * abs(A) / nu)):
            expected = float((start / now) ** 2)
        assert value == pytest.approx(expected, rel=1e-13 * (1 - 10 * math.log(expected)))
    here = math.pi if A > 0 else 0.0
    close = burgers_trajectories(np.array([here - 1e-4, here, here + 1e-4, here + 1e-2]), times, nu, A)
    np.testing.assert_allclose((close[2] - close[0]) / 2e-4, floor, rtol=1e-4, atol=1e-7)
    assert ((close[3] - close[2]) / (1e-2 - 1e-4) >= floor - 1e-7).all()


def test_the_jacobian_floor_is_differentiable_and_underflows_to_zero():
    T = torch.tensor([0.5, 1.3], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda T: jacobian_floor(0.05, 1.0, T), T)
    (slope,) = torch.autograd.grad(jacobian_floor(0.05, 1.0, T).log().sum(), T)
    expected = burgers_slope(torch.full_like(T, math.pi), T.detach(), 0.05)
    torch.testing.assert_close(slope, expected, rtol=1e-10, atol=0)
    assert jacobian_floor(1e-3, 1.0, 4.0) == 0.0
    assert jacobian_floor(0.1, 0.0, 4.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, -0.1, 0.1), "t contains -0.1"),
        ((1.0, 0.1, 0.0), "nu is 0.0"),
        ((1.0, 0.1, -1.0), "nu is -1.0"),
        ((1.0, 0.1, 0.1, math.nan), "A is nan"),
        ((1.0, 0.1, 0.1, 1.0, math.inf), "c is inf"),
        ((math.nan, 0.1, 0.1), "x contains nan"),
        ((np.zeros(3), np.zeros(2), 0.1), "x has shape .3,., t has shape .2,."),
        ((1.0, 1e9, 1e-3), "nodes; expected at most"),
        ((1.0, 1.0, 1e-320), "need inf nodes; expected at most"),
        ((1.0, torch.zeros(2, requires_grad=True), 0.1), "t contains 0 and requires a gradient"),
    ],
)
def test_bad_input(arguments, message):
    for function in (burgers_exact, burgers_slope):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


def test_few_places_that_need_many_nodes():
    """More pieces than places: each place is one piece."""
    x = np.array([0.5, 1.0])
    far = burgers_exact(x, 5.0, 1e-10)
    assert far == pytest.approx(x / 6.0, rel=0.02)  # the rarefied wave: sin ξ ≈ ξ for x = ξ + t sin ξ
    assert burgers_exact(1.0, 5.0, 1e-10) == pytest.approx(far[1], rel=1e-12)


@pytest.mark.parametrize(("nu", "A"), [(1e6, 0.0), (1e9, 1.0), (1e6, -1e-3)])
def test_diffusion_that_leaves_nothing(nu, A):
    x = np.linspace(0.0, 6.0, 5)
    np.testing.assert_allclose(burgers_exact(x, 1000.0 if nu < 1e9 else 1.0, nu, A, 2.0), 2.0, atol=1e-13)


def test_places_beyond_the_range_of_float64_are_refused():
    for reached in (burgers_exact, burgers_slope):
        with pytest.raises(ValueError, match="t up to 10 at speed 1e\\+308"):
            reached(0.0, 10.0, 0.1, 1.0, 1e308)
    with pytest.raises(ValueError, match=r"t up to 0\.9 at speed 1e\+308"):
        burgers_trajectories(np.array([1e308]), np.array([0.0, 0.9]), 0.1, 1.0, 1e308)


def test_trajectories_at_equal_times():
    xi = np.array([1.0, 2.0])
    once = burgers_trajectories(xi, np.array([0.0, 0.5]), 0.1)
    np.testing.assert_array_equal(burgers_trajectories(xi, np.array([0.0, 0.0, 0.5, 0.5]), 0.1), once[:, [0, 0, 1, 1]])


def test_the_floor_names_its_time():
    with pytest.raises(ValueError, match="T contains 0 and requires a gradient; expected T > 0"):
        jacobian_floor(0.1, 1.0, torch.zeros(2, requires_grad=True))


def test_bad_labels_and_times():
    with pytest.raises(ValueError, match="xi has shape"):
        burgers_trajectories(np.zeros((2, 2)), np.zeros(2), 0.1)
    with pytest.raises(ValueError, match="t decreases"):
        burgers_trajectories(np.zeros(2), np.array([1.0, 0.5]), 0.1)
    with pytest.raises(ValueError, match="t contains -1"):
        burgers_trajectories(np.zeros(2), np.array([-1.0, 0.5]), 0.1)
    with pytest.raises(ValueError, match="T contains -1"):
        jacobian_floor(0.1, 1.0, -1.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu():
    x = torch.linspace(0, 6, 20, dtype=torch.float64, device="cuda")
    u = burgers_exact(x, 1.0, 0.01)
    assert u.device == x.device
    torch.testing.assert_close(u.cpu(), burgers_exact(x.cpu(), 1.0, 0.01))
