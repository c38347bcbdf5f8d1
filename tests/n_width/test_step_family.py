"""Bounds of the step family against mpmath, against a discrete family, and against spaces that were optimised."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.n_width import average_widths, snapshot_singular_values, step_bounds


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 10**9))
def test_bounds_round_outwards(n):
    bounds = step_bounds(n)
    with mp.workdps(40):
        lower, upper = mp.sqrt(mp.psi(1, n + mp.mpf(1) / 2)) / mp.pi, 1 / (2 * mp.sqrt(n))
        assert lower * (1 - mp.mpf(2) ** -50) < bounds.lower < lower
        assert upper < bounds.upper < upper * (1 + mp.mpf(2) ** -50)


def test_first_two_widths_are_exact():
    assert (step_bounds(0).lower, step_bounds(0).upper) == (1, 1)
    with mp.workdps(40):
        exact = 1 / mp.sqrt(1 + mp.e**2)
        assert step_bounds(1).lower < exact < step_bounds(1).upper
        assert step_bounds(1).upper - step_bounds(1).lower < 2e-16


@pytest.mark.parametrize("n", [2, 5, 20])
def test_discrete_family_tends_to_the_lower_bound(n):
    cells = 512
    jumps = np.tril(np.ones((cells, cells))).T  # 1 on the cells before the jump
    widths = average_widths(snapshot_singular_values(jumps, 1 / cells, np.ones(cells)))
    assert widths[n] == pytest.approx(step_bounds(n).lower, rel=n / cells)


def worst_distance(function, positions):
    """Largest distance of a step from the space of one function, given its values on equal cells."""
    function = function / np.sqrt(np.mean(function**2))
    integral = np.concatenate([[0], np.cumsum(function)]) / len(function)
    return np.sqrt(np.max(positions - integral**2))


def test_the_named_space_attains_the_exact_width_and_none_nearby_is_better():
    positions, d1 = np.linspace(0, 1, 4001), step_bounds(1).upper
    integral = np.where(positions < 2 * d1**2, positions / (2 * d1), np.sqrt(np.maximum(positions - d1**2, 0)))
    optimum = np.diff(integral) * 4000
    assert worst_distance(optimum, positions) == pytest.approx(d1, rel=1e-3)  # 4000 cells
    rng = np.random.default_rng(0)
    for size in np.geomspace(1e-3, 1, 200):
        knots = rng.normal(size=rng.integers(2, 12))
        change = np.interp(np.linspace(0, 1, 4000), np.linspace(0, 1, len(knots)), knots)
        assert worst_distance(optimum * (1 + size * change), positions) > step_bounds(1).lower


def test_bad_dimension():
    with pytest.raises(ValueError, match="n is -1; expected at least 0"):
        step_bounds(-1)
    with pytest.raises(TypeError, match=r"n is 1.0; expected an integer"):
        step_bounds(1.0)
