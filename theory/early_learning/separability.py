"""When noisy labels of the linear model can be memorized: linear separability, its sharp threshold, and a test for it.

A sample is separable through the origin if some ``θ`` has ``e_i θ·x_i > 0`` for all i. Then, and only then, descent of
the logistic loss ends with every label fitted, the wrong ones too. For ``n, p → ∞`` with ``p/n → γ`` the sample is
separable with probability tending to 1 if ``γ > γ*(Δ, σ)`` and to 0 if ``γ < γ*(Δ, σ)``, with

    ``γ* = min_t E[(Z − t V)_+²]``,    ``V = ξ (1 + σ z')``,

where ξ is −1 with probability ``Δ/2`` and else 1, and Z, z' are standard normal. Given ξ, ``Z − tV`` is normal of mean
``−tξ`` and variance ``s² = 1 + σ²t²``; with ``x = t/s`` and ``h(x) = E(Z − x)_+² = (1 + x²) Φ(−x) − x φ(x)``,

    ``γ* = min_x [(1 − Δ) h(x) + (Δ/2)(1 + x²)] / (1 − σ²x²)``    over ``0 ≤ x < 1/σ``,

a convex function of t whose minimum is enclosed in ball arithmetic.

References
----------
S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy
Labels", Theorem 6, arXiv 2007.00151, has the sufficient condition ``γ > 1 − Δ/2``. The sharp one is ours, by the
argument of E. Candès, P. Sur, "The phase transition for the existence of the maximum likelihood estimate in
high-dimensional logistic regression", Theorem 1, arXiv 1804.09753.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx
from scipy.optimize import linprog

from theory._numbers import as_floats, require_number

_BITS = 256
_HALVINGS = 120
_MARGIN = 1e-9


@dataclass(frozen=True)
class SeparabilityThreshold:
    """The sharp threshold γ*(Δ, σ) of ``p/n``; see `separability_threshold`.

    Attributes
    ----------
    gamma
        γ*, in [0, 1/2], rounded to nearest.
    lower, upper
        Certified bounds of the exact value, at most two units in the last place apart.
    """

    gamma: float
    lower: float
    upper: float


@lru_cache(maxsize=4096)
def separability_threshold(Delta: float, sigma: float) -> SeparabilityThreshold:
    """Enclose the aspect ratio ``p/n`` from which on the noisy labels are linearly separable.

    Parameters
    ----------
    Delta
        Share Δ in [0, 1] of replaced labels.
    sigma
        Noise σ in [0, 1e6].

    Returns
    -------
    SeparabilityThreshold
        1/2 for Δ = 1 (Cover's threshold of random labels) and as σ → ∞; 0 for Δ = σ = 0.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    Delta, sigma = require_number("Delta", Delta, 0.0, 1.0), require_number("sigma", sigma, 0.0, 1e6)
    if Delta == 1.0:
        return SeparabilityThreshold(0.5, 0.5, 0.5)
    if Delta == sigma == 0.0:
        return SeparabilityThreshold(0.0, 0.0, 0.0)
    with ctx.workprec(_BITS):
        law = _Objective(arb(Delta), arb(sigma))
        low, high = arb(0), arb(1)
        while sigma * high < 1 and law.slope(high) < 0:
            low, high = high, 2 * high
        if sigma * high >= 1:
            high = (1 / arb(sigma)).mid()
        for _ in range(_HALVINGS):
            middle = ((low + high) / 2).mid()
            slope = law.slope(middle)
            if slope < 0:
                low = middle
            elif slope > 0:
                high = middle
            else:
                break
        gamma = law.value(low.union(high))
    lower, upper = (math.nextafter(float(end), way) for end, way in ((gamma.lower(), 0.0), (gamma.upper(), 1.0)))
    if not upper - lower <= 4.0 * math.ulp(upper):
        raise ArithmeticError(f"no tight enclosure at Delta = {Delta}, sigma = {sigma}: {gamma}")
    return SeparabilityThreshold(float(gamma.mid()), lower, upper)


def is_separable(features: Any, labels: Any) -> bool:
    """Decide by linear programming whether some ``θ`` has ``e_i θ·x_i > 0`` for all i.

    The program ``max t`` subject to ``e_i θ·x_i ≥ t``, ``|θ_j| ≤ 1``, rows and columns brought to one scale, always has
    a solution. A margin of its ``θ`` beyond rounding proves that the sample is separable. Else its multipliers, weights
    ``μ_i ≥ 0`` of sum 1 with ``t ≤ |Σ μ_i e_i x_i|_1``, show that no margin exceeds 1e-9.

    Parameters
    ----------
    features
        ``x``, shape (n, p), finite.
    labels
        ``e``, shape (n,), entries ±1.

    Returns
    -------
    bool
        The scale of a row or of a column does not matter. A row of zeros can not be separated.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    ArithmeticError
        If the solver proves neither.
    """
    largest = np.finfo(np.float64).max
    x, e = as_floats("features", features, -largest, largest), as_floats("labels", labels, -1.0, 1.0)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"features has shape {x.shape}; expected (n, p) with n, p at least 1")
    if e.shape != (len(x),):
        raise ValueError(f"labels has shape {e.shape}; expected ({len(x)},)")
    if (unsigned := np.abs(e) != 1.0).any():
        raise ValueError(f"labels contains {e[unsigned][0]}; expected -1 or 1")
    rows = np.abs(x).max(axis=1)
    if (rows == 0.0).any():
        return False
    signed = x / rows[:, None] * e[:, None]
    columns = np.sqrt((signed**2).mean(axis=0))
    signed = signed[:, columns > 0.0] / columns[columns > 0.0]
    n, p = signed.shape
    solution = linprog(
        np.append(np.zeros(p), -1.0),
        A_ub=np.column_stack([-signed, np.ones(n)]),
        b_ub=np.zeros(n),
        bounds=[(-1.0, 1.0)] * p + [(None, None)],
        options={"presolve": False},
    )
    if solution.status != 0 or solution.x is None:
        raise ArithmeticError(f"the linear program was not solved: {solution.message}")
    theta = solution.x[:p]
    rounding = (p + 4) * np.finfo(np.float64).eps * (np.abs(signed) @ np.abs(theta))
    if (signed @ theta > rounding).all():
        return True
    weights = np.maximum(-solution.ineqlin.marginals, 0.0)
    if np.abs(weights @ signed).sum() > _MARGIN * weights.sum():
        raise ArithmeticError("the linear program neither separates the labels nor bounds the margin by 1e-9")
    return False


class _Objective:
    """The function of x that γ* is the minimum of, and a function with the sign of its derivative."""

    def __init__(self, replaced: arb, sigma: arb) -> None:
        self.replaced, self.sigma = replaced, sigma

    def value(self, x: arb) -> arb:
        return self._numerator(x) / (1 - self.sigma * self.sigma * x * x)

    def slope(self, x: arb) -> arb:
        variance = self.sigma * self.sigma
        tail, density = _tail(x), _density(x)
        derivative = (1 - self.replaced) * 2 * (x * tail - density) + self.replaced * x
        return derivative * (1 - variance * x * x) + 2 * variance * x * self._numerator(x)

    def _numerator(self, x: arb) -> arb:
        squares = 1 + x * x
        return (1 - self.replaced) * (squares * _tail(x) - x * _density(x)) + self.replaced / 2 * squares


def _tail(x: arb) -> arb:
    return (x / arb(2).sqrt()).erfc() / 2


def _density(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
