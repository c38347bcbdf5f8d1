"""Lower bounds on the ghost radius, against closed forms, polynomial roots, Jensen's formula and exact arithmetic."""

import itertools
import math
from typing import get_args

import mpmath as mp
import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from theory.softmax_zeros import bounds
from theory.softmax_zeros.bounds import (
    Method,
    binary_radius,
    dominance_interval,
    lower_bound,
    rho_a,
    variance_excess,
)

METHODS = get_args(Method)
finite = st.floats(-30, 30, allow_subnormal=False)
slope_values = st.floats(-10, 10, allow_subnormal=False).map(lambda x: round(x, 6))


@st.composite
def samples(draw, largest=8):
    n = draw(st.integers(2, largest))
    z = draw(hnp.arrays(np.float64, n, elements=finite))
    a = draw(hnp.arrays(np.float64, n, elements=slope_values))
    return z, a


def exact_binary(gap, spread):
    """Enclosure of sqrt(gap^2 + pi^2) / |spread| for exactly these floats, 200 bits."""
    ctx.prec = 200
    return (arb(gap) ** 2 + arb.pi() ** 2).sqrt() / abs(arb(spread))


def lattice_radius(z, steps, spacing):
    """Radius for slopes spacing * steps (integers), from the roots of a polynomial at 50 digits."""
    coefficients = [mp.mpf(0)] * (max(steps) - min(steps) + 1)
    for logit, step in zip(z, steps, strict=True):
        coefficients[step - min(steps)] += mp.exp(mp.mpf(float(logit)))
    roots = mp.polyroots(coefficients[::-1], maxsteps=500, extraprec=400, error=False)
    return min(abs(mp.log(root)) for root in roots) / mp.mpf(spacing)


def jensen_sum(z, a, radius, points=4096):
    """Sum of log(radius / |t_k|) over the zeros in the disc, as a mean over the circle."""
    t = radius * np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
    exponents = z[:, None] + (a - a[z.argmax()])[:, None] * t
    top = exponents.real.max(0)
    value = np.log(np.abs(np.exp(exponents - top).sum(0))) + top
    return value.mean() - np.log(np.exp(z - z.max()).sum()) - z.max()


@settings(deadline=None, max_examples=200)
@given(
    st.floats(-1e4, 1e4, allow_subnormal=False),
    st.floats(1e-6, 1e6),
    st.sampled_from([1.0, -1.0]),
    st.sampled_from(["dominance", "dominance_exact", "best"]),
)
def test_two_classes_are_bounded_tightly_and_never_above_the_exact_radius(gap, spread, sign, method):
    z, a = np.array([gap, 0.0]), np.array([0.0, sign * spread])
    exact = exact_binary(gap, spread)
    bound = float(lower_bound(z, a, method))
    assert arb(bound) <= exact
    assert bound >= float(exact) * (1 - 2e-14)
    assert float(binary_radius(gap, sign * spread)) == pytest.approx(float(exact), rel=1e-15)
    assert arb(float(rho_a(a))) <= exact


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("method", METHODS)
def test_narrow_results_are_rounded_toward_zero(method, dtype):
    rng = np.random.default_rng(3)
    gaps, spreads = rng.normal(size=200).astype(dtype), rng.uniform(0.1, 3, 200).astype(dtype)
    gaps[:20] = 0
    z, a = np.stack((gaps, 0 * gaps), 1), np.stack((0 * gaps, spreads), 1)
    bound = lower_bound(z, a, method)
    assert bound.dtype == dtype
    exact = [exact_binary(float(g), float(s)) for g, s in zip(gaps, spreads, strict=True)]
    assert all(arb(float(b)) <= e for b, e in zip(bound, exact, strict=True))
    if method in ("dominance", "dominance_exact", "best"):
        tight = np.array([float(e) for e in exact])
        assert np.all(bound.astype(float) >= tight * (1 - 2 * np.finfo(dtype).eps))


@pytest.mark.parametrize("method", METHODS)
def test_a_narrow_dtype_never_overflows_into_infinity(method):
    bound = lower_bound(np.float32([0, 0]), np.float32([0, 1e-42]), method)
    assert bound == np.finfo(np.float32).max
    assert rho_a(torch.tensor([0.0, 1e-4], dtype=torch.float16)) <= math.pi / float(np.float16(1e-4))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_bounds_stay_below_the_radius_from_polynomial_roots(data):
    n = data.draw(st.integers(2, 6))
    z = data.draw(hnp.arrays(np.float64, n, elements=st.floats(-12, 12, allow_subnormal=False)))
    steps = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(lambda s: len(set(s)) > 1))
    spacing = data.draw(st.sampled_from([0.125, 1.0, 32.0]))
    with mp.workdps(50):
        radius = lattice_radius(z, steps, spacing)
        for method in METHODS:
            bound = lower_bound(z, spacing * np.array(steps, dtype=float), method)
            assert mp.mpf(float(bound)) <= radius * (1 + mp.mpf(10) ** -12 if len(set(steps)) < n else 1)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0, 12.0])
def test_no_zero_lies_inside_any_bound(n, scale):
    rng = np.random.default_rng(n)
    for _ in range(4):
        z, a = scale * rng.normal(size=n), rng.normal(size=n)
        if rng.random() < 0.5:
            a = np.where(rng.random(n) < 0.5, -1.0, 1.0) + 1e-3 * a
        for method in METHODS:
            assert abs(jensen_sum(z, a, 0.99 * float(lower_bound(z, a, method)))) < 1e-9


def test_binomial_weights_have_radius_pi_and_a_support_bound_m_times_smaller():
    m = 6
    z, a = np.log([math.comb(m, k) for k in range(m + 1)]), np.arange(m + 1.0)
    assert rho_a(a) == pytest.approx(math.pi / m, rel=1e-15)
    assert lower_bound(z, a, "best") <= math.pi


@settings(deadline=None, max_examples=150)
@given(samples())
def test_methods_are_ordered(sample):
    z, a = sample
    support, dominance, exact, variance, best = (float(lower_bound(z, a, method)) for method in METHODS)
    slack = 1 + 1e-13
    assert support <= dominance * slack
    assert dominance <= exact * slack
    assert support <= variance * slack
    assert max(exact, variance) <= best * slack


@settings(deadline=None, max_examples=100)
@given(samples(), st.integers(-20, 20), st.sampled_from([0.25, -2.0, 1024.0]))
def test_invariances(sample, shift, factor):
    z, a = np.round(sample[0] * 64) / 64, np.round(sample[1] * 64) / 64
    for method in METHODS:
        bound = lower_bound(z, a, method)
        assert lower_bound(z + shift, a, method) == bound
        assert lower_bound(z, a + shift, method) == bound
        if factor > 0:
            assert lower_bound(z, a * factor, method) * factor == bound
        assert lower_bound(z, a * factor, method) * abs(factor) == pytest.approx(bound, rel=1e-12)
        assert lower_bound(z[::-1].copy(), a[::-1].copy(), method) == pytest.approx(bound, rel=1e-12)


@settings(deadline=None, max_examples=100)
@given(samples(), st.floats(0.05, 1.5))
def test_the_dominance_interval_ends_at_the_root(sample, scale):
    z, a = sample
    z = scale * z
    left, right = dominance_interval(z, a)
    top = int(z.argmax())
    with mp.workdps(60):

        def others(u):
            return mp.fsum(
                mp.exp(mp.mpf(float(z[j])) - mp.mpf(float(z[top])) + (mp.mpf(float(a[j])) - mp.mpf(float(a[top]))) * u)
                for j in range(len(z))
                if j != top
            )

        for end, sign in ((left, -1), (right, 1)):
            if end == 0:
                assert others(mp.mpf(0)) >= 1 - mp.mpf(10) ** -13
            elif math.isinf(end):
                assert np.all(sign * (a - a[top]) <= 0)
            else:
                assert others(sign * mp.mpf(float(end))) <= 1
                slack = mp.mpf(10) ** -9 * (1 + 1 / (1 - others(mp.mpf(0))))
                assert others(sign * mp.mpf(float(end)) * (1 + slack)) > 1


def test_the_dominance_interval_needs_no_convergence(monkeypatch):
    rng = np.random.default_rng(2)
    z, a = rng.normal(size=(200, 6)), rng.normal(size=(200, 6))
    z[:, 0] += 5.0
    ends = dominance_interval(z, a)
    newton = bounds._newton_from_the_right
    for distort in (lambda u: 1.3 * u, lambda u: 0.7 * u, lambda u: 1e6 * u, lambda u: u * (1 + 1e-12)):
        monkeypatch.setattr(bounds, "_newton_from_the_right", lambda r, t, f=distort: f(newton(r, t)))
        for crude, end in zip(dominance_interval(z, a), ends, strict=True):
            assert np.all(crude <= end * (1 + 1e-14))
            assert np.all((crude > 0) == (end > 0))


@settings(deadline=None, max_examples=100)
@given(samples(), st.floats(-3, 3))
def test_the_variance_along_the_line_stays_below_the_excess_bound(sample, u):
    z, a = sample
    excess, spread = float(variance_excess(z, a)), np.ptp(a)
    if spread == 0:
        assert math.isinf(excess)
        return
    u = u / spread * 10
    q = np.exp(z + u * (a - a[0]) - (z + u * (a - a[0])).max())
    q /= q.sum()
    variance = (q * (a - (q * a).sum()) ** 2).sum()
    assert variance <= spread**2 / 4 / math.cosh(max(0, excess - spread * abs(u)) / 2) ** 2 * (1 + 1e-9)


@settings(deadline=None, max_examples=100)
@given(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(0, 1)), st.data())
def test_the_third_moment_lemma_behind_the_variance_bound(points, data):
    weights = data.draw(hnp.arrays(np.float64, len(points), elements=st.floats(0.01, 1)))
    p = weights / weights.sum()
    spread, centred = np.ptp(points), points - (p * points).sum()
    variance, third = (p * centred**2).sum(), (p * centred**3).sum()
    assert abs(third) <= variance * math.sqrt(max(0, spread**2 - 4 * variance)) + 1e-9


def test_the_binary_excess_is_the_gap():
    gaps = np.array([0.0, 1e-6, 1.0, 30.0, 700.0, 1e4, 1e15])
    z, a = np.stack((gaps, 0 * gaps), 1), np.tile([0.0, 3.0], (len(gaps), 1))
    excess = variance_excess(z, a)
    assert np.all(excess <= gaps)
    np.testing.assert_allclose(excess[2:], gaps[2:], rtol=1e-13)
    np.testing.assert_allclose(excess[:2], gaps[:2], atol=2e-7)


@pytest.mark.parametrize(
    ("z", "a", "least"),
    [
        ([0, -800, 1], [0, 5, 0.001], 160.158),
        ([1000, 0], [0, 1], 1000.00493479001),
        ([0, -1e16, -5], [0, 1, 1e-300], 9.99999999999e15),
        ([1e8, 1e8 + 1, 1e8 - 3], [1e8, 1e8 + 1, 1e8 - 1], 1.9),
        ([0, -1e308, -1e308], [0, 5e-324, 1e308], 9.99e-9),
        ([1e308, -1e308, 0], [1e308, -1e308, 0], 4.99e-9),
    ],
)
def test_extreme_samples(z, a, least):
    bound = lower_bound(np.array(z, dtype=float), np.array(a, dtype=float))
    assert least <= bound < math.inf


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(1, 3), st.just(3)), elements=st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.data(),
)
def test_no_finite_input_gives_nan(method, z, data):
    a = data.draw(hnp.arrays(np.float64, z.shape, elements=st.floats(allow_nan=False, allow_infinity=False)))
    assert np.all(lower_bound(z, a, method) >= 0)
    assert all(np.all(end >= 0) for end in dominance_interval(z, a))
    assert np.all(variance_excess(z, a) >= 0)


def test_equal_slopes_have_no_zeros():
    z, a = np.array([[0.0, 2.0], [1.0, 1.0]]), np.full((2, 2), 7.25)
    assert np.all(np.isinf(rho_a(a)))
    assert all(np.all(np.isinf(lower_bound(z, a, method))) for method in METHODS)
    assert math.isinf(lower_bound(np.array([3.0]), np.array([1.0])))
    assert math.isinf(binary_radius(1.0, 0.0))
    left, right = dominance_interval(z, a)
    assert left.tolist() == right.tolist() == [math.inf, 0.0]


def test_temperature_is_a_rescaling_of_both_arguments():
    gap, spread, temperature = 2.0, 1.0, np.array([0.25, 1.0, 4.0])
    radius = binary_radius(gap, spread, temperature)
    np.testing.assert_allclose(radius, [2.1487, 3.7242, 12.7245], atol=5e-5)
    np.testing.assert_allclose(radius, binary_radius(gap / temperature, spread / temperature), rtol=1e-15)
    assert binary_radius(gap, spread, 1e-9) == pytest.approx(2.0)
    a = np.array([[0.0, 2.0], [0.0, 1.0], [0.0, 5.0]])
    np.testing.assert_allclose(rho_a(a, temperature), rho_a(a / temperature[:, None]), rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_gradients(method):
    generator = torch.Generator().manual_seed(5)
    z, a = (torch.randn(6, 4, dtype=torch.float64, generator=generator) * s for s in (3.0, 1.0))
    z[0, 1] += 6.0
    inputs = (z.requires_grad_(), a.requires_grad_())
    assert torch.autograd.gradcheck(lambda z, a: lower_bound(z, a, method), inputs, atol=1e-5)


def test_gradients_of_the_closed_forms():
    generator = torch.Generator().manual_seed(6)
    x, y = (torch.randn(5, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(binary_radius, (x, y))
    assert torch.autograd.gradcheck(rho_a, (torch.randn(3, 4, dtype=torch.float64).requires_grad_(),))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("method", METHODS)
def test_kind_dtype_and_batch(method, dtype):
    generator = torch.Generator().manual_seed(7)
    z, a = (torch.randn(5, 10, generator=generator).to(dtype) for _ in range(2))
    batch = lower_bound(z, a, method)
    assert batch.dtype == dtype
    assert batch.shape == (5,)
    assert torch.equal(batch, torch.stack([lower_bound(z[i], a[i], method) for i in range(5)]))
    if dtype != torch.bfloat16:
        assert np.array_equal(lower_bound(z.numpy(), a.numpy(), method), batch.numpy())
        assert rho_a(a.numpy()).dtype == a.numpy().dtype


Z, A = np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("z", "a", "error", "name"),
    [
        (np.full((2, 3), np.nan), A, ValueError, "logits"),
        (Z, np.full((2, 3), np.inf), ValueError, "slopes"),
        (np.zeros((0, 3)), np.zeros((0, 3)), ValueError, "logits"),
        (Z, A[:, :2], ValueError, "slopes"),
        (np.zeros((1, 2, 3)), np.zeros((1, 2, 3)), ValueError, "logits"),
        (Z + 0j, A, TypeError, "logits"),
        (Z, A.astype(int), TypeError, "slopes"),
        (torch.zeros(2, 3, dtype=torch.int64), A, TypeError, "logits"),
        (Z > 0, A, TypeError, "logits"),
    ],
)
def test_bad_samples_are_named(z, a, error, name):
    for function in (lower_bound, dominance_interval, variance_excess):
        with pytest.raises(error, match=name):
            function(z, a)


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.array([1.0, -2.0])])
def test_bad_temperatures_are_named(temperature):
    for function in (lambda t: rho_a(A, t), lambda t: binary_radius(1.0, 1.0, t)):
        with pytest.raises(ValueError, match="temperature"):
            function(temperature)


def test_other_bad_arguments_are_named():
    with pytest.raises(ValueError, match="method is 'bset'"):
        lower_bound(Z, A, "bset")
    with pytest.raises(ValueError, match=r"gap has shape \(2,\)"):
        binary_radius(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="temperature has shape"):
        rho_a(A, np.ones(3))
    with pytest.raises(ValueError, match="slopes"):
        rho_a(np.float64(1.0))


def test_mutants_of_the_bounds_are_caught():
    z, a = np.array([0.0, 0.0]), np.array([0.0, 1.0])
    assert 1.05 * rho_a(a) > exact_binary(0.0, 1.0)
    rng = np.random.default_rng(0)
    violations = 0
    for _ in range(40):
        z = 3 * rng.normal(size=4)
        steps = rng.permutation(5)[:4]
        first, second = np.sort(z)[::-1][:2]
        top_two = math.hypot(first - second, math.pi) / np.ptp(steps)
        violations += top_two > lattice_radius(z, steps.tolist(), 1.0)
    assert violations > 0


def test_merged_equal_slopes_are_covered():
    for z in itertools.product([0.0, 2.0], repeat=3):
        merged = math.hypot(math.log(math.exp(z[0]) + math.exp(z[1])) - z[2], math.pi)
        for method in METHODS:
            assert lower_bound(np.array(z), np.array([1.0, 1.0, 0.0]), method) <= merged * (1 + 1e-15)
