"""Certified numbers of zeros of ``F(t) = Σ_k e^{z_k + a_k t}`` in discs, and Jensen's formula as a cross-check."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from theory._arrays import Array, as_float64, require_samples, same_kind
from theory.softmax_zeros._arb_certificate import BallSum, UndecidedCount
from theory.softmax_zeros.exponential_sum import log_modulus

__all__ = ["UndecidedCount", "count_zeros", "jensen_sum"]


def count_zeros(logits: Array, slopes: Array, R: float) -> Any:
    """Return the exact number of zeros of ``F`` in the open disc ``|t| < R``, with multiplicity.

    The winding number of ``F`` along ``|t| = R`` in ball arithmetic (python-flint); the float64 inputs are taken as
    exact numbers. Zeros come in conjugate pairs, so the number is even. About ``R (max a − min a)/π`` of them are
    found in large discs.

    Parameters
    ----------
    logits, slopes
        ``z_k`` and ``a_k``, real floating, shape (n,) or (B, n), NumPy or torch. Narrower dtypes are widened exactly.
    R
        Radius of the disc, in inverse slope units; a positive finite number.

    Returns
    -------
    int or int64 array or tensor of shape (B,)
        Zero where all slopes are equal.

    Raises
    ------
    TypeError, ValueError
        For input that is complex, integer, empty, not finite or of mismatched shape; for ``R ≤ 0``.
    UndecidedCount
        (An ``ArithmeticError``.) If a zero lies on the circle, or within about ``1e-50 R`` of it, or if the disc holds
        so many zeros that the circle would need more than 65,536 points.

    References
    ----------
    arXiv 2603.13552, Sec. 4; the subdivision test of the circle is ours.
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    outer = _positive(R)
    if z.ndim == 1:
        return _count(z, a, outer)
    counts = torch.tensor([_count(zi, ai, outer) for zi, ai in zip(z, a, strict=True)], device=z.device)
    return same_kind(logits, slopes)(counts)


def jensen_sum(logits: Array, slopes: Array, R: float, points: int = 4096) -> Any:
    """Return the mean of ``log|F(R e^{iθ})/F(0)|`` over the circle, by the trapezoidal rule in float64.

    By Jensen's formula it equals ``Σ log(R/|t_k|)`` over the zeros in the disc, so it is 0 for a disc free of zeros
    and positive otherwise: a check of any radius that shares nothing with the way it was found (not in the paper).
    The error decays geometrically in ``points`` times the distance from the circle to the nearest zero over ``R``.

    Parameters
    ----------
    logits, slopes, R
        As for :func:`count_zeros`.
    points
        Number of points on the circle.

    Returns
    -------
    float64 scalar, or array or tensor of shape (B,)
    """
    (z, a), _ = as_float64(logits=logits, slopes=slopes)
    require_samples(logits=z, slopes=a)
    outer = _positive(R)
    rows_z, rows_a = z.detach().reshape(-1, z.shape[-1]), a.detach().reshape(-1, a.shape[-1])
    angle = math.pi * (torch.arange(points // 2, dtype=z.dtype, device=z.device) + 0.5) / (points // 2)
    circle = torch.polar(torch.full_like(angle, outer), angle)
    means = [
        (log_modulus(zi.expand(len(circle), -1), ai.expand(len(circle), -1), circle) - zi.logsumexp(-1)).mean()
        for zi, ai in zip(rows_z, rows_a, strict=True)
    ]
    return same_kind(logits, slopes)(torch.stack(means).reshape(z.shape[:-1]))


def _count(logits: torch.Tensor, slopes: torch.Tensor, outer: float) -> int:
    z, a = logits.tolist(), slopes.tolist()
    return 0 if max(a) == min(a) else BallSum(z, a).count(outer)


def _positive(R: Any) -> float:
    if isinstance(R, bool) or not isinstance(R, int | float | np.floating | np.integer):
        raise TypeError(f"R is a {type(R).__name__}; expected a positive number")
    if not (math.isfinite(R) and R > 0):
        raise ValueError(f"R is {R}; expected a positive finite number")
    return float(R)
