"""False alarms at the stated rate, and the outliers that theory puts where it puts them."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from theory.setol import correlation_traps, tracy_widom_threshold


def test_false_alarms_do_not_exceed_the_level():
    rng = np.random.default_rng(0)
    for draw in (lambda: rng.normal(size=(60, 40)), lambda: rng.uniform(-1, 1, (60, 40))):
        found = [correlation_traps(draw(), seed, level=0.05) for seed in range(1000)]
        alarms = sum(traps.count > 0 for traps in found)
        assert alarms <= stats.binom.ppf(0.999, 1000, 0.05)
        assert np.mean([traps.z for traps in found]) == pytest.approx(-1.2, abs=0.45)


def test_structure_is_destroyed_but_the_mean_is_not():
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(300, 200))
    low_rank = 0.2 * np.outer(rng.choice([-1, 1], 300), rng.choice([-1, 1], 200))
    assert correlation_traps(weights).count == 0
    assert correlation_traps(weights + low_rank).count == 0
    shifted = correlation_traps(weights + 0.2)
    assert shifted.count == 1
    # a mean m is a spike s = m √M, at (1 + s²)(q + s²)/s² beyond the threshold q^{1/4}
    spike = 0.2**2 * 200
    assert shifted.lam_max == pytest.approx((1 + spike) * (200 / 300 + spike) / spike, rel=0.12)
    assert shifted.outliers == pytest.approx([shifted.lam_max])
    assert shifted.z > 50
    assert shifted.p_value == 0.0
    strong = correlation_traps(weights + 3.0)  # the scale is the variance about the mean
    assert strong.lam_max == pytest.approx((1 + 1800) * (200 / 300 + 1800) / 1800, rel=0.03)
    assert strong.count == 1
    subcritical = [correlation_traps(weights + 0.3 * (2 / 3) ** 0.25 / math.sqrt(200), seed) for seed in range(20)]
    assert sum(traps.count for traps in subcritical) <= 2


def test_huge_entries_are_traps_of_their_own():
    weights = np.random.default_rng(2).normal(size=(300, 200))
    weights[0, :3] = 60.0
    traps = correlation_traps(weights)
    assert traps.count == 3
    assert (np.diff(traps.outliers) <= 0).all()
    assert traps.outliers[-1] > traps.threshold


def test_transposition_and_units():
    weights = np.random.default_rng(3).normal(size=(50, 30)) + 0.3
    reference = correlation_traps(weights)
    for scale in (1e-150, -1.0, 1e150):
        scaled = correlation_traps(weights * scale)
        assert (scaled.count, scaled.threshold) == (reference.count, reference.threshold)
        assert scaled.z == pytest.approx(reference.z, rel=1e-9)
    assert correlation_traps(weights.T).threshold == reference.threshold == tracy_widom_threshold(50, 30)
    assert correlation_traps(torch.tensor(weights)) != correlation_traps(weights, seed=1)
    assert correlation_traps(torch.tensor(weights)).z == reference.z


@pytest.mark.parametrize("spread", [1e-2, 1e-5, 1e-9])
def test_a_mean_far_above_the_spread_is_one_trap(spread):
    weights = 1.0 + spread * np.random.default_rng(5).normal(size=(300, 200))
    assert correlation_traps(weights).count == 1
    assert correlation_traps(np.where(np.eye(4) > 0, 3.0, math.nextafter(3.0, 0.0))).status == "success"


def test_a_stricter_level_flags_less():
    weights = np.random.default_rng(4).standard_t(3, (80, 60))
    counts = [correlation_traps(weights, level=level).count for level in (0.5, 1e-2, 1e-6, 1e-12)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_constant_weights_are_degenerate(value):
    traps = correlation_traps(np.full((5, 4), value))
    assert (traps.count, traps.status, len(traps.outliers)) == (0, "degenerate", 0)
    assert math.isnan(traps.z)
    assert math.isnan(traps.p_value)
