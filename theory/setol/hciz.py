"""The Harish-Chandra–Itzykson–Zuber integral of rank one over the orthogonal group, at finite N and in the limit.

For a real symmetric N × N matrix A and a unit vector u uniform on the sphere,

    ``I_N(θ) = (1/N) ln E exp(N θ uᵀ A u)``.

Finite N: with ``b_j = N θ λ_j``, ``E exp(Σ b_j u_j²) = Γ(N/2) (1/2πi) ∮ e^s Π_j (s − b_j)^{−1/2} ds`` around all b_j
(the Laplace transform in the squared length of a normal vector). Limit: ``½ ∫_0^{2θ} R(w) dw`` while ``2θ ≤ G(λ₊)``.

References
----------
A. Guionnet, M. Maïda, "A Fourier view on the R-transform and related asymptotics of spherical integrals", J. Funct.
Anal. 222 (2005) 435. T. Tanaka, "Asymptotics of Harish-Chandra–Itzykson–Zuber integrals and free probability theory",
J. Phys.: Conf. Ser. 95 (2008) 012002. C. H. Martin, C. Hinrichs, "SETOL", arXiv 2507.17912, Section 4 and appendix,
which use the limit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theory._numbers import Floats, require_number
from theory.setol._spectra import as_reals
from theory.setol.free_probability import atoms_and_masses, spectrum_r_transform

_DEPTH = 46.0  # the contour is followed until the integrand falls by e^{−46} from its maximum
_FINEST = 1 << 16
_LARGEST = 1e140


def hciz_rank_one(theta: float, x: Any) -> float:
    """Return ``I_N(θ) = (1/N) ln E exp(N θ uᵀ A u)`` for the N eigenvalues of A, without sampling.

    The contour is the hyperbola ``s(v) = s_0 + c (1 − cosh v + i sinh v)`` through the real saddle point ``s_0``, at
    the distance ``c = s_0 − max b_j`` from the branch cut: it bends to the left, where ``e^s`` decays, keeps clear of
    the cut, and the trapezoidal rule in v converges geometrically. Points are doubled until two sums agree.

    Parameters
    ----------
    theta
        θ, real, in inverse units of the eigenvalues.
    x
        All N eigenvalues, shape (N,), N ≥ 2, real and finite, with ``|θ λ| ≤ 1e140``; zeros count.

    Returns
    -------
    float
        To a relative error of about 1e−13 of ``max|θ λ| + ln N``.

    Raises
    ------
    TypeError, ValueError
        For input other than described above.
    ArithmeticError
        If the sum does not converge, which has not been seen.
    """
    theta, eigenvalues = require_number("theta", theta, -math.inf, math.inf), as_reals("x", x)
    if eigenvalues.ndim != 1 or len(eigenvalues) < 2:
        raise ValueError(f"x has shape {eigenvalues.shape}; expected (N,) with N at least 2")
    size = len(eigenvalues)
    if (largest := abs(theta) * float(np.abs(eigenvalues).max())) > _LARGEST:
        raise ValueError(f"theta times x reaches {largest}; expected at most {_LARGEST}")
    exponents = size * theta * eigenvalues
    shift = float(exponents.max())
    gaps = shift - exponents  # ≥ 0; s is measured from the largest exponent
    saddle = _saddle(gaps)
    points, previous = 64, math.inf
    while points <= _FINEST:
        value = _log_contour_integral(gaps, saddle, points)
        if abs(value - previous) <= 4e-15 * (size + abs(value)):
            return (shift + math.lgamma(size / 2.0) + value) / size
        points, previous = 2 * points, value
    raise ArithmeticError(f"the contour sum did not converge with {_FINEST} points for N = {size}, theta = {theta}")


def hciz_rank_one_limit(theta: float, x: Any, weights: Any = None, edge: float | None = None) -> float:
    """Return ``lim I_N(θ)`` for a limiting law given by atoms, or a quadrature rule of it.

    With the R-transform ``r = R(2θ)`` it is ``½ ∫_0^{2θ} R(w) dw = θ r − ½ ∫ ln(1 + 2θ (r − λ)) ρ(λ) dλ`` for ``2θ ≤
    G(λ₊)``. Beyond, u aligns with the largest eigenvalue and r stays at ``λ₊ − 1/(2θ)``: the R-transform no longer
    enters.

    Parameters
    ----------
    theta
        θ ≥ 0, in inverse units of the eigenvalues.
    x, weights
        As for `theory.setol.free_probability.spectrum_r_transform`.
    edge
        λ₊, the limit of the largest eigenvalue, at least that of x and by default that. A rule with K nodes for a
        density with a square-root edge is good to about ``K^{−3}`` beyond the threshold.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For input other than described above.

    References
    ----------
    Guionnet and Maïda 2005, for real symmetric matrices on both sides of the threshold.
    """
    theta = require_number("theta", theta, 0.0, math.inf)
    atoms, masses = atoms_and_masses(x, weights)
    if edge is not None:
        edge = require_number("edge", edge, float(atoms[-1]), math.inf)
    if theta == 0.0:
        return 0.0
    r = spectrum_r_transform(2.0 * theta, atoms, masses)
    if edge is not None:
        r = max(r, edge - 0.5 / theta)
    return theta * r - 0.5 * float((masses * np.log1p(2.0 * theta * (r - atoms))).sum())


def _saddle(gaps: Floats) -> float:
    """Root s > 0 of ``½ Σ 1/(s + gaps) = 1``, by Newton's method for the convex reciprocal, from the left."""
    s = 0.5
    for _ in range(100):
        terms = 1.0 / (s + gaps)
        total = float(terms.sum())
        step = total * (0.5 * total - 1.0) / float((terms * terms).sum())
        s += step
        if abs(step) <= 1e-15 * s:
            break
    return s


def _log_contour_integral(gaps: Floats, saddle: float, points: int) -> float:
    """Logarithm of ``(1/2πi) ∮ e^s Π (s + gaps)^{−1/2} ds`` over the upper half of the contour, doubled by symmetry."""
    levels, counts = np.unique(gaps, return_counts=True)
    top = saddle - 0.5 * float((counts * np.log(saddle + levels)).sum())
    end = _end(levels, counts, saddle, top)
    v = end * np.arange(points + 1) / points
    s = saddle * (2.0 - np.cosh(v) + 1j * np.sinh(v))
    phase = np.array([value - 0.5 * (counts * np.log(value + levels)).sum() for value in s])
    integrand = (np.exp(phase - top) * saddle * (np.cosh(v) + 1j * np.sinh(v))).real
    integrand[0] *= 0.5
    return top + math.log(integrand.sum() * end / points / math.pi)


def _end(levels: Floats, counts: Any, saddle: float, top: float) -> float:
    """Where on the contour the integrand is negligible."""
    v = 0.0
    step = 1.0 / math.sqrt(1.0 + 0.5 * saddle**2 * float((counts / (saddle + levels) ** 2).sum()))
    while True:
        v += step
        s = saddle * (2.0 - math.cosh(v) + 1j * math.sinh(v))
        if (s - 0.5 * (counts * np.log(s + levels)).sum()).real - top < -_DEPTH:
            return v
