"""`count_zeros` and `jensen_sum`: closed forms, multiplicity, conjugate pairs, zeros on the circle, bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.softmax_zeros._arb_certificate import BallSum
from theory.softmax_zeros.bounds import rho_a
from theory.softmax_zeros.counting import UndecidedCount, count_zeros, jensen_sum
from theory.softmax_zeros.radius import radius


@given(st.floats(-50, 50), st.floats(0.01, 100), st.floats(0.1, 60))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_two_classes_against_the_list_of_zeros(gap: float, spread: float, scaled_radius: float) -> None:
    moduli = [math.hypot(gap, math.pi * k) for k in range(1, 60, 2)]
    if min(abs(m - scaled_radius) for m in moduli) < 1e-9:
        return
    expected = 2 * sum(m < scaled_radius for m in moduli)
    assert count_zeros(np.array([gap, 0.0]), np.array([0.0, spread]), scaled_radius / spread) == expected


@pytest.mark.parametrize("m", [2, 3, 4])
def test_multiple_zeros_count_with_multiplicity(m: int) -> None:
    """``(1 + e^t)^m`` with its binomial weights exact, as repeated slopes."""
    slopes = np.array([float(k) for k in range(m + 1) for _ in range(math.comb(m, k))])
    logits = np.zeros_like(slopes)
    assert count_zeros(logits, slopes, math.pi * (1 - 1e-12)) == 0
    assert count_zeros(logits, slopes, math.pi * (1 + 1e-12)) == 2 * m
    assert count_zeros(logits, slopes, 3 * math.pi * (1 + 1e-9)) == 4 * m


def test_neighbouring_floats_around_pi() -> None:
    assert count_zeros(np.zeros(2), np.array([0.0, 1.0]), math.pi) == 0
    assert count_zeros(np.zeros(2), np.array([0.0, 1.0]), math.nextafter(math.pi, 4.0)) == 2


def test_no_zero_within_the_support_bound() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 10, 30):
        for scale in (0.1, 1.0, 12.0):
            z, a = rng.normal(size=(3, n)) * scale, rng.normal(size=(3, n))
            for zi, ai in zip(z, a, strict=True):
                assert count_zeros(zi, ai, float(rho_a(ai)) * (1 - 1e-9)) == 0


def test_density_of_zeros_in_large_discs() -> None:
    rng = np.random.default_rng(1)
    for n in (2, 4, 8):
        z, a = rng.normal(size=n), rng.normal(size=n)
        spread = float(np.ptp(a))
        assert abs(count_zeros(z, a, 200 / spread) - 200 / math.pi) <= 4


def test_batches_kinds_and_flat_samples() -> None:
    z, a = np.zeros((2, 3)), np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]])
    counts = count_zeros(z, a, 3.0)
    assert counts.dtype == np.int64
    assert counts.tolist() == [2, 0]
    assert isinstance(count_zeros(z[0], a[0], 3), int)
    tensor = count_zeros(torch.from_numpy(z), torch.from_numpy(a), 3.0)
    assert tensor.dtype == torch.int64


def test_the_cost_of_a_large_disc_is_that_of_the_rays_of_zeros_its_circle_crosses() -> None:
    assert count_zeros(np.zeros(2), np.array([0.0, 1.0]), 1e7) == 2 * round(1e7 / (2 * math.pi))


def test_a_zero_on_the_circle_is_refused() -> None:
    with pytest.raises(UndecidedCount, match="circle"):
        BallSum([0.0, 0.0], [0.0, 1.0]).count(arb.pi())
    assert issubclass(UndecidedCount, ArithmeticError)


def test_jensen_sum_counts_the_same_zeros() -> None:
    rng = np.random.default_rng(3)
    z, a = rng.normal(size=(20, 6)), rng.normal(size=(20, 6))
    rho = radius(z, a, certify="float").rho
    for zi, ai, r in zip(z, a, rho, strict=True):
        assert abs(jensen_sum(zi, ai, 0.9 * r)) < 1e-13
        just_above = jensen_sum(zi, ai, 1.001 * r, points=1 << 15)
        pairs = count_zeros(zi, ai, 1.001 * r) / 2
        if pairs == 1:
            assert math.isclose(just_above, 2 * math.log(1.001), rel_tol=1e-6)
    assert jensen_sum(z, a, 0.5 * float(rho.min())).shape == (20,)


GOOD = np.array([0.0, 1.0, 2.0])


@pytest.mark.parametrize("function", [count_zeros, jensen_sum])
@pytest.mark.parametrize(
    ("logits", "slopes", "R", "error", "name"),
    [
        (np.array([0.0, np.nan, 1.0]), GOOD, 1.0, ValueError, "logits"),
        (GOOD, GOOD[:2], 1.0, ValueError, "slopes"),
        (GOOD, GOOD.astype(complex), 1.0, TypeError, "slopes"),
        (GOOD, GOOD, 0.0, ValueError, "R"),
        (GOOD, GOOD, -1.0, ValueError, "R"),
        (GOOD, GOOD, math.inf, ValueError, "R"),
        (GOOD, GOOD, 1j, TypeError, "R"),
        (GOOD, GOOD, True, TypeError, "R"),
    ],
)
def test_bad_input_is_named(function: Any, logits: Any, slopes: Any, R: Any, error: type[Exception], name: str) -> None:
    with pytest.raises(error, match=name):
        function(logits, slopes, R)
