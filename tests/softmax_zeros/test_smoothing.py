"""Entire ReLU and inverse square root, against mpmath's normal and parabolic cylinder functions."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.softmax_zeros.smoothing import ria, weierstrass_inverse_sqrt

EPS = 2.0**-52


def exact_ria(x, beta):
    with mp.workdps(40):
        x, beta = mp.mpf(float(x)), mp.mpf(float(beta))
        return x * mp.ncdf(beta * x) + mp.npdf(beta * x) / beta


def exact_inverse_sqrt(v, sigma):
    with mp.workdps(60):
        v, sigma = mp.mpf(float(v)), mp.mpf(float(sigma))
        return mp.exp(-((v / sigma) ** 2) / 4) * mp.pcfd(-0.5, -v / sigma) / mp.sqrt(2 * sigma)


@settings(deadline=None, max_examples=300)
@given(st.floats(-37, 50), st.floats(0.01, 100))
def test_ria_to_the_last_digits(s, beta):
    x = s / beta
    exact = exact_ria(x, beta)
    assert abs(mp.mpf(float(ria(x, beta))) - exact) <= (20 + s**2) * EPS * exact + mp.mpf(1e-307)


@pytest.mark.parametrize("s", [-37.0, -2.5 - 1e-9, -2.5 + 1e-9, -1e-300, 0.0, 1e-300, 3.0])
def test_ria_at_its_seams(s):
    assert float(ria(s, 1.0)) == pytest.approx(float(exact_ria(s, 1.0)), rel=(20 + s**2) * EPS)


def test_ria_is_the_mean_of_a_noisy_relu():
    for x, beta in ((0.3, 2.0), (-1.0, 1.0), (-2.0, 3.0)):
        mean = mp.quad(
            lambda u, x=x, b=beta: (x + u) * mp.npdf(u, 0, 1 / b), [-x, -x + 1 / beta, -x + 4 / beta, mp.inf]
        )
        assert float(ria(x, beta)) == pytest.approx(float(mean), rel=1e-12)


@settings(deadline=None, max_examples=100)
@given(st.floats(-20, 20), st.floats(0.1, 10))
def test_ria_lies_just_above_the_relu(x, beta):
    gap = float(ria(x, beta)) - max(x, 0.0)
    assert -1e-14 <= gap <= 1 / (beta * math.sqrt(2 * math.pi)) * (1 + 1e-15)


def test_ria_limits():
    assert ria(0.0, 2.0) == pytest.approx(1 / (2 * math.sqrt(2 * math.pi)), rel=1e-15)
    assert ria(np.array([-1e308, 1e308]), 1e308).tolist() == [0.0, 1e308]
    assert ria(-50.0, 1.0) == 0.0


def test_ria_derivatives():
    x = torch.linspace(-5, 5, 21, dtype=torch.float64).requires_grad_()
    beta = torch.tensor(1.7, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(ria, (x, beta))
    assert torch.autograd.gradgradcheck(ria, (x, beta))
    (slope,) = torch.autograd.grad(ria(x, beta).sum(), x)
    torch.testing.assert_close(slope, torch.erfc(-x * beta / math.sqrt(2)) / 2, rtol=1e-12, atol=1e-14)
    far = torch.tensor([-1e200, -40.0, 1e200], dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(ria(far, 1.0).sum(), far)
    assert slope.tolist() == [0.0, 0.0, 1.0]


def test_forward_mode():
    for function in (ria, weierstrass_inverse_sqrt):
        x = torch.tensor([-1.0, 0.5, 30.0], dtype=torch.float64)
        _, tangent = torch.func.jvp(lambda x, f=function: f(x, 1.0), (x,), (torch.ones_like(x),))
        h = 1e-6
        torch.testing.assert_close(
            tangent, (function(x + h, 1.0) - function(x - h, 1.0)) / (2 * h), rtol=1e-6, atol=1e-9
        )


@settings(deadline=None, max_examples=150)
@given(st.floats(-35, 60), st.floats(0.01, 100))
def test_the_inverse_sqrt_to_the_last_digits(s, sigma):
    v = s * sigma
    exact = exact_inverse_sqrt(v, sigma)
    conditioning = (v / sigma) ** 2 if v < 0 else 0.0
    assert abs(mp.mpf(float(weierstrass_inverse_sqrt(v, sigma))) / exact - 1) <= 2e-15 + conditioning * EPS


@pytest.mark.parametrize("s", [-36.0, 0.0, 1e-9, 10 - 1e-9, 10.0, 10 + 1e-9, 200.0, 3000.0])
def test_the_inverse_sqrt_at_its_seams(s):
    assert float(weierstrass_inverse_sqrt(s, 1.0)) == pytest.approx(
        float(exact_inverse_sqrt(s, 1.0)), rel=2e-15 + s**2 * EPS
    )


def test_the_inverse_sqrt_is_the_gaussian_average():
    for v, sigma in ((-1.0, 1.0), (0.5, 0.3), (2.0, 2.0)):
        mean = mp.quad(
            lambda r, v=v, s=sigma: 2 * mp.exp(-((v - r**2) ** 2) / (2 * s**2)) / (s * mp.sqrt(2 * mp.pi)),
            [0, 1, 2, mp.inf],
        )
        assert float(weierstrass_inverse_sqrt(v, sigma)) == pytest.approx(float(mean), rel=1e-12)


def test_the_inverse_sqrt_limits():
    v = np.array([1e3, 1e8, 1e300])
    expected = v**-0.5 * (1 + 3 / 8 / v / v)
    np.testing.assert_allclose(weierstrass_inverse_sqrt(v, 1.0), expected, rtol=1e-11)
    np.testing.assert_allclose(weierstrass_inverse_sqrt(v, 1e-300), v**-0.5, rtol=1e-14)
    assert weierstrass_inverse_sqrt(-1e300, 1e-300) == 0.0
    scaled = weierstrass_inverse_sqrt(0.6, 0.2)
    assert weierstrass_inverse_sqrt(0.6 * 16, 0.2 * 16) == pytest.approx(scaled / 4, rel=1e-15)


def test_the_inverse_sqrt_derivatives():
    v = torch.tensor([-3.0, 0.0, 0.4, 5.0, 9.9, 10.1, 50.0], dtype=torch.float64).requires_grad_()
    sigma = torch.tensor(0.9, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(weierstrass_inverse_sqrt, (v, sigma))


@pytest.mark.parametrize("function", [ria, weierstrass_inverse_sqrt])
def test_kind_dtype_and_shape(function):
    x, scale = torch.randn(3, 4), torch.rand(4) + 0.5
    result = function(x, scale)
    assert result.dtype == torch.float32
    assert result.shape == (3, 4)
    assert np.array_equal(function(x.numpy(), scale.numpy()), result.numpy())


@pytest.mark.parametrize("function", [ria, weierstrass_inverse_sqrt])
@settings(deadline=None, max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(5e-324, 1.7e308))
def test_no_finite_input_gives_nan(function, x, scale):
    assert function(x, scale) >= 0


@pytest.mark.parametrize(("function", "names"), [(ria, ("x", "beta")), (weierstrass_inverse_sqrt, ("v", "sigma"))])
def test_bad_input_is_named(function, names):
    first, second = names
    for arguments, error, name in [
        ((math.nan, 1.0), ValueError, first),
        ((1.0, math.inf), ValueError, second),
        ((1.0, 0.0), ValueError, second),
        ((1.0, -2.0), ValueError, second),
        ((np.zeros(0), 1.0), ValueError, first),
        ((np.ones(2), np.ones(3)), ValueError, second),
        ((1j, 1.0), TypeError, first),
        ((np.array([1]), 1.0), TypeError, first),
    ]:
        with pytest.raises(error, match=name):
            function(*arguments)
