"""Where solvers for the nearest zero of an exponential sum go wrong: one test for each way that we met."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import torch

from theory.softmax_zeros.bounds import dominance_interval, lower_bound, rho_a
from theory.softmax_zeros.counting import count_zeros
from theory.softmax_zeros.radius import radius


def test_trap_i_iterating_from_the_two_top_classes_finds_a_farther_zero() -> None:
    rng = np.random.default_rng(0)
    farther = 0
    for _ in range(20):
        z, a = rng.normal(size=10), rng.normal(size=10)
        result = radius(z, a, certify="float")
        assert result.certified
        top, second = np.argsort(-z)[:2]
        start = (z[top] - z[second] + 1j * math.pi) / (a[second] - a[top])
        weights, slopes = mpmath.matrix(z), mpmath.matrix(a)

        def function(t: Any, weights: Any = weights, slopes: Any = slopes) -> Any:
            return mpmath.fsum(mpmath.exp(weights[k] + slopes[k] * t) for k in range(10))

        try:
            zero = mpmath.findroot(function, mpmath.mpc(start))
        except ValueError:
            continue
        assert abs(zero) >= result.lower
        farther += abs(zero) > result.rho * (1 + 1e-6)
    assert farther >= 5


def test_trap_ii_multiple_zeros() -> None:
    for m in (2, 3, 4):
        slopes = np.array([float(k) for k in range(m + 1) for _ in range(math.comb(m, k))])
        logits = np.zeros_like(slopes)
        gold = radius(logits, slopes, certify="arb")
        assert gold.certified
        assert gold.lower <= math.pi <= gold.upper
        quick = radius(logits, slopes, certify="float")
        assert not quick.certified
        assert quick.lower <= math.pi <= quick.upper
    for m in (5, 8):  # rounded binomial weights: a cluster of m simple zeros
        slopes = np.arange(m + 1.0)
        logits = np.log([math.comb(m, k) for k in range(m + 1)])
        gold = radius(logits, slopes, certify="arb")
        assert gold.certified
        assert count_zeros(logits, slopes, float(gold.lower)) == 0
        assert count_zeros(logits, slopes, float(gold.upper) * (1 + 1e-12)) >= 2
        assert abs(gold.rho - math.pi) < 20 * 1e-16 ** (1 / m)


def test_trap_iii_the_nearest_zero_need_not_have_the_least_imaginary_part() -> None:
    z, a = np.array([0.0, -800.0, 1.0]), np.array([0.0, 5.0, 0.001])
    for certify in ("none", "float", "arb"):
        result = radius(z, a, certify=certify)
        assert math.isclose(result.rho, 160.287812457997413, rel_tol=1e-14)
        assert abs(result.zero - (160.28658 + 0.62841j)) < 1e-5
        assert result.certified == (certify != "none")


def test_trap_iv_gaps_whose_exponential_underflows() -> None:
    for gap, expected in ((1000.0, 1000.00493479), (800.0, math.hypot(800, math.pi)), (1e5, math.hypot(1e5, math.pi))):
        for z, a in (
            ([0.0, -gap], [0.0, 1.0]),
            ([0.0, -gap, -gap - 60.0], [0.0, 1.0, 0.25]),
            ([5.0, 5.0 - gap, -10 * gap], [0.5, -0.5, -0.1]),
        ):
            result = radius(np.array(z), np.array(a), certify="float")
            assert math.isclose(result.rho, expected, rel_tol=1e-10)
            assert result.certified
            assert result.lower <= radius(np.array(z), np.array(a), certify="arb").upper


def test_trap_v_a_thousand_classes_of_nearly_equal_weight() -> None:
    rng = np.random.default_rng(5)
    for a in (rng.normal(size=1000), rng.random(1000), np.linspace(0.0, 1.0, 1000)):
        z = 1e-3 * rng.normal(size=1000)
        quick = radius(z, a, certify="float")
        if quick.certified:
            assert count_zeros(z, a, float(quick.lower) * (1 - 1e-6)) == 0
            assert count_zeros(z, a, float(quick.upper) * (1 + 1e-6)) >= 2
        else:
            assert lower_bound(z, a) <= quick.lower <= quick.upper


def test_trap_vi_equal_slopes_have_an_infinite_radius() -> None:
    for certify in ("none", "float", "arb"):
        result = radius(np.array([1.0, -2.0, 0.5]), np.full(3, 0.7), certify=certify)
        assert math.isinf(result.rho)
        assert math.isinf(result.zero.real)
        assert result.lower == result.upper == math.inf
        assert result.certified
    assert math.isinf(rho_a(np.full(3, 0.7)))
    assert count_zeros(np.zeros(3), np.full(3, 0.7), 1e300) == 0


def test_trap_vii_slopes_are_exact_numbers_whatever_their_common_offset() -> None:
    """Nothing is divided by an epsilon: the radius scales with a spread of 1e-7 of the slopes as with any other."""
    shape = np.array([0.0, 0.3, 1.0, 0.6])
    z = np.array([0.5, 0.0, -1.0, 0.2])
    rho = float(radius(z, shape).rho)
    for offset, step in ((1e8, 2.0**-20), (1.0, 2.0**-30), (-3e5, 2.0**-12)):
        a = offset + np.round(shape * 1024) * step
        exact = radius(z, np.round(shape * 1024), certify="float")
        shifted = radius(z, a, certify="float")
        assert shifted.certified
        assert math.isclose(shifted.rho * step, exact.rho, rel_tol=1e-12)
    narrow = radius(torch.from_numpy(z).float(), torch.from_numpy(shape * 1e-7 + 1.0).float(), certify="float")
    assert narrow.rho.dtype == torch.float64
    assert not math.isclose(float(narrow.rho) * 1e-7, rho, rel_tol=1e-3)  # float32 keeps no such spread
    assert bool(narrow.certified)  # of the rounded slopes, which are taken as exact


def test_trap_viii_bounds_survive_an_underflowing_variance() -> None:
    for gap in (100.0, 700.0, 745.0, 1000.0, 1e5):
        z, a = np.array([0.0, -gap, -gap - 3.0]), np.array([0.0, 1.0, -0.5])
        gold = radius(z, a, certify="arb")
        for method in ("support", "dominance", "dominance_exact", "variance", "best"):
            bound = lower_bound(z, a, method)
            assert 0 < bound <= gold.upper
        left, right = dominance_interval(z, a)
        assert right <= gap
        assert left >= gap
        assert gold.rho >= right


def test_trap_ix_nearly_double_zeros_are_iterated_until_they_stall() -> None:
    for defect in (1e-4, 1e-8, 1e-12, -1e-4, -1e-8, -1e-12):
        z, a = np.array([0.0, math.log(2) + defect, 0.0]), np.array([0.0, 1.0, 2.0])
        gold = radius(z, a, certify="arb")
        with mpmath.workdps(50):  # 1 + w e^t + e^{2t} = 0 for cosh t = −w/2
            exact = abs(mpmath.pi * 1j - mpmath.acosh(mpmath.exp(mpmath.mpf(z[1])) / 2))
        assert gold.certified
        assert gold.lower <= exact <= gold.upper
        for certify in ("none", "float"):
            result = radius(z, a, certify=certify)
            assert result.lower <= gold.upper
            assert gold.lower <= result.upper
            assert math.isclose(result.rho, gold.rho, rel_tol=1e-7)
