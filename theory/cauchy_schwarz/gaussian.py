"""Divergences between Gaussians in closed form, and the mutual information of jointly Gaussian variables.

For ``p = N(mu1, S1)``, ``q = N(mu2, S2)`` with ``delta = mu1 - mu2`` and the mean covariance ``M = (S1 + S2) / 2``

    -2 log cos = delta^T M^-1 delta / 2 + 2 log|M| / 2 - log|S1| / 2 - log|S2| / 2,

where ``cos = int p q / sqrt(int p^2 int q^2)``. Log-determinants come from Cholesky factors. Where the covariances
nearly agree their difference is expanded instead, so that small divergences have a small relative error.

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951.
K. Kampa, E. Hasanbelliu, J. C. Príncipe, "Closed-form Cauchy-Schwarz PDF divergence for mixture of Gaussians",
IJCNN 2011 (half convention).
E. Lutwak, D. Yang, G. Zhang, "Cramér-Rao and moment-entropy inequalities for Renyi entropy and generalized Fisher
information", IEEE Trans. Inf. Theory 51 (2005) 473 (the Hölder family).
"""

from __future__ import annotations

import math
from typing import Any

import torch

from theory._arrays import as_float64, require_nonnegative
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor, per_nat
from theory.cauchy_schwarz._gaussians import (
    cholesky,
    is_near_zero,
    log_det,
    log_det_excess,
    require_gaussian,
    require_leading,
    require_symmetric,
    squared_length,
    whitened,
)


def gaussian_divergence(
    mu1: Any, cov1: Any, mu2: Any, cov2: Any, *, convention: Convention = "full", base: float = math.e
) -> Any:
    """Cauchy-Schwarz divergence ``D_CS(p; q)`` between two Gaussians.

    Parameters
    ----------
    mu1, mu2
        Means, shape ``(..., d)``.
    cov1, cov2
        Covariances, shape ``(..., d, d)``, symmetric positive definite. Leading dimensions broadcast.
    convention
        ``"full"`` for ``-2 log cos``, ``"half"`` for ``-log cos``, the angle being that between the densities in L2.
        Only the half convention is never above the Kullback-Leibler divergences.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar or array
        Nonnegative, symmetric, 0 iff the Gaussians are equal; of the leading shape, and of the kind and dtype of the
        arguments. Evaluated in float64. Differentiable, also where the Gaussians are equal.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For a NaN or an infinity, shapes that do not fit, covariances that are not symmetric (to 1e-6 of their largest
        entry) or not positive definite, an unknown convention, or a base that is not above 1.

    References
    ----------
    Kampa, Hasanbelliu and Príncipe (2011), one component a mixture. In parts of the Bhattacharyya distance it is
    ``4 mean + 2 covariance`` in the full convention.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.eye(1)
    >>> round(float(gaussian_divergence(np.zeros(1), one, np.full(1, 3.0), 4 * one)), 6)
    2.023144
    """
    factor = log_cosine_factor(convention, base)
    (mu1, cov1, mu2, cov2), restore = as_float64(mu1=mu1, cov1=cov1, mu2=mu2, cov2=cov2)
    first, second = _factors(mu1, cov1, mu2, cov2)
    middle = cholesky("cov1 + cov2", cov1 / 2 + cov2 / 2)
    log_cosine = -squared_length(middle, mu1 / 2 - mu2 / 2) - _covariance_part(cov1, first, cov2, second, middle)
    return restore(-factor * log_cosine)


def gaussian_kl(mu1: Any, cov1: Any, mu2: Any, cov2: Any, *, base: float = math.e) -> Any:
    """Kullback-Leibler divergence ``KL(p || q)`` of ``N(mu1, cov1)`` from ``N(mu2, cov2)``.

    Parameters
    ----------
    mu1, mu2
        Means, shape ``(..., d)``.
    cov1, cov2
        Covariances, shape ``(..., d, d)``, symmetric positive definite. Leading dimensions broadcast.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar or array
        ``(tr(S2^-1 S1) - d - log|S1| + log|S2| + delta^T S2^-1 delta) / 2``, nonnegative; kind, dtype and gradients as
        for :func:`gaussian_divergence`.

    Raises
    ------
    TypeError, ValueError
        As :func:`gaussian_divergence`.
    """
    unit = per_nat(base)
    (mu1, cov1, mu2, cov2), restore = as_float64(mu1=mu1, cov1=cov1, mu2=mu2, cov2=cov2)
    first, second = _factors(mu1, cov1, mu2, cov2)
    excess = whitened(second, cov1 - cov2)
    trace = torch.linalg.solve_triangular(second, first, upper=False).square().sum((-2, -1))
    far = trace - cov1.shape[-1] - log_det(first) + log_det(second)
    covariance_part = torch.where(is_near_zero(excess), log_det_excess(excess), far)
    return restore(unit * (covariance_part / 2 + 2 * squared_length(second, mu1 / 2 - mu2 / 2)))


def gaussian_hoelder_divergence(mu1: Any, cov1: Any, mu2: Any, cov2: Any, *, order: float, base: float = math.e) -> Any:
    """Divergence of the Hölder family between two Gaussians: KL at order 1, half Cauchy-Schwarz at order 2.

    ``D_l = log[(int q^(l-1) p)^(1/(1-l)) (int q^l)^(1/l) (int p^l)^(-1/(l(1-l)))]``, the relative Rényi power of
    Lutwak, Yang and Zhang (not the Rényi divergence of that order).

    Parameters
    ----------
    mu1, mu2
        Means, shape ``(..., d)``.
    cov1, cov2
        Covariances, shape ``(..., d, d)``, symmetric positive definite. Leading dimensions broadcast.
    order
        ``l``, a finite number of at least 1.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar or array
        Nonnegative; symmetric in the two Gaussians at order 2 only. Kind, dtype and gradients as for
        :func:`gaussian_divergence`.

    Raises
    ------
    TypeError, ValueError
        As :func:`gaussian_divergence`; ``ValueError`` for an order below 1.
    """
    unit = per_nat(base)
    if not (isinstance(order, int | float) and 1.0 <= order < math.inf):
        raise ValueError(f"order is {order!r}; expected a finite number of at least 1")
    if order == 1.0:
        return gaussian_kl(mu1, cov1, mu2, cov2, base=base)
    (mu1, cov1, mu2, cov2), restore = as_float64(mu1=mu1, cov1=cov1, mu2=mu2, cov2=cov2)
    first, second = _factors(mu1, cov1, mu2, cov2)
    step = order - 1.0
    pooled = cholesky("cov1 + cov2", (step / order) * cov1 + cov2 / order)
    excess = whitened(second, cov1 - cov2)
    part = (step / order) * excess
    log_pooled = torch.where(
        is_near_zero(part),
        part.diagonal(dim1=-2, dim2=-1).sum(-1) - log_det_excess(part),
        log_det(pooled) - log_det(second),
    )
    far = log_pooled / step - (log_det(first) - log_det(second)) / order
    near = log_det_excess(excess) / order - log_det_excess(part) / step
    covariance_part = torch.where(is_near_zero(excess), near, far)
    return restore(unit * (covariance_part / 2 + 2 / order * squared_length(pooled, mu1 / 2 - mu2 / 2)))


def gaussian_mutual_information(
    cov: Any,
    split: int,
    bandwidth_x: Any = 0.0,
    bandwidth_t: Any = 0.0,
    *,
    convention: Convention = "full",
    base: float = math.e,
) -> Any:
    """Cauchy-Schwarz mutual information of jointly Gaussian ``x`` and ``t``, and what an estimator sees of it.

    The divergence of ``N(0, cov)`` from the product of its marginals, ``sum_k [log(1 - r_k^2 / 4) - log(1 - r_k^2) /
    2]`` in canonical correlations ``r_k``. With bandwidths, the value that the estimator with Gaussian kernels
    ``exp(-|u|^2 / (2 bandwidth^2))`` converges to as the sample grows: that of ``x`` and ``t`` with independent
    noise of variance ``bandwidth^2 / 2`` added to every coordinate.

    Parameters
    ----------
    cov
        Joint covariance, shape ``(..., d, d)``, symmetric positive definite.
    split
        Number of coordinates of ``x``, which come first; at least 1 and less than ``d``.
    bandwidth_x, bandwidth_t
        Nonnegative, in the units of ``x`` and ``t``; numbers or shape ``(...)``.
    convention, base
        As for :func:`gaussian_divergence`.

    Returns
    -------
    scalar or array
        Nonnegative, 0 iff ``x`` and ``t`` are independent; kind, dtype and gradients as for
        :func:`gaussian_divergence`.

    Raises
    ------
    TypeError, ValueError
        As :func:`gaussian_divergence`; ``ValueError`` for a split outside ``1 .. d - 1`` or a negative bandwidth.
    """
    factor = log_cosine_factor(convention, base)
    (cov, width_x, width_t), restore = as_float64(cov=cov, bandwidth_x=bandwidth_x, bandwidth_t=bandwidth_t)
    require_nonnegative(bandwidth_x=width_x, bandwidth_t=width_t)
    if cov.ndim < 2 or cov.shape[-2] != cov.shape[-1]:
        raise ValueError(f"cov has shape {tuple(cov.shape)}; expected (..., d, d)")
    size = cov.shape[-1]
    if not (isinstance(split, int) and 1 <= split < size):
        raise ValueError(f"split is {split!r}; expected an integer from 1 to {size - 1}, as cov has {size} coordinates")
    require_symmetric("cov", cov)
    require_leading(cov=cov.shape[:-2], bandwidth_x=width_x.shape, bandwidth_t=width_t.shape)
    is_x = (torch.arange(size, device=cov.device) < split).to(cov.dtype)
    variance = width_x.unsqueeze(-1).square() / 2 * is_x + width_t.unsqueeze(-1).square() / 2 * (1 - is_x)
    joint = cov + torch.diag_embed(variance)
    product = joint * (is_x[:, None] == is_x)
    middle = joint / 2 + product / 2
    factors = (cholesky("cov", joint), cholesky("cov", product), cholesky("cov", middle))
    return restore(factor * _covariance_part(joint, factors[0], product, factors[1], factors[2]))


def _factors(
    mu1: torch.Tensor, cov1: torch.Tensor, mu2: torch.Tensor, cov2: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cholesky factors of both covariances, after checking all arguments."""
    require_gaussian("mu1", mu1, "cov1", cov1)
    require_gaussian("mu2", mu2, "cov2", cov2)
    if mu1.shape[-1] != mu2.shape[-1]:
        raise ValueError(f"mu1 has {mu1.shape[-1]} coordinates and mu2 {mu2.shape[-1]}; expected the same number")
    require_leading(mu1=mu1.shape[:-1], cov1=cov1.shape[:-2], mu2=mu2.shape[:-1], cov2=cov2.shape[:-2])
    return cholesky("cov1", cov1), cholesky("cov2", cov2)


def _covariance_part(
    cov1: torch.Tensor, first: torch.Tensor, cov2: torch.Tensor, second: torch.Tensor, middle: torch.Tensor
) -> torch.Tensor:
    """``(log|M| - log|S1| / 2 - log|S2| / 2) / 2``, from the factors of S1, S2 and M.

    With the half difference ``F`` of the covariances in units of ``M`` it is ``-log det(I - F^2) / 4``.
    """
    half = whitened(middle, cov1 / 2 - cov2 / 2)
    square = half @ half
    near = (half.square().sum((-2, -1)) + log_det_excess(-square)) / 4
    far = log_det(middle) / 2 - log_det(first) / 4 - log_det(second) / 4
    return torch.where(is_near_zero(square), near, far)
