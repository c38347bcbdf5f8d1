from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.cauchy_schwarz import divergence, median_bandwidth, mixture_divergence, mmd2


def samples(n: int, m: int, d: int = 2, shift: float = 1.0, seed: int = 0, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    return (
        torch.tensor(rng.normal(size=(n, d)), dtype=dtype),
        torch.tensor(shift + 1.5 * rng.normal(size=(m, d)), dtype=dtype),
    )


@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 4.0])
def test_is_the_divergence_of_two_parzen_densities(bandwidth):
    x, y = (points.numpy() for points in samples(12, 9))
    covariance = bandwidth**2 / 2 * np.eye(2)
    parzen = [part for points in (x, y) for part in (
        np.full(len(points), 1 / len(points)), points, np.stack([covariance] * len(points)))]  # fmt: skip
    assert divergence(x, y, bandwidth) == pytest.approx(float(mixture_divergence(*parzen)), rel=1e-11)


@pytest.mark.parametrize("bandwidth", [0.1, 1.0, 1e2, 1e4])
def test_agrees_with_many_digits(bandwidth):
    x, y = samples(10, 13)
    with mpmath.workdps(50):

        def mean(a, b):
            squares = [
                sum((mpmath.mpf(u) - mpmath.mpf(v)) ** 2 for u, v in zip(p, q, strict=True)) for p in a for q in b
            ]
            return sum(mpmath.exp(-square / (2 * mpmath.mpf(bandwidth) ** 2)) for square in squares) / len(squares)

        xx, yy, xy = (mean(a.tolist(), b.tolist()) for a, b in ((x, x), (y, y), (x, y)))
        exact, discrepancy = mpmath.log(xx * yy / xy**2), xx + yy - 2 * xy
    assert float(divergence(x, y, bandwidth)) == pytest.approx(float(exact), rel=1e-10)
    assert float(mmd2(x, y, bandwidth)) == pytest.approx(float(discrepancy), rel=1e-10, abs=1e-15)
    narrow = divergence(x.float(), y.float(), bandwidth)
    assert narrow.dtype == torch.float32
    assert float(narrow) == pytest.approx(float(exact), rel=1e-5)


@pytest.mark.parametrize(("n", "m"), [(256, 257), (600, 100)])
@pytest.mark.parametrize("bandwidth", [0.2, 30.0])
def test_tiles_agree_with_whole_matrices(n, m, bandwidth):
    x, y = samples(n, m)
    of_x, of_y, across = (torch.exp(-torch.cdist(a, b).square() / 2 / bandwidth**2).mean() for a, b in (
        (x, x), (y, y), (x, y)))  # fmt: skip
    assert float(divergence(x, y, bandwidth)) == pytest.approx(float(torch.log(of_x * of_y / across**2)), rel=1e-9)
    assert float(mmd2(x, y, bandwidth)) == pytest.approx(float(of_x + of_y - 2 * across), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 20), m=st.integers(1, 20), seed=st.integers(0, 99), log_width=st.floats(-1, 2))
def test_discrepancy_and_divergence_are_two_views_of_one_triangle(n, m, seed, log_width):
    x, y = samples(n, m, seed=seed)
    width = 10**log_width
    a2, b2 = (float(torch.exp(-torch.cdist(p, p).square() / 2 / width**2).mean()) for p in (x, y))
    full, squared = float(divergence(x, y, width)), float(mmd2(x, y, width))
    assert squared == pytest.approx(a2 + b2 - 2 * math.sqrt(a2 * b2) * math.exp(-full / 2), rel=1e-8, abs=1e-12)
    assert 1 - math.exp(-full / 2) <= squared / (2 * math.sqrt(a2 * b2)) + 1e-12
    assert full >= -1e-14


def test_limits():
    x, y = samples(40, 30)
    wide = float(divergence(x, y, 1e4)) * 1e8
    assert wide == pytest.approx(float((x.mean(0) - y.mean(0)).square().sum()), rel=1e-6)
    far = divergence(np.zeros(4), np.full(5, 484.66), 1.0)  # exp(−½ 484²) is 0 in any float
    assert far == pytest.approx(484.66**2, rel=1e-14)
    assert float(divergence(torch.zeros(3), torch.tensor([0.0]), 2.0)) == 0.0


def test_conventions_and_units():
    x, y = samples(9, 8)
    full = divergence(x, y, 1.0)
    torch.testing.assert_close(divergence(x, y, 1.0, "half"), full / 2)
    torch.testing.assert_close(divergence(x, y, 1.0, base=2), full / math.log(2))


@pytest.mark.parametrize("function", [divergence, mmd2])
@pytest.mark.parametrize("bandwidth", [0.5, 6.0])
def test_gradients_by_differences(function, bandwidth):
    x, y = (points.requires_grad_() for points in samples(5, 4))
    width = torch.tensor(bandwidth, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x, y, width))
    assert torch.autograd.gradgradcheck(function, (x, y, width))


def test_gradient_of_far_samples_is_exact():
    x = torch.zeros(3, dtype=torch.float32, requires_grad=True)
    (gradient,) = torch.autograd.grad(divergence(x, torch.full((2,), 300.0), 1.0), x)
    torch.testing.assert_close(gradient, torch.full((3,), -2 * 300.0 / 3))


@pytest.mark.parametrize("function", [divergence, mmd2])
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 300), m=st.integers(1, 300), seed=st.integers(0, 99), bandwidth=st.sampled_from([0.5, 8.0]))
def test_invariances(function, n, m, seed, bandwidth):
    x, y = samples(n, m, seed=seed)
    value = function(x, y, bandwidth)
    close = {"rtol": 1e-9, "atol": 1e-13}
    torch.testing.assert_close(function(x.flip(0), y, bandwidth), value, **close)
    torch.testing.assert_close(function(y, x, bandwidth), value, **close)
    torch.testing.assert_close(function(x + 1e3, y + 1e3, bandwidth), value, rtol=1e-8, atol=1e-11)
    torch.testing.assert_close(function(4 * x, 4 * y, 4 * bandwidth), value, **close)
    assert function(x[:, 0], y[:, :1], bandwidth) == function(x[:, :1], y[:, 0], bandwidth)


@pytest.mark.parametrize("function", [divergence, mmd2])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": torch.zeros(0)}, ValueError, "x is empty"),
        ({"y": torch.zeros(4, 3)}, ValueError, "x has 2, y has 3 features"),
        ({"y": torch.zeros(2, 2, 2)}, ValueError, "y has shape"),
        ({"y": torch.full((4, 2), math.nan)}, ValueError, "y contains nan"),
        ({"bandwidth": 0.0}, ValueError, "bandwidth is 0.0"),
        ({"bandwidth": math.inf}, ValueError, "bandwidth contains inf"),
        ({"y": torch.full((4, 2), 1e20), "bandwidth": 1e-150}, ValueError, "spans more than"),
        ({"x": torch.zeros(4, 2, dtype=torch.int64)}, TypeError, "x has dtype torch.int64"),
    ],
)
def test_bad_input_is_named(function, change, error, message):
    arguments = {"x": torch.randn(5, 2), "y": torch.randn(4, 2), "bandwidth": 1.0} | change
    with pytest.raises(error, match=message):
        function(**arguments)


def test_median_bandwidth():
    x = np.random.default_rng(0).normal(size=(60, 3))
    distances = np.linalg.norm(x[:, None] - x[None], axis=-1)[np.triu_indices(60, 1)]
    assert median_bandwidth(x) == pytest.approx(np.median(distances), rel=1e-12)
    assert median_bandwidth(1e200 * x) == pytest.approx(1e200 * np.median(distances), rel=1e-12)
    assert median_bandwidth(x[:, 0]) == median_bandwidth(torch.tensor(x[:, :1]))
    assert median_bandwidth(x, max_points=30) == pytest.approx(median_bandwidth(x), rel=0.2)
    with pytest.raises(ValueError, match="median distance 0"):
        median_bandwidth(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="expected at least 2"):
        median_bandwidth(np.zeros(1))
    with pytest.raises(ValueError, match="max_points is 1"):
        median_bandwidth(x, max_points=1)
