"""Conditional Cauchy–Schwarz divergence of two regressions on the same, or on different, inputs.

The divergence ``D_CS(p(y|x); q(y|x))`` integrates over x with Lebesgue measure. Its estimators are made of sums ``Σ_ij
w_ij K_ij L_ij`` of the kernels K of the inputs and L of the outputs, and differ in the weights ``w_ij``, that stand for
the density of the inputs: with ``k_i = Σ_j K_ij``,

====================  ==========================  =====================================================================
variant               weight of the pair (i, j)   properties
====================  ==========================  =====================================================================
``"psd"`` (ours)      ``1 / (k_i k_j)``           exactly a divergence between two densities on (x, y): nonnegative,
                                                  symmetric, and 0 with gradient 0 at equal outputs
``"paper"``           ``1 / k_i²``                as printed; can be negative, is not symmetric
``"repository"``      ``1 / Σ_j K_ij²``           as in the released code; weights x by its density: another estimand
====================  ==========================  =====================================================================

References
----------
S. Yu, X. Yu, S. Løkse, R. Jenssen, J. C. Príncipe, "Cauchy-Schwarz Divergence Information Bottleneck for Regression",
arXiv 2404.17951, Proposition 1. S. Yu, H. Li, S. Løkse, R. Jenssen, J. C. Príncipe, "The Conditional Cauchy-Schwarz
Divergence with Applications to Time-Series Data and Sequential Decision Making", arXiv 2301.08970 (two samples).
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

import torch

from theory._arrays import as_float64
from theory.cauchy_schwarz._conventions import Convention, log_cosine_factor
from theory.cauchy_schwarz._pairs import log_pair_sum, log_row_sums
from theory.cauchy_schwarz._samples import in_bandwidths, require_paired, working_dtype

Tensor = torch.Tensor

Variant: TypeAlias = Literal["psd", "paper", "repository"]
TwoSampleVariant: TypeAlias = Literal["psd", "paper"]


def conditional_divergence(
    x: Any,
    y: Any,
    y_hat: Any,
    bandwidth_x: Any,
    bandwidth_y: Any,
    variant: Variant = "psd",
    convention: Convention = "full",
    *,
    base: float = math.e,
) -> Any:
    """Estimate ``D_CS(p(y|x); q(ŷ|x))`` from inputs x, targets y and predictions ŷ.

    As ``bandwidth_x → 0`` (distinct x) all variants are ``−2 log mean κ(ŷ_i − y_i)``, the correntropy loss, which for
    large ``bandwidth_y`` is the mean squared error in units of its square. It takes O(N²) time and O(N) memory.

    Parameters
    ----------
    x
        Inputs (N, d), real floating, NumPy or torch; (N,) is (N, 1).
    y, y_hat
        Targets y and predictions ŷ, (N, e); (N,) is (N, 1), so that (N,) may be paired with (N, 1).
    bandwidth_x, bandwidth_y
        σ_x, σ_y > 0, in the units of x and y; numbers or 0-dimensional arrays.
    variant
        The weights, see the module. ``"psd"`` takes the least time.
    convention
        ``"full"`` for ``−2 log cos``, ``"half"`` for half of it. (Only ``"psd"`` is the angle of two functions.)
    base
        Of the logarithm: e for nats, 2 for bits.

    Returns
    -------
    scalar
        Of the kind and dtype of the arguments; finite for outputs however many bandwidths apart. Differentiable twice
        with respect to samples and bandwidths; the second derivative takes O(N²) memory. Exponentials are float64 for
        float64 input, else float32; sums are float64.

    Raises
    ------
    TypeError
        For input that is not real and floating.
    ValueError
        For empty samples, a NaN or an infinity, a bandwidth that is not positive, samples of different N, y and ŷ of
        different e, a distance above 1e150 bandwidths, an unknown variant or convention, or a base not above 1.

    References
    ----------
    arXiv 2404.17951, Proposition 1: ``log Σ_j [Σ_i K_ji L¹_ji / k_j²] + log Σ_j [Σ_i K_ji L²_ji / k_j²] − 2 log Σ_j
    [Σ_i K_ji L²¹_ji / k_j²]`` with ``L²¹_ji = κ(ŷ_j − y_i)``.

    Examples
    --------
    >>> import numpy as np
    >>> x, y, y_hat = np.array([2.0, 4.0, 3.0]), np.array([-1.0, -1.0, 1.0]), np.array([-1.0, -1.0, 2.0])
    >>> round(float(conditional_divergence(x, y, y_hat, 1.0, 3.0)), 12)
    0.013957609575
    >>> round(float(conditional_divergence(x, y, y_hat, 1.0, 3.0, variant="paper")), 12)
    -0.007297634774
    """
    _require_variant(variant, get_args(Variant))
    factor = log_cosine_factor(convention, base)
    (x, y, y_hat, width_x, width_y), restore = as_float64(
        x=x, y=y, y_hat=y_hat, bandwidth_x=bandwidth_x, bandwidth_y=bandwidth_y
    )
    (inputs,) = in_bandwidths("bandwidth_x", width_x, x=x)
    targets, predictions = in_bandwidths("bandwidth_y", width_y, y=y, y_hat=y_hat)
    require_paired(x=x, y=y, y_hat=y_hat)
    dtype = working_dtype(restore)
    if variant == "psd":
        left = right = -log_row_sums(inputs, inputs, dtype)
    else:
        left = -2 * log_row_sums(inputs, inputs, dtype) if variant == "paper" else -_log_square_sums(inputs, dtype)
        right = torch.zeros_like(left)
    first = 0 if inputs.requires_grad else inputs.shape[1]
    p, q = torch.cat([inputs, targets], 1), torch.cat([inputs, predictions], 1)
    within = log_pair_sum(p, p, left, right, dtype, first) + log_pair_sum(q, q, left, right, dtype, first)
    return restore(factor * (0.5 * within - log_pair_sum(q, p, left, right, dtype, first)))


def conditional_divergence_two_sample(
    x1: Any,
    y1: Any,
    x2: Any,
    y2: Any,
    bandwidth_x: Any,
    bandwidth_y: Any,
    variant: TwoSampleVariant = "psd",
    convention: Convention = "full",
    *,
    base: float = math.e,
) -> Any:
    """Estimate ``D_CS(p(y|x); q(y|x))`` from a sample of pairs of each, at different inputs.

    Parameters
    ----------
    x1, y1
        N pairs of the first distribution, (N, d) and (N, e), real floating, NumPy or torch; (N,) is (N, 1).
    x2, y2
        M pairs of the second, (M, d) and (M, e).
    bandwidth_x, bandwidth_y
        σ_x, σ_y > 0, in the units of x and y; numbers or 0-dimensional arrays.
    variant
        ``"psd"`` (ours) weights each pair by ``1 / (k_i k_j)``, each k from its own sample: nonnegative, symmetric, 0
        for equal samples. For equal inputs it is `conditional_divergence`. ``"paper"`` weights the pair (j, i) within a
        sample by ``1 / k_j²`` and across samples by the reciprocal of ``Σ_i K_ji`` over the one sample times that over
        the other.
    convention, base
        As for `conditional_divergence`.

    Returns
    -------
    scalar
        Kind, dtype, gradients and cost as for `conditional_divergence`.

    Raises
    ------
    TypeError, ValueError
        As `conditional_divergence`.

    References
    ----------
    arXiv 2301.08970.
    """
    _require_variant(variant, get_args(TwoSampleVariant))
    factor = log_cosine_factor(convention, base)
    (x1, y1, x2, y2, width_x, width_y), restore = as_float64(
        x1=x1, y1=y1, x2=x2, y2=y2, bandwidth_x=bandwidth_x, bandwidth_y=bandwidth_y
    )
    inputs = in_bandwidths("bandwidth_x", width_x, x1=x1, x2=x2)
    outputs = in_bandwidths("bandwidth_y", width_y, y1=y1, y2=y2)
    require_paired(x1=x1, y1=y1)
    require_paired(x2=x2, y2=y2)
    dtype = working_dtype(restore)
    p, q = (torch.cat(pair, 1) for pair in zip(inputs, outputs, strict=True))
    own_p, own_q = (-log_row_sums(points, points, dtype) for points in inputs)
    zero_p, zero_q = torch.zeros_like(own_p), torch.zeros_like(own_q)
    if variant == "psd":
        within = log_pair_sum(p, p, own_p, own_p, dtype) + log_pair_sum(q, q, own_q, own_q, dtype)
        return restore(factor * (0.5 * within - log_pair_sum(p, q, own_p, own_q, dtype)))
    within = log_pair_sum(p, p, 2 * own_p, zero_p, dtype) + log_pair_sum(q, q, 2 * own_q, zero_q, dtype)
    at_p, at_q = log_row_sums(inputs[0], inputs[1], dtype), log_row_sums(inputs[1], inputs[0], dtype)
    across = log_pair_sum(p, q, own_p - at_p, zero_q, dtype) + log_pair_sum(q, p, own_q - at_q, zero_p, dtype)
    return restore(factor * 0.5 * (within - across))


def _log_square_sums(points: Tensor, dtype: torch.dtype) -> Tensor:
    """``log Σ_j K_ij²``: the square of a Gaussian kernel is one of ``1/√2`` times the bandwidth."""
    narrow = math.sqrt(2.0) * points
    return log_row_sums(narrow, narrow, dtype)


def _require_variant(variant: str, choices: tuple[str, ...]) -> None:
    if variant not in choices:
        raise ValueError(f"variant is {variant!r}; expected one of {choices}")
