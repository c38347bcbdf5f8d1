"""Cauchy-Schwarz divergence between Gaussian mixtures in closed form.

``int p q = sum_kl w_k v_l N(m_k; n_l, S_k + T_l)``, the sum being taken in log space.

References
----------
K. Kampa, E. Hasanbelliu, J. C. Príncipe, "Closed-form Cauchy-Schwarz PDF divergence for mixture of Gaussians",
IJCNN 2011 (half convention).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from theory._arrays import as_float64, require_nonnegative
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor
from theory.cauchy_schwarz._gaussians import cholesky, log_det, require_gaussian, require_leading, squared_length

_LARGEST_EXPONENT = 700.0


class _Mixture(NamedTuple):
    weights: torch.Tensor
    means: torch.Tensor
    covs: torch.Tensor


def mixture_divergence(
    w1: Any,
    means1: Any,
    covs1: Any,
    w2: Any,
    means2: Any,
    covs2: Any,
    *,
    convention: Convention = "full",
    base: float = math.e,
) -> Any:
    """Cauchy-Schwarz divergence between two Gaussian mixtures.

    Parameters
    ----------
    w1, w2
        Weights, shapes ``(..., K)`` and ``(..., L)``, nonnegative and not all 0. They need not sum to 1: the divergence
        does not depend on the scale of a density.
    means1, means2
        Shapes ``(..., K, d)`` and ``(..., L, d)``.
    covs1, covs2
        Shapes ``(..., K, d, d)`` and ``(..., L, d, d)``, symmetric positive definite. Leading dimensions broadcast.
    convention
        ``"full"`` for ``-2 log cos``, ``"half"`` for ``-log cos``, the angle being that between the densities in L2.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar or array
        Of the leading shape, and of the kind and dtype of the arguments; finite however far apart the components are,
        and exactly 0 for two mixtures given by the same numbers. Evaluated in float64 as a difference of logarithms,
        so that its absolute error is of order ``2**-52`` and a divergence below that may come out negative.
        Differentiable, at weight 0 too. Memory is ``O((K^2 + K L + L^2) d^2)``.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For a NaN or an infinity, shapes that do not fit, negative weights or weights that are all 0, covariances that
        are not symmetric (to 1e-6 of their largest entry) or not positive definite, an unknown convention, or a base
        that is not above 1.

    References
    ----------
    Kampa, Hasanbelliu and Príncipe (2011).

    Examples
    --------
    >>> import numpy as np
    >>> weights, means, covs = np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), np.ones((2, 1, 1))
    >>> round(float(mixture_divergence(weights, means, covs, weights, -means, covs)), 6)
    1.203944
    """
    factor = log_cosine_factor(convention, base)
    tensors, restore = as_float64(w1=w1, means1=means1, covs1=covs1, w2=w2, means2=means2, covs2=covs2)
    first, second = _Mixture(*tensors[:3]), _Mixture(*tensors[3:])
    _require_mixture(first, "1")
    _require_mixture(second, "2")
    size, other = first.means.shape[-1], second.means.shape[-1]
    if size != other:
        raise ValueError(f"means1 has {size} coordinates and means2 {other}; expected the same number")
    require_leading(mixture1=_leading(first), mixture2=_leading(second))
    log_norms = _log_inner_product(first, first) + _log_inner_product(second, second)
    return restore(factor * (log_norms / 2 - _log_inner_product(first, second)))


def _log_inner_product(p: _Mixture, q: _Mixture) -> torch.Tensor:
    """``log int p q`` without the factor ``(2 pi)^(-d/2)``."""
    factor = cholesky("covs1 + covs2", p.covs.unsqueeze(-3) / 2 + q.covs.unsqueeze(-4) / 2)
    half = p.means.unsqueeze(-2) / 2 - q.means.unsqueeze(-3) / 2
    log_kernel = -squared_length(factor, half) - (log_det(factor) + half.shape[-1] * math.log(2.0)) / 2
    weights, others = p.weights.unsqueeze(-1), q.weights.unsqueeze(-2)
    positive = (weights > 0.0) & (others > 0.0)
    log_weights = torch.where(weights > 0.0, weights, 1.0).log() + torch.where(others > 0.0, others, 1.0).log()
    exponent = (log_weights + log_kernel).flatten(-2)
    positive = positive.expand_as(log_kernel).flatten(-2)
    top = exponent.detach().masked_fill(~positive, -math.inf).amax(-1, keepdim=True)
    present = torch.where(positive, exponent - top, -math.inf).exp()
    absent = (weights * others * (log_kernel - top.unsqueeze(-1)).clamp(max=_LARGEST_EXPONENT).exp()).flatten(-2)
    return torch.where(positive, present, absent).sum(-1).log() + top.squeeze(-1)


def _leading(mixture: _Mixture) -> torch.Size:
    return torch.broadcast_shapes(  # type: ignore[no-any-return, no-untyped-call]
        mixture.weights.shape[:-1], mixture.means.shape[:-2], mixture.covs.shape[:-3]
    )


def _require_mixture(mixture: _Mixture, suffix: str) -> None:
    weights, means, covs = mixture
    names = {"weights": f"w{suffix}", "means": f"means{suffix}", "covs": f"covs{suffix}"}
    if weights.ndim < 1:
        raise ValueError(f"{names['weights']} is a scalar; expected shape (..., K)")
    if means.ndim < 2 or means.shape[-2] != weights.shape[-1]:
        raise ValueError(
            f"{names['means']} has shape {tuple(means.shape)}; expected (..., {weights.shape[-1]}, d), as "
            f"{names['weights']} has shape {tuple(weights.shape)}"
        )
    if covs.ndim < 3 or covs.shape[-3] != weights.shape[-1]:
        raise ValueError(
            f"{names['covs']} has shape {tuple(covs.shape)}; expected (..., {weights.shape[-1]}, d, d), as "
            f"{names['weights']} has shape {tuple(weights.shape)}"
        )
    require_gaussian(names["means"], means, names["covs"], covs)
    require_leading(
        **{
            names["weights"]: weights.shape[:-1],
            names["means"]: means.shape[:-2],
            names["covs"]: covs.shape[:-3],
        }
    )
    cholesky(names["covs"], covs)
    require_nonnegative(**{names["weights"]: weights})
    if bool((weights.sum(-1) == 0.0).any()):
        raise ValueError(f"{names['weights']} has no positive entry; expected one")
