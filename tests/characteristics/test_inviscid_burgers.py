"""Inviscid Burgers before its shock against mpmath's roots and the Fourier–Bessel series of Platzman."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import jv

from theory.characteristics import CharacteristicsCross, burgers_exact, inviscid_burgers, shock_time

WAVES = st.lists(st.tuples(st.floats(-2, 2), st.floats(-3, 3)), min_size=1, max_size=4)


def wave(coefficients, c=0.0):
    """c + Σ a_k sin(kx + φ_k) and its slope."""
    return (
        lambda x: c + sum(a * np.sin(k * x + phase) for k, (a, phase) in enumerate(coefficients, 1)),
        lambda x: sum(a * k * np.cos(k * x + phase) for k, (a, phase) in enumerate(coefficients, 1)) + 0 * x,
    )


def test_the_series_of_a_sine():
    x, n = np.linspace(-4, 8, 60), np.arange(1, 400)[:, None]
    for t in (0.1, 0.5, 0.8):
        expected = (-2 * jv(n, -n * t) / (n * t) * np.sin(n * x)).sum(0)
        np.testing.assert_allclose(inviscid_burgers(x, t, np.sin, np.cos), expected, atol=1e-13)


@settings(deadline=None, max_examples=60)
@given(WAVES, st.floats(0, 0.95), st.floats(-10, 10), st.floats(-100, 100))
def test_labels_solve_the_equation(coefficients, share, x, c):
    u0, du0 = wave(coefficients, c)
    shock = shock_time(du0, (0.0, 2 * math.pi))
    t = share * min(shock.time, 100.0)
    u = inviscid_burgers(x, t, u0, du0)
    scale = 1 + abs(c) * (1 + t) + sum(abs(a) for a, _ in coefficients)
    amplified = 1 + t * sum(k * abs(a) for k, (a, _) in enumerate(coefficients, 1))
    assert float(u0(x - u * t)) == pytest.approx(u, abs=1e-13 * scale * amplified**2 / (1 - share))


def test_against_roots_in_30_digits():
    u0, du0 = wave([(1.0, 0.3), (-0.4, 1.0)])
    t = 0.9 * shock_time(du0, (0.0, 2 * math.pi)).time
    with mp.workdps(30):
        for x in (0.1, 1.0, 2.5, 4.0, 6.0):
            start = lambda xi: mp.sin(xi + mp.mpf(0.3)) - mp.mpf(0.4) * mp.sin(2 * xi + 1)  # noqa: E731
            xi = mp.findroot(
                lambda xi, x=x, start=start: xi + start(xi) * mp.mpf(t) - mp.mpf(x), (x - 2, x + 2), solver="anderson"
            )
            assert inviscid_burgers(x, t, u0, du0) == pytest.approx(float(start(xi)), abs=1e-13)


def test_vanishing_viscosity_tends_to_it():
    x = np.linspace(0, 6, 40)
    gap = [
        np.abs(burgers_exact(x, 0.7, nu, 1.0, 2.0) - inviscid_burgers(x, 0.7, lambda s: 2 + np.sin(s), np.cos)).max()
        for nu in (4e-3, 2e-3, 1e-3)
    ]
    np.testing.assert_allclose([gap[0] / gap[1], gap[1] / gap[2]], 2.0, rtol=0.1)


def test_shock_times():
    assert shock_time(np.cos, (0.0, 2 * math.pi)) == pytest.approx((1.0, math.pi), rel=1e-7)
    assert shock_time(lambda x: 3 * np.cos(x), (0.0, 2 * math.pi)).time == pytest.approx(1 / 3, rel=1e-15)
    assert shock_time(lambda x: 1 + 0 * x, (0.0, 1.0)).time == math.inf
    assert shock_time(lambda x: 0 * x, (0.0, 1.0)).time == math.inf
    asymmetric = shock_time(lambda x: np.cos(x) - np.cos(2 * x), (0.0, 2 * math.pi))  # −2 at π, 9/8 elsewhere
    assert asymmetric == pytest.approx((0.5, math.pi), rel=1e-7)
    assert shock_time(lambda x: x - 2, (0.0, 1.0)) == (0.5, 0.0)
    domain = torch.tensor([0.0, 2 * math.pi], dtype=torch.float64)
    assert shock_time(torch.cos, domain).time == pytest.approx(1.0, rel=1e-15)


@settings(deadline=None, max_examples=40)
@given(WAVES.filter(lambda w: sum(abs(a) for a, _ in w) > 0.01))
def test_the_least_slope_is_global(coefficients):
    _, du0 = wave(coefficients)
    shock = shock_time(du0, (0.0, 2 * math.pi))
    assert du0(np.linspace(0, 2 * math.pi, 100_001)).min() >= -1 / shock.time * (1 + 1e-12)
    assert float(du0(shock.label)) == pytest.approx(-1 / shock.time, rel=1e-12)


def test_crossing_is_an_error_with_its_time_and_label():
    for t in (1.0, 1.5):
        with pytest.raises(CharacteristicsCross, match=r"characteristics cross at t\* = 1 .*3.14159") as caught:
            inviscid_burgers(np.linspace(0, 6, 5), np.array(t), np.sin, np.cos)
        assert (caught.value.t_star, caught.value.xi, caught.value.t) == pytest.approx((1.0, math.pi, t), rel=1e-7)
    assert np.isfinite(inviscid_burgers(np.linspace(0, 6, 99), 1 - 1e-12, np.sin, np.cos)).all()


def test_kinds_and_derivatives():
    x = torch.linspace(0, 6, 9, dtype=torch.float64, requires_grad=True)
    t = torch.tensor([[0.2], [0.7]], dtype=torch.float64, requires_grad=True)
    solve = lambda x, t: inviscid_burgers(x, t, torch.sin, torch.cos)  # noqa: E731
    u = solve(x, t)
    assert u.shape == (2, 9)
    assert torch.autograd.gradcheck(solve, (x, t))
    u_x = torch.stack([torch.autograd.grad(row.sum(), x, retain_graph=True)[0] for row in u])
    (u_t,) = torch.autograd.grad(u.sum(), t)
    torch.testing.assert_close(u_t[:, 0], -(u * u_x).sum(1), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        inviscid_burgers(x.detach().numpy(), t.detach().numpy(), np.sin, np.cos), u.detach().numpy(), atol=1e-14
    )
    assert solve(x.float(), t.float()).dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inviscid_burgers(1.0, -1.0, np.sin, np.cos), "t contains -1"),
        (
            lambda: inviscid_burgers(1.0, 0.1, lambda x: x, np.ones_like),
            "u0 changes by 6.28 from one domain to the next",
        ),
        (
            lambda: inviscid_burgers(
                1.0, 0.1, lambda x: np.exp(-9 * (x - 3) ** 2), lambda x: -18 * (x - 3) * np.exp(-9 * (x - 3) ** 2)
            ),
            "u0 changes by 1 from",
        ),
        (lambda: inviscid_burgers(1.0, 0.1, lambda x: 1.0, np.cos), "u0 returned shape"),
        (lambda: inviscid_burgers(1.0, 0.1, np.sin, lambda x: np.cos(x) * math.nan), "du0 returned a value"),
        (lambda: inviscid_burgers(np.zeros(2), np.zeros(3), np.sin, np.cos), "x has shape"),
        (lambda: shock_time(np.cos, (1.0, 1.0)), "expected low < high"),
        (lambda: shock_time(np.cos, 3.0), "expected two ends"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("share", [0.5, 0.99, 1 - 1e-7])
@pytest.mark.parametrize("draw", [0, 1, 2, 55])  # 55 at one half: Newton's method used to wander by a rounding error
def test_every_place_has_a_label_however_large_the_terms_of_the_wave(draw: int, share: float) -> None:
    random = np.random.default_rng(draw)
    wavenumbers = np.arange(1, random.integers(2, 8))
    heights = random.normal(size=len(wavenumbers)) * 10 ** random.uniform(-2, 2)
    phases, mean = random.uniform(0, 2 * np.pi, len(wavenumbers)), random.uniform(-100, 100)

    def u0(x: np.ndarray) -> np.ndarray:
        return mean + np.sin(np.multiply.outer(x, wavenumbers) + phases) @ heights

    def du0(x: np.ndarray) -> np.ndarray:
        return np.cos(np.multiply.outer(x, wavenumbers) + phases) @ (heights * wavenumbers)

    t = share * shock_time(du0, (0, 2 * np.pi)).time
    x = np.linspace(0, 2 * np.pi, 2000)
    u = inviscid_burgers(x, t, u0, du0)
    np.testing.assert_allclose(u0(x - t * u), u, atol=1e-10 * (abs(mean) + np.abs(heights).sum()))
