"""Divergence after a step and its quadratic remainder, against mpmath at 80 digits and the sharp two-point law."""

import math

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from theory.softmax_zeros.kl import kl_remainder, kl_remainder_bound, kl_shift, third_moment_bound

DIRECTIONS = ["forward", "reverse"]


@st.composite
def lines(draw):
    n = draw(st.integers(2, 6))
    z = draw(hnp.arrays(np.float64, n, elements=st.floats(-20, 20, allow_subnormal=False)))
    a = draw(hnp.arrays(np.float64, n, elements=st.floats(-1, 1).map(lambda x: round(x, 4))))
    assume(np.ptp(a) > 0)
    tau = draw(st.floats(-8, 1.5)) if draw(st.booleans()) else draw(st.floats(-6, 1))
    return z, a, draw(st.sampled_from([1, -1])) * 10.0**tau


def exact(z, a, tau, direction):
    """(divergence, remainder, E|c|^3) at 80 digits, from the definition."""
    with mp.workdps(80):
        z, a, tau = [mp.mpf(float(x)) for x in z], [mp.mpf(float(x)) for x in a], mp.mpf(float(tau))

        def softmax(s):
            w = [mp.exp(x + s * y) for x, y in zip(z, a, strict=True)]
            return [x / mp.fsum(w) for x in w]

        p, q = softmax(mp.mpf(0)), softmax(tau)
        if direction == "forward":
            divergence = mp.fsum(y * mp.log(y / x) for x, y in zip(p, q, strict=True))
        else:
            divergence = mp.fsum(x * mp.log(x / y) for x, y in zip(p, q, strict=True))
        mean = mp.fsum(x * y for x, y in zip(p, a, strict=True))
        moments = [mp.fsum(x * abs(tau * (y - mean)) ** k for x, y in zip(p, a, strict=True)) for k in (2, 3)]
        return divergence, divergence - moments[0] / 2, moments[1]


@pytest.mark.parametrize("direction", DIRECTIONS)
@settings(deadline=None, max_examples=150)
@given(lines())
def test_the_divergence_has_small_relative_error(direction, line):
    divergence, remainder, cube = exact(*line, direction)
    assert abs(mp.mpf(float(kl_shift(*line, direction))) - divergence) <= 1e-12 * divergence
    error = abs(mp.mpf(float(kl_remainder(*line, direction))) - remainder)
    assert error <= 1e-13 * cube + 1e-12 * abs(remainder)


@pytest.mark.parametrize("direction", DIRECTIONS)
@settings(deadline=None, max_examples=150)
@given(lines())
def test_the_remainder_bound_holds(direction, line):
    z, a, tau = line
    assert abs(float(kl_remainder(z, a, tau, direction))) <= kl_remainder_bound(tau, np.ptp(a), direction) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("direction", "ratios"),
    [
        ("forward", [-0.92511, -0.99902, -0.999990, -0.9999999]),
        ("reverse", [-0.96007, -0.99951, -0.999995, -0.9999999]),
    ],
)
def test_the_constants_are_approached_by_the_extremal_law_and_no_smaller_ones_hold(direction, ratios):
    p = (3 + math.sqrt(3)) / 6
    z, a = np.log([1 - p, p]), np.array([0.0, 1.0])
    tau = np.array([1.0, 0.1, 0.01, 0.001])
    reached = kl_remainder(z, a, tau, direction) / kl_remainder_bound(tau, 1.0, direction)
    np.testing.assert_allclose(reached, ratios, atol=6e-6)
    tiny = kl_remainder(z, a, 1e-7, direction) / kl_remainder_bound(1e-7, 1.0, direction)
    assert -1 < tiny < -0.99999999
    if direction == "forward":
        assert abs(kl_remainder(z, a, 1e-3)) > kl_remainder_bound(1e-3, 1.0, "reverse")


def test_the_third_moment_bound_is_the_maximum_of_the_two_point_law():
    p = sp.symbols("p")
    stationary = sp.solve(sp.diff(p * (1 - p) * (1 - 2 * p), p), p)
    best = max(sp.Abs(p * (1 - p) * (1 - 2 * p)).subs(p, point) for point in stationary)
    assert sp.simplify(best - sp.sqrt(3) / 18) == 0
    assert third_moment_bound(1.0) == pytest.approx(float(best), rel=1e-15)
    assert third_moment_bound(2.0) == 8 * third_moment_bound(1.0)


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(np.float64, st.integers(2, 7), elements=st.floats(0, 1)), st.data())
def test_third_moments_stay_below_the_bound(points, data):
    weights = data.draw(hnp.arrays(np.float64, len(points), elements=st.floats(0.01, 1)))
    p = weights / weights.sum()
    third = (p * (points - (p * points).sum()) ** 3).sum()
    assert abs(third) <= third_moment_bound(np.ptp(points)) * (1 + 1e-12) + 1e-16


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_invariances_and_batches(direction):
    rng = np.random.default_rng(0)
    z, a, tau = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.normal(size=5)
    for function in (kl_shift, kl_remainder):
        batch = function(z, a, tau, direction)
        assert batch.shape == (5,)
        np.testing.assert_allclose(batch, [function(z[i], a[i], tau[i], direction) for i in range(5)], rtol=1e-12)
        np.testing.assert_allclose(function(z + 3.0, a - 7.0, tau, direction), batch, rtol=1e-10)
        np.testing.assert_allclose(function(z, a / 8, 8 * tau, direction), batch, rtol=1e-12)
        np.testing.assert_allclose(function(z, -a, -tau, direction), batch, rtol=1e-12)
        assert function(z[0], a[0], tau, direction).shape == (5,)
        assert np.all(function(z, np.full_like(a, 2.0), tau, direction) == 0)
        assert np.all(function(z, a, 0.0, direction) == 0)
    far = kl_shift(np.zeros(2), np.array([0.0, 1.0]), 1e3, direction)
    assert far == pytest.approx(math.log(2) if direction == "forward" else 500 - math.log(2))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("tau", [1e-2, 0.7, 5.0])
def test_gradients(direction, tau):
    generator = torch.Generator().manual_seed(1)
    z, a = (torch.randn(3, 4, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2))
    step = torch.full((3,), tau, dtype=torch.float64).requires_grad_()
    for function in (kl_shift, kl_remainder):
        assert torch.autograd.gradcheck(lambda z, a, t, f=function: f(z, a, t, direction), (z, a, step))


def test_kind_and_dtype():
    z, a = torch.randn(3, 4), torch.randn(3, 4)
    for function in (kl_shift, kl_remainder):
        result = function(z, a, 0.1)
        assert result.dtype == torch.float32
        assert np.array_equal(function(z.numpy(), a.numpy(), 0.1), result.numpy())
    assert kl_remainder_bound(torch.tensor(0.1), 1.0).dtype == torch.float32


@pytest.mark.parametrize("direction", DIRECTIONS)
@settings(deadline=None, max_examples=100)
@given(st.data())
def test_no_finite_input_gives_nan(direction, data):
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    z, a = (data.draw(hnp.arrays(np.float64, 3, elements=numbers)) for _ in range(2))
    tau = data.draw(numbers)
    assert kl_shift(z, a, tau, direction) >= 0
    assert not np.isnan(kl_remainder(z, a, tau, direction))
    assert kl_remainder_bound(tau, abs(float(a[0])), direction) >= 0


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ((np.full(2, np.nan), np.zeros(2), 1.0), ValueError, "logits"),
        ((np.zeros(2), np.zeros(3), 1.0), ValueError, "slopes"),
        ((np.zeros(2), np.zeros(2), math.inf), ValueError, "tau"),
        ((np.zeros((2, 2)), np.zeros((2, 2)), np.ones(3)), ValueError, "tau"),
        ((np.zeros(0), np.zeros(0), 1.0), ValueError, "logits"),
        ((np.zeros(2) * 1j, np.zeros(2), 1.0), TypeError, "logits"),
        ((np.zeros(2), np.array([0, 1]), 1.0), TypeError, "slopes"),
        ((np.zeros(2), np.zeros(2), 1.0, "sideways"), ValueError, "direction is 'sideways'"),
    ],
)
def test_bad_input_is_named(arguments, error, name):
    for function in (kl_shift, kl_remainder):
        with pytest.raises(error, match=name):
            function(*arguments)


def test_bad_bounds_are_named():
    with pytest.raises(ValueError, match="spread"):
        kl_remainder_bound(1.0, -1.0)
    with pytest.raises(ValueError, match="spread"):
        third_moment_bound(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="direction"):
        kl_remainder_bound(1.0, 1.0, "both")
    with pytest.raises(TypeError, match="tau"):
        kl_remainder_bound(1j, 1.0)
