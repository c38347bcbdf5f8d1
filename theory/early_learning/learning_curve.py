"""The whole learning curve of linear regression on noisily labelled clusters, in closed form.

Gradient flow of ``L(θ) = |Xθ − e|²/(2n)`` from ``θ = 0`` has the training outputs ``H e``, ``H = 1 − exp(−τ XXᵀ/n)``.
As ``n, p → ∞`` with ``p/n → g``, the output of an example times its true sign is normal. With ``f(λ) = 1 − e^{−λτ}``
and ``a = 1 − Δ`` it has

    mean ``a ⟨f⟩* − (1 + a) ⟨f⟩`` if its label is wrong, ``a ⟨f⟩* + (1 − a) ⟨f⟩`` if it is right,
    variance ``a² Var* f + (1 − a²) Var f``,

where ``⟨·⟩`` is the mean under the spectral law μ of ``XXᵀ/n``, and ``⟨·⟩*`` that under its spectral law μ* in the
direction of the true labels. On the bulk ``λ = σ² |w|²``, ``w = 1 + √g e^{iφ}``, ``0 < φ < π``, both are elementary:

    ``dμ = (2g/π) sin²φ / |w|² dφ``,    ``dμ* = (2g/π) σ² (1 + gσ²) sin²φ / (|w|² |1 − σ²√g e^{iφ}|²) dφ``;

at 0 they have the masses ``(1 − g)_+`` and ``(1 − g)_+ σ²/(1 + σ²)``, and at ``λ_1 = (1 + σ²)(1 + gσ²)`` μ* has the
rest, ``(1 − gσ⁴)_+ / (1 + σ²)``. True labels are learned on the time scale 1 of that spike, wrong ones
are memorized on that of the bulk, ``1/σ²``.

References
----------
Ours, by the spectral law of a spiked sample covariance: F. Benaych-Georges, R. R. Nadakuditi, "The singular values and
vectors of low rank perturbations of large rectangular random matrices", arXiv 1103.2221. The model is that of S. Liu,
J. Niles-Weed, N. Razavian, C. Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy Labels",
Section 3, arXiv 2007.00151.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import exprel, ndtr

from theory._numbers import Floats, as_floats, require_number

_ORDER = 14
_LEVELS = 28
_BLOCK = 1 << 19


@dataclass(frozen=True)
class LearningCurve:
    """Accuracies by the *true* labels; arrays of the shape of the times.

    Attributes
    ----------
    wrong, right
        Share of the wrongly and of the rightly labelled training examples that are classified by their true sign, in
        [0, 1]. ``1 − wrong`` is the share of wrong labels that are memorized.
    """

    wrong: Floats
    right: Floats


@dataclass(frozen=True)
class SpectralLaws:
    """μ and μ* as weights on common points, which integrate the functions above to about 1e-12; see `spectral_laws`.

    Attributes
    ----------
    eigenvalues
        λ, shape (K,), ascending on the bulk, preceded by 0 and followed by the spike.
    density, signal_density
        Weights of μ and of μ*, shape (K,), nonnegative; each sums to 1.
    """

    eigenvalues: Floats
    density: Floats
    signal_density: Floats


def squared_loss_learning_curve(gamma: float, sigma: float, Delta: float, times: Any) -> LearningCurve:
    """Evaluate the learning curve of gradient flow from zero on the squared loss, as n, p → ∞.

    Parameters
    ----------
    gamma
        Aspect ratio ``p/n`` in [0, 1e6].
    sigma
        Noise σ in [0, 1e6].
    Delta
        Share Δ in [0, 1] of replaced labels; half of these are wrong. At 0 the curve of wrong labels is that of a
        vanishing share of them.
    times
        ``τ ≥ 0``, learning rate times steps, of any shape; infinity included.

    Returns
    -------
    LearningCurve
        At τ = 0, where all outputs vanish, the limit τ → 0. Where no output depends on the data in the limit, 1/2.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.

    Examples
    --------
    >>> squared_loss_learning_curve(0.9, 0.2, 0.4, [1, 10, 100]).wrong.round(3)
    array([1.   , 0.796, 0.055])
    """
    laws = spectral_laws(gamma, sigma)
    agreement = 1.0 - require_number("Delta", Delta, 0.0, 1.0)
    times = as_floats("times", times, 0.0, math.inf)
    wrong, right = np.empty(times.size), np.empty(times.size)
    rows = max(1, _BLOCK // len(laws.eigenvalues))
    for start in range(0, times.size, rows):
        part = slice(start, start + rows)
        wrong[part], right[part] = _accuracies(laws, agreement, times.ravel()[part, None])
    return LearningCurve(wrong.reshape(times.shape), right.reshape(times.shape))


def spectral_laws(gamma: float, sigma: float) -> SpectralLaws:
    """Discretise the spectral laws of ``XXᵀ/n``, plain and in the direction of the true labels.

    Gauss–Legendre panels in φ that halve towards both ends resolve the eigenvalues near 0 that matter late, and the
    peak of μ* next to the spike's threshold ``σ²√g = 1``.

    Parameters
    ----------
    gamma
        Aspect ratio ``p/n`` in [0, 1e6].
    sigma
        Noise σ in [0, 1e6].

    Returns
    -------
    SpectralLaws

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    g, variance = require_number("gamma", gamma, 0.0, 1e6), require_number("sigma", sigma, 0.0, 1e6) ** 2
    r = math.sqrt(g)
    tilt = variance * r
    half_sine, half_cosine = np.sin(_ANGLES / 2.0), np.cos(_ANGLES / 2.0)
    modulus = (1.0 - r) ** 2 + 4.0 * r * half_cosine**2
    peak = (1.0 - tilt) ** 2 + 4.0 * tilt * half_sine**2
    with np.errstate(divide="ignore", invalid="ignore"):
        bulk = (2.0 * g / math.pi) * _WEIGHTS * np.sin(_ANGLES) ** 2 / modulus
        signal = bulk * (variance * (1.0 + g * variance) / peak)
    null, spike = max(0.0, 1.0 - g), max(0.0, 1.0 - tilt * tilt) / (1.0 + variance)
    return SpectralLaws(
        np.concatenate([[0.0], variance * modulus, [(1.0 + variance) * (1.0 + g * variance)]]),
        np.concatenate([[null], bulk, [0.0]]),
        np.concatenate([[null * variance / (1.0 + variance)], signal, [spike]]),
    )


def _graded_rule() -> tuple[Floats, Floats]:
    """Nodes and weights on (0, π), descending, from panels that halve towards both ends."""
    edges = np.concatenate([[0.0], math.pi / 2.0 * 0.5 ** np.arange(_LEVELS - 1, -1, -1)])
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    half, middle = np.diff(edges) / 2.0, (edges[1:] + edges[:-1]) / 2.0
    first, weight = (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()
    return np.concatenate([math.pi - first, first[::-1]]), np.concatenate([weight, weight[::-1]])


_ANGLES, _WEIGHTS = _graded_rule()


def _accuracies(laws: SpectralLaws, agreement: float, times: Floats) -> tuple[Floats, Floats]:
    """Accuracies at times of shape (T, 1); outputs are divided by τ < 1, which no sign notices."""
    lam = laws.eigenvalues
    with np.errstate(invalid="ignore", over="ignore"):
        decay = np.where(lam > 0.0, -np.expm1(-lam * times), 0.0)
        fitted = np.where(times < 1.0, lam * exprel(-lam * np.minimum(times, 1.0)), decay)
    plain, signal = fitted @ laws.density, fitted @ laws.signal_density
    spread = agreement**2 * ((fitted - signal[:, None]) ** 2 @ laws.signal_density)
    spread += (1.0 - agreement**2) * ((fitted - plain[:, None]) ** 2 @ laws.density)
    margins = (agreement * signal - (1.0 + agreement) * plain, agreement * signal + (1.0 - agreement) * plain)
    wrong, right = (_normal_cdf_of_ratio(margin, np.sqrt(spread)) for margin in margins)
    return wrong, right


def _normal_cdf_of_ratio(mean: Floats, deviation: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(ndtr(np.where(mean == 0.0, 0.0, mean / deviation)))
