"""Confidence intervals that hold at any sample size, for claims about expectations and probabilities."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from verify.evidence import Evidence, Outcome, Strength


def mean_interval(sample: np.ndarray, bounds: tuple[float, float], alpha: float) -> tuple[float, float]:
    """A two-sided interval for the mean of independent draws with known bounds.

    Clopper–Pearson for draws that are all 0 or 1, else the empirical Bernstein interval of Maurer and Pontil (2009,
    Theorem 4). Both cover the mean with probability at least ``1 − alpha`` at every sample size.

    Parameters
    ----------
    sample
        Shape ``(draws,)``, at least two draws.
    bounds
        Values that no draw can leave.
    alpha
        Allowed probability of missing the mean.

    Raises
    ------
    ValueError
        If a draw lies outside ``bounds`` or there are fewer than two.
    """
    low, high = bounds
    size = len(sample)
    if size < 2:
        raise ValueError(f"sample has {size} draws; expected at least 2")
    if not (np.min(sample) >= low and np.max(sample) <= high):
        raise ValueError(f"sample leaves its bounds [{low}, {high}]: [{np.min(sample)}, {np.max(sample)}]")
    if low == 0 and high == 1 and np.isin(sample, (0, 1)).all():
        interval = stats.binomtest(int(np.sum(sample)), size).proportion_ci(1 - alpha, method="exact")
        return float(interval.low), float(interval.high)
    logarithm = math.log(4 / alpha)
    half = math.sqrt(2 * float(np.var(sample, ddof=1)) * logarithm / size)
    half += 7 * (high - low) * logarithm / (3 * (size - 1))
    mean = float(np.mean(sample))
    return max(low, mean - half), min(high, mean + half)


def mean_in_band(sample: np.ndarray, band: tuple[float, float], bounds: tuple[float, float], alpha: float) -> Evidence:
    """Decide whether the mean lies in ``band``, by :func:`mean_interval`."""
    low, high = mean_interval(sample, bounds, alpha)
    numbers = {"mean": float(np.mean(sample)), "low": low, "high": high, "draws": len(sample), "alpha": alpha}
    detail = f"{100 * (1 - alpha):.8g} % interval [{low:.6g}, {high:.6g}] over {len(sample)} draws"
    if band[0] <= low and high <= band[1]:
        return Evidence(Strength.ESTIMATED, Outcome.HOLDS, f"{detail} lies in {list(band)}", numbers)
    if high < band[0] or low > band[1]:
        return Evidence(Strength.ESTIMATED, Outcome.FAILS, f"{detail} misses {list(band)}", numbers, numbers)
    return Evidence(Strength.ESTIMATED, Outcome.UNDECIDED, f"{detail} straddles the edge of {list(band)}", numbers)
