from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.cauchy_schwarz import hsic, mutual_information, normalized_mutual_information

FUNCTIONS = (mutual_information, normalized_mutual_information, hsic)


def sample(n: int, d: int = 2, dependence: float = 1.0, seed: int = 0, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    t = dependence * x + rng.normal(size=(n, d))
    return torch.tensor(x, dtype=dtype), torch.tensor(t, dtype=dtype)


def exact(x, t, width_x, width_t, digits=60):
    """Mutual information and HSIC from the printed formulas, in many digits."""
    with mpmath.workdps(digits):
        k, q = (
            [[mpmath.exp(-sum((mpmath.mpf(u) - mpmath.mpf(v)) ** 2 for u, v in zip(a, b, strict=True)) / (2 * h**2))
              for b in points] for a in points]
            for points, h in ((x.tolist(), mpmath.mpf(width_x)), (t.tolist(), mpmath.mpf(width_t)))
        )  # fmt: skip
        n = len(k)
        joint = sum(u * v for a, b in zip(k, q, strict=True) for u, v in zip(a, b, strict=True)) / n**2
        rows_k, rows_q = [sum(row) for row in k], [sum(row) for row in q]
        product = sum(rows_k) * sum(rows_q) / mpmath.mpf(n) ** 4
        cross = sum(u * v for u, v in zip(rows_k, rows_q, strict=True)) / mpmath.mpf(n) ** 3
        return mpmath.log(joint * product / cross**2), joint + product - 2 * cross


def relative(value, reference) -> float:
    return float(abs(mpmath.mpf(float(value)) / reference - 1))


@pytest.mark.parametrize("bandwidth", [1e-2, 0.3, 1.0, 3.0, 1e2, 1e4])
@pytest.mark.parametrize("dependence", [0.0, 1.0])
def test_agrees_with_many_digits_in_both_precisions(bandwidth, dependence):
    x, t = sample(25, dependence=dependence)
    information, criterion = exact(x, t, bandwidth, 2 * bandwidth)
    assert relative(mutual_information(x, t, bandwidth, 2 * bandwidth), information) < 1e-10
    assert relative(hsic(x, t, bandwidth, 2 * bandwidth), criterion) < 1e-10
    x, t = x.float(), t.float()
    information, criterion = exact(x, t, bandwidth, 2 * bandwidth)
    assert relative(mutual_information(x, t, bandwidth, 2 * bandwidth), information) < 1e-5
    assert relative(hsic(x, t, bandwidth, 2 * bandwidth), criterion) < 1e-5


@pytest.mark.parametrize("widths", [(1e-3, 1e3), (1e3, 1e-3)])
def test_one_kernel_nearly_constant_and_the_other_nearly_the_identity(widths):
    x, t = sample(20)
    assert relative(mutual_information(x, t, *widths), exact(x, t, *widths)[0]) < 1e-10


@pytest.mark.parametrize("n", [255, 256, 257, 700])
@pytest.mark.parametrize("bandwidth", [0.2, 1.0, 20.0])
def test_tiles_agree_with_whole_matrices(n, bandwidth):
    x, t = sample(n, d=3)
    k, q = (np.exp(-((a[:, None] - a[None]) ** 2).sum(-1) / 2 / bandwidth**2) for a in (x.numpy(), t.numpy()))
    centring = np.eye(n) - 1 / n
    by_trace = np.trace(k @ centring @ q @ centring) / n**2
    direct = np.log((k * q).mean() * k.mean() * q.mean() / (k.mean(1) * q.mean(1)).mean() ** 2)
    assert float(hsic(x, t, bandwidth, bandwidth)) == pytest.approx(by_trace, rel=1e-9)
    assert float(mutual_information(x, t, bandwidth, bandwidth)) == pytest.approx(direct, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bandwidth", [0.5, 4.0])
def test_gradients_by_differences(function, bandwidth):
    x, t = (points.requires_grad_() for points in sample(6))
    width = torch.tensor(bandwidth, dtype=torch.float64, requires_grad=True)
    arguments = (x, t, width, 1.3 * width.detach())
    assert torch.autograd.gradcheck(function, arguments)
    assert torch.autograd.gradgradcheck(function, arguments)


@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 5.0, 300.0])
def test_float32_gradients_are_those_of_float64(bandwidth):
    x, t = sample(600, d=4, dtype=torch.float32)
    wide = [points.double().requires_grad_() for points in (x, t)]
    narrow = [points.requires_grad_() for points in (x, t)]
    references = torch.autograd.grad(mutual_information(*wide, bandwidth, bandwidth), wide)
    found = torch.autograd.grad(mutual_information(*narrow, bandwidth, bandwidth), narrow)
    for gradient, reference in zip(found, references, strict=True):
        assert gradient.dtype == torch.float32
        assert (gradient - reference).norm() < 1e-5 * reference.norm()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients_with_respect_to_one_variable_do_not_depend_on_the_other_being_wanted(function):
    x, t = (points.requires_grad_() for points in sample(300))
    both = torch.autograd.grad(function(x, t, 2.0, 0.5), (x, t))
    (of_x,) = torch.autograd.grad(function(x, t.detach(), 2.0, 0.5), x)
    (of_t,) = torch.autograd.grad(function(x.detach(), t, 2.0, 0.5), t)
    torch.testing.assert_close((of_x, of_t), both, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 300), seed=st.integers(0, 99), bandwidth=st.sampled_from([0.1, 1.0, 10.0]))
def test_invariances(function, n, seed, bandwidth):
    x, t = sample(n, seed=seed)
    value = function(x, t, bandwidth, bandwidth)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    close = {"rtol": 1e-9, "atol": 1e-15}
    torch.testing.assert_close(function(x[order], t[order], bandwidth, bandwidth), value, **close)
    torch.testing.assert_close(function(t, x, bandwidth, bandwidth), value, **close)
    torch.testing.assert_close(function(8 * x, t / 4, 8 * bandwidth, bandwidth / 4), value, **close)
    torch.testing.assert_close(function(x + 64.0, t, bandwidth, bandwidth), value, rtol=1e-6, atol=1e-12)
    one_column = x[:, :1], t[:, :1]
    flat = x[:, 0], t[:, 0]
    assert function(*one_column, bandwidth, bandwidth) == function(*flat, bandwidth, bandwidth)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 40), seed=st.integers(0, 999), log_width=st.floats(-3, 3), ties=st.booleans())
def test_between_zero_and_log_n(n, seed, log_width, ties):
    x, t = sample(n, seed=seed)
    x = x.round() if ties else x
    value = float(mutual_information(x, t, 10**log_width, 1.0))
    assert -1e-14 <= value <= math.log(n) + 1e-12


def test_limits():
    x, t = sample(50, d=3)
    assert float(mutual_information(x, t, 1e-4, 1e-4)) == pytest.approx(math.log(50), rel=1e-12)
    assert float(normalized_mutual_information(x, t, 1e-4, 1e-4)) == pytest.approx(1.0, rel=1e-12)
    centred_x, centred_t = (points - points.mean(0) for points in (x, t))
    cross = (centred_x.T @ centred_t).square().sum()
    own = [(points.T @ points).square().sum() for points in (centred_x, centred_t)]
    alignment = cross / (own[0] * own[1]).sqrt()
    assert float(normalized_mutual_information(x, t, 1e5, 1e5)) == pytest.approx(float(alignment), rel=1e-8)
    scaled = mutual_information(x, t, 1e5, 1e5) * 1e20
    assert float(scaled) == pytest.approx(float(cross) / 50**2, rel=1e-8)


def test_normalized_can_exceed_one():
    value = normalized_mutual_information(np.array([0.0, 0.0, 0.05]), np.array([0.0, 0.0, 6.0]), 1.0, 1.0)
    assert value == pytest.approx(1.21413001348453, rel=1e-12)


def test_conventions_and_units():
    x, t = sample(30)
    full = mutual_information(x, t, 1.0, 1.0)
    torch.testing.assert_close(mutual_information(x, t, 1.0, 1.0, "half"), full / 2)
    torch.testing.assert_close(mutual_information(x, t, 1.0, 1.0, base=2), full / math.log(2))


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_an_offset_costs_nothing_but_the_digits_of_the_data(offset):
    x, t = sample(100, dtype=torch.float32)
    x = x + offset
    shifted = (x.double() - offset).float()  # exact
    assert float(mutual_information(x, t, 1.0, 1.0)) == pytest.approx(
        float(mutual_information(shifted, t, 1.0, 1.0)), rel=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 0.1, 1e6])
def test_collapsed_representations_are_defined(dtype, offset):
    x, _ = sample(300, dtype=dtype)
    t = torch.full((300, 4), offset, dtype=dtype, requires_grad=True)
    for function in FUNCTIONS:
        value = function(x, t, 1.0, 1.0)
        (gradient,) = torch.autograd.grad(value, t)
        assert float(value) == 0.0
        assert not gradient.any()
    with pytest.raises(ValueError, match="t has no information about itself"):
        normalized_mutual_information(x, t, 1.0, 1.0, on_degenerate="raise")
    with pytest.raises(ValueError, match="x has no information about itself"):
        normalized_mutual_information(t, x, 1.0, 1.0, on_degenerate="raise")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_pair_has_no_information(function):
    assert float(function(torch.ones(1, 3), torch.zeros(1), 1.0, 1.0)) == 0.0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    scales=st.tuples(*[st.sampled_from([1e-30, 1e-9, 1e-3, 1.0, 1e4, 1e12, 1e30])] * 2),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_finite_input_gives_finite_values_and_gradients(seed, scales, dtype):
    x, t = (points * scale for points, scale in zip(sample(9, seed=seed, dtype=dtype), scales, strict=True))
    x.requires_grad_()
    for function in FUNCTIONS:
        value = function(x, t, 1.0, 1.0)
        (gradient,) = torch.autograd.grad(value, x)
        assert bool(value.isfinite())
        assert value.dtype == dtype
        if scales[0] >= 1e-9:  # the derivative of the normalized information grows as the reciprocal of the scale
            assert bool(gradient.isfinite().all())


def test_kinds_and_dtypes():
    x, t = sample(10)
    assert isinstance(mutual_information(x.numpy(), t.numpy(), 1.0, 1.0), np.float64)
    assert mutual_information(x.float().numpy(), t.float().numpy(), 1.0, 1.0).dtype == np.float32
    assert mutual_information(x.bfloat16(), t.bfloat16(), 1.0, 1.0).dtype == torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = mutual_information(x.float(), t.float(), 1.0, 1.0)
    torch.testing.assert_close(mixed, mutual_information(x.float(), t.float(), 1.0, 1.0), rtol=0, atol=0)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": torch.zeros(0, 2)}, ValueError, "x is empty"),
        ({"x": torch.zeros(4, 2)}, ValueError, "x has 4, t has 5 points"),
        ({"x": torch.zeros(5, 2, 1)}, ValueError, r"x has shape \(5, 2, 1\)"),
        ({"t": torch.tensor([0.0, 1.0, math.nan, 3.0, 4.0])}, ValueError, "t contains nan"),
        ({"t": torch.tensor([0.0, 1.0, math.inf, 3.0, 4.0])}, ValueError, "t contains inf"),
        ({"t": torch.arange(5)}, TypeError, "t has dtype torch.int64"),
        ({"bandwidth_x": 0.0}, ValueError, "bandwidth_x is 0.0"),
        ({"bandwidth_t": -1.0}, ValueError, "bandwidth_t is -1.0"),
        ({"bandwidth_t": math.nan}, ValueError, "bandwidth_t contains nan"),
        ({"bandwidth_t": torch.ones(2)}, ValueError, r"bandwidth_t has shape \(2,\)"),
        ({"bandwidth_x": 1e-200}, ValueError, "spans more than"),
    ],
)
def test_bad_input_is_named(function, change, error, message):
    arguments = {"x": torch.randn(5, 2), "t": torch.randn(5), "bandwidth_x": 1.0, "bandwidth_t": 1.0} | change
    with pytest.raises(error, match=message):
        function(**arguments)


def test_bad_options_are_named():
    x, t = sample(4)
    with pytest.raises(ValueError, match="on_degenerate is 'nan'"):
        normalized_mutual_information(x, t, 1.0, 1.0, on_degenerate="nan")
    with pytest.raises(ValueError, match="convention is 'quarter'"):
        mutual_information(x, t, 1.0, 1.0, "quarter")
    with pytest.raises(ValueError, match="base is 1"):
        mutual_information(x, t, 1.0, 1.0, base=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_gpu_agrees(function):
    x, t = sample(500)
    value = function(x.cuda(), t.cuda(), 1.0, 1.0)
    assert value.is_cuda
    torch.testing.assert_close(value.cpu(), function(x, t, 1.0, 1.0), rtol=1e-10, atol=1e-14)
