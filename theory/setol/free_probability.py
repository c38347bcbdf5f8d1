"""Free cumulants and R-transforms of spectral laws.

With ``G(z) = ∫ ρ(λ)/(z − λ) dλ`` and ``B(G(z)) = z`` the R-transform is ``R(w) = B(w) − 1/w = Σ_k κ_{k+1} wᵏ``. It
adds up under free convolution, and so do the free cumulants κ_k. Moments are normalised, ``m_k = (1/M) Σ λᵏ``.

The Marchenko–Pastur transforms are methods of `theory.setol.marchenko_pastur.MarchenkoPastur`.

References
----------
C. H. Martin, C. Hinrichs, "SETOL: A Semi-Empirical Theory of (Deep) Learning", arXiv 2507.17912, Section 5 (the
models of R) and appendix (table of free cumulants). A. Nica, R. Speicher, "Lectures on the Combinatorics of Free
Probability" (2006).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from flint import acb, ctx
from scipy.optimize import brentq

from theory._numbers import Floats, require_integer, require_number
from theory.setol._spectra import as_reals


def free_cumulants(moments: Sequence[Any]) -> list[Any]:
    """Return the free cumulants κ_1 … κ_n of the moments m_1 … m_n.

    The moment–cumulant relation ``m_n = Σ_s κ_s Σ_{i_1 + … + i_s = n − s} m_{i_1} ⋯ m_{i_s}`` (a sum over noncrossing
    partitions, grouped by the block of the first point; ``m_0 = 1``) is solved in turn for κ_n.

    Parameters
    ----------
    moments
        Numbers of any exact or floating kind that add and multiply: floats, fractions, symbols.

    Returns
    -------
    list
        Of the same kind and length.
    """
    cumulants: list[Any] = []
    powers = _PowersOfMoments(moments)
    for n, moment in enumerate(moments, start=1):
        known = [kappa * powers.coefficient(s, n - s) for s, kappa in enumerate(cumulants, start=1)]
        cumulants.append(sum((-term for term in known), moment))
    return cumulants


def moments_from_free_cumulants(cumulants: Sequence[Any]) -> list[Any]:
    """Return the moments m_1 … m_n of the free cumulants κ_1 … κ_n, the inverse of `free_cumulants`."""
    moments: list[Any] = []
    for n in range(1, len(cumulants) + 1):
        powers = _PowersOfMoments(moments)
        moments.append(sum((cumulants[s - 1] * powers.coefficient(s, n - s) for s in range(1, n)), cumulants[n - 1]))
    return moments


def spectrum_r_transform(w: float, x: Any, weights: Any = None) -> float:
    """Return the R-transform of the law with given atoms, by inversion of its Stieltjes transform on the real line.

    ``R(w)`` is the root r of ``Σ_i p_i (r − λ_i) / (1 + w (r − λ_i)) = 0`` with all denominators positive (this is
    ``G(r + 1/w) = w`` without the difference of large numbers); the sum increases with r, and ``R(0)`` is the mean.

    Parameters
    ----------
    w
        Real. Positive w belong to z right of the atoms, negative w to z left of them.
    x
        The atoms λ_i, real, shape (M,).
    weights
        Their probabilities p_i, shape (M,), nonnegative with a positive sum (normalised here); equal by default.

    Returns
    -------
    float
        Between the least and the largest atom.

    Raises
    ------
    TypeError, ValueError
        For input other than described above.
    """
    w, (atoms, masses) = require_number("w", w, -math.inf, math.inf), atoms_and_masses(x, weights)
    low, high = float(atoms[0]), float(atoms[-1])
    if low == high:
        return low
    if w != 0.0:
        low, high = (max(low, high - 1.0 / w), high) if w > 0.0 else (low, min(high, low - 1.0 / w))

    def balance(r: float) -> float:
        difference = r - atoms
        denominator = 1.0 + w * difference
        if denominator.min() <= 0.0:
            return -math.copysign(math.inf, w)
        return float((masses * difference / denominator).sum())

    for _ in range(200):
        middle = 0.5 * low + 0.5 * high
        if not low < middle < high:
            break
        low, high = (middle, high) if balance(middle) < 0.0 else (low, middle)
    return 0.5 * low + 0.5 * high


def inverse_wishart_r_transform(w: Any, kappa: float) -> Any:
    """R-transform of the inverse Marchenko–Pastur law of mean 1: ``R(w) = (κ − √(κ(κ − 2w))) / w``.

    It is the law of ``(1 − q) (X)^{−1}`` for ``X`` Marchenko–Pastur of variance 1 with ``κ = (1/q − 1)/2``; its
    variance is ``1/(2κ)`` and its edges are ``(κ + 1 ± √(2κ + 1))/κ``. It is evaluated as ``2 / (1 + √(1 − 2w/κ))``,
    which shows that w = 0 is no pole, ``R(0) = 1``.

    Parameters
    ----------
    w
        Complex, or real up to the branch point ``κ/2``; a number or an array.
    kappa
        > 0.

    Raises
    ------
    TypeError, ValueError
        For other input; there is no real R-transform beyond ``κ/2``, which the paper's integral leaves.

    References
    ----------
    arXiv 2507.17912, Section 5.4 (inverse Marchenko–Pastur model).
    """
    kappa = require_number("kappa", kappa, 0.0, math.inf, open_low=True)
    array = np.asarray(w)
    if array.dtype.kind != "c":
        array = as_reals("w", array)
        if array.max() > kappa / 2.0:
            raise ValueError(f"w contains {array.max()}; expected at most κ/2 = {kappa / 2.0}")
    result = 2.0 / (1.0 + np.sqrt(1.0 - 2.0 * array / kappa))
    return result.item() if result.ndim == 0 else result


def cauchy_r_transform(location: float, scale: float, half_plane: Literal["upper", "lower"] = "upper") -> complex:
    """R-transform of the Cauchy law, a constant: ``a − iγ`` from the upper half plane, ``a + iγ`` from the lower one.

    ``G(z) = 1/(z − a + iγ)`` for ``Im z > 0``. The tail has α = 2 and no mean, and yet there is an R-transform.

    Parameters
    ----------
    location, scale
        a, and γ > 0.
    half_plane
        Where z lies.
    """
    location = require_number("location", location, -math.inf, math.inf)
    scale = require_number("scale", scale, 0.0, math.inf, open_low=True)
    if half_plane not in ("upper", "lower"):
        raise ValueError(f"half_plane is {half_plane!r}; expected 'upper' or 'lower'")
    return complex(location, -scale if half_plane == "upper" else scale)


def levy_wigner_r_transform(w: complex, index: float, a: complex = 0.0, b: complex = 1.0) -> complex:
    """R-transform of a free stable law, ``R(w) = a + b w^{α_l − 1}``, principal branch.

    The density has a tail ``λ^{−α_l − 1}``, so ``α = α_l + 1``, and ``∫_0^λ b w^{α_l − 1} dw = b λ^{α − 1} / (α −
    1)`` (the paper prints ``α − 2``).

    Parameters
    ----------
    w
        Complex, not 0 for ``index < 1``.
    index
        α_l in (0, 2], not 1.
    a, b
        Shift and scale.
    """
    index = require_number("index", index, 0.0, 2.0, open_low=True)
    if index == 1.0:
        raise ValueError("index is 1.0; expected a number in (0, 2] other than 1 (see cauchy_r_transform)")
    if w == 0.0 and index < 1.0:
        raise ValueError(f"w is 0; expected another number, as R has a pole there for index = {index} < 1")
    return a + b * complex(w) ** (index - 1.0)


def two_atoms_r_transform(w: Any, mean: float, distance: float) -> Any:
    """R-transform of two equal atoms at ``m ± d``: ``m + (√(1 + 4d²w²) − 1) / (2w)``.

    Not the constant m, as a model of discrete eigenvalues by their mean has it: that is its first cumulant.

    Parameters
    ----------
    w
        Real, a number or an array.
    mean, distance
        m, and ``d ≥ 0``.
    """
    mean = require_number("mean", mean, -math.inf, math.inf)
    distance = require_number("distance", distance, 0.0, math.inf)
    w = as_reals("w", w)
    result = mean + 2.0 * distance**2 * w / (1.0 + np.hypot(1.0, 2.0 * distance * w))
    return result.item() if result.ndim == 0 else result


def power_law_stieltjes(z: complex, alpha: float, xmin: float = 1.0) -> complex:
    """Stieltjes transform of the power law ``(α − 1) xmin^{α−1} λ^{−α}`` on ``λ ≥ xmin``.

    ``G(z) = −(α − 1)/(α xmin) ₂F₁(1, α; α + 1; z/xmin)``, from ``λ = xmin/t``.

    Parameters
    ----------
    z
        Complex off the support ``[xmin, ∞)``.
    alpha
        > 1.
    xmin
        > 0.

    Raises
    ------
    TypeError, ValueError
        For other input.
    """
    alpha = require_number("alpha", alpha, 1.0, math.inf, open_low=True)
    xmin = require_number("xmin", xmin, 0.0, math.inf, open_low=True)
    z = complex(z)
    if not cmath.isfinite(z) or (z.imag == 0.0 and z.real >= xmin):
        raise ValueError(f"z is {z}; expected a finite number off the support [{xmin}, ∞)")
    return -(alpha - 1.0) / (alpha * xmin) * _hypergeometric(alpha, z / xmin)


def power_law_r_transform(w: float, alpha: float, xmin: float = 1.0) -> float:
    """R-transform of the power law on ``λ ≥ xmin``, on the part of the real line where it exists.

    The law is unbounded, so only ``z < xmin`` are real and off the support: ``w < 0``. There R exists for any ``α >
    1``, and is not analytic at 0: for α = 2 and xmin = 1 it is ``−ln|w|`` to leading order.

    Parameters
    ----------
    w
        In ``(G(0), 0) = (−(α − 1)/(α xmin), 0)``, that is ``z < 0``.
    alpha, xmin
        As for `power_law_stieltjes`.

    Raises
    ------
    TypeError, ValueError
        For other input.
    """
    alpha = require_number("alpha", alpha, 1.0, math.inf, open_low=True)
    xmin = require_number("xmin", xmin, 0.0, math.inf, open_low=True)
    w = require_number("w", w, -math.inf, 0.0)
    end = -(alpha - 1.0) / (alpha * xmin)
    if not end < w < 0.0:
        raise ValueError(f"w is {w}; expected a number in ({end}, 0)")
    low, high = math.log(-1e-18 / w), math.log(-1.0 / w)
    # z = −e^u lies between −1/|w| (as R ≥ 0) and 0
    u = brentq(lambda u: power_law_stieltjes(-math.exp(u), alpha, xmin).real - w, low, high, xtol=1e-15, rtol=1e-15)
    return -math.exp(u) - 1.0 / w


def truncated_power_law_moments(count: int, alpha: float, low: float, high: float) -> Floats:
    """Moments m_1 … m_count of the density proportional to ``λ^{−α}`` on ``[low, high]``.

    ``m_k = I(k)/I(0)`` with ``I(k) = ∫ λ^{k−α} dλ``.

    Parameters
    ----------
    count
        At least 1.
    alpha
        Any real number.
    low, high
        ``0 < low < high``.

    Returns
    -------
    array
        Shape (count,).

    Raises
    ------
    TypeError, ValueError
        For other input.
    """
    require_integer("count", count, 1)
    alpha = require_number("alpha", alpha, -math.inf, math.inf)
    low = require_number("low", low, 0.0, math.inf, open_low=True)
    high = require_number("high", high, low, math.inf, open_low=True)
    span = math.log1p((high - low) / low)
    # I(k) = low^(k − α + 1) ∫_0^span e^{(k − α + 1) u} du
    integrals = [_exponential_integral(k - alpha + 1.0, span) for k in range(count + 1)]
    return np.array([low**k * integrals[k] / integrals[0] for k in range(1, count + 1)])


def atoms_and_masses(x: Any, weights: Any) -> tuple[Floats, Floats]:
    """Ascending atoms of positive mass and their probabilities, validated; equal masses if ``weights`` is None."""
    atoms = as_reals("x", x)
    masses = np.full(atoms.shape, 1.0) if weights is None else as_reals("weights", weights)
    if atoms.ndim != 1:
        raise ValueError(f"x has shape {atoms.shape}; expected (M,)")
    if masses.shape != atoms.shape:
        raise ValueError(f"weights has shape {masses.shape}; expected the shape of x, {atoms.shape}")
    if masses.min() < 0.0 or masses.max() == 0.0:
        raise ValueError(f"weights ranges over [{masses.min()}, {masses.max()}]; expected nonnegative, not all 0")
    order = np.argsort(atoms, kind="stable")
    order = order[masses[order] > 0.0]
    return atoms[order], masses[order] / masses.sum()


class _PowersOfMoments:
    """Coefficients of ``(1 + m_1 z + m_2 z² + …)^s``, with memory."""

    def __init__(self, moments: Sequence[Any]) -> None:
        self._moments: list[Any] = [1, *moments]
        self._known: dict[tuple[int, int], Any] = {}

    def coefficient(self, power: int, degree: int) -> Any:
        if power == 1 or degree == 0:
            return self._moments[degree]
        if (power, degree) not in self._known:
            products = (self._moments[i] * self.coefficient(power - 1, degree - i) for i in range(degree + 1))
            self._known[power, degree] = sum(products)
        return self._known[power, degree]


def _hypergeometric(a: float, z: complex) -> complex:
    """``₂F₁(1, a; a + 1; z)`` to the last bits, in ball arithmetic."""
    bits = 128
    while True:
        with ctx.workprec(bits):
            value = acb(z).hypgeom_2f1(1, a, a + 1)
        if value.rel_accuracy_bits() >= 56:
            return complex(value)
        bits *= 2


def _exponential_integral(rate: float, span: float) -> float:
    return math.expm1(rate * span) / rate if rate != 0.0 else span
