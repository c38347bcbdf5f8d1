"""Where memorization ends: the max-margin classifier of noisily labelled clusters as ``n, p → ∞``, ``p/n → γ > γ*``.

The labels are then separable, and descent on the logistic loss, whatever its start, converges in direction to the unit
vector θ of largest margin ``min_i e_i θ·x_i`` (Soudry et al.). With ``m = θ·v`` and ``ε = e e*``, 1 with probability
``1 − Δ/2`` and else −1, a margin k can be had with overlap m if ``E(k − εm − σZ)_+² ≤ γσ²(1 − m²)``, Z standard normal.
The largest such k, and the only m that allows it, are the limits of margin and overlap. At k = 0 this is the threshold
γ*(Δ, σ) of separability.

References
----------
Ours, by Gordon's inequality, as in A. Montanari, F. Ruan, Y. Sohn, J. Yan, "The generalization error of max-margin
linear classifiers", arXiv 1911.01544. D. Soudry, E. Hoffer, M. S. Nacson, S. Gunasekar, N. Srebro, "The implicit bias
of gradient descent on separable data", Theorem 3, arXiv 1710.10345. The model is that of S. Liu, J. Niles-Weed, N.
Razavian, C. Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy Labels", arXiv 2007.00151.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from theory._numbers import require_number
from theory.early_learning.separability import separability_threshold


@dataclass(frozen=True)
class MaxMargin:
    """The unit vector of largest margin in the limit; see `max_margin`.

    Attributes
    ----------
    margin
        ``min_i e_i θ·x_i > 0``, in units of the distance of a cluster from the origin.
    overlap
        ``θ·v``, in [0, 1).
    population_accuracy
        Probability ``Φ(θ·v/σ)`` that a fresh example is classified by its true sign. All training examples are
        classified by their labels.
    """

    margin: float
    overlap: float
    population_accuracy: float


def max_margin(gamma: float, sigma: float, Delta: float) -> MaxMargin:
    """Solve for the classifier that descent ends with when it memorizes all labels.

    Parameters
    ----------
    gamma
        Aspect ratio ``p/n``, in (γ*, 1e4]; γ* is that of `separability_threshold`.
    sigma
        Noise σ in [0.01, 10].
    Delta
        Share Δ in [0, 1] of replaced labels.

    Returns
    -------
    MaxMargin
        The overlap to about seven digits, the margin to more. It tends to 0 as ``gamma`` tends to γ*.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    sigma, Delta = require_number("sigma", sigma, 0.01, 10.0), require_number("Delta", Delta, 0.0, 1.0)
    gamma = require_number("gamma", gamma, 0.0, 1e4)
    threshold = separability_threshold(Delta, sigma).upper
    if gamma <= threshold:
        raise ValueError(f"gamma is {gamma}; expected more than the threshold {threshold:.6g}, below which not all fit")
    highest = 1.0 + sigma * (1.0 + math.sqrt(gamma))
    margin = brentq(lambda margin: _least_ratio(margin, sigma, Delta)[0] - gamma, 0.0, highest, xtol=1e-13)
    overlap = _least_ratio(margin, sigma, Delta)[1]
    return MaxMargin(float(margin), overlap, float(ndtr(overlap / sigma)))


def _least_ratio(margin: float, sigma: float, Delta: float) -> tuple[float, float]:
    """The least ``E((k − εm)/σ − Z)_+² / (1 − m²)`` over overlaps m, and where it is."""

    def ratio(overlap: float) -> float:
        true = _mean_square((margin - overlap) / sigma)
        wrong = _mean_square((margin + overlap) / sigma)
        return ((1.0 - Delta / 2.0) * true + Delta / 2.0 * wrong) / ((1.0 - overlap) * (1.0 + overlap))

    found = minimize_scalar(ratio, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-10})
    return float(found.fun), float(found.x)


def _mean_square(c: float) -> float:
    """``E(c − Z)_+²``."""
    density = math.exp(-c * c / 2.0) / math.sqrt(2.0 * math.pi)
    return (1.0 + c * c) * float(ndtr(c)) + c * density
