from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.cauchy_schwarz import conditional_divergence, conditional_divergence_two_sample

VARIANTS = ("psd", "paper", "repository")


def regression(n: int, d: int = 2, seed: int = 0, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, 1))
    y_hat = y + 0.7 * rng.normal(size=(n, 1))
    return tuple(torch.tensor(points, dtype=dtype) for points in (x, y, y_hat))


def exact(x, y, y_hat, width_x, width_y, variant, digits=50):
    """From the printed formula, in many digits; the weights are those of the variant."""
    with mpmath.workdps(digits):

        def gram(a, b, width):
            return [[mpmath.exp(-sum((mpmath.mpf(u) - mpmath.mpf(v)) ** 2 for u, v in zip(p, q, strict=True))
                                / (2 * mpmath.mpf(width) ** 2)) for q in b.tolist()] for p in a.tolist()]  # fmt: skip

        n, k = len(x), gram(x, x, width_x)
        sums = [sum(row) for row in k]
        weight = {
            "psd": lambda j, i: 1 / (sums[j] * sums[i]),
            "paper": lambda j, i: 1 / sums[j] ** 2,
            "repository": lambda j, i: 1 / sum(value**2 for value in k[j]),
        }[variant]
        totals = [
            sum(k[j][i] * outputs[j][i] * weight(j, i) for j in range(n) for i in range(n))
            for outputs in (gram(y, y, width_y), gram(y_hat, y_hat, width_y), gram(y_hat, y, width_y))
        ]
        return float(mpmath.log(totals[0]) + mpmath.log(totals[1]) - 2 * mpmath.log(totals[2]))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("widths", [(0.1, 0.3), (1.0, 1.0), (5.0, 0.01), (1e3, 1e3)])
def test_agrees_with_many_digits(variant, widths):
    x, y, y_hat = regression(9)
    reference = exact(x, y, y_hat, *widths, variant)
    assert float(conditional_divergence(x, y, y_hat, *widths, variant)) == pytest.approx(reference, rel=1e-9, abs=1e-14)
    narrow = [points.float() for points in (x, y, y_hat)]
    reference = exact(*narrow, *widths, variant)
    value = conditional_divergence(*narrow, *widths, variant)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(reference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("variant", "value"),
    [("psd", 0.0139576095745590469), ("paper", -0.00729763477442190005), ("repository", 0.00634034231736590330)],
)
def test_three_points(variant, value):
    x, y, y_hat = np.array([2.0, 4.0, 3.0]), np.array([-1.0, -1.0, 1.0]), np.array([-1.0, -1.0, 2.0])
    assert conditional_divergence(x, y, y_hat, 1.0, 3.0, variant) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n", [256, 257, 600])
def test_tiles_agree_with_whole_matrices(variant, n):
    x, y, y_hat = regression(n)
    k, of_y, of_y_hat, across = (torch.exp(-torch.cdist(a, b).square() / 2) for a, b in (
        (x, x), (y, y), (y_hat, y_hat), (y_hat, y)))  # fmt: skip
    sums = k.sum(1)
    weights = {
        "psd": 1 / sums[:, None] / sums,
        "paper": 1 / sums[:, None].square(),
        "repository": 1 / k.square().sum(1)[:, None],
    }[variant]
    logs = [torch.log((weights * k * outputs).sum()) for outputs in (of_y, of_y_hat, across)]
    expected = float(logs[0] + logs[1] - 2 * logs[2])
    assert float(conditional_divergence(x, y, y_hat, 1.0, 1.0, variant)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_by_differences(variant):
    samples = [points.requires_grad_() for points in regression(5)]
    width = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)

    def value(x, y, y_hat, width):
        return conditional_divergence(x, y, y_hat, width, 1.5 * width, variant)

    assert torch.autograd.gradcheck(value, (*samples, width))
    assert torch.autograd.gradgradcheck(value, (*samples, width))


@pytest.mark.parametrize("variant", ["psd", "paper"])
def test_two_sample_gradients_by_differences(variant):
    x1, y1, _ = regression(4)
    x2, y2, _ = regression(3, seed=1)
    samples = [points.requires_grad_() for points in (x1, y1, x2, y2)]
    assert torch.autograd.gradcheck(lambda *s: conditional_divergence_two_sample(*s, 0.8, 1.1, variant), samples)
    assert torch.autograd.gradgradcheck(lambda *s: conditional_divergence_two_sample(*s, 0.8, 1.1, variant), samples)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradient_of_the_predictions_does_not_depend_on_others_being_wanted(variant):
    x, y, y_hat = (points.requires_grad_() for points in regression(300))
    value = conditional_divergence(x, y, y_hat, 1.0, 1.0, variant)
    *_, expected = torch.autograd.grad(value, (x, y, y_hat))
    (alone,) = torch.autograd.grad(conditional_divergence(x.detach(), y.detach(), y_hat, 1.0, 1.0, variant), y_hat)
    torch.testing.assert_close(alone, expected, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("variant", VARIANTS)
def test_shape_n_is_shape_n_1(variant):
    x, y, y_hat = regression(40, d=1)
    values = {
        float(conditional_divergence(a, b, c, 1.0, 1.0, variant))
        for a in (x, x[:, 0]) for b in (y, y[:, 0]) for c in (y_hat, y_hat[:, 0])
    }  # fmt: skip
    assert len(values) == 1


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 30), seed=st.integers(0, 999), log_widths=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_psd_is_a_divergence(n, seed, log_widths):
    x, y, y_hat = regression(n, seed=seed)
    widths = [10**log_width for log_width in log_widths]
    value = float(conditional_divergence(x, y, y_hat, *widths))
    assert value >= -1e-13
    assert float(conditional_divergence(x, y_hat, y, *widths)) == pytest.approx(value, rel=1e-9, abs=1e-13)
    at_target = y.clone().requires_grad_()
    same = conditional_divergence(x, y, at_target, *widths)
    (gradient,) = torch.autograd.grad(same, at_target)
    assert abs(same.item()) < 1e-13
    assert gradient.abs().max() < 1e-11 / widths[1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_narrow_inputs_give_the_correntropy_loss(variant):
    x, y, y_hat = regression(64)
    welsch = -2 * torch.log(torch.exp(-(y - y_hat).square() / 2 / 0.5**2).mean())
    assert float(conditional_divergence(x, y, y_hat, 1e-4, 0.5, variant)) == pytest.approx(float(welsch), rel=1e-11)
    squared = float(conditional_divergence(x, y, y_hat, 1e-4, 1e4, variant)) * 1e8
    assert squared == pytest.approx(float((y - y_hat).square().mean()), rel=1e-6)


def test_wide_outputs_give_a_smoothed_squared_error():
    x, y, y_hat = regression(64)
    k = torch.exp(-torch.cdist(x, x).square() / 2)
    m, e = k / k.sum(1) / k.sum(1)[:, None], (y_hat - y)[:, 0]
    value = float(conditional_divergence(x, y, y_hat, 1.0, 1e4)) * 1e8
    assert value == pytest.approx(float(e @ m @ e / m.sum()), rel=1e-5)  # 1e8 roundings


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_hundreds_of_bandwidths_apart_are_exact(dtype, variant):
    x = torch.zeros(4, dtype=dtype)
    y_hat = torch.full((4,), 342.7, dtype=dtype, requires_grad=True)
    value = conditional_divergence(x, torch.zeros(4, dtype=dtype), y_hat, 1.0, 1.0, variant)
    (gradient,) = torch.autograd.grad(value, y_hat)
    assert value.item() == pytest.approx(342.7**2, rel=1e-6)
    torch.testing.assert_close(gradient, torch.full_like(gradient, 2 * 342.7 / 4))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 200.0, 1e6, 1e15]),
    variant=st.sampled_from(VARIANTS),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_finite_input_gives_finite_values_and_gradients(seed, scale, variant, dtype):
    x, y, y_hat = regression(8, seed=seed, dtype=dtype)
    y_hat = (scale * y_hat).requires_grad_()
    value = conditional_divergence(x, scale * y, y_hat, 1.0, 1.0, variant)
    (gradient,) = torch.autograd.grad(value, y_hat)
    assert bool(value.isfinite())
    assert bool(gradient.isfinite().all())


def test_conventions_and_units():
    samples = regression(20)
    full = conditional_divergence(*samples, 1.0, 1.0)
    torch.testing.assert_close(conditional_divergence(*samples, 1.0, 1.0, convention="half"), full / 2)
    torch.testing.assert_close(conditional_divergence(*samples, 1.0, 1.0, base=2), full / math.log(2))


@pytest.mark.parametrize("n", [20, 300])
def test_two_samples_at_equal_inputs(n):
    x, y, y_hat = regression(n)
    expected = conditional_divergence(x, y, y_hat, 1.0, 1.0)
    torch.testing.assert_close(conditional_divergence_two_sample(x, y, x, y_hat, 1.0, 1.0), expected)
    for variant in ("psd", "paper"):
        assert abs(conditional_divergence_two_sample(x, y, x, y, 1.0, 1.0, variant)) < 1e-12


@pytest.mark.parametrize(("n", "m"), [(20, 30), (300, 260)])
def test_two_samples_agree_with_whole_matrices(n, m):
    (x1, y1, _), (x2, y2, _) = regression(n), regression(m, seed=1)
    k11, k22, k12 = (torch.exp(-torch.cdist(a, b).square() / 2) for a, b in ((x1, x1), (x2, x2), (x1, x2)))
    l11, l22, l12 = (torch.exp(-torch.cdist(a, b).square() / 2) for a, b in ((y1, y1), (y2, y2), (y1, y2)))
    k1, k2 = k11.sum(1), k22.sum(1)
    paper = (
        torch.log(((k11 * l11).sum(1) / k1**2).sum())
        + torch.log(((k22 * l22).sum(1) / k2**2).sum())
        - torch.log(((k12 * l12).sum(1) / (k1 * k12.sum(1))).sum())
        - torch.log(((k12 * l12).sum(0) / (k2 * k12.sum(0))).sum())
    )
    psd = (
        torch.log((k11 * l11 / k1 / k1[:, None]).sum())
        + torch.log((k22 * l22 / k2 / k2[:, None]).sum())
        - 2 * torch.log((k12 * l12 / k1[:, None] / k2).sum())
    )
    for variant, expected in (("paper", paper), ("psd", psd)):
        value = conditional_divergence_two_sample(x1, y1, x2, y2, 1.0, 1.0, variant)
        torch.testing.assert_close(value, expected, rtol=1e-11, atol=1e-13)


def test_two_samples_with_inputs_far_apart_are_finite():
    x1, y1, _ = regression(5)
    for variant in ("psd", "paper"):
        assert bool(conditional_divergence_two_sample(x1, y1, x1 + 1e4, y1 + 1e4, 1.0, 1.0, variant).isfinite())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": torch.zeros(4)}, ValueError, "x has 4, y has 5, y_hat has 5 points"),
        ({"y": torch.zeros(5, 2)}, ValueError, "y has 2, y_hat has 1 features"),
        ({"y_hat": torch.zeros(0)}, ValueError, "y_hat is empty"),
        ({"y_hat": torch.full((5,), math.nan)}, ValueError, "y_hat contains nan"),
        ({"y": torch.ones(5, dtype=torch.int32)}, TypeError, "y has dtype torch.int32"),
        ({"bandwidth_x": 0}, ValueError, "bandwidth_x is 0.0"),
        ({"bandwidth_y": -2.0}, ValueError, "bandwidth_y is -2.0"),
        ({"variant": "printed"}, ValueError, "variant is 'printed'"),
        ({"convention": "double"}, ValueError, "convention is 'double'"),
    ],
)
def test_bad_input_is_named(change, error, message):
    arguments = dict(zip(("x", "y", "y_hat"), (torch.randn(5) for _ in range(3)), strict=True))
    with pytest.raises(error, match=message):
        conditional_divergence(**(arguments | {"bandwidth_x": 1.0, "bandwidth_y": 1.0} | change))


def test_bad_input_of_two_samples_is_named():
    with pytest.raises(ValueError, match="x2 has 3, y2 has 4 points"):
        conditional_divergence_two_sample(torch.randn(5), torch.randn(5), torch.randn(3), torch.randn(4), 1.0, 1.0)
    with pytest.raises(ValueError, match="variant is 'repository'"):
        conditional_divergence_two_sample(*(torch.randn(5),) * 4, 1.0, 1.0, "repository")
