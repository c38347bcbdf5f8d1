"""The effective correlation space of a layer: the largest eigenvalues whose determinant is 1.

On the spectrum of mean 1, ``λ̂_i = λ_i M / Σ_j λ_j`` in descending order, let ``f(k) = Σ_{i≤k} ln λ̂_i``. Unless all
eigenvalues are equal ``f`` is concave with ``f(1) > 0`` and ``f(M) < 0`` (by the inequality of the arithmetic and
geometric means), so it changes its sign exactly once: the cut exists, is unique, and does not depend on the scale of
the weights.

For a maximum-likelihood power-law tail of n values with cutoff ``x̂`` on the same scale, ``Σ_tail ln λ̂ = n [ln x̂ +
1/(α̂ − 1)]``, so that the power-law tail has determinant 1 iff ``α̂ = 1 − 1 / ln x̂``: see `crossing_alpha`.

References
----------
C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912, Sections 4 and 5
(the ERG or trace-log condition ``det X̃ = 1``; Δλ_min). Uniqueness, the identity and its consequences are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import acb, arb, ctx
from scipy.optimize import brentq

from theory._numbers import Floats, require_number
from theory.setol._spectra import as_reals, as_spectrum
from theory.setol.power_law import PowerLawFit

_EPS = 2.0**-52
_BITS = 192
"""Working precision of the certified cut; the root is enclosed to half of it."""
_SUM_BITS = 2304
"""Enough for any sum of float64 numbers to be exact."""


@dataclass(frozen=True)
class ErgCut:
    """The cut of a spectrum at determinant 1; see `erg_cut`.

    Attributes
    ----------
    k
        Number of eigenvalues in the tail, the crossing one included.
    lam
        λ_ERG, the crossing eigenvalue on the scale of mean 1, in [0, 1].
    log_det
        ``Σ ln λ̂`` over the tail, at most 0 up to rounding; ``−∞`` if ``lam`` is 0.
    fraction
        ``k / M``.
    """

    k: int
    lam: float
    log_det: float
    fraction: float


@dataclass(frozen=True)
class MarchenkoPasturErgCut:
    """The cut at determinant 1 of the Marchenko–Pastur law of variance 1; see `mp_erg_cut`.

    Attributes
    ----------
    lam, lower, upper
        λ_ERG, and proved bounds of it.
    fraction
        Mass of the law above λ_ERG.
    alpha
        `crossing_alpha` of λ_ERG.
    """

    lam: float
    lower: float
    upper: float
    fraction: float
    alpha: float


def erg_cut(x: Any) -> ErgCut:
    """Return the number of eigenvalues of the least leading product below 1, on the scale of mean 1.

    ``k`` is the least one with ``λ̂_1 ⋯ λ̂_k < 1``. It is exact for the numbers passed in: where the rounding error
    of the sum of logarithms could matter, the comparison is decided in ball arithmetic.

    Parameters
    ----------
    x
        All M eigenvalues, zeros included, shape (M,), real, finite, nonnegative, not all 0, in any order and unit.

    Returns
    -------
    ErgCut
        If all eigenvalues are equal every product is 1, and the cut is defined as ``k = M``, ``lam = 1``.

    Raises
    ------
    TypeError, ValueError
        For input other than described above.

    References
    ----------
    arXiv 2507.17912, Section 5. The convention that counts the crossing eigenvalue is that of WeightWatcher's ``detX``,
    which however multiplies the eigenvalues and leaves the range of float64 from M of a few thousand on.
    """
    spectrum = _descending(x)
    size, mean = len(spectrum), _mean(spectrum)
    if spectrum[0] == spectrum[-1]:
        return ErgCut(size, 1.0, 0.0, 1.0)
    logs = _log_ratio(spectrum, mean)
    partial, count = np.cumsum(logs), np.arange(1, size + 1)
    error = _EPS * (count + 4.0) * np.cumsum(np.abs(logs) + 1.0)
    above, below = np.flatnonzero(partial > error), np.flatnonzero(partial < -error)
    low = int(above[-1]) if len(above) else 0  # the first product exceeds 1, the last is below
    high = int(below[0]) if len(below) else size - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _product_below_one(spectrum, middle + 1) else (middle, high)
    lam = float(spectrum[high] / mean)
    log_det = math.fsum(logs[: high + 1].tolist()) if lam > 0.0 else -math.inf
    return ErgCut(high + 1, lam, log_det, (high + 1) / size)


def delta_lambda_min(x: Any, fit: PowerLawFit) -> float:
    """Return Δλ_min, the cutoff of a power-law fit less that of determinant 1, both on the scale of mean 1.

    It is positive iff the power-law tail has a determinant of at least 1 on that scale, ``Σ ln λ̂ ≥ 0``, and at most 0
    iff the power-law tail contains that of determinant 1, the crossing eigenvalue included.

    Parameters
    ----------
    x
        All M eigenvalues, as for `erg_cut`.
    fit
        The fit of these eigenvalues.

    Returns
    -------
    float
        In units of the mean eigenvalue; NaN for a degenerate fit.

    Raises
    ------
    TypeError, ValueError
        As `erg_cut`.

    References
    ----------
    arXiv 2507.17912, Section 6 (the sign used there; Section 5 prints the opposite one). The equivalence is ours: the
    sums ``f(k)`` change their sign once.
    """
    return fit.xmin / _mean(_descending(x)) - erg_cut(x).lam


def crossing_alpha(lam: Any) -> Any:
    """Return ``α_c = 1 − 1 / ln λ_ERG``, the exponent at which the power-law tail is the one of determinant 1.

    As the fit of a layer moves, Δλ_min changes its sign where α passes α_c. It is 2 iff ``λ_ERG = 1/e``.

    Parameters
    ----------
    lam
        λ_ERG on the scale of mean 1, in [0, 1], a number or an array.

    Returns
    -------
    float or array
        At least 1; 1 at ``lam = 0`` and infinite at ``lam = 1``.

    Raises
    ------
    TypeError, ValueError
        For input that is not real or outside [0, 1].

    References
    ----------
    Ours: the log-determinant of a maximum-likelihood tail of cutoff x̂ is ``n [ln x̂ + 1/(α̂ − 1)]``.
    """
    lam = as_reals("lam", lam)
    if lam.min() < 0.0 or lam.max() > 1.0:
        raise ValueError(f"lam contains {lam[(lam < 0.0) | (lam > 1.0)][0]}; expected numbers in [0, 1]")
    with np.errstate(divide="ignore"):
        result = 1.0 + 1.0 / np.abs(np.log(lam))
    return float(result) if result.ndim == 0 else result


@lru_cache(maxsize=256)
def mp_erg_cut(q: float) -> MarchenkoPasturErgCut:
    """Return the cut at determinant 1 of the Marchenko–Pastur law, the limit for matrices of independent entries.

    λ_ERG solves ``∫_{λ*}^{λ₊} ln λ ρ_q(λ) dλ = 0``. With ``λ = 1 + q + 2 √q cos t`` the integral is ``(2/π) ∫_0^t ln
    λ sin² s / λ ds``; it is evaluated in ball arithmetic, and a change of its sign encloses the root, which is the
    only one since the integrand has one sign change.

    Parameters
    ----------
    q
        Aspect ratio ``M / N`` in [1e−12, 1].

    Returns
    -------
    MarchenkoPasturErgCut
        Rounded to nearest, with bounds.

    Raises
    ------
    TypeError, ValueError
        For ``q`` other than described above.

    References
    ----------
    arXiv 2507.17912, Section 5, states the condition; its solution for random matrices is ours.
    """
    q = require_number("q", q, 1e-12, 1.0)
    turn = math.acos(-math.sqrt(q) / 2.0)
    start = brentq(lambda t: float(_log_det_above(q, arb(t), 64)), turn, math.pi - 1e-3, xtol=1e-14)
    with ctx.workprec(_BITS):
        root = arb(start)
        for _ in range(3):
            step = _log_det_above(q, root, _BITS) / _log_density(q, acb(root), False).real
            root = (root - step).mid()
        radius = arb(2) ** (-_BITS // 2)
        if not (_log_det_above(q, root - radius, _BITS) > 0 > _log_det_above(q, root + radius, _BITS)):
            raise ArithmeticError(f"no certified root at q = {q}")
        t, r = root + arb(0, radius), arb(q).sqrt()
        lam = 1 + arb(q) + 2 * r * t.cos()
        phase = (r * t.sin() / (1 + r * t.cos())).atan()
        fraction = (t + ((1 - arb(q)) * phase - r * t.sin()) / arb(q)) / arb.pi()
        lower, upper = math.nextafter(float(lam.lower()), 0.0), math.nextafter(float(lam.upper()), 1.0)
        return MarchenkoPasturErgCut(float(lam), lower, upper, float(fraction), float(1 - 1 / lam.log()))


def _log_det_above(q: float, t: arb, bits: int) -> arb:
    with ctx.workprec(bits):
        return acb.integral(lambda s, analytic: _log_density(q, s, analytic), acb(0), acb(t)).real


def _log_density(q: float, s: acb, analytic: bool) -> acb:
    """``ln λ ρ(λ) |dλ/ds|``, analytic but for the cut of the logarithm."""
    lam = 1 + acb(q) + 2 * acb(q).sqrt() * s.cos()
    return 2 / acb.pi() * lam.log(analytic=analytic) * s.sin() ** 2 / lam


def _product_below_one(spectrum: Floats, k: int) -> bool:
    """Whether ``λ_1 ⋯ λ_k M^k < (Σ λ)^k``, for exactly these floats."""
    bits = 128
    while True:
        with ctx.workprec(_SUM_BITS):
            total = sum((arb(value) for value in spectrum.tolist()), arb(0))
        with ctx.workprec(bits):
            product = arb(len(spectrum)) ** k
            for value in spectrum[:k].tolist():
                product *= arb(value)
            excess = product - total**k
            if excess < 0 or excess >= 0:
                return bool(excess < 0)
        bits *= 4


def _descending(x: Any) -> Floats:
    spectrum = as_spectrum("x", x)
    if spectrum.max() == 0.0:
        raise ValueError(f"x has {len(spectrum)} entries, all 0; expected a positive one")
    return -np.sort(-spectrum)


def _mean(spectrum: Floats) -> float:
    """The mean without overflow, rounded to nearest but for one ulp."""
    scale = 2.0 ** (math.frexp(spectrum[0])[1] - 1)
    return math.fsum((spectrum / scale).tolist()) / len(spectrum) * scale


def _log_ratio(spectrum: Floats, mean: float) -> Floats:
    with np.errstate(divide="ignore", under="ignore"):
        ratio = spectrum / mean
        return np.where(ratio > 1e-300, np.log(ratio), np.log(spectrum) - math.log(mean))
