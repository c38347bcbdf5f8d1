"""Divergence of vectors and its angle against exact arithmetic, their limits, gradients and bad input."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.cauchy_schwarz import angle, discrete_divergence

VECTOR = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)


def exact(p, q):
    """D_full of integer vectors, from a rational ratio."""
    pp, qq, pq = (sum(Fraction(x) * y for x, y in zip(a, b, strict=True)) for a, b in ((p, p), (q, q), (p, q)))
    if pq == 0:
        return math.inf
    with mpmath.workdps(40):
        ratio = pp * qq / pq**2
        return float(mpmath.log(mpmath.mpf(ratio.numerator) / ratio.denominator))


@settings(deadline=None, max_examples=200)
@given(p=VECTOR, q=VECTOR)
def test_against_rational_arithmetic(p, q):
    reference = exact(p, q)
    found = float(discrete_divergence(np.array(p, dtype=float), np.array(q, dtype=float)))
    assert found == reference or abs(found - reference) <= 1e-15 * (4 + reference) + 4e-16 * math.sqrt(reference)
    assert found >= 0


def test_near_zero_the_error_is_that_of_the_difference():
    p = np.array([1.0, 2.0, 3.0])
    for step in (1e-3, 1e-6, 1e-9):
        q = p + step * np.array([1.0, -1.0, 0.5])
        with mpmath.workdps(50):
            first, second = (mpmath.matrix(x.tolist()) for x in (p, q))
            inner = (first.T * second)[0] ** 2 / ((first.T * first)[0] * (second.T * second)[0])
            reference = float(-mpmath.log(inner))
        assert abs(discrete_divergence(p, q) - reference) <= 1e-15 * math.sqrt(reference)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_scale_conventions_and_units(scale):
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])
    assert discrete_divergence(scale * p, q, base=2) == pytest.approx(2, rel=1e-14)
    assert discrete_divergence(p, scale * q, convention="half") == pytest.approx(math.log(2), rel=1e-14)


def test_disjoint_supports_are_infinitely_far_at_a_right_angle():
    far = discrete_divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert far == math.inf
    assert angle(far) == angle(torch.tensor(math.inf, dtype=torch.float64)).item() == math.pi / 2


@settings(deadline=None, max_examples=200)
@given(st.floats(0, 2000))
def test_angle_against_mpmath(divergence):
    with mpmath.workdps(60):
        reference = float(mpmath.acos(mpmath.exp(-mpmath.mpf(divergence) / 2))) if divergence else 0.0
    assert float(angle(divergence)) == pytest.approx(reference, rel=1e-14)
    assert float(angle(divergence / 2, convention="half")) == pytest.approx(reference, rel=1e-14)
    assert float(angle(divergence / math.log(2), base=2)) == pytest.approx(reference, rel=1e-14)


@settings(deadline=None, max_examples=200)
@given(p=VECTOR, q=VECTOR, r=VECTOR)
def test_the_angle_obeys_the_triangle_inequality(p, q, r):
    p, q, r = (np.array(x, dtype=float) for x in (p, q, r))
    pr, pq, qr = (float(angle(discrete_divergence(*pair))) for pair in ((p, r), (p, q), (q, r)))
    assert pr <= pq + qr + 1e-14


@pytest.mark.parametrize("step", [0.01, 3.0])
def test_gradients(step):
    p = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    q = (
        torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64) + step * torch.eye(3, dtype=torch.float64)[0]
    ).requires_grad_()
    assert torch.autograd.gradcheck(discrete_divergence, (p, q))
    assert torch.autograd.gradgradcheck(discrete_divergence, (p, q))
    assert torch.autograd.gradcheck(lambda p, q: angle(discrete_divergence(p, q)), (p, q))


def test_gradient_is_zero_at_equality_and_finite_at_zero_entries():
    p = torch.tensor([1.0, 0.0, 3.0], requires_grad=True)
    (slope,) = torch.autograd.grad(discrete_divergence(p, p.detach()), p)
    assert torch.equal(slope, torch.zeros(3))
    (slope,) = torch.autograd.grad(discrete_divergence(p, torch.tensor([0.0, 1.0, 1.0])), p)
    assert slope.isfinite().all()


def test_batches_kinds_and_dtypes():
    rng = np.random.default_rng(0)
    p, q = rng.uniform(size=(2, 3, 5)), rng.uniform(size=(3, 5))
    found = discrete_divergence(p, q)
    assert found.shape == (2, 3)
    assert found[1, 2] == pytest.approx(discrete_divergence(p[1, 2], q[2]), rel=1e-13)
    assert discrete_divergence(p.astype(np.float32), q.astype(np.float32)).dtype == np.float32
    assert discrete_divergence(torch.from_numpy(p), q).dtype == torch.float64
    assert angle(np.float32(0.5)).dtype == np.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_is_kept():
    assert discrete_divergence(torch.ones(2, device="cuda"), torch.ones(2, device="cuda")).device.type == "cuda"


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        (np.array([1.0, np.nan]), np.ones(2), "p contains nan"),
        (np.ones(2), np.array([1.0, -1.0]), "q contains -1.0"),
        (np.ones(2), np.zeros(2), "q has no positive entry"),
        (np.ones(2), np.ones(3), r"p has shape \(2,\) and q \(3,\)"),
        (np.float64(1), np.float64(1), r"p has shape \(\)"),
        (np.ones((2, 2)), np.ones((3, 2)), "expected shapes that broadcast"),
        (np.ones(0), np.ones(0), "p is empty"),
    ],
)
def test_bad_input_is_named(p, q, message):
    with pytest.raises(ValueError, match=message):
        discrete_divergence(p, q)


@pytest.mark.parametrize("value", [-1.0, math.nan, -math.inf])
def test_bad_angles_are_named(value):
    with pytest.raises(ValueError, match="divergence contains"):
        angle(value)


def test_unknown_conventions_and_bases_are_named():
    with pytest.raises(ValueError, match="convention is 'double'"):
        discrete_divergence(np.ones(2), np.ones(2), convention="double")
    with pytest.raises(ValueError, match="base is 1"):
        angle(1.0, base=1)
