"""The risk of a decoder of random features, split into bias, variance and noise, in the log domain.

Source: Chen, Hu, Shen, Ai and Suykens, "Compressing Features for Learning with Noisy Labels", Theorem 1,
arXiv 2206.13140.
"""

from __future__ import annotations

from typing import NamedTuple

import torch


class RiskDecomposition(NamedTuple):
    """``risk = bias + variance + noise``, in nats, each of the batch shape.

    Attributes
    ----------
    risk
        ``E_z Σ_y p(y) (−log q(y|z))``.
    bias
        ``KL(p ‖ q̃)``.
    variance
        ``E_z KL(q̃ ‖ q(·|z)) = −log Σ_y exp E_z log q(y|z) ≥ 0``.
    noise
        ``H(p)``, the conditional entropy of the label.
    log_mean
        ``log q̃(y)``, the normalised geometric mean of the decoders, shape ``(…, C)``.
    """

    risk: torch.Tensor
    bias: torch.Tensor
    variance: torch.Tensor
    noise: torch.Tensor
    log_mean: torch.Tensor


def bias_variance_decomposition(log_q: torch.Tensor, weights: torch.Tensor, p: torch.Tensor) -> RiskDecomposition:
    r"""Decompose ``E_{q(z|x)} E_{p(y|x)}[−log q(y|z)]`` of discrete features.

    Parameters
    ----------
    log_q
        ``log q(y|z)``, shape ``(Z, …, C)``, each last dimension normalised; ``−inf`` is a class that ``z`` excludes.
    weights
        ``q(z|x)``, shape ``(Z,)`` or ``(Z, …)``, nonnegative, sum 1 over ``z``.
    p
        ``p(y|x)``, shape ``(…, C)``, nonnegative, sum 1.

    Returns
    -------
    RiskDecomposition
        In the common dtype of the arguments. ``risk`` and ``bias`` are ``inf`` where a class of positive probability
        is excluded by some ``z`` of positive weight. Differentiable.

    Raises
    ------
    ValueError
        For shapes that do not fit, arguments that are no distributions, or decoders that exclude every class between
        them, for which the geometric mean does not exist.

    Notes
    -----
    Theorem 1 of the paper. It mixes two names for the law of the features; here they are one and the same.
    """
    weights = require_distributions(log_q, weights, p)
    log_geometric = expectation(weights, log_q, dim=0)
    normaliser = torch.logsumexp(log_geometric, dim=-1)
    if bool(torch.isneginf(normaliser).any()):
        raise ValueError("log_q excludes every class between its decoders; expected a class that all of them allow")
    log_mean = log_geometric - normaliser[..., None]
    noise = torch.special.entr(p).sum(dim=-1)
    risk = expectation(weights[..., 0], expectation(p, -log_q, dim=-1), dim=0)
    return RiskDecomposition(risk, expectation(p, -log_mean, dim=-1) - noise, -normaliser, noise, log_mean)


def expectation(weights: torch.Tensor, values: torch.Tensor, dim: int) -> torch.Tensor:
    """``Σ w v`` along a dimension, with ``0 · ∞ = 0`` also in the gradient."""
    positive = weights > 0
    return (torch.where(positive, weights, 0.0) * torch.where(positive, values, 0.0)).sum(dim=dim)


def require_distributions(log_q: torch.Tensor, weights: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """Check the arguments of :func:`bias_variance_decomposition`; return the weights in shape ``(Z, …, 1)``."""
    if log_q.ndim < 2 or log_q.shape[1:] != p.shape:
        raise ValueError(
            f"log_q has shape {tuple(log_q.shape)} and p {tuple(p.shape)}; expected (Z, ..., C) and (..., C)"
        )
    if weights.shape not in (log_q.shape[:1], log_q.shape[:-1]):
        raise ValueError(
            f"weights has shape {tuple(weights.shape)}; expected {tuple(log_q.shape[:1])} or {tuple(log_q.shape[:-1])}"
        )
    for name, law, dim in (("weights", weights, 0), ("p", p, -1), ("exp(log_q)", log_q.exp(), -1)):
        sums = law.detach().sum(dim=dim)
        slack = 64 * torch.finfo(law.dtype).eps * law.shape[dim]
        if not bool((law >= 0).all() and ((sums - 1).abs() <= slack).all()):
            raise ValueError(
                f"{name} has an entry {law.min().item()} or a sum {sums.min().item()} to "
                f"{sums.max().item()}; expected nonnegative numbers of sum 1"
            )
    return weights.view(weights.shape + (1,) * (log_q.ndim - weights.ndim)).expand(*log_q.shape[:-1], 1)
