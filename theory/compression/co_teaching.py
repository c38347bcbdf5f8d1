"""Co-teaching: each of two networks learns from the samples on which the other has small loss.

Source: Chen, Hu, Shen, Ai and Suykens, "Compressing Features for Learning with Noisy Labels", Section on Co-teaching
and Theorem 2, arXiv 2206.13140.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from theory.compression.bias_variance import bias_variance_decomposition, expectation


class Selection(NamedTuple):
    """Which samples of a batch each network is updated on: positions, by increasing loss of the other network."""

    first: torch.Tensor
    second: torch.Tensor


def co_teaching_select(first_loss: torch.Tensor, second_loss: torch.Tensor, forget_rate: float) -> Selection:
    """Select for each network the samples of smallest loss under the other.

    Parameters
    ----------
    first_loss, second_loss
        Loss of each sample under each network, shape ``(B,)``, B ≥ 1, no NaN.
    forget_rate
        Fraction in ``[0, 1)`` of the batch that is left out; ``⌊forget_rate · B⌋`` samples are.

    Returns
    -------
    Selection
        Two integer tensors on the device of the losses. Of samples with equal loss the earlier is kept.

    Raises
    ------
    ValueError
        For losses or a rate of another kind, naming the argument.
    """
    for name, loss in (("first_loss", first_loss), ("second_loss", second_loss)):
        if loss.ndim != 1 or loss.shape != first_loss.shape or len(loss) == 0:
            raise ValueError(f"{name} has shape {tuple(loss.shape)}; expected (B,) with B >= 1, the same for both")
        if bool(torch.isnan(loss).any()):
            raise ValueError(f"{name} contains NaN; expected numbers")
    if not 0.0 <= forget_rate < 1.0:
        raise ValueError(f"forget_rate is {forget_rate}; expected a number in [0, 1)")
    size = len(first_loss)
    kept = size - math.floor(forget_rate * size * (1 + 4 * torch.finfo(torch.float64).eps))
    return Selection(torch.argsort(second_loss, stable=True)[:kept], torch.argsort(first_loss, stable=True)[:kept])


class CoTeachingShift(NamedTuple):
    """What a reweighting adds to bias and variance, in nats, each of the batch shape; ``log_alpha`` is ``(…, C)``."""

    bias: torch.Tensor
    variance: torch.Tensor
    log_alpha: torch.Tensor


def co_taught(log_q: torch.Tensor, log_w: torch.Tensor) -> torch.Tensor:
    """``log q_co(y|x, z)`` of the decoder reweighted by the peer: ``q_co = w q / C₁`` with ``C₁ = Σ_y w q``.

    Parameters
    ----------
    log_q
        ``log q(y|z)``, shape ``(Z, …, C)``, normalised.
    log_w
        ``log w(y|x)``, finite, shape ``(…, C)``; the same for all ``z``.

    Returns
    -------
    torch.Tensor
        Shape ``(Z, …, C)``, normalised.
    """
    return torch.log_softmax(log_q + log_w, dim=-1)


def co_teaching_shift(
    log_q: torch.Tensor, weights: torch.Tensor, p: torch.Tensor, log_w: torch.Tensor
) -> CoTeachingShift:
    r"""Changes of bias and variance from ``q`` to ``q_co``, without forming ``q_co``.

    With ``α(y) = E_{q̃}[w]/w(y)`` the bias changes by ``E_p[log α]``, so it decreases if and only if that is at most 0;
    the variance changes by ``E_z log C₁ − log E_{q̃}[w]``. Both are exact.

    Parameters
    ----------
    log_q, weights, p
        As for :func:`~theory.compression.bias_variance.bias_variance_decomposition`.
    log_w
        ``log w(y|x)``, finite, shape ``(…, C)``.

    Returns
    -------
    CoTeachingShift
        The two changes and ``log α``. Differentiable.

    Raises
    ------
    ValueError
        As for the decomposition, and for weights that are not finite or of another shape.

    Notes
    -----
    Ours, in the place of Theorem 2 of the paper, which does not hold as printed.
    """
    if log_w.shape != p.shape or not bool(torch.isfinite(log_w).all()):
        raise ValueError(f"log_w has shape {tuple(log_w.shape)}; expected finite numbers of shape {tuple(p.shape)}")
    log_mean = bias_variance_decomposition(log_q, weights, p).log_mean
    log_expected = torch.logsumexp(log_mean + log_w, dim=-1)
    log_c1 = torch.logsumexp(log_q + log_w, dim=-1)
    weights = weights.view(weights.shape + (1,) * (log_c1.ndim - weights.ndim))
    log_alpha = log_expected[..., None] - log_w
    return CoTeachingShift(
        expectation(p, log_alpha, dim=-1),
        expectation(weights.expand_as(log_c1), log_c1, dim=0) - log_expected,
        log_alpha,
    )
