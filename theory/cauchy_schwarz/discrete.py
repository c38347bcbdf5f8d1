"""Cauchy-Schwarz divergence of vectors, and the angle that is a metric."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from theory._arrays import as_float64, require_broadcast, require_nonnegative
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor

_NEAR = 0.5
"""Below this value of ``1 - cos`` it is found from the difference of the unit vectors."""


def discrete_divergence(p: Any, q: Any, *, convention: Convention = "full", base: float = math.e) -> Any:
    """Cauchy-Schwarz divergence between two probability vectors, or two histograms on the same equal bins.

    ``log(sum p^2 sum q^2 / (sum p q)^2)`` is also the divergence of the piecewise constant densities on equal bins,
    whose width cancels.

    Parameters
    ----------
    p, q
        Shape ``(..., n)``, nonnegative and not all 0. They need not sum to 1: the divergence does not depend on their
        scale. Leading dimensions broadcast.
    convention
        ``"full"`` for ``-2 log cos``, ``"half"`` for ``-log cos`` of the angle between the vectors.
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar or array
        Nonnegative, symmetric, 0 iff ``p`` is a multiple of ``q``, infinite iff the supports are disjoint; of the
        leading shape, and of the kind and dtype of the arguments. Evaluated in float64; near 0 the error is of order
        ``2**-52 sqrt(D)``. Differentiable where finite.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For a NaN or an infinity, negative or no positive entries, lengths that differ, leading shapes that do not
        broadcast, an unknown convention, or a base that is not above 1.

    References
    ----------
    arXiv 2404.17951 (full convention).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(discrete_divergence(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5]), base=2)), 12)
    2.0
    """
    factor = log_cosine_factor(convention, base)
    (p, q), restore = as_float64(p=p, q=q)
    if p.ndim < 1 or q.ndim < 1 or p.shape[-1] != q.shape[-1]:
        raise ValueError(f"p has shape {tuple(p.shape)} and q {tuple(q.shape)}; expected (..., n) with the same n")
    require_broadcast(p=p, q=q)
    require_nonnegative(p=p, q=q)
    p, q = _unit("p", p), _unit("q", q)
    versine = (p - q).square().sum(-1) / 2
    near = versine < _NEAR
    cosine = torch.where(near, 1.0, (p * q).sum(-1))
    return restore(-factor * torch.where(near, torch.log1p(-torch.where(near, versine, 0.0)), cosine.log()))


def angle(divergence: Any, *, convention: Convention = "full", base: float = math.e) -> Any:
    """Angle between two densities in L2, from their Cauchy-Schwarz divergence: ``arccos(exp(-D / 2))``, a metric.

    Unlike the divergence it obeys the triangle inequality.

    Parameters
    ----------
    divergence
        Nonnegative, any shape; an infinity is a right angle.
    convention, base
        Those of the divergence.

    Returns
    -------
    scalar or array
        In radians, from 0 to pi/2, with small relative error near 0 too. Its derivative is infinite at 0.

    Raises
    ------
    TypeError, ValueError
        For input that is not real and floating, a NaN, a negative divergence, an unknown convention, or a base that is
        not above 1.
    """
    factor = log_cosine_factor(convention, base)
    largest_for_infinite = torch.nan_to_num if isinstance(divergence, torch.Tensor) else np.nan_to_num
    (divergence,), restore = as_float64(divergence=largest_for_infinite(divergence, nan=math.nan))
    require_nonnegative(divergence=divergence)
    log_secant = divergence / factor
    return restore(torch.atan2((-torch.expm1(-2.0 * log_secant)).sqrt(), (-log_secant).exp()))


def _unit(name: str, vector: torch.Tensor) -> torch.Tensor:
    """The vector over its length in L2; ``ValueError`` if it is 0."""
    largest = vector.detach().amax(-1, keepdim=True)
    if bool((largest == 0.0).any()):
        raise ValueError(f"{name} has no positive entry; expected one")
    scaled = vector / largest
    length: torch.Tensor = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return scaled / length
