"""Closed forms of Gaussian divergences against mpmath, their gradients, conventions, limits and bad input."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.cauchy_schwarz import (
    gaussian_divergence,
    gaussian_hoelder_divergence,
    gaussian_kl,
    gaussian_mutual_information,
)

FUNCTIONS = {
    "full": gaussian_divergence,
    "kl": gaussian_kl,
    "hoelder": lambda *pair, **options: gaussian_hoelder_divergence(*pair, order=2.5, **options),
}
NARROW_AND_FAR = (np.zeros(1), np.eye(1), np.full(1, 3.0), np.full((1, 1), 4.0))


def gaussian(rng, size, decades=1.5):
    axes = np.linalg.qr(rng.normal(size=(size, size)))[0]
    cov = (axes * 10 ** rng.uniform(-decades, decades, size)) @ axes.T
    return rng.normal(size=size), (cov + cov.T) / 2


def exact(name, mu1, cov1, mu2, cov2):
    """The textbook formula at 60 digits."""
    with mpmath.workdps(60):
        first, second = (mpmath.matrix(cov.tolist()) for cov in (cov1, cov2))
        gap, size = mpmath.matrix(mu1.tolist()) - mpmath.matrix(mu2.tolist()), len(mu1)
        log_dets = [mpmath.log(mpmath.det(cov)) for cov in (first, second)]
        if name == "full":
            total = first + second
            distance = (gap.T * mpmath.lu_solve(total, gap))[0]
            return distance + mpmath.log(mpmath.det(total)) - size * mpmath.log(2) - sum(log_dets) / 2
        if name == "kl":
            ratio = mpmath.inverse(second) * first
            distance = (gap.T * mpmath.lu_solve(second, gap))[0]
            return (sum(ratio[i, i] for i in range(size)) - size - log_dets[0] + log_dets[1] + distance) / 2
        order = mpmath.mpf(2.5)
        pooled = second + (order - 1) * first
        distance = (gap.T * mpmath.lu_solve(pooled, gap))[0] / 2
        mixed = (mpmath.log(mpmath.det(pooled)) - log_dets[1] - size * mpmath.log(order)) / (2 * (order - 1))
        return distance + mixed + (log_dets[1] - log_dets[0]) / (2 * order)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 5))
def test_against_the_textbook_formula(name, seed, size):
    rng = np.random.default_rng(seed)
    pair = *gaussian(rng, size), *gaussian(rng, size)
    reference = exact(name, *pair)
    assert abs(float(FUNCTIONS[name](*pair)) - reference) <= 1e-12 * (1 + reference)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("step", [1e-2, 1e-5, 1e-8])
def test_nearly_equal_gaussians_have_a_small_relative_error(name, step):
    rng = np.random.default_rng(1)
    mean, cov = gaussian(rng, 4, decades=0.5)
    root = rng.normal(size=(4, 4))
    pair = mean, cov, mean, cov + step * (root + root.T)
    reference = exact(name, *pair)
    assert reference < 100 * step**2
    assert abs(float(FUNCTIONS[name](*pair)) / reference - 1) <= 1e-10 + 1e-15 / step


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("distance", [0.24, 0.2501, 0.26, 0.7, 0.76])
def test_both_ways_to_the_log_determinant_meet(name, distance):
    pair = np.zeros(2), np.diag([1 + distance, 1.0]), np.zeros(2), np.eye(2)
    assert float(FUNCTIONS[name](*pair)) == pytest.approx(float(exact(name, *pair)), rel=1e-14)


def test_the_printed_example_in_both_conventions_and_units():
    full = 9 / 5 + math.log(5 / 4)
    assert gaussian_divergence(*NARROW_AND_FAR) == pytest.approx(full, rel=1e-15)
    assert gaussian_divergence(*NARROW_AND_FAR, convention="half") == pytest.approx(full / 2, rel=1e-15)
    assert gaussian_divergence(*NARROW_AND_FAR, base=2) == pytest.approx(full / math.log(2), rel=1e-15)
    assert gaussian_kl(*NARROW_AND_FAR) == pytest.approx(3 / 4 + math.log(2), rel=1e-15)
    assert gaussian_kl(*NARROW_AND_FAR, base=2) == pytest.approx(3 / 4 / math.log(2) + 1, rel=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_zero_and_a_zero_gradient_where_the_gaussians_are_equal(name):
    mean, cov = (torch.from_numpy(x).requires_grad_() for x in gaussian(np.random.default_rng(0), 3))
    value = FUNCTIONS[name](mean, cov, mean.detach(), cov.detach())
    assert value.item() == 0
    for gradient in torch.autograd.grad(value, (mean, cov)):
        assert gradient.abs().max() == 0


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 4))
def test_members_of_the_hoelder_family(seed, size):
    rng = np.random.default_rng(seed)
    pair = *gaussian(rng, size), *gaussian(rng, size)
    half = gaussian_divergence(*pair, convention="half")
    assert gaussian_hoelder_divergence(*pair, order=2) == pytest.approx(half, rel=1e-11)
    kl = gaussian_kl(*pair)
    assert gaussian_hoelder_divergence(*pair, order=1) == kl
    assert gaussian_hoelder_divergence(*pair, order=1 + 1e-12) == pytest.approx(kl, rel=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("near", [True, False])
def test_first_and_second_derivatives(name, near):
    rng = np.random.default_rng(2)
    mean, cov = gaussian(rng, 2, decades=0.2)
    mean2, cov2 = (mean + 0.01, cov + 0.01 * np.eye(2)) if near else gaussian(rng, 2, decades=0.8)
    roots = [torch.from_numpy(np.linalg.cholesky(x)).requires_grad_() for x in (cov, cov2)]
    means = [torch.from_numpy(x).requires_grad_() for x in (mean, mean2)]

    def value(mu1, root1, mu2, root2):
        return FUNCTIONS[name](mu1, root1 @ root1.T, mu2, root2 @ root2.T)

    arguments = (means[0], roots[0], means[1], roots[1])
    assert torch.autograd.gradcheck(value, arguments)
    assert torch.autograd.gradgradcheck(value, arguments)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_leading_dimensions_broadcast(name):
    rng = np.random.default_rng(3)
    firsts, second = [gaussian(rng, 3) for _ in range(4)], gaussian(rng, 3)
    means, covs = (np.stack(part).reshape(2, 2, *part[0].shape) for part in zip(*firsts, strict=True))
    found = FUNCTIONS[name](means, covs, *second)
    assert found.shape == (2, 2)
    assert np.allclose(found.ravel(), [FUNCTIONS[name](*first, *second) for first in firsts], rtol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_kind_and_dtype_are_the_caller_s(name):
    value = FUNCTIONS[name](*NARROW_AND_FAR)
    for dtype in (np.float32, np.float64):
        found = FUNCTIONS[name](*(x.astype(dtype) for x in NARROW_AND_FAR))
        assert found.dtype == dtype
        assert found == dtype(value)
    tensors = [torch.from_numpy(x).float() for x in NARROW_AND_FAR]
    found = FUNCTIONS[name](*tensors)
    assert isinstance(found, torch.Tensor)
    assert found.dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_device_is_kept(name):
    assert FUNCTIONS[name](*(torch.from_numpy(x).cuda() for x in NARROW_AND_FAR)).device.type == "cuda"


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_a_unit_of_length_does_not_matter_at_the_ends_of_the_range(name, scale):
    mu1, cov1, mu2, cov2 = (np.eye(2)[0], np.eye(2), np.full(2, 3.0), np.diag([4.0, 2.0]))
    root = math.sqrt(scale)
    found = FUNCTIONS[name](root * mu1, scale * cov1, root * mu2, scale * cov2)
    assert found == pytest.approx(FUNCTIONS[name](mu1, cov1, mu2, cov2), rel=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_leaves_the_range_is_infinite(name):
    assert FUNCTIONS[name](np.full(2, 1e308), np.eye(2), np.full(2, -1e308), np.eye(2)) == math.inf


def joint(rho):
    return np.array([[1.0, rho], [rho, 1.0]])


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.99])
def test_information_of_one_pair(rho):
    found = gaussian_mutual_information(joint(rho), 1)
    assert found == pytest.approx(math.log1p(-(rho**2) / 4) - math.log1p(-(rho**2)) / 2, rel=1e-13)
    half = gaussian_mutual_information(joint(rho), 1, convention="half", base=2)
    assert half == pytest.approx(found / 2 / math.log(2), rel=1e-14)


def test_information_of_nearly_independent_variables_keeps_its_digits():
    assert gaussian_mutual_information(joint(1e-9), 1) == pytest.approx(0.25e-18, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), split=st.integers(1, 3), rest=st.integers(1, 3))
def test_information_is_the_divergence_from_the_product_and_blind_to_units(seed, split, rest):
    rng = np.random.default_rng(seed)
    _, cov = gaussian(rng, split + rest)
    inside = np.arange(split + rest) < split
    product = cov * (inside[:, None] == inside)
    found = gaussian_mutual_information(cov, split)
    zero = np.zeros(split + rest)
    assert found == pytest.approx(gaussian_divergence(zero, cov, zero, product), rel=1e-9, abs=1e-12)
    unit = np.diag(10 ** rng.uniform(-3, 3, split + rest))
    assert gaussian_mutual_information(unit @ cov @ unit, split) == pytest.approx(found, rel=1e-9, abs=1e-12)


def test_bandwidths_add_half_their_square_to_the_variances_and_broadcast():
    widths = np.array([0.3, 1.0, 3.0])
    found = gaussian_mutual_information(joint(0.8), 1, widths, 2.0)
    noisy = [joint(0.8) + np.diag([w**2 / 2, 2.0]) for w in widths]
    assert np.allclose(found, [gaussian_mutual_information(cov, 1) for cov in noisy], rtol=1e-13)


def test_information_has_gradients_in_covariance_and_bandwidths():
    root = torch.tensor([[1.0, 0.0, 0.0], [0.4, 1.2, 0.0], [-0.2, 0.3, 0.8]], dtype=torch.float64, requires_grad=True)
    widths = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.5, 0.7)]
    assert torch.autograd.gradcheck(lambda r, x, t: gaussian_mutual_information(r @ r.T, 1, x, t), (root, *widths))


GOOD = {"mu1": np.zeros(2), "cov1": np.eye(2), "mu2": np.ones(2), "cov2": np.eye(2)}


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"mu1": np.array([0.0, np.nan])}, "mu1 contains nan"),
        ({"mu1": np.float64(0)}, "mu1 is a scalar"),
        ({"cov1": np.eye(3)}, r"cov1 has shape \(3, 3\)"),
        ({"mu2": np.ones(3), "cov2": np.eye(3)}, "mu1 has 2 coordinates and mu2 3"),
        ({"cov2": np.array([[1.0, 0.5], [0.2, 1.0]])}, "cov2 differs from its transpose by 0.3"),
        ({"cov2": np.diag([1.0, -2.0])}, "cov2 has an eigenvalue -2"),
        ({"cov1": np.zeros((2, 2))}, "cov1 has an eigenvalue 0"),
        ({"mu1": np.zeros((2, 2)), "mu2": np.zeros((3, 2))}, r"leading shapes do not broadcast: mu1 has \(2,\)"),
        ({"convention": "both"}, "convention is 'both'"),
        ({"base": 1.0}, "base is 1.0"),
    ],
)
def test_bad_input_is_named(replaced, message):
    with pytest.raises(ValueError, match=message):
        gaussian_divergence(**{**GOOD, **replaced})


def test_bad_options_are_named():
    with pytest.raises(ValueError, match=r"order is 0\.5"):
        gaussian_hoelder_divergence(**GOOD, order=0.5)
    with pytest.raises(ValueError, match="base is 0"):
        gaussian_kl(**GOOD, base=0)
    with pytest.raises(ValueError, match="split is 2"):
        gaussian_mutual_information(joint(0.5), 2)
    with pytest.raises(ValueError, match=r"bandwidth_t contains -1\.0"):
        gaussian_mutual_information(joint(0.5), 1, 1.0, -1.0)
    with pytest.raises(ValueError, match=r"cov has shape \(2, 3\)"):
        gaussian_mutual_information(np.ones((2, 3)), 1)
    with pytest.raises(ValueError, match=r"cov has an eigenvalue -0\.5"):
        gaussian_mutual_information(joint(1.5), 1)
    with pytest.raises(TypeError, match="mu1 has dtype int64"):
        gaussian_kl(**{**GOOD, "mu1": np.zeros(2, dtype=np.int64)})
