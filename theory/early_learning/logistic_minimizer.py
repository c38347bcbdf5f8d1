"""Where logistic regression on noisily labelled clusters ends, as ``n, p → ∞`` with ``p/n → γ`` below ``γ*(Δ, σ)``.

The labels are then not separable and descent converges to the minimiser of the loss. With ``ε = e e*`` (1 with
probability ``1 − Δ/2``, else −1) and ``ℓ(s) = ln(1 + e^{−εs})`` let ``P(w)`` minimise ``(s − w)²/(2κ) + ℓ(s)``. The
score ``θ·x`` of a training example times its true sign is distributed as ``P(W)``, ``W ~ N(m, σ²(m² + ρ²))``, where the
overlap ``m = θ·v``, the length ``ρ`` of the rest of θ and ``κ`` solve

    ``E (W − P)² = γ σ² ρ²``,    ``E κℓ''(P)/(1 + κℓ''(P)) = γ``,    ``E P = (1 + γσ²) m``.

Since ``P(w) = 0`` at ``w = −κε/2``, accuracies are normal probabilities. Expectations are integrals over ``P``: ``W``
is an elementary function of it. The solution is followed from small γ, where it is explicit, to the γ asked for.

References
----------
Ours, by the argument of P. Sur, E. Candès, "A modern maximum-likelihood theory for high-dimensional logistic
regression", Theorem 2, arXiv 1803.06964. The model is that of S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda,
"Early-Learning Regularization Prevents Memorization of Noisy Labels", Section 3, arXiv 2007.00151.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, root
from scipy.special import expit, ndtr

from theory._numbers import Floats, require_number
from theory.early_learning.separability import separability_threshold

_NODES = np.linspace(-8.5, 8.5, 501)  # of the trapezoidal rule for a standard normal variable
_WEIGHTS = np.exp(-(_NODES**2) / 2.0) * (_NODES[1] - _NODES[0]) / math.sqrt(2.0 * math.pi)
_REACH, _WIDTH = (
    8.5,
    0.25,
)  # range and step of that rule over P, in standard deviations of W and in scales of its density
_FIRST, _GROWTH = 0.02, 1.3  # γ/γ* of the first solution; largest change of it, or of its distance from 1, to the next
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class LogisticMinimizer:
    """The minimiser of the logistic loss in the limit; see `logistic_minimizer`.

    Attributes
    ----------
    overlap, noise_norm
        ``m = θ·v`` and ``ρ = |θ − m v|``.
    step
        ``κ``, by which a training example's own label moves its score.
    wrong, right
        Share of the wrongly and of the rightly labelled training examples that are classified by their true sign.
    population_accuracy
        Probability that a fresh example is.
    """

    overlap: float
    noise_norm: float
    step: float
    wrong: float
    right: float
    population_accuracy: float


def logistic_minimizer(gamma: float, sigma: float, Delta: float) -> LogisticMinimizer:
    """Solve for the minimiser of the logistic loss when the labels cannot all be memorized.

    Parameters
    ----------
    gamma
        Aspect ratio ``p/n``, in (0, γ*); γ* is that of `separability_threshold`.
    sigma
        Noise σ in [0.01, 10].
    Delta
        Share Δ in (0, 1) of replaced labels.

    Returns
    -------
    LogisticMinimizer
        The norms grow without bound as ``gamma`` tends to γ*; as it tends to 0 the overlap tends to the population's.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    ArithmeticError
        If the equations were not solved, which may happen next to γ*.
    """
    sigma = require_number("sigma", sigma, 0.01, 10.0)
    Delta = require_number("Delta", Delta, 1e-6, 1.0 - 1e-6)
    threshold = separability_threshold(Delta, sigma).lower
    gamma = require_number("gamma", gamma, 1e-6, math.inf)
    if gamma >= threshold:
        raise ValueError(f"gamma is {gamma}; expected less than the threshold {threshold:.6g}, from which on all fit")
    ratio = min(_FIRST, gamma / threshold)
    unknowns = _small_ratio(threshold * ratio, sigma, Delta / 2.0)
    while True:
        unknowns = root(_residuals, unknowns, args=(threshold * ratio, sigma, Delta / 2.0), tol=1e-12).x
        if ratio == gamma / threshold:
            break
        ratio = min(_GROWTH * ratio, 1.0 - (1.0 - ratio) / _GROWTH, gamma / threshold)
    if not np.abs(_residuals(unknowns, gamma, sigma, Delta / 2.0)).max() < _TOLERANCE:
        raise ArithmeticError(f"no solution found at gamma = {gamma}, sigma = {sigma}, Delta = {Delta}")
    overlap, noise_norm, step = np.exp(unknowns).tolist()
    spread = sigma * math.hypot(overlap, noise_norm)
    accuracies = (float(ndtr((overlap + shift) / spread)) for shift in (-step / 2.0, step / 2.0, 0.0))
    return LogisticMinimizer(overlap, noise_norm, step, *accuracies)


def _small_ratio(gamma: float, sigma: float, wrong: float) -> Floats:
    """The solution ``ln (m, ρ, κ)`` to leading order in γ."""

    def mean_slope(overlap: float) -> float:
        scores = overlap + sigma * overlap * _NODES
        return float((expit(scores) - (1.0 - wrong)) * (1.0 + sigma * _NODES) @ _WEIGHTS)

    bound = 1.0
    while mean_slope(bound) < 0.0:
        bound *= 2.0
    overlap = brentq(mean_slope, 0.0, bound)
    scores = overlap + sigma * overlap * _NODES
    curvature = float(expit(scores) * expit(-scores) @ _WEIGHTS)
    squares = float(((1.0 - wrong) * expit(-scores) ** 2 + wrong * expit(scores) ** 2) @ _WEIGHTS)
    noise_norm = math.sqrt(gamma * squares) / (sigma * curvature)
    return np.log([overlap, noise_norm, gamma / curvature])


def _residuals(unknowns: Floats, gamma: float, sigma: float, wrong: float) -> Floats:
    """The three equations at ``ln (m, ρ, κ)``."""
    overlap, noise_norm, step = np.exp(unknowns).tolist()
    spread = sigma * math.hypot(overlap, noise_norm)
    reach = _REACH * spread + step
    width = _WIDTH * min(1.0, spread / (1.0 + step / 4.0))
    moved = overlap + np.linspace(-reach, reach, math.ceil(2.0 * reach / width))
    slope = expit(moved)
    curvature = step * slope * (1.0 - slope)
    means = np.zeros(3)
    for share, pull in ((1.0 - wrong, slope - 1.0), (wrong, slope)):
        density = np.exp(-(((moved + step * pull - overlap) / spread) ** 2) / 2.0) * (1.0 + curvature)
        functions = ((step * pull) ** 2, curvature / (1.0 + curvature), moved)
        means += share * np.array([function @ density for function in functions]) / density.sum()
    squares, shrinkage, mean = means
    return np.array(
        [
            math.log(squares / (gamma * (sigma * noise_norm) ** 2)),
            math.log(shrinkage / gamma),
            mean / overlap - (1.0 + gamma * sigma**2),
        ]
    )
