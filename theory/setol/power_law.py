"""Maximum-likelihood power-law fits of a tail, with the lower cutoff chosen by the Kolmogorov–Smirnov distance.

The tail ``x ≥ xmin`` of a sample (here: the eigenvalues of a layer) is modelled by the density
``(α − 1) xmin^{α−1} x^{−α}``, ``α > 1``. For each candidate cutoff the exponent is the maximum-likelihood one and ``D``
measures how far the tail is from the model; the candidate of least ``D`` wins.

The exact scan
--------------
Write ``l_j = ln(x_j / x_M)`` for the sorted sample, ``n_i`` for the size of the tail from ``i`` on, and ``S_i =
Σ_{j≥i} (l_j − l_i)``. The recurrence ``S_i = S_{i+1} + n_{i+1} (l_{i+1} − l_i)`` has nonnegative terms only, so all
exponents ``α_i = 1 + n_i / S_i`` cost O(M) and suffer no cancellation. ``D_i`` is a maximum over the tail,

    ``D_i = max_{j≥i} |d_ij|``,    ``d_ij = 1 − e^{−(α_i − 1)(l_j − l_i)} − (j − i) / n_i``,

so the maximum over any part of the tail is a lower bound. The scan bounds all candidates at a few quantiles of their
tails, computes ``D`` in full for the candidate of the least bound, and uses the points of the sample where its
maximum is attained to raise the bounds of all other candidates, since neighbouring cutoffs deviate from the model at
the same points. It ends when no bound is below the least ``D`` found. The result is that of the scan over all
candidates, ties included, in about O(M log M) operations where M² / 2 would be needed. (The cutting-plane scan is
ours.)

References
----------
A. Clauset, C. R. Shalizi, M. E. J. Newman, "Power-law distributions in empirical data", SIAM Review 51 (2009) 661,
arXiv 0706.1062: Equations 3.1, 3.2, 3.9. C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep)
Learning", arXiv 2507.17912: α of the eigenvalues of a layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from theory._numbers import Floats, require_integer, require_number
from theory.setol._spectra import as_spectrum

Distance: TypeAlias = Literal["csn", "two-sided"]
Status: TypeAlias = Literal["success", "degenerate"]

_PROBES = 8  # quantiles of each tail at which the first bounds are taken
_BLOCK = 1 << 15  # deviations computed at a time
_SLACK = 1e-13  # bounds and distances may differ by rounding


@dataclass(frozen=True)
class PowerLawFit:
    """A fitted tail ``(α − 1) xmin^{α−1} x^{−α}``; see `fit_power_law`.

    Attributes
    ----------
    alpha
        Exponent α > 1 of the density (that of the tail distribution is ``α − 1``).
    xmin
        Lower cutoff, in the units of the sample.
    D
        Distance between the tail and the model, in [0, 1].
    n_tail
        Number of values ``x ≥ xmin``, ties included; 0 in a degenerate fit.
    sigma
        Asymptotic standard error ``(α − 1) / √n_tail``. It is conditional on ``xmin``: after a scan the spread of α
        over samples is larger (see `theory.setol.goodness_of_fit.bootstrap_interval`).
    sigma_exact
        Standard deviation of the estimator for ``n_tail`` independent values at the fitted α and ``xmin``. With
        ``n = n_tail`` it is ``(α − 1) n / ((n − 1) √(n − 2))`` for a given ``xmin``, and
        ``(α − 1) n / ((n − 2) √(n − 3))`` for a scanned one, which is itself one of the values; infinite where the
        variance is (``n ≤ 2``, ``n ≤ 3``).
    index
        Position of the tail in the ascending sample, zeros included: ``n_tail`` is the size of the sample less
        ``index``. −1 in a degenerate fit.
    status
        ``"success"``, or ``"degenerate"`` where no tail can be fitted; then ``alpha``, ``xmin``, ``D``, ``sigma`` and
        ``sigma_exact`` are NaN.
    ks, min_tail, scanned
        How the fit was made: the arguments, and whether ``xmin`` was scanned.
    """

    alpha: float
    xmin: float
    D: float
    n_tail: int
    sigma: float
    sigma_exact: float
    index: int
    status: Status
    ks: Distance
    min_tail: int
    scanned: bool


@dataclass(frozen=True)
class PowerLawScan:
    """All candidate cutoffs of a sample; arrays of one shape (C,), by ascending cutoff.

    Attributes
    ----------
    xmin
        The distinct positive values with a tail of at least ``min_tail`` values, less the largest.
    alpha, D, n_tail
        Exponent, distance and size of the tail from there on.
    index
        Position of the tail in the ascending sample.
    """

    xmin: Floats
    alpha: Floats
    D: Floats
    n_tail: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    index: np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def fit_power_law(x: Any, xmin: float | None = None, ks: Distance = "csn", min_tail: int = 2) -> PowerLawFit:
    """Fit the tail of a continuous sample by a power law, by maximum likelihood.

    Parameters
    ----------
    x
        Sample, shape (M,), real, finite, nonnegative, in any order and unit; NumPy array, tensor or sequence. Zeros
        are never part of a tail. Values are taken as exact: eigenvalues that are mere rounding noise should be zeroed
        first.
    xmin
        Lower cutoff > 0, chosen independently of the sample. ``None`` scans all distinct values but the largest, and
        takes the one of least ``D`` (of equal ones the smallest).
    ks
        ``"csn"``: ``max_j |F(x_j) − j/n|`` over the tail, ``j = 0 … n − 1``, as in Clauset's ``plfit.m`` and its
        descendants. ``"two-sided"``: the Kolmogorov–Smirnov statistic, which has ``(j + 1)/n`` too; it is larger, by at
        most ``1/n``.
    min_tail
        Least number of values in a tail, at least 2.

    Returns
    -------
    PowerLawFit
        α, ``D`` and ``index`` do not change if the sample (and ``xmin``) is multiplied by a positive number. The fit is
        degenerate if no tail has ``min_tail`` values that are not all equal to ``xmin``.

    Raises
    ------
    TypeError, ValueError
        For input other than described above.

    References
    ----------
    Clauset, Shalizi, Newman 2009, Equations 3.1 (α), 3.2 (σ), 3.9 (D). The exact deviations follow from ``Σ ln(x_j /
    xmin) ~ Gamma(n, 1/(α − 1))``, with ``n − 1`` in place of ``n`` if ``xmin`` is the least value of the tail.
    """
    sample = np.sort(as_spectrum("x", x))
    _require_options(ks, min_tail)
    if xmin is None:
        index, alpha, distance = _Tails(sample, ks, min_tail).best()
        cutoff = float(sample[index])
    else:
        cutoff = require_number("xmin", xmin, 0.0, math.inf, open_low=True)
        index, alpha, distance = _given(sample, cutoff, ks, min_tail)
    how = (ks, min_tail, xmin is None)
    if index < 0:
        return PowerLawFit(math.nan, math.nan, math.nan, 0, math.nan, math.nan, -1, "degenerate", *how)
    n = len(sample) - index
    spacings = n if xmin is not None else n - 1
    sigma = (alpha - 1.0) / math.sqrt(n)
    exact = (alpha - 1.0) * n / ((spacings - 1) * math.sqrt(spacings - 2)) if spacings > 2 else math.inf
    return PowerLawFit(alpha, cutoff, distance, n, sigma, exact, index, "success", *how)


def scan(x: Any, ks: Distance = "csn", min_tail: int = 2) -> PowerLawScan:
    """Return the fit of every candidate cutoff, for the curve of ``D`` or α against ``xmin``.

    The row of least ``D`` (the first of equal ones) is the fit that `fit_power_law` returns for much less work: this
    takes O(M²) operations.

    Parameters
    ----------
    x, ks, min_tail
        As for `fit_power_law`.

    Returns
    -------
    PowerLawScan
        Empty arrays if there is no candidate.

    Raises
    ------
    TypeError, ValueError
        As `fit_power_law`.
    """
    sample = np.sort(as_spectrum("x", x))
    _require_options(ks, min_tail)
    tails = _Tails(sample, ks, min_tail)
    distances = np.array([tails.distance(c)[0] for c in range(len(tails.starts))])
    index = tails.starts + tails.zeros
    return PowerLawScan(sample[index], tails.rates + 1.0, distances, tails.sizes, index)


class _Tails:
    """The candidate tails of an ascending sample, and their distances; candidates are numbered by ascending cutoff."""

    def __init__(self, sample: Floats, ks: Distance, min_tail: int) -> None:
        self.zeros = int(np.searchsorted(sample, 0.0, side="right"))
        positive = sample[self.zeros :]
        self.two_sided = ks == "two-sided"
        self.logs = _log_ratio(positive, positive[-1]) if len(positive) else positive
        self.positions = np.arange(len(positive), dtype=np.float64)
        remaining = len(positive) - self.positions
        sums = np.zeros_like(self.logs)
        sums[:-1] = np.cumsum((np.diff(self.logs) * remaining[1:])[::-1])[::-1]
        candidate = np.zeros(len(positive), dtype=bool)
        if len(positive):
            candidate[0] = True
            candidate[1:] = positive[1:] != positive[:-1]
            candidate &= (positive != positive[-1]) & (remaining >= min_tail)
        self.starts = np.flatnonzero(candidate)
        self.sizes = len(positive) - self.starts
        self.rates = self.sizes / sums[self.starts]

    def best(self) -> tuple[int, float, float]:
        """Position in the sample, α and ``D`` of the tail of least distance; position −1 if there is no tail."""
        if len(self.starts) == 0:
            return -1, math.nan, math.nan
        open_, bounds = np.arange(len(self.starts)), self._bounds_at_quantiles()
        best, least = -1, math.inf
        while len(open_):
            at = int(bounds.argmin())
            candidate = int(open_[at])
            distance, worst = self.distance(candidate)
            if distance < least or (distance == least and candidate < best):
                best, least = candidate, distance
            bounds[at] = math.inf
            for position in worst:
                np.maximum(bounds, self._deviations(open_, position), out=bounds)
            keep = bounds <= least + _SLACK
            open_, bounds = open_[keep], bounds[keep]
        return int(self.starts[best]) + self.zeros, float(self.rates[best]) + 1.0, least

    def distance(self, candidate: int) -> tuple[float, tuple[int, int]]:
        """``D`` of one candidate, and the positions of its greatest and least signed deviation from the model."""
        start, size, rate = self.starts[candidate], self.sizes[candidate], self.rates[candidate]
        deviation = np.expm1((self.logs[start] - self.logs[start:]) * rate)
        deviation += self.positions[:size] / size
        high, low = int(deviation.argmax()), int(deviation.argmin())
        half = 0.5 / float(size) if self.two_sided else 0.0
        distance = max(float(deviation[high]) + half, -(float(deviation[low]) + half)) + half
        return distance, (int(start) + high, int(start) + low)

    def _bounds_at_quantiles(self) -> Floats:
        bounds = np.zeros(len(self.starts))
        fractions = (np.arange(_PROBES)[:, None] + 0.5) / _PROBES
        for group in np.array_split(fractions, min(_PROBES, 1 + len(self.starts) * _PROBES // _BLOCK)):
            positions = self.starts + (self.sizes * group).astype(np.int64)
            np.maximum(bounds, self._deviations(slice(None), positions).max(axis=0), out=bounds)
        return bounds

    def _deviations(self, candidates: Any, positions: Any) -> Floats:
        """Lower bounds of ``D`` from one point of each tail; 0 for tails without it."""
        starts, sizes = self.starts[candidates], self.sizes[candidates]
        deviation = self.logs[starts] - self.logs[positions]
        deviation *= self.rates[candidates]
        np.expm1(np.minimum(deviation, 0.0, out=deviation), out=deviation)
        deviation += (positions - starts) / sizes
        half = 0.5 / sizes if self.two_sided else 0.0
        return np.where(starts <= positions, np.abs(deviation + half) + half, 0.0)


def _given(sample: Floats, xmin: float, ks: Distance, min_tail: int) -> tuple[int, float, float]:
    """Position of the tail, α and ``D`` for a cutoff that need not be a value; position −1 if degenerate."""
    index = int(np.searchsorted(sample, xmin))
    tail = sample[index:]
    n = len(tail)
    if n < min_tail or tail[-1] == xmin:
        return -1, math.nan, math.nan
    logs = np.maximum(_log_ratio(tail, tail[-1]) - float(_log_ratio(np.array([xmin]), tail[-1])[0]), 0.0)
    rate = n / float(logs.sum())
    deviation = -np.expm1(-rate * logs) - np.arange(n) / n
    distance = max(float(deviation.max()), -float(deviation.min()))
    if ks == "two-sided":
        distance = float(np.abs(deviation - 0.5 / n).max()) + 0.5 / n
    return index, 1.0 + rate, distance


def _log_ratio(values: Floats, top: float) -> Floats:
    """``ln(values / top)`` for ``0 < values ≤ top``, relatively accurate also where the ratio is near 1."""
    with np.errstate(under="ignore", divide="ignore"):
        ratio = values / top
        near = np.log1p((values - top) / top)
        far = np.log(ratio) if ratio[0] > 1e-300 else np.log(values) - math.log(top)
    return np.where(ratio > 0.5, near, far)


def _require_options(ks: str, min_tail: int) -> None:
    if ks not in get_args(Distance):
        raise ValueError(f"ks is {ks!r}; expected one of {get_args(Distance)}")
    require_integer("min_tail", min_tail, 2)
