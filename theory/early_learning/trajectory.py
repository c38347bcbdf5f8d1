"""Gradient descent of logistic regression on noisily labelled clusters, and its early phase in closed form.

Descent acts on ``θ = Θ_1 − Θ_2``, the difference of the two rows of the softmax model; descent on Θ with the same step
moves θ twice as far. The loss is ``L(θ) = (1/n) Σ log(1 + exp(−e_i θ·x_i))`` with

    ``∇L = (1/2n) Σ x_i (tanh(θ·x_i / 2) − e_i)``.

References
----------
S. Liu, J. Niles-Weed, N. Razavian, C. Fernandez-Granda, "Early-Learning Regularization Prevents Memorization of Noisy
Labels", Section 3 and Appendix A, arXiv 2007.00151. It prints ``tanh(θ·x_i)``. The closed forms are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from theory._numbers import Floats, as_floats, require_integer, require_number
from theory.early_learning.mixture_model import GaussianMixtureNoisyLabels
from theory.early_learning.regularizer import elr_regularizer_gradient


@dataclass(frozen=True)
class EarlyLearningTrajectory:
    """What descent did; arrays of shape (K,), one entry a recorded step, the start included.

    Attributes
    ----------
    step
        Number of descent steps taken.
    overlap, norm, distance
        ``θ·v``, ``|θ|``, ``|θ − θ_0|``.
    alignment
        ``−∇L·v / |∇L|`` of the loss that descends, in [−1, 1]; 0 where the gradient vanishes.
    wrong_accuracy, right_accuracy
        Share of the wrongly and of the rightly labelled training examples with ``θ·x`` of their *true* sign; an
        example with ``θ·x = 0`` counts half. NaN if there are no such examples.
    wrong_residual, right_residual
        Mean of ``(tanh(θ·x_i / 2) − e_i)²`` over the same two sets: twice the prediction error of the label's
        probability, squared.
    population_accuracy
        Probability that a fresh example is classified by its true sign.
    theta
        The last parameter, shape (p,).
    """

    step: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    overlap: Floats
    norm: Floats
    distance: Floats
    alignment: Floats
    wrong_accuracy: Floats
    right_accuracy: Floats
    wrong_residual: Floats
    right_residual: Floats
    population_accuracy: Floats
    theta: Floats


def early_learning_trajectory(
    data: GaussianMixtureNoisyLabels,
    *,
    eta: float,
    steps: int,
    initial: Any = None,
    every: int = 1,
    lam: float = 0.0,
    beta: float = 0.7,
) -> EarlyLearningTrajectory:
    """Run full-batch descent ``θ ← θ − η ∇L``, with early-learning regularization if ``lam`` is positive.

    Parameters
    ----------
    data
        The sample.
    eta
        Step η > 0 in θ.
    steps
        Number of steps, at least 0.
    initial
        ``θ_0``, shape (p,), finite; ``None`` draws it by `GaussianMixtureNoisyLabels.initial_parameter`.
    every
        Record each step that is a multiple of it, and the last.
    lam
        Strength λ ≥ 0 of the regularizer ``(λ/n) Σ log(1 − ⟨p_i, t_i⟩)``.
    beta
        Averaging β in [0, 1) of the targets, ``t ← β t + (1 − β) p`` before each step, ``t = 0`` at first.

    Returns
    -------
    EarlyLearningTrajectory

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    eta = require_number("eta", eta, 0.0, math.inf, open_low=True)
    steps, every = require_integer("steps", steps, 0), require_integer("every", every, 1)
    lam = require_number("lam", lam, 0.0, math.inf)
    beta = require_number("beta", beta, 0.0, math.nextafter(1.0, 0.0))
    start = data.initial_parameter() if initial is None else as_floats("initial", initial, *_FINITE)
    if start.shape != (data.p,):
        raise ValueError(f"initial has shape {start.shape}; expected ({data.p},)")
    theta, rows = start.copy(), []
    target = torch.zeros(data.n, 2, dtype=torch.float64)
    for step in range(steps + 1):
        scores = data.features @ theta
        residual = np.tanh(scores / 2.0) - data.labels
        pull = residual / 2.0
        if lam > 0.0:
            logits = torch.from_numpy(np.stack([scores, np.zeros(data.n)], axis=1))
            target = beta * target + (1.0 - beta) * torch.softmax(logits, dim=1)
            pull = pull + lam * elr_regularizer_gradient(logits, target)[:, 0].numpy()
        gradient = pull @ data.features / data.n
        if step % every == 0 or step == steps:
            rows.append((step, *_observe(data, start, theta, scores, residual, gradient)))
        if step < steps:
            theta = theta - eta * gradient
    table = np.array(rows)
    columns = {entry.name: table[:, i] for i, entry in enumerate(fields(EarlyLearningTrajectory)[1:-1], start=1)}
    return EarlyLearningTrajectory(step=table[:, 0].astype(np.int64), theta=theta, **columns)


def hitting_time(Delta: Any, m: Any) -> Any:
    """Time ``τ = η t`` at which the overlap ``θ·v`` of descent from ``θ_0 ⊥ v`` reaches ``m``, as σ → 0 and n → ∞.

    With ``a = 1 − Δ`` the overlap obeys ``dm/dτ = (a − tanh(m/2))/2``, hence with ``u = m/2``

        ``τ = 4 (−a u − ln(cosh u − sinh(u)/a)) / (1 − a²) = 4/(2 − Δ) · (u − ln(1 − Δ/(1 − Δ) · (e^{2u} − 1)/2)/Δ)``.

    Parameters
    ----------
    Delta
        Share Δ in [0, 1] of replaced labels, a number or an array.
    m
        Overlap, 0 or more, finite; broadcasts with ``Delta``.

    Returns
    -------
    float or array
        0 at ``m = 0``; infinite from ``m = ln((2 − Δ)/Δ)`` on, the Bayes logit at which early learning ends.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    Delta, m = np.broadcast_arrays(as_floats("Delta", Delta, 0.0, 1.0), as_floats("m", m, 0.0, _FINITE[1]))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        growth = np.expm1(m) / (2.0 * (1.0 - Delta))
        depleted = np.where(growth > 0.0, Delta * growth, 0.0)
        slowing = np.divide(-np.log1p(-np.minimum(depleted, 1.0)), depleted, out=np.ones(m.shape), where=depleted > 0.0)
        result = 4.0 / (2.0 - Delta) * (m / 2.0 + growth * slowing)
        result = np.where(depleted < 1.0, result, np.inf)
    result = np.where(m == 0.0, 0.0, result)
    return float(result) if result.ndim == 0 else result


def bayes_logit(Delta: Any) -> Any:
    """``ln((2 − Δ)/Δ)``, the log odds of the observed label given the true one, where early learning ends as σ → 0.

    Parameters
    ----------
    Delta
        Share Δ in [0, 1] of replaced labels, a number or an array.

    Returns
    -------
    float or array
        Infinite at 0, 0 at 1.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    Delta = as_floats("Delta", Delta, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        result = np.log1p(1.0 - Delta) - np.log(Delta)
    return float(result) if result.ndim == 0 else result


def initial_alignment(agreement: Any, gamma: Any, sigma: Any) -> Any:
    """Alignment ``−∇L(θ_0)·v / |∇L(θ_0)|`` of the first gradient, for ``|θ_0| = 2``, ``θ_0 ⊥ v``, as n, p → ∞.

    With ``a = mean(e_i e*_i)``, ``g = p/n`` and ``Z`` standard normal it is

        ``a / √(a² + σ² (g (1 + E tanh²(σZ)) + (E Z tanh(σZ))²))``.

    Parameters
    ----------
    agreement
        ``a`` in [−1, 1]: ``1 − Δ``, or its realised value in a sample.
    gamma
        Aspect ratio ``p/n`` in [0, 1e100].
    sigma
        Noise σ in [0, 100]. All three broadcast.

    Returns
    -------
    float or array
        In [−1, 1]; 0 where the gradient vanishes.

    Raises
    ------
    TypeError, ValueError
        For arguments other than described above.
    """
    a = as_floats("agreement", agreement, -1.0, 1.0)
    gamma, sigma = as_floats("gamma", gamma, 0.0, 1e100), as_floats("sigma", sigma, 0.0, 100.0)
    z = _STEP * np.arange(-_REACH / _STEP, _REACH / _STEP + 1.0)
    weight = _STEP * np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    saturation = np.tanh(sigma[..., None] * z)
    orthogonal = gamma * (1.0 + saturation**2 @ weight) + (saturation @ (z * weight)) ** 2
    length = np.hypot(a, sigma * np.sqrt(orthogonal))
    result = np.divide(a, length, out=np.zeros_like(length), where=length > 0.0)
    return float(result) if result.ndim == 0 else result


_FINITE = (-np.finfo(np.float64).max, np.finfo(np.float64).max)
_STEP, _REACH = 1.0 / 1024, 9.0  # of the trapezoidal rule, whose error is about exp(−π²/(100 step)) + exp(−reach²/2)


def _observe(
    data: GaussianMixtureNoisyLabels,
    start: Floats,
    theta: Floats,
    scores: Floats,
    residual: Floats,
    gradient: Floats,
) -> tuple[float, ...]:
    correct = (1.0 + np.sign(scores) * data.true_labels) / 2.0
    steepness = float(np.linalg.norm(gradient))
    by_label = [_mean(values[rows]) for values in (correct, residual**2) for rows in (data.wrong, ~data.wrong)]
    return (
        float(theta @ data.direction),
        float(np.linalg.norm(theta)),
        float(np.linalg.norm(theta - start)),
        float(-gradient @ data.direction) / steepness if steepness > 0.0 else 0.0,
        *by_label,
        data.population_accuracy(theta),
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else math.nan
