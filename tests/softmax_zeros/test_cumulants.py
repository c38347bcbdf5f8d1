"""Cumulants from weights, from zeros and from polynomial roots, against derivatives at high precision."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from theory.softmax_zeros.cumulants import cumulants, cumulants_from_roots, cumulants_from_zeros

SPARSE = np.log([0.5, 0.3, 0.2])
SPARSE_SLOPES = np.array([0.0, 1.0, 3.0])
SPARSE_ROOTS = np.roots([0.2, 0.0, 0.3, 0.5]).astype(complex)


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(np.float64, st.integers(2, 6), elements=st.floats(-5, 5)), st.data())
def test_cumulants_are_derivatives_of_the_log_partition_function(z, data):
    a = data.draw(hnp.arrays(np.float64, z.shape, elements=st.floats(-2, 2).map(lambda x: round(x, 3))))
    with mp.workdps(40):
        series = mp.taylor(
            lambda t: mp.log(
                mp.fsum(mp.exp(mp.mpf(float(x)) + mp.mpf(float(y)) * t) for x, y in zip(z, a, strict=True))
            ),
            0,
            6,
        )
    expected = [math.factorial(k) * float(series[k]) for k in range(1, 7)]
    scale = np.array([math.factorial(k) * max(np.ptp(a), 1e-3) ** k for k in range(1, 7)])
    assert np.all(np.abs(cumulants(z, a, 6) - expected) <= 1e-13 * scale + 1e-15 * np.abs(a).max())


def test_a_known_law():
    np.testing.assert_allclose(cumulants(SPARSE, SPARSE_SLOPES, 3), [0.9, 1.29, 1.488], rtol=1e-13)


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.float64, st.integers(2, 7), elements=st.floats(-3, 3)), st.sampled_from([0.5, 1.0, -3.0]))
def test_the_sum_over_all_zeros_is_exact_on_a_lattice(z, spacing):
    roots = np.roots(np.exp(z)[::-1]).astype(complex)
    slopes = spacing * np.arange(len(z))
    scale = np.array([math.factorial(k) * np.ptp(slopes) ** k for k in range(1, 6)])
    assert np.all(np.abs(cumulants_from_roots(roots, 5, spacing) - cumulants(z, slopes, 5)) <= 1e-9 * scale)


def test_the_second_cumulant_is_a_sum_of_inverse_squared_sines():
    w = np.log(SPARSE_ROOTS)
    assert -np.sum(1 / (4 * np.sinh(w / 2) ** 2)).real == pytest.approx(
        cumulants_from_roots(SPARSE_ROOTS, 2)[1], rel=1e-13
    )


def test_a_truncated_sum_over_zeros_misses_the_tail_of_their_density():
    last = 20_000
    t = (np.log(SPARSE_ROOTS)[:, None] + 2j * np.pi * np.arange(-last, last + 1)).ravel()
    t = t[(t.imag > 0) & (np.abs(t) < 2 * np.pi * last)]
    truncated, exact = cumulants_from_zeros(t, 6), cumulants(SPARSE, SPARSE_SLOPES, 6)[1:]
    np.testing.assert_allclose(truncated[1:], exact[1:], rtol=1e-8)
    missing = 3.0 / (np.pi * 2 * np.pi * last)
    assert exact[0] - truncated[0] == pytest.approx(missing, rel=1e-3)
    assert truncated[0] == pytest.approx(-2 * np.sum(t**-2).real, rel=1e-14)


def test_the_factorial_and_the_sign_matter():
    t = (np.log(SPARSE_ROOTS)[:, None] + 2j * np.pi * np.arange(-2000, 2001)).ravel()
    third = cumulants_from_zeros(t[t.imag > 0], 3)[1]
    assert third == pytest.approx(1.488, rel=1e-6)
    assert third / 2 != pytest.approx(1.488, rel=0.1)


def test_variance_is_nonnegative_and_shift_invariant():
    rng = np.random.default_rng(0)
    z, a = 3 * rng.normal(size=(20, 5)), rng.normal(size=(20, 5))
    kappa = cumulants(z, a, 4)
    assert np.all(kappa[:, 1] > 0)
    assert np.all(kappa[:, 1] <= np.ptp(a, axis=1) ** 2 / 4)
    shifted = cumulants(z + 2, a + 64.0, 4)
    np.testing.assert_allclose(shifted[:, 0], kappa[:, 0] + 64, rtol=1e-14)
    np.testing.assert_allclose(shifted[:, 1:], kappa[:, 1:], atol=1e-12)


def test_gradients_kind_and_dtype():
    z, a = (
        torch.randn(3, 4, dtype=torch.float64).requires_grad_(),
        torch.randn(3, 4, dtype=torch.float64).requires_grad_(),
    )
    assert torch.autograd.gradcheck(lambda z, a: cumulants(z, a, 5), (z, a))
    batch = cumulants(z, a, 5).detach()
    assert batch.shape == (3, 5)
    np.testing.assert_allclose(cumulants(z[1].detach().numpy(), a[1].detach().numpy(), 5), batch[1].numpy(), rtol=1e-12)
    assert cumulants(z.float(), a.float(), 2).dtype == torch.float32
    zeros = torch.tensor([1 + 2j, 3j])
    assert isinstance(cumulants_from_zeros(zeros, 3), torch.Tensor)
    np.testing.assert_allclose(cumulants_from_zeros(zeros.numpy(), 3), cumulants_from_zeros(zeros, 3).numpy())


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda: cumulants(np.array([np.nan]), np.zeros(1), 2), ValueError, "logits"),
        (lambda: cumulants(np.zeros(2), np.zeros(3), 2), ValueError, "slopes"),
        (lambda: cumulants(np.zeros(2), np.array([0, 1]), 2), TypeError, "slopes"),
        (lambda: cumulants(np.zeros(2), np.zeros(2), 0), ValueError, "order"),
        (lambda: cumulants(np.zeros(2), np.zeros(2), 2.0), TypeError, "order"),
        (lambda: cumulants_from_zeros(np.array([1.0, 2.0]), 2), TypeError, "zeros"),
        (lambda: cumulants_from_zeros(np.array([1 - 2j]), 2), ValueError, "zeros"),
        (lambda: cumulants_from_zeros(np.array([complex("nan")]), 2), ValueError, "zeros"),
        (lambda: cumulants_from_zeros(np.zeros(0, dtype=complex), 2), ValueError, "zeros"),
        (lambda: cumulants_from_zeros(np.array([1j]), 1), ValueError, "order"),
        (lambda: cumulants_from_roots(np.array([1 + 0j]), 2), ValueError, "roots"),
        (lambda: cumulants_from_roots(np.array([[1j]]), 2), ValueError, "roots"),
        (lambda: cumulants_from_roots(np.array([1j]), 2, 0.0), ValueError, "spacing"),
    ],
)
def test_bad_input_is_named(call, error, name):
    with pytest.raises(error, match=name):
        call()
