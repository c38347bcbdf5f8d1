"""Cauchy–Schwarz divergence and maximum mean discrepancy of two samples.

With a Gaussian kernel of bandwidth σ both compare the Parzen densities ``p̂, q̂`` of bandwidth ``σ/√2``: the sums over
pairs of points are the integrals ``∫p̂², ∫q̂², ∫p̂q̂`` up to one constant, and exactly so, diagonal terms included.
Therefore the estimate is nonnegative, and 0 only if the two Parzen densities agree.

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951, Section 2.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from theory._arrays import Restore, as_float64
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor
from theory.cauchy_schwarz._pairs import log_pair_mean
from theory.cauchy_schwarz._samples import in_bandwidths, working_dtype

Tensor = torch.Tensor


def divergence(x: Any, y: Any, bandwidth: Any, convention: Convention = "full", *, base: float = math.e) -> Any:
    """Estimate the Cauchy–Schwarz divergence ``D_CS(p; q)`` from a sample of p and one of q.

    ``log mean κ(x_i − x_j) + log mean κ(y_i − y_j) − 2 log mean κ(x_i − y_j)`` in the full convention, with ``κ(u) =
    exp(−‖u‖² / 2σ²)``. It takes O(N²) time and O(N) memory.

    Parameters
    ----------
    x, y
        Samples (N, d) and (M, d), real floating, NumPy or torch; (N,) is (N, 1).
    bandwidth
        σ > 0, in the units of the samples; a number or a 0-dimensional array. The estimate tends to the divergence of
        the densities smoothed by a Gaussian of variance ``σ²/2``, not to that of the densities.
    convention
        ``"full"`` for ``−2 log cos``, ``"half"`` for ``−log cos`` of the angle between the Parzen densities in L².
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar
        Of the kind and dtype of the arguments; finite, symmetric, and nonnegative up to rounding (of order 1e−16 in
        float64, 1e−8 in float32). Differentiable twice with respect to samples and bandwidth; the second derivative
        takes O(NM) memory. Exponentials are float64 for float64 input, else float32; sums are float64.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For an empty sample, a NaN or an infinity, a bandwidth that is not positive, samples that differ in d, a
        distance above 1e150 bandwidths, an unknown convention, or a base that is not above 1.

    References
    ----------
    arXiv 2404.17951, Section 2 (the empirical estimator of the divergence).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(divergence(np.zeros(3), np.ones(5), bandwidth=1.0)), 12)
    1.0
    """
    factor = log_cosine_factor(convention, base)
    of_x, of_y, of_both, restore = _log_means(x, y, bandwidth)
    return restore(factor * (0.5 * (of_x + of_y) - of_both))


def mmd2(x: Any, y: Any, bandwidth: Any) -> Any:
    """Squared maximum mean discrepancy, biased: ``mean κ(x_i − x_j) + mean κ(y_i − y_j) − 2 mean κ(x_i − y_j)``.

    It is ``a² + b² − 2ab e^{−D/2}`` for the norms a, b of the two mean embeddings and the full divergence D of
    `divergence`.

    Parameters
    ----------
    x, y, bandwidth
        As for `divergence`.

    Returns
    -------
    scalar
        Between 0 and 2 up to rounding; kind, dtype, gradients and cost as for `divergence`.

    Raises
    ------
    TypeError, ValueError
        As `divergence`.

    References
    ----------
    A. Gretton et al., "A Kernel Two-Sample Test", JMLR 13 (2012) 723, Equation 5. arXiv 2404.17951, Section 2.
    """
    of_x, of_y, of_both, restore = _log_means(x, y, bandwidth)
    return restore(torch.expm1(of_x) + torch.expm1(of_y) - 2 * torch.expm1(of_both))


def _log_means(x: Any, y: Any, bandwidth: Any) -> tuple[Tensor, Tensor, Tensor, Restore]:
    """Log-means of the kernel over pairs within x, within y, and across."""
    (x, y, bandwidth), restore = as_float64(x=x, y=y, bandwidth=bandwidth)
    a, b = in_bandwidths("bandwidth", bandwidth, x=x, y=y)
    dtype = working_dtype(restore)
    return log_pair_mean(a, a, dtype), log_pair_mean(b, b, dtype), log_pair_mean(a, b, dtype), restore
