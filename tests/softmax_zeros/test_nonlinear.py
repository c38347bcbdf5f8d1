"""Radius of curved logits, against quadratics solved in closed form and Jensen's formula."""

import cmath
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.softmax_zeros.nonlinear import nonlinear_radius_bound

positive = st.floats(1e-3, 1e3)


def two_class_radius(lead, spread, curvature):
    """Least |t| with lead + spread t + curvature t^2 = i pi (2k + 1)."""
    roots = [root for k in range(-40, 40) for root in np.roots([curvature, spread, lead - 1j * math.pi * (2 * k + 1)])]
    return min(map(abs, roots))


def jensen_sum(z, a, c, radius, points=2048):
    t = radius * np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
    exponents = z[:, None] + a[:, None] * t + c[:, None] * t**2 / 2
    top = exponents.real.max(0)
    value = np.log(np.abs(np.exp(exponents - top).sum(0))) + top
    return value.mean() - np.log(np.exp(z).sum())


@settings(deadline=None, max_examples=100)
@given(positive, positive)
def test_balanced_pair(spread, curvature):
    """Logits +-(D t + C t^2)/2 vanish together where D t + C t^2 = i pi."""
    exact = abs((-spread + cmath.sqrt(spread**2 + 4j * math.pi * curvature)) / (2 * curvature))
    bound = float(nonlinear_radius_bound(spread, curvature))
    assert bound <= exact * (1 + 1e-9)
    assert bound == pytest.approx(2 * math.pi / (spread + math.sqrt(spread**2 + 4 * math.pi * curvature)), rel=1e-13)
    assert nonlinear_radius_bound(spread, 2 * curvature, kind="pairwise") == bound


def test_the_constant_is_attained_at_equal_slopes_so_a_smaller_one_fails():
    curvature = 0.7
    exact = math.sqrt(math.pi / curvature)
    assert nonlinear_radius_bound(0.0, curvature) == pytest.approx(exact, rel=1e-14)
    assert nonlinear_radius_bound(0.0, curvature) < exact
    assert 2 * math.pi / math.sqrt(3.5 * math.pi * curvature) > exact


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 30), st.floats(0.05, 20), st.floats(0.01, 20), st.sampled_from([-1, 1]))
def test_confident_pair(lead, spread, curvature, sign):
    bound = float(nonlinear_radius_bound(spread, curvature, lead=lead))
    assert bound <= two_class_radius(lead, spread, sign * curvature) * (1 + 1e-9)
    assert bound >= nonlinear_radius_bound(spread, curvature) * (1 - 1e-13)
    bend = curvature * bound**2
    assert spread * bound == pytest.approx(math.hypot(max(lead - bend, 0), max(math.pi - bend, 0)), rel=1e-6, abs=1e-9)


def test_no_zero_inside_the_bound_for_random_quadratics():
    rng = np.random.default_rng(0)
    for _ in range(100):
        n = rng.integers(2, 7)
        z, a, c = rng.normal(size=n) * 3, rng.normal(size=n), rng.normal(size=n) * 10 ** rng.uniform(-2, 1)
        p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        lead = max(0.0, math.log(p.max() / np.sort(p)[:-1].sum()))
        spread = np.ptp(a)
        for bound in (
            nonlinear_radius_bound(spread, np.abs(c).max(), lead=lead),
            nonlinear_radius_bound(spread, np.ptp(c), lead=lead, kind="pairwise"),
        ):
            assert abs(jensen_sum(z, a, c, 0.98 * bound)) < 1e-9


def test_limits():
    assert nonlinear_radius_bound(2.0, 0.0) == pytest.approx(math.pi / 2)
    assert nonlinear_radius_bound(2.0, 0.0, lead=3.0) == pytest.approx(math.hypot(3, math.pi) / 2)
    assert math.isinf(nonlinear_radius_bound(0.0, 0.0))
    assert nonlinear_radius_bound(0.0, 0.0, 2.5) == 2.5
    radii = nonlinear_radius_bound(1.0, 0.1, np.array([np.inf, 1.0]))
    assert radii[1] == 1.0
    assert radii[0] == nonlinear_radius_bound(1.0, 0.1)
    loss = 1 - nonlinear_radius_bound(10.0, 1e-3) * 10 / math.pi
    assert loss == pytest.approx(math.pi * 1e-3 / 100, rel=1e-3)


@settings(deadline=None, max_examples=100)
@given(*[st.floats(0, 1.7e308) for _ in range(3)])
def test_no_finite_input_gives_nan(spread, curvature, lead):
    assert nonlinear_radius_bound(spread, curvature, lead=lead) >= 0


def test_gradients_kind_and_dtype():
    spread, curvature, lead = (
        torch.tensor(x, dtype=torch.float64).requires_grad_()
        for x in ([1.0, 2.0, 0.5, 3.0], [0.1, 1.0, 0.01, 2.0], [2.0, 1.0, 6.0, 40.0])
    )
    assert torch.autograd.gradcheck(lambda s, c, m: nonlinear_radius_bound(s, c, lead=m), (spread, curvature, lead))
    single = nonlinear_radius_bound(spread.detach().float(), curvature.detach().float())
    double = nonlinear_radius_bound(spread.detach().float().double(), curvature.detach().float().double())
    assert single.dtype == torch.float32
    assert torch.all(single.double() <= double)
    assert np.array_equal(
        nonlinear_radius_bound(spread.detach().numpy(), curvature.detach().numpy()),
        nonlinear_radius_bound(spread, curvature).detach().numpy(),
    )
    infinite = torch.full((4,), math.inf)
    assert torch.equal(nonlinear_radius_bound(spread, curvature, infinite), nonlinear_radius_bound(spread, curvature))


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ((-1.0, 1.0), ValueError, "spread"),
        ((1.0, -1.0), ValueError, "curvature"),
        ((1.0, math.nan), ValueError, "curvature"),
        ((1.0, math.inf), ValueError, "curvature"),
        ((1.0, 1.0, 0.0), ValueError, "analytic_radius"),
        ((1.0, 1.0, math.nan), ValueError, "analytic_radius"),
        ((1.0, 1.0, -math.inf), ValueError, "analytic_radius"),
        ((np.ones(2), np.ones(3)), ValueError, "curvature"),
        ((1j, 1.0), TypeError, "spread"),
        ((np.array([1]), 1.0), TypeError, "spread"),
        ((1.0, 1.0, np.array([1])), TypeError, "analytic_radius"),
        ((1.0, np.zeros(0)), ValueError, "curvature"),
    ],
)
def test_bad_input_is_named(arguments, error, name):
    with pytest.raises(error, match=name):
        nonlinear_radius_bound(*arguments)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="kind is 'pairs'"):
        nonlinear_radius_bound(1.0, 1.0, kind="pairs")
    with pytest.raises(ValueError, match="lead"):
        nonlinear_radius_bound(1.0, 1.0, lead=-1.0)
